"""ROOT files and the trees in them, read with uproot a piece at a time."""

from __future__ import annotations

import glob
import importlib.resources
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.expressions import Columns, Expression
from pytmva_rnn.suggestions import near

__all__ = ["STEP", "Source", "count_entries", "member", "read_columns", "resolve"]

STEP = 250_000
"""Events read at a time: enough for speed, few enough for memory."""

_TREES = ("TTree", "TNtuple", "TNtupleD", "TChain", "ROOT::RNTuple", "ROOT::Experimental::RNTuple")
_REMEDIES = {"skhep_testdata": 'run: pip install "scikit-hep-testdata==0.3.12"'}


@dataclass(frozen=True)
class Source:
    """Events: one tree, in one file or in many.

    Attributes
    ----------
    files : tuple of str
        Paths, patterns (`data/*.root`, `data/**/*.root`), URLs that uproot can open, each perhaps followed by the
        tree (`file.root:tree`), or `package://name/path/in/package.root` for a file inside an installed package.
    tree : str, optional
        Name of the tree; found by itself when a file holds just one.
    selection : str, optional
        Expression that is true for the events to keep.
    weight : str, optional
        Expression for the event weight.
    tree_weight : float
        Multiplies the weight of every event.
    """

    files: tuple[str, ...]
    tree: str | None = None
    selection: str | None = None
    weight: str | None = None
    tree_weight: float = 1.0

    def __post_init__(self) -> None:
        files: Any = self.files  # one string, or any list of them, is taken too
        object.__setattr__(self, "files", (files,) if isinstance(files, str) else tuple(files))
        if not self.files:
            raise DataError("a source of events needs at least one file")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Source:
        """From plain data, e.g. a TOML table.

        Parameters
        ----------
        values : mapping
            The attributes; `files` may be one string and `weight` may be a number.

        Raises
        ------
        DataError
            For a key that is unknown or missing, or an expression that cannot be understood.
        """
        names = [field.name for field in fields(cls)]
        for key in values:
            if key not in names:
                raise DataError(f"a source of events has no key {key!r}; {near(key, names)}")
        if "files" not in values:
            raise DataError("a source of events needs the key 'files'")
        given = dict(values)
        for key in ("selection", "weight"):
            if given.get(key) is not None:
                given[key] = str(given[key])
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """The attributes that differ from their defaults, as plain data."""
        return {k: list(v) if k == "files" else v for k, v in asdict(self).items() if v not in (None, 1.0)}

    def locations(self) -> list[tuple[str, str | None]]:
        """Every file with the name of its tree, patterns expanded in sorted order.

        Raises
        ------
        DataError
            For a file, pattern or package that is not there.
        """
        found = []
        for spec in self.files:
            path, tree = _split_tree(spec)
            found += [(file, tree or self.tree) for file in _expand(path)]
        return found


def _split_tree(spec: str) -> tuple[str, str | None]:
    head, colon, tail = spec.rpartition(":")
    is_url_part = tail.startswith("//") or ("://" in head + colon and tail.split("/")[0].isdigit())
    is_drive = len(head) == 1
    if not colon or not tail or is_url_part or is_drive or Path(spec).exists():
        return spec, None
    return head, tail


def _expand(path: str) -> list[str]:
    if path.startswith("package://"):
        return [_in_package(path)]
    if "://" in path:
        return [path]
    if Path(path).is_file():
        return [path]
    if Path(path).is_dir():
        raise DataError(f"{path} is a folder; for all its ROOT files write {path.rstrip('/')}/*.root")
    if glob.has_magic(path):
        files = sorted(glob.glob(str(Path(path).expanduser()), recursive=True))  # noqa: PTH207  (Path.glob takes no absolute pattern)
        if not files:
            raise DataError(f"no file matches the pattern {path}")
        return files
    expanded = Path(path).expanduser()
    if not expanded.is_file():
        siblings = [p.name for p in expanded.parent.glob("*.root")] if expanded.parent.is_dir() else []
        raise DataError(f"no such file: {path}" + (f"; {near(expanded.name, siblings)}" if siblings else ""))
    return [str(expanded)]


def _in_package(path: str) -> str:
    package, _, inside = path[len("package://") :].partition("/")
    remedy = _REMEDIES.get(package, "install the one that has it")
    try:
        file = importlib.resources.files(package).joinpath(inside)
    except (ModuleNotFoundError, ValueError, TypeError) as error:
        raise DataError(f"{path}: the package {package!r} is not installed; {remedy}") from error
    if not file.is_file():
        raise DataError(f"{path}: the installed package {package!r} does not carry this file; {remedy}")
    return str(file)


