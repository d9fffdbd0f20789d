"""What a result was made of and how to make it again: command, options, files with checksums, versions."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pytmva_rnn._version import __version__
from pytmva_rnn.description import Description
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.locations import locations
from pytmva_rnn.packages import uproot
from pytmva_rnn.weightfile.stored_history import HISTORY
from pytmva_rnn.weightfile.stored_recipe import INPUTS

__all__ = ["DataFile", "Reproduction", "reproduction"]

_PACKAGES = ("numpy", "numba", "awkward", "uproot", "lxml", "matplotlib")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class DataFile:
    """A file that events or a configuration came from.

    Attributes
    ----------
    path : str
    size : int, optional
        Bytes; None for files of other machines and events in memory.
    sha256 : str, optional
        None where it was not asked for, or cannot be known.
    uuid : str, optional
        What ROOT has written into the file to tell it from all others.
    """

    path: str
    size: int | None = None
    sha256: str | None = None
    uuid: str | None = None


@dataclass(frozen=True, eq=False)
class Reproduction:
    """What a result was made of and how to make it again.

    Attributes
    ----------
    command : str, optional
        Of a shell, where one made the report.
    configuration : str, optional
        The text of the configuration.
    folder : str
        In which the command ran.
    seed : int, optional
        RandomSeed; 0 makes every training different.
    options : mapping of name -> text
        Of the method, as the weight file has them.
    origin : mapping of name -> text
        The weight file's GeneralInfo.
    files : tuple of DataFile
    versions : mapping of package -> version
    system : str
    created : str
        When the report was made, in universal time.
    """

    command: str | None
    configuration: str | None
    folder: str
    seed: int | None
    options: Mapping[str, str]
    origin: Mapping[str, str]
    files: tuple[DataFile, ...]
    versions: Mapping[str, str]
    system: str
    created: str


def reproduction(
    model: Description,
    places: Iterable[str],
    *,
    command: str | None = None,
    configuration: str | None = None,
    checksums: bool = True,
) -> Reproduction:
    """Of a model and the places that its events came from.

    Parameters
    ----------
    model : Description
    places : iterable of str
        Files, each perhaps followed by a tree; one that is read for several trees is there once.
    command, configuration : str, optional
    checksums : bool
        Whether the files are read for their SHA-256.
    """
    options = {option.name: option.value for option in model.options}
    try:
        seed = int(options["RandomSeed"])
    except (KeyError, ValueError):
        seed = None
    try:
        folder = str(Path.cwd())
    except OSError:
        folder = "unknown"
    files = dict.fromkeys(_path(place) for place in places)
    system = platform.uname()
    return Reproduction(
        command,
        configuration,
        folder,
        seed,
        options,
        {name: value for name, value in model.info if name not in (INPUTS, HISTORY)},
        tuple(_described(path, checksums) for path in files),
        {"pytmva_rnn": __version__, "Python": platform.python_version(), **_versions()},
        f"{system.system} {system.release} {system.machine}",
        time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    )


def _path(place: str) -> str:
    try:
        ((path, _),) = locations((place,))
    except (DataError, ValueError):
        return place
    return path


def _described(path: str, checksums: bool) -> DataFile:
    local = Path(path)
    try:
        if "://" in path or not local.is_file():
            return DataFile(path)
        size = local.stat().st_size
        return DataFile(path, size, _sha256(local) if checksums else None, _uuid(path))
    except OSError:  # it is gone by now, or belongs to somebody else
        return DataFile(path)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _uuid(path: str) -> str | None:
    if not path.endswith(".root"):
        return None
    try:
        with uproot.open(path) as file:
            return str(file.file.uuid)
    except Exception:  # what a file that is no longer whole raises is of many kinds, and here it only tells less
        return None


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # an optional one
            continue
    return found
