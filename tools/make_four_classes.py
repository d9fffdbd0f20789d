"""Make the samples of the analysis in examples/four_classes.toml as ROOT files: a signal and three backgrounds.

They are toys with what real samples have: a number of jets that differs from event to event, cross sections, a process
in two slices, weights of which some are negative, event numbers to divide by, and friends. Each `<sample>.root` has a
tree `events` with `event`, `weight`, `met`, and `jet_pt` (GeV, descending) and `jet_eta` of each jet; its friend
`<sample>_btag.root` has a tree `btag`, entry by entry, with `jet_btag` of each jet and the event's scale factor `sf`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import awkward as ak
import numpy as np
import uproot

from pytmva_rnn.files import atomic_path


class Process(NamedTuple):
    """How a sample is drawn.

    Attributes
    ----------
    jets : float
        Mean number of jets beyond two.
    scale, lowest : float
        Of the falling spectrum of transverse momenta, and where it begins.
    width : float
        Of the pseudorapidities.
    b_jets : float
        Fraction of jets from b quarks.
    met : float
        Scale of the missing momentum.
    negative : float
        Fraction of negative weights.
    """

    jets: float
    scale: float
    lowest: float
    width: float
    b_jets: float
    met: float
    negative: float


SAMPLES = {
    "signal": Process(1.5, 75.0, 25.0, 1.0, 0.65, 60.0, 0.15),
    "top": Process(2.5, 60.0, 25.0, 1.2, 0.40, 50.0, 0.20),
    "w_low": Process(0.5, 22.0, 20.0, 1.9, 0.05, 40.0, 0.10),
    "w_high": Process(1.2, 60.0, 60.0, 1.6, 0.06, 70.0, 0.10),
    "multijet": Process(1.0, 35.0, 25.0, 2.2, 0.10, 12.0, 0.0),
}


def make_sample(name: str, n: int, seed: int) -> tuple[dict[str, ak.Array], dict[str, ak.Array]]:
    """Columns of a sample and of its friend.

    Parameters
    ----------
    name : str
        A key of `SAMPLES`.
    n : int
        Events.
    seed : int
        The same seed gives the same events.

    Returns
    -------
    columns, friend : dict of name -> awkward array of n events
    """
    process = SAMPLES[name]
    random = np.random.default_rng([seed, list(SAMPLES).index(name)])
    counts = 1 + random.poisson(1 + process.jets, n)
    total = int(counts.sum())
    pt = ak.unflatten(process.lowest + random.exponential(process.scale, total), counts)
    eta = random.normal(0.0, process.width, total)
    is_b = random.random(total) < process.b_jets
    tag = np.where(is_b, random.beta(5, 2, total), random.beta(1.2, 6, total))
    columns = {
        "event": ak.Array(1 + random.permutation(10 * n)[:n].astype(np.int64)),
        "weight": ak.Array(np.where(random.random(n) < process.negative, -1.0, 1.0)),
        "met": ak.Array(random.exponential(process.met, n).astype(np.float32)),
        "jet_pt": _single(ak.sort(pt, axis=1, ascending=False)),
        "jet_eta": _single(ak.unflatten(eta, counts)),
    }
    friend = {
        "jet_btag": _single(ak.unflatten(tag, counts)),
        "sf": ak.Array(random.normal(1.0, 0.05, n)),
    }
    return columns, friend


def _single(values: ak.Array) -> ak.Array:
    return ak.values_astype(values, np.float32)


def write_four_classes(folder: str | Path, n: int, seed: int) -> None:
    """Write `make_sample` of all samples as ROOT files into a folder, `n` events each."""
    for name in SAMPLES:
        for suffix, tree, columns in zip(("", "_btag"), ("events", "btag"), make_sample(name, n, seed), strict=True):
            path = Path(folder, f"{name}{suffix}.root")
            with atomic_path(path) as temporary, uproot.recreate(temporary) as file:
                file.mktree(tree, {branch: values.type.content for branch, values in columns.items()})
                file[tree].extend(columns)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0],
        epilog="example: python tools/make_four_classes.py --events 4000 four_classes",
    )
    parser.add_argument("folder", nargs="?", default="four_classes", help="to write to (default: %(default)s)")
    parser.add_argument("--events", type=int, default=4000, help="events of each sample (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1234, help="seed of the random numbers (default: %(default)s)")
    given = parser.parse_args(arguments)
    if given.events < 1:
        parser.error("--events must be at least 1")
    write_four_classes(given.folder, given.events, given.seed)
    print(f"{given.folder}: {given.events} events each of {', '.join(SAMPLES)}, with friends")


if __name__ == "__main__":
    main()