@contextmanager
def _opened(file: str, tree: str | None) -> Iterator[tuple[Any, str]]:
    """The tree and `file:tree` for messages."""
    if Path(file).is_file():
        with Path(file).open("rb") as stream:
            if stream.read(4) != b"root":
                raise DataError(f"{file} is not a ROOT file")
    try:
        directory = uproot.open(file)
    except Exception as error:  # uproot raises many kinds on a file that is damaged or no ROOT file
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise DataError(f"{file}: cannot be opened as a ROOT file: {reason}") from error
    with directory:
        trees = [name for name, kind in directory.classnames(cycle=False).items() if kind in _TREES]
        trees = list(dict.fromkeys(trees))
        if tree is None:
            if len(trees) != 1:
                listed = f"several trees: {', '.join(trees)}; name one" if trees else "no tree"
                raise DataError(f"{file} holds {listed}" + (f", e.g. {file}:{trees[0]}" if trees else ""))
            tree = trees[0]
        elif tree.split(";")[0] not in trees:
            raise DataError(f"{file} holds no tree {tree!r}; {near(tree, trees)}")
        yield directory[tree], f"{file}:{tree}"


def count_entries(source: Source) -> int:
    """Number of entries in all the trees of a source, before its selection."""
    total = 0
    for file, name in source.locations():
        with _opened(file, name) as (tree, _):
            total += int(tree.num_entries)
    return total


def read_columns(source: Source, expressions: Iterable[Expression], *, step: int = STEP) -> Iterator[Columns]:
    """Read what some expressions need, in the tree's order, without applying the source's selection.

    Parameters
    ----------
    source : Source
        Where from.
    expressions : iterable of Expression
        Only the branches that these name are read.
    step : int
        Largest number of events at a time.

    Yields
    ------
    Columns
        Up to `step` events of one file.

    Raises
    ------
    DataError
        For a file or tree that cannot be read, a source without any entry, or a branch that is missing (naming the
        near ones).
    """
    names = list(dict.fromkeys(name for expression in expressions for name in expression.names))
    places = []
    empty = True
    for file, tree_name in source.locations():
        with _opened(file, tree_name) as (tree, place):
            places.append(place)
            branches = _branch_names(tree)
            resolved = {name: resolve(name, branches, place) for name in names}
            for start in range(0, int(tree.num_entries), step):
                empty = False
                stop = min(start + step, int(tree.num_entries))
                arrays = {
                    branch: _read(tree[branch], start, stop, f"branch {branch!r} of {place}")
                    for branch in dict.fromkeys(branch for branch, _ in resolved.values())
                }
                columns = {name: member(arrays[branch], name, path, place) for name, (branch, path) in resolved.items()}
                yield Columns(columns, np.arange(start, stop), place)
    if empty:
        raise DataError(f"no entries in {', '.join(places)}")


def _branch_names(tree: Any) -> dict[str, str]:
    """What a branch may be called in an expression -> its path in the tree.

    These are its own name and its path with dots, both without the length of an array, `ArrayF32[10]`. In the path of
    a split object, `evt/P3/P3.Px`, the repeated name is left out: `evt.P3.Px`.
    """
    names: dict[str, str] = {}
    longer: dict[str, str] = {}
    for path in tree.keys(recursive=True):
        dotted: list[str] = []
        for segment in path.split("/"):
            name = re.sub(r"\[.*", "", segment)
            if dotted and name.startswith(dotted[-1] + "."):
                dotted.pop()
            dotted.append(name)
        names.setdefault(dotted[-1], path)
        longer.setdefault(".".join(dotted), path)
    return {**longer, **names}


def resolve(name: str, branches: Mapping[str, str], place: str) -> tuple[str, tuple[str, ...]]:
    """The longest beginning of `name` that is a branch, as its path, and the members that follow."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        branch = ".".join(parts[:length])
        if branch in branches:
            return branches[branch], tuple(parts[length:])
    raise DataError(f"no branch {name!r} in {place}; {near(name, branches)}")


def _read(branch: Any, start: int, stop: int, what: str) -> Any:
    try:
        return branch.array(entry_start=start, entry_stop=stop, library="ak")
    except Exception as error:  # uproot raises many kinds for what it cannot interpret or decompress
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise DataError(f"{what} cannot be read: {reason}") from error


def member(array: Any, name: str, path: tuple[str, ...], place: str) -> Any:
    """Of objects, the member that `path` leads to, for the expression `name`."""
    for step in path:
        if step not in ak.fields(array):
            raise DataError(f"no member {step!r} for {name!r} in {place}; {near(step, ak.fields(array))}")
        array = array[step]
    return array
