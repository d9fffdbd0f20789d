"""What a command will write, checked before it reads or computes anything: names, places, and what is there already.

Nothing that is read is overwritten, nothing is written twice, and what is no file of ours is replaced on request only.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote, urlsplit

from pytmva_rnn.errors import OutputError
from pytmva_rnn.files import replaceable

__all__ = [
    "CHECK",
    "CHECKPOINT",
    "CONFIGURATION",
    "EVALUATION",
    "HEADER",
    "KERAS_FILE",
    "NUMBERS",
    "ONNX_FILE",
    "PAGE",
    "PICTURE",
    "SCORES",
    "TORCH_FILE",
    "TRAININGS",
    "TRIALS",
    "WEIGHTS",
    "Kind",
    "Output",
    "check_outputs",
    "check_space",
]

_BEGINNING = 65_536
"""Bytes of a file by which it is known."""

_NAME = 255
"""Bytes that the name of a file may have, where the system does not say."""


@dataclass(frozen=True)
class Kind:
    """A kind of files that we write.

    Attributes
    ----------
    what : str
        In words.
    suffixes : tuple of str
        What their names may end with.
    ours : callable
        Whether a file that begins with these bytes is one that may be replaced.
    """

    what: str
    suffixes: tuple[str, ...]
    ours: Callable[[bytes], bool]


WEIGHTS = Kind("a weight file of MethodDL", (".xml",), lambda content: b'<MethodSetup Method="DL::' in content)
SCORES = Kind(
    "a ROOT file by pytmva_rnn", (".root",), lambda content: content.startswith(b"root") and b"pytmva_rnn" in content
)
PICTURE = Kind(
    "a picture",
    (".pdf", ".png", ".svg"),
    lambda content: content.startswith((b"\x89PNG", b"%PDF", b"<svg")) or b"<svg" in content[:1000],
)
PAGE = Kind("a report by pytmva_rnn", (".html",), lambda content: b'name="generator" content="pytmva_rnn' in content)
NUMBERS = Kind("numbers of a report by pytmva_rnn", (".json",), lambda content: b'"made by": "pytmva_rnn"' in content)
EVALUATION = Kind("an output file of TMVA", (), lambda content: content.startswith(b"root"))
HEADER = Kind(
    "a C++ header by pytmva_rnn", (".hxx", ".hpp", ".hh", ".h"), lambda content: b"Made by pytmva_rnn" in content
)
CHECK = Kind("a C++ program by pytmva_rnn", (), lambda content: b"Made by pytmva_rnn" in content)
ONNX_FILE = Kind("an ONNX file by pytmva_rnn", (".onnx",), lambda content: b"pytmva_rnn" in content)
KERAS_FILE = Kind("a file of Keras by pytmva_rnn", (".keras",), lambda content: b"pytmva_rnn" in content)
TORCH_FILE = Kind(
    "a file of PyTorch by pytmva_rnn", (".pt", ".pth", ".safetensors"), lambda content: b"_extra_state" in content
)
TRAININGS = Kind("a table of trainings by pytmva_rnn", (".json",), lambda content: b'"pytmva_rnn trainings"' in content)

CHECKPOINT = Kind(
    "a checkpoint by pytmva_rnn", (".npz",), lambda content: content.startswith(b"PK") and b"pytmva_rnn" in content
)
CONFIGURATION = Kind("a configuration by pytmva_rnn", (".toml",), lambda content: b"Made by pytmva_rnn" in content)
TRIALS = Kind("a table of trials by pytmva_rnn", (".csv",), lambda content: content.startswith(b"trial,state,value,"))


@dataclass(frozen=True)
class Output:
    """A file that will be written.

    Attributes
    ----------
    name : str
        What it is called in messages, a plural: `weights`.
    path : Path
    kind : Kind
    """

    name: str
    path: Path
    kind: Kind


def check_outputs(
    outputs: Sequence[Output], inputs: Iterable[str | os.PathLike[str]] = (), *, force: bool = False
) -> list[Path]:
    """Check that files can be written, and that this destroys nothing.

    Parameters
    ----------
    outputs : sequence of Output
    inputs : iterable of path
        What is read; URLs of other machines are passed over.
    force : bool
        Replace files that are there but none of ours.

    Returns
    -------
    list of Path
        Where each output goes: absolute, so that a change of the current folder is no matter, and behind all links.

    Raises
    ------
    OutputError
        For a name that cannot be one or has the wrong ending, a folder, a device, a place that cannot be written, an
        output that is also an input or another output, and a file that is there and none of ours.
    """
    read = [path for path in map(_local, inputs) if path is not None]
    targets: list[Path] = []
    for output in outputs:
        target = _target(output)
        for path in read:
            if _same(target, path):
                raise OutputError(
                    f"{output.path} is also an input file; write the {output.name} to another one"
                    + ("" if _same(output.path, path) else f" ({path})")
                )
        for other, there in zip(outputs, targets, strict=False):
            if _same(target, there) or target in there.parents or there in target.parents:
                raise OutputError(
                    f"the {output.name} cannot be written to {output.path}: the {other.name} are written there; give "
                    "each a name of its own"
                )
        if not force and target.exists() and not _ours(output.kind, target):
            raise OutputError(
                f"{output.path} is there already and is not {output.kind.what}; write the {output.name} to another "
                "file, or replace it with --force"
            )
        targets.append(target)
    return targets


def check_space(name: str, path: Path, needed: int) -> None:
    """Raise OutputError where a disk has not the space that a file needs at least; what is replaced stays till then.

    Parameters
    ----------
    name : str
        As of an `Output`.
    path : Path
        What `check_outputs` returned.
    needed : int
        Bytes.
    """
    try:
        free = shutil.disk_usage(_folder(path)).free
    except OSError:  # not every file system tells
        return
    if free < needed:
        raise OutputError(
            f"the {name} cannot be written to {path}: they need {_size(needed)}, and {_size(free)} are free there"
        )


def _size(count: int) -> str:
    """Bytes, for people."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def _target(output: Output) -> Path:
    """Where an output goes, if it can be written."""
    text = os.fspath(output.path)
    problem = _name_problem(text)
    suffixes = output.kind.suffixes
    if not problem:
        try:
            target = replaceable(output.path)
            problem = _place_problem(target)
        except FileNotFoundError:
            problem = "the current folder is no longer there; change to one that is"
        except (OSError, RuntimeError) as error:  # Python 3.12 and before: RuntimeError for links in a circle
            problem = str(getattr(error, "strerror", None) or error)
    if not problem and suffixes and output.path.suffix not in suffixes:
        problem = f"its name must end with {', '.join(suffixes)}"
    if problem:
        shown = text if text.isprintable() else ascii(text)
        raise OutputError(f"the {output.name} cannot be written to {shown[:200]}: {problem}")
    return target


