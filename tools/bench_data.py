"""Time the way from a ROOT file to (n, T, D) float32, against uproot with awkward's `pad_none`.

Two samples: both jets of the quark/gluon example, and a synthetic file of a million events with three lists each, which
is made in a temporary folder. Each measurement is a process of its own, so that the peak of its memory is its own; the
two routes take turns. First they are compared: they must give the same numbers. Beside the synthetic file stands the
floor: what decompressing its baskets takes on one thread, and nothing else.

    python tools/bench_data.py [--events N] [--rounds N] [-o FILE.json]

The file is read once before the clock starts, and a small one through the same code (of the jets, which are few, all),
so that neither the disk nor compilation counts. The peak before the clock starts is stated as well.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from bench.decompression import decompressed
from bench.machine import describe_machine
from numpy.typing import NDArray

import pytmva_rnn
from pytmva_rnn.files import atomic_path

STEPS = 10
MEAN_LENGTH = 8.0
SMALL = 2_000
ROUTES = ("pytmva_rnn", "pad_none")
LISTS = ("pt", "eta", "phi")
JETS = "package://skhep_testdata/data/uproot-issue96.root"
EXAMPLES = Path(__file__).parents[1] / "examples"

Floats = NDArray[np.float32]


def make_file(path: Path, events: int) -> None:
    """Write the tree `events` with lists pt, eta and phi, of Poisson lengths, in the file's order unsorted."""
    import awkward as ak
    import uproot

    random = np.random.default_rng(1)
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        tree = file.mktree("events", dict.fromkeys(LISTS, "var * float32"), counter_name=_counter)
        for first in range(0, events, 100_000):
            lengths = random.poisson(MEAN_LENGTH, min(100_000, events - first))
            total = int(lengths.sum())
            columns = {
                "pt": random.exponential(20.0, total),
                "eta": random.normal(0.0, 1.5, total),
                "phi": random.uniform(-np.pi, np.pi, total),
            }
            tree.extend({name: ak.unflatten(flat.astype(np.float32), lengths) for name, flat in columns.items()})


def _counter(name: str) -> str:
    return f"n{name}"


def our_lists(path: str) -> Floats:
    """The synthetic file through pytmva_rnn."""
    from pytmva_rnn.data import Recipe, Source, Steps, load_inputs

    recipe = Recipe(Steps({name: name for name in LISTS}, STEPS, sort_by="pt"))
    return load_inputs(recipe, Source((path,), "events")).X


def awkward_lists(path: str) -> Floats:
    """The synthetic file through uproot and awkward."""
    import awkward as ak
    import uproot

    with uproot.open(path) as file:
        lists = file["events"].arrays(list(LISTS))
    order = ak.argsort(lists.pt, axis=1, ascending=False, stable=True)
    return _padded([lists[name][order] for name in LISTS], STEPS)


def our_jets(path: str) -> Floats:
    """The quark/gluon example through pytmva_rnn, with its own recipe."""
    from pytmva_rnn.data import Source, load

    sys.path.insert(0, str(EXAMPLES))
    from quark_gluon import CLASSES, RECIPE

    return load(RECIPE, Source((path,), "tree"), classes=CLASSES).X


def awkward_jets(path: str) -> Floats:
    """The quark/gluon example through uproot and awkward."""
    import awkward as ak
    import uproot

    from pytmva_rnn.data import Source

    (location, _), *_ = Source((path,)).locations()
    names = [f"jet{jet}{name}" for jet in (1, 2) for name in ("P4", "TrksP4", "TrksChg", "ID")]
    with uproot.open(location) as file:
        tree = file["tree"].arrays(names)
    jets = []
    for number in (1, 2):
        flavour = tree[f"jet{number}ID"]
        events = tree[((flavour >= 1) & (flavour <= 5)) | (flavour == 21)]
        track, jet = events[f"jet{number}TrksP4"].fP, events[f"jet{number}P4"].fP
        pt, jet_pt = np.hypot(track.fX, track.fY), np.hypot(jet.fX, jet.fY)
        eta = np.arcsinh(track.fZ / pt) - np.arcsinh(jet.fZ / jet_pt)
        phi = np.arctan2(track.fY, track.fX) - np.arctan2(jet.fY, jet.fX)
        phi = (phi + np.pi) % (2 * np.pi) - np.pi
        part = pt / jet_pt
        inputs = [
            _clipped(part, 0.0, 1.0),
            eta,
            phi,
            events[f"jet{number}TrksChg"],
            np.log(_clipped(part, 0.001, 1.0)),
            np.log(_clipped(np.hypot(eta, phi), 0.001, np.inf)),
        ]
        order = ak.argsort(pt, axis=1, ascending=False, stable=True)
        jets.append(_padded([values[order] for values in inputs], 6))
    return np.concatenate(jets)


def _clipped(values: Any, low: float, high: float) -> Any:
    return np.minimum(np.maximum(values, low), high)


def _padded(lists: list[Any], steps: int) -> Floats:
    import awkward as ak

    columns = [ak.to_numpy(ak.fill_none(ak.pad_none(values, steps, axis=1, clip=True), 0)) for values in lists]
    return np.stack(columns, axis=-1).astype(np.float32)


