"""`file.root:tree`, patterns, URLs and files of packages -> files and the names of their trees."""

from __future__ import annotations

import glob
import importlib.resources
import os
from pathlib import Path

from pytmva_rnn.errors import DataError
from pytmva_rnn.suggestions import near

__all__ = ["Location", "locations"]

Location = tuple[str, str | None]
"""A file, and the tree in it if it is named."""

_MOST_PLACES = 1_000_000
"""Files and folders that are looked through for a pattern with `**`."""

_REMEDIES = {"skhep_testdata": 'run: pip install "scikit-hep-testdata==0.3.12"'}


def locations(specs: tuple[str, ...], tree: str | None = None) -> list[Location]:
    """Every file with the name of its tree, patterns expanded in sorted order.

    Raises
    ------
    DataError
        For a file, pattern or package that is not there.
    """
    found: list[Location] = []
    for spec in specs:
        path, own = _split_tree(spec)
        found += [(file, own or tree) for file in _expand(path)]
    return found


def _split_tree(spec: str) -> tuple[str, str | None]:
    head, colon, tail = spec.rpartition(":")
    is_url_part = tail.startswith("//") or ("://" in head + colon and tail.split("/")[0].isdigit())
    is_drive = len(head) == 1
    if not colon or not tail or is_url_part or is_drive or ("\0" not in spec and Path(spec).exists()):
        return spec, None
    return head, tail


def _expand(path: str) -> list[str]:
    if "\0" in path:
        raise DataError(f"{path!r}: a name has no NUL character")
    if path.startswith("package://"):
        return [_in_package(path)]
    if "://" in path:
        return [path]
    if Path(path).is_file():
        return [path]
    if Path(path).is_dir():
        raise DataError(f"{path} is a folder; for all its ROOT files write {path.rstrip('/')}/*.root")
    if glob.has_magic(path):
        files = _matching(str(Path(path).expanduser()))
        if not files:
            raise DataError(f"no file matches the pattern {path}")
        return files
    expanded = Path(path).expanduser()
    if not expanded.is_file():
        siblings = [p.name for p in expanded.parent.glob("*.root")] if expanded.parent.is_dir() else []
        raise DataError(f"no such file: {path}" + (f"; {near(expanded.name, siblings)}" if siblings else ""))
    return [str(expanded)]


def _matching(pattern: str) -> list[str]:
    """The files of a pattern, sorted.

    Raises
    ------
    DataError
        For `**` in a folder that has more than `_MOST_PLACES` files and folders below it, or a link back to itself.
    """
    parts = Path(pattern).parts
    if "**" in parts:
        above = parts[: parts.index("**")]
        for top in _found(str(Path(*above))) if above else ["."]:
            _check_end(pattern, top)
    return sorted(path for path in _found(pattern) if not Path(path).is_dir())


def _found(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207  (Path.glob takes no absolute pattern)


def _check_end(pattern: str, top: str) -> None:
    """Refuse `**` where looking through a folder takes very long, or has no end."""
    count = 0
    for folder, folders, files in os.walk(top, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]  # as the pattern goes
        count += len(folders) + len(files)
        if count > _MOST_PLACES:
            raise DataError(
                f"{pattern}: there are more than {_MOST_PLACES:,} files and folders in {top}; "
                "begin the pattern further down"
            )
        for name in folders:
            link = Path(folder, name)
            if link.is_symlink() and Path(folder).resolve().is_relative_to(link.resolve()):
                raise DataError(
                    f"{pattern}: {link} is a link to a folder that it is in, and ** follows it without end; "
                    "begin the pattern further down, or name the files"
                )


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