_WINDOWS_DEVICES = re.compile(r"(?:AUX|CON|CONIN\$|CONOUT\$|NUL|PRN|(?:COM|LPT)[0-9¹²³]) *(?:[.:].*)?", re.IGNORECASE)


def _name_problem(text: str, *, windows: bool = sys.platform == "win32") -> str:
    if "\0" in text:
        return "a name has no NUL character"
    if any(not character.isprintable() and not "\ud800" <= character <= "\udfff" for character in text):
        return "its name has characters that cannot be printed"
    if windows:
        names = [part for part in PureWindowsPath(text).parts if part != PureWindowsPath(text).anchor]
        if any(_WINDOWS_DEVICES.fullmatch(name) for name in names):
            return "Windows keeps that name for a device"
        if any(set(name) & set('<>:"|?*') for name in names):  # a colon would begin the name of a hidden stream
            return 'Windows allows none of < > : " | ? * in a name'
        if any(name != ".." and name.endswith((".", " ")) for name in names):  # which Windows leaves out
            return "a name on Windows does not end with a dot or a space"
    return ""


def _place_problem(target: Path) -> str:
    """What keeps a file from being written to its folder, which is tried."""
    folder = _folder(target)
    longest = _limit(folder, "PC_NAME_MAX", _NAME)
    for part in target.relative_to(folder).parts:
        if len(os.fsencode(part)) > longest:
            return f"its name is too long; {longest} bytes are allowed"
    if len(os.fsencode(target.parent)) + longest > _limit(folder, "PC_PATH_MAX", 4096):
        return "its path is too long"
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileNotFoundError:  # as in /proc
        return f"no file can be made in {folder}"
    if target.exists() and hasattr(os, "geteuid"):
        file, above, user = target.stat().st_uid, folder.stat(), os.geteuid()
        if above.st_mode & stat.S_ISVTX and user not in (0, file, above.st_uid):
            return "it belongs to somebody else, and its folder lets only the owner replace it"
    return ""


def _limit(folder: Path, name: str, otherwise: int) -> int:
    try:
        return os.pathconf(folder, name)
    except (AttributeError, OSError, ValueError):  # Windows, and systems that do not tell
        return otherwise


def _folder(target: Path) -> Path:
    """The nearest folder above that is there; the others will be made."""
    return next(parent for parent in target.parents if parent.exists())


def _ours(kind: Kind, target: Path) -> bool:
    """Whether a file may be replaced; an empty one has nothing to lose."""
    try:
        with target.open("rb") as file:
            content = file.read(_BEGINNING)
    except PermissionError:
        return False
    return not content or kind.ours(content)


def _local(path: str | os.PathLike[str]) -> Path | None:
    """The path of an input on this machine."""
    text = os.fspath(path)
    if "://" not in text:
        return Path(text)
    parts = urlsplit(text)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there yet
        return one.resolve() == other.resolve()