LOADERS: dict[str, dict[str, Callable[[str], Floats]]] = {
    "lists": {"pytmva_rnn": our_lists, "pad_none": awkward_lists},
    "jets": {"pytmva_rnn": our_jets, "pad_none": awkward_jets},
}


def floor(path: str) -> dict[str, Any]:
    """What decompressing the synthetic file takes; what it is done with is loaded before."""
    return max((asdict(decompressed(path, "events", LISTS)) for _ in range(2)), key=lambda found: -found["seconds"])


def peak() -> float:
    """The largest memory of this process so far, in MiB."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2**20 if sys.platform == "darwin" else used / 2**10


def load_once(sample: str, route: str, path: str, small: str, save: str | None) -> dict[str, Any]:
    """What a measuring process does."""
    load = LOADERS[sample][route]
    load(small)
    before = peak()
    started = time.perf_counter()
    X = load(path)
    seconds = time.perf_counter() - started
    if save is not None:
        np.save(save, X)
    return {"seconds": seconds, "peak": peak(), "peak_before": before, "shape": X.shape}


def same(first: str, second: str) -> bool:
    """Whether two files hold the same array, within rounding."""
    a, b = np.load(first), np.load(second)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-4, atol=1e-5))


def child(*arguments: str) -> dict[str, Any]:
    """Run this script again with other arguments; returns what it prints as JSON.

    All work is done so, as on Linux the peak of a process begins with that of its parent.
    """
    # the package that is loaded here, which need not be the one that is installed
    environment = os.environ | {"PYTHONPATH": str(Path(pytmva_rnn.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout or "{}"))


def compare(sample: str, path: str, small: str, rounds: int, folder: Path) -> dict[str, Any]:
    """Check that both routes give the same, then time them in turns."""
    files = {route: str(folder / f"{route}.npy") for route in ROUTES}
    for route, saved in files.items():
        child("--load", sample, route, path, small, saved)
    if not child("--same", *files.values())["same"]:
        raise RuntimeError(f"{sample}: the two routes do not give the same arrays")
    runs: dict[str, list[dict[str, Any]]] = {route: [] for route in ROUTES}
    floors: list[dict[str, Any]] = []
    for _ in range(rounds):
        for route in ROUTES:
            runs[route].append(child("--load", sample, route, path, small))
        if sample == "lists":
            floors.append(child("--floor", path))
    ratios = [b["seconds"] / a["seconds"] for a, b in zip(*runs.values(), strict=True)]
    ratios_to_floor = [run["seconds"] / least["seconds"] for run, least in zip(runs[ROUTES[0]], floors, strict=False)]
    summary = {
        route: {name: median(run[name] for run in found) for name in ("seconds", "peak", "peak_before")}
        for route, found in runs.items()
    }
    return {
        "sample": sample,
        "shape": runs[ROUTES[0]][0]["shape"],
        "ratio": median(ratios),
        "routes": summary,
        "runs": runs,
        "floors": floors,
        "of_floor": median(ratios_to_floor) if ratios_to_floor else None,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000, help="of the synthetic file; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=7, help="default: %(default)s")
    parser.add_argument("-o", "--output", type=Path, help="JSON file to write")
    parser.add_argument("--load", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--make", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--same", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--floor", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.load:
        sample, route, path, small, *save = given.load
        print(json.dumps(load_once(sample, route, path, small, save[0] if save else None)))
        return 0
    if given.same:
        print(json.dumps({"same": same(*given.same)}))
        return 0
    if given.floor:
        print(json.dumps(floor(given.floor)))
        return 0
    if given.make:
        make_file(Path(given.make[0]), int(given.make[1]))
        return 0

    machine = describe_machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large, small = str(folder / "large.root"), str(folder / "small.root")
        child("--make", large, str(given.events))
        child("--make", small, str(SMALL))
        results = [
            compare("jets", JETS, JETS, given.rounds, folder),
            compare("lists", large, small, given.rounds, folder),
        ]
    print("| sample | route | seconds | peak of memory, MiB | of that before | ratio |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for result in results:
        sample = f"{result['sample']} {'x'.join(map(str, result['shape']))}"
        for route, values in result["routes"].items():
            ratio = "" if route == ROUTES[0] else f"{result['ratio']:.2f}"
            numbers = f"{values['seconds']:.3f} | {values['peak']:.0f} | {values['peak_before']:.0f}"
            print(f"| {sample} | {route} | {numbers} | {ratio} |")
        if result["floors"]:
            least = median(each["seconds"] for each in result["floors"])
            mebibytes = result["floors"][0]["uncompressed"] / 2**20
            print(
                f"\nDecompressing the {mebibytes:.0f} MiB of {sample} takes {least:.3f} s on one thread, "
                f"{ROUTES[0]} {result['of_floor']:.2f} times as long"
            )
    packages = ", ".join(f"{package} {found}" for package, found in machine["packages"].items())
    print(f"\n{machine['date']}, {machine['cpu']}, {machine['cores']} cores, load {machine['load']}; {packages}")
    if given.output:
        with atomic_path(given.output) as temporary:
            temporary.write_text(
                json.dumps({"machine": machine, "samples": results}, indent=1) + "\n", encoding="utf-8"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
