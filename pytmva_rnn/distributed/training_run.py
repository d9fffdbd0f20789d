"""Several trainings as they become finished, and their table on disk."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytmva_rnn._version import __version__
from pytmva_rnn.config import Configuration
from pytmva_rnn.data import Dataset, Division
from pytmva_rnn.distributed.together import performance_together
from pytmva_rnn.distributed.training_plan import TrainingPlan, Writes
from pytmva_rnn.distributed.training_task import Outcome, TrainingTask
from pytmva_rnn.distributed.trainings import FailedTraining, Training, Trainings
from pytmva_rnn.distributed.variations import Variation
from pytmva_rnn.errors import TMVAError, WeightFileError
from pytmva_rnn.files import digest_of
from pytmva_rnn.options import MethodOptions, SplitOptions
from pytmva_rnn.weightfile.ensemble_index import EnsembleIndex, IndexedTraining, read_index, write_index

__all__ = ["TrainingRun"]

log = logging.getLogger("pytmva_rnn")


class TrainingRun:
    """Trainings as they become finished."""

    def __init__(self, plan: TrainingPlan, fingerprint: str, backend: str | None) -> None:
        self.done: dict[str, Training] = {}
        self.failed: dict[str, FailedTraining] = {}
        self._plan = plan
        self._fingerprint = fingerprint
        self._backend = backend
        self._by_name = {variation.name: variation for variation in plan.variations}
        self._others: dict[str, IndexedTraining] = {}
        self._warned: set[str] = set()
        seeded = any(variation.seed is not None for variation in plan.variations)
        common = replace(plan.options, random_seed=0) if seeded else plan.options
        self._family = self._digest(common, plan.variations[0].split(plan.split), alike=True)

    def missing(self) -> list[Variation]:
        """What is not finished."""
        return [variation for variation in self._plan.variations if variation.name not in self.done]

    def tasks(self, threads: int | None) -> list[TrainingTask]:
        """What workers have to do."""
        plan = self._plan
        return [
            TrainingTask(
                each.name,
                plan.data,
                self._fingerprint,
                each.split(plan.split),
                each.options(plan.options),
                plan.title,
                self._backend,
                threads,
                plan.files.get(each.name),
                plan.scalar_elements,
                plan.checkpoints.get(each.name),
                plan.resume,
                None if plan.further is None else _Also(plan.further, each),
            )
            for each in self.missing()
        ]

    def take_finished(self) -> None:
        """Trainings that the table has, of the same events and options, whose weight files are those of then."""
        path = self._plan.path
        if path is None or not path.exists():
            return
        try:
            index = read_index(path)
        except WeightFileError as error:
            log.warning("%s; all trainings are made anew", error)
            return
        self._take_others(index, path.parent)
        for member in index.members:
            variation = self._by_name.get(member.name)
            if variation is None or member.about.get("key") != self._key(variation):
                continue
            known = _numbers(member.about)
            if known is not None and _is_there(path.parent / member.weights, member.sha256):
                file = self._plan.files[member.name]
                self.done[member.name] = Training(variation, *known, file, member.sha256, was_there=True)

    def _take_others(self, index: EnsembleIndex, folder: Path) -> None:
        """Trainings of the table that are none of these, but of the same family."""
        self._others = {
            member.name: member
            for member in index.members
            if member.name not in self._by_name
            and member.about.get("family") == self._family
            and (self._others.get(member.name) == member or _is_there(folder / member.weights, member.sha256))
        }

    def add(self, outcome: Outcome, *, here: bool) -> None:
        """Keep what came back from a worker, and tell; what was warned of in this process has been told."""
        for text in () if here else outcome.warnings:
            if text not in self._warned:
                log.warning("%s: %s", outcome.name, text)
            self._warned.add(text)
        if outcome.error:
            self.failed[outcome.name] = FailedTraining(outcome.name, outcome.exit_code, outcome.error)
            log.warning("failed: %s", self.failed[outcome.name])
            return
        training = Training(
            self._by_name[outcome.name],
            outcome.numbers,
            outcome.test,
            outcome.training,
            self._plan.files.get(outcome.name),
            outcome.sha256,
            trained=outcome.model,
        )
        self.done[outcome.name] = training
        self._write()
        log.info(
            "%s: %s, %.1f s (%d of %d)",
            outcome.name,
            ", ".join(f"{name} {value:.6g}" for name, value in training.measures().items()),
            outcome.numbers["seconds"],
            len(self.done) + len(self.failed),
            len(self._plan.variations),
        )

    def results(self, events: Dataset | Division, interrupted: int) -> Trainings:
        """All there is; how the networks do together unless they were interrupted."""
        plan = self._plan
        self._write()
        done = tuple(self.done[each.name] for each in plan.variations if each.name in self.done)
        failed = tuple(self.failed[each.name] for each in plan.variations if each.name in self.failed)
        found = Trainings(done, failed, plan.rule, plan.path if done else None, None, interrupted)
        if len(done) < 2 or interrupted:
            return found
        try:
            split = plan.variations[0].split(plan.split)
            together = performance_together(found.ensemble(), events, split, backend=self._backend or "cpu")
        except TMVAError as error:
            log.warning("the networks together: %s", error)
            return found
        return replace(found, together=together)

    def _write(self) -> None:
        path = self._plan.path
        if path is None or not self.done:
            return
        with suppress(OSError, WeightFileError):  # another command may have added to the same table meanwhile
            self._take_others(read_index(path), path.parent)
        members = [
            IndexedTraining(
                each.name,
                str(each.weights.relative_to(path.parent).as_posix()),
                each.sha256,
                each.variation.fold,
                {
                    "key": self._key(each.variation),
                    "family": self._family,
                    "values": dict(each.variation.values),
                    "seed": each.variation.seed,
                    "numbers": dict(each.numbers),
                    "test": dict(each.test),
                    "training": dict(each.training),
                },
            )
            for each in (self.done[v.name] for v in self._plan.variations if v.name in self.done)
            if each.weights is not None
        ]
        write_index(EnsembleIndex((*self._others.values(), *members), self._plan.rule), path)

    def _key(self, variation: Variation) -> str:
        return self._digest(variation.options(self._plan.options), variation.split(self._plan.split), alike=False)

    def _digest(self, options: MethodOptions, split: SplitOptions, *, alike: bool) -> str:
        """What a training depends on; `alike`, those that differ in nothing but what varies share it."""
        chosen = {**split.to_dict(), **({"fold": None} if alike else {})}
        data = self._plan.data
        more = repr((data.memory, data.additions)) if isinstance(data, Configuration) else ""
        told = [__version__, self._fingerprint, str(options), chosen, self._plan.title, self._backend, more]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class _Also:
    """What a worker writes more, as what can be sent."""

    further: Writes
    variation: Variation

    def __call__(self, result: Any, parts: Division) -> None:
        self.further.write(self.variation, result, parts)


def _numbers(about: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float], dict[str, float]] | None:
    """What was measured of a finished training; None where the table does not say all of it."""
    tables = [about.get(name) for name in ("numbers", "test", "training")]
    if not all(isinstance(table, dict) and table for table in tables):
        return None
    numbers, test, training = ({str(name): value for name, value in (table or {}).items()} for table in tables)
    if any(type(value) not in (int, float) for table in (numbers, test, training) for value in table.values()):
        return None
    return (numbers, test, training) if {"validation error", "epochs", "seconds"} <= numbers.keys() else None


def _is_there(file: Path, sha256: str) -> bool:
    try:
        return digest_of(file) == sha256
    except OSError:
        return False
