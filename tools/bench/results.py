"""What is to be measured, and what was."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from bench.cases import CALLS, CASES, LAYERS, USUAL, Case
from bench.contestants import CONTESTANTS, Contestant
from bench.epoch import Epochs
from bench.measure import Timing, best, ratio
from bench.roofline import Peaks, Work
from pytmva_rnn.kernels.cpu.machine.concurrency import available_threads

__all__ = ["CaseResult", "Results", "Settings"]

_QUICK = 80.0
"""Seconds that leave, of two minutes, some to start and to finish what is begun."""


@dataclass(frozen=True)
class Settings:
    """What to run.

    Attributes
    ----------
    cases : tuple of Case
    layers : tuple of str
        Out of `LAYERS`.
    calls : tuple of str
        Out of `CALLS`.
    contestants : tuple of Contestant classes
        The first is the one that the others are compared with.
    threads : tuple of int
        Each contestant runs with each of these; one event is scored by pytmva_rnn on one thread in any case. 0 on a
        GPU.
    rounds : int
    seconds : float
        About how long a contestant's turn in a round is.
    working_set : int
        Bytes that the bandwidth of the memory is measured on.
    epoch_batches : int
        Batches of an epoch in the comparison of `train` with the kernels, which case 1 brings; 0 for none.
    patience : float, optional
        How many times its share of a comparison's time a contestant may take; None for any time.
    limit : float, optional
        Seconds after which no further comparison is begun.
    busy : int
        Processes that did nothing but take cores meanwhile.
    """

    cases: tuple[Case, ...] = tuple(CASES[name] for name in USUAL)
    layers: tuple[str, ...] = LAYERS
    calls: tuple[str, ...] = CALLS
    contestants: tuple[type[Contestant], ...] = CONTESTANTS
    threads: tuple[int, ...] = field(default_factory=lambda: tuple(sorted({1, available_threads()})))
    rounds: int = 9
    seconds: float = 0.15
    working_set: int = 3 << 27
    epoch_batches: int = 400
    patience: float | None = 10.0
    limit: float | None = None
    busy: int = 0

    @classmethod
    def quick(cls, **changes: Any) -> Settings:
        """Few and short rounds, no whole epochs, and an end: for a look, not for publication."""
        quick = {"rounds": 3, "seconds": 0.03, "working_set": 3 << 25, "epoch_batches": 0, "limit": _QUICK}
        return cls(**{**quick, **changes})

    @property
    def on_gpu(self) -> bool:
        """Whether the contestants compute on a GPU."""
        return self.threads == (0,)


@dataclass(frozen=True)
class CaseResult:
    """One kind of call on one network; `timings` are those of each contestant at each number of threads."""

    case: Case
    layer: str
    what: str
    timings: list[Timing]
    work: Work

    @property
    def events(self) -> int:
        """Events of a call."""
        return 1 if self.what == "one" else self.case.batch

    @property
    def ours(self) -> Timing:
        """The timing that the others are compared with."""
        return best(self.timings, self.timings[0].contestant)

    @property
    def ratios(self) -> dict[str, float]:
        """By contestant, how many times longer it takes than the first.

        The median of the ratios within a round, each side at its better number of threads.
        """
        others = dict.fromkeys(timing.contestant for timing in self.timings)
        del others[self.ours.contestant]
        return {name: ratio(best(self.timings, name), self.ours) for name in others}

    def as_data(self) -> dict[str, Any]:
        """As plain data; times are seconds of one call in each round."""
        return {
            **asdict(self),
            "case": self.case.name,
            "batch": self.case.batch,
            "ratios": self.ratios,
            "timings": [asdict(timing) | {"median": timing.seconds} for timing in self.timings],
        }

    def line(self) -> str:
        """The comparison in a line."""
        found = [f"{self.ours.contestant} {self.events / self.ours.seconds:,.0f} events/s"]
        found += [f"{name} takes {value:.2f} times as long" for name, value in self.ratios.items()]
        return f"case {self.case.name} {self.layer} {self.what}, batch {self.case.batch:,}: " + "; ".join(found)


@dataclass
class Results:
    """Everything that was measured until now, and on what.

    Attributes
    ----------
    versions : dict of str -> str
        By contestant.
    left_out : list of str
        Contestants and comparisons that were left out, and why.
    cards : list of dict
        GPUs, where they are what is measured.
    peaks : dict of int -> Peaks
        For each number of threads, the highest that were found.
    """

    machine: dict[str, Any]
    settings: Settings
    versions: dict[str, str]
    left_out: list[str]
    cards: list[dict[str, Any]] = field(default_factory=list)
    peaks: dict[int, Peaks] = field(default_factory=dict)
    comparisons: list[CaseResult] = field(default_factory=list)
    epochs: list[Epochs] = field(default_factory=list)

    def leave_out(self, reason: str) -> None:
        """Note what is left out, once."""
        if reason not in self.left_out:
            self.left_out.append(reason)
