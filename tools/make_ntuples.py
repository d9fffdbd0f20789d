"""Write tests/data/damage/ntuple.root with ROOT, and ntuple_plain.root with uproot: the events of uncompressed.root.

    python tools/make_ntuples.py

ROOT's pages have checksums, uproot's have none. Neither is compressed; both have clusters of twelve entries.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import awkward as ak
import uproot

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "data" / "damage"
CLUSTER = 12
FIELDS = {
    "x": "float",
    "n": "int",
    "v": "std::vector<float>",
    "w": "std::vector<float>",
    "ww": "std::vector<std::vector<float>>",
    "a": "std::array<double, 3>",
}


def by_root(events: Any, path: Path) -> None:
    """Write an RNTuple with ROOT, which has to be built with it."""
    ROOT: Any = import_module("ROOT")
    model = ROOT.RNTupleModel.Create()
    for name, kind in FIELDS.items():
        model.MakeField[kind](name)
    options = ROOT.RNTupleWriteOptions()
    options.SetCompression(0)
    options.SetEnablePageChecksums(True)
    with ROOT.RNTupleWriter.Recreate(model, "t", str(path), options) as writer:
        entry = writer.CreateEntry()
        for number, event in enumerate(ak.to_list(events)):
            for name, value in event.items():
                if name == "ww":
                    entry[name].clear()
                    for inner in value:
                        entry[name].push_back(ROOT.std.vector["float"](inner))
                elif isinstance(value, list):
                    entry[name] = ROOT.std.vector["float"](value) if name != "a" else ROOT.std.array["double", 3](value)
                else:
                    entry[name] = value
            writer.Fill(entry)
            if (number + 1) % CLUSTER == 0:
                writer.CommitCluster()


def by_uproot(events: Any, path: Path) -> None:
    """Write one with uproot."""
    with uproot.recreate(path, compression=None) as file:
        ntuple = file.mkrntuple("t", events[:CLUSTER])
        for first in range(CLUSTER, len(events), CLUSTER):
            ntuple.extend(events[first : first + CLUSTER])


if __name__ == "__main__":
    with uproot.open(f"{FOLDER}/uncompressed.root:t") as tree:
        columns = tree.arrays(list(FIELDS))
    by_root(columns, FOLDER / "ntuple.root")
    by_uproot(columns, FOLDER / "ntuple_plain.root")
