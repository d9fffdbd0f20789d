"""Disks that are full, or can only be read: an error that names the file, outputs as they were, nothing left behind.

Where this process may mount, a small disk in memory is what commands write to; and everywhere files may not grow beyond
a limit, which is met in the middle of one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from faults.workbench import COMMANDS, ROOT, Command, Outcome, Said, Workbench, left_behind

__all__ = ["full_disks", "may_mount", "read_only"]

_PAGE = 4096
"""What a disk in memory is made of."""

_ALONE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")

# size, disk, what is on it at first, where its content goes at the end; the command
_SMALL_DISK = """
mount -t tmpfs -o size="$1" none "$2" && cp -a "$3/." "$2" && cd "$2" || exit 99
kept="$4"; shift 4; "$@"; code=$?
cp -a . "$kept"; exit $code
"""

# where there is room, what can only be read with colons between; the command
_READ_ONLY = """
room="$1"; IFS=:
for folder in $2; do
  mount --bind "$folder" "$folder" && mount -o remount,bind,ro "$folder" || exit 99
done
mount -t tmpfs none "$room" && cd "$room/.." || exit 99
shift 2; exec "$@"
"""

_ROOM = "room"
_WITH_ROOM = (
    Command(("-m", "pytmva_rnn", "inspect", "given.xml"), ()),
    Command(("-m", "pytmva_rnn", "validate", "given.xml"), ()),
    Command(("-m", "pytmva_rnn", "evaluate", "given.xml", "events.root", "-o", f"{_ROOM}/out.root"), ()),
)


def may_mount() -> bool:
    """Whether disks can be mounted where nobody else sees them."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        tried = [*_ALONE, 'mount -t tmpfs none "$1"', "sh", folder]
        return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def full_disks(outcome: Outcome, bench: Workbench, count: int) -> None:
    """Give commands too little space, from none to nearly enough, `count` times each and in each of two ways."""
    mounts = may_mount()
    for name, command in COMMANDS.items():
        bench.clear()
        said = bench.run(command)
        if said.code:
            outcome.fault(f"{name} fails by itself: {said.text}")
            continue
        sizes = [len(bench.files()[output]) for output in command.outputs]
        for number in range(count):
            if number % 2 == 0:
                bench.clear()  # else there are outputs already
            _check(outcome, name, "file limit", *_limited(bench, command, 1 + max(sizes) * number // count))
            if mounts:
                pages = sum(-(-size // _PAGE) for size in sizes) * number // count
                _check(outcome, name, "full disk", *_on_small_disk(bench, command, pages))


def _limited(bench: Workbench, command: Command, limit: int) -> tuple[Said, list[str]]:
    """Files may have so many bytes."""
    before = bench.files()

    def prepare() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    said = bench.run(command, prepare=prepare)
    return said, left_behind(before, bench.files(), command.outputs, bench.folder)


def _on_small_disk(bench: Workbench, command: Command, pages: int) -> tuple[Said, list[str]]:
    """The disk has so many pages more than what is on it."""
    before = bench.files()
    size = _PAGE * max(1, pages + sum(-(-len(content) // _PAGE) for content in before.values()))
    with tempfile.TemporaryDirectory() as folder:
        disk, kept = Path(folder) / "disk", Path(folder) / "kept"
        disk.mkdir()
        kept.mkdir()
        wrapped = [*_ALONE, _SMALL_DISK, "sh", str(size), str(disk), str(bench.folder), str(kept)]
        said = bench.run(command, before=wrapped)
        after = {path.relative_to(kept).as_posix(): path.read_bytes() for path in kept.rglob("*") if path.is_file()}
        return said, left_behind(before, after, command.outputs, kept)


def _check(outcome: Outcome, name: str, way: str, said: Said, wrong: Sequence[str]) -> None:
    outcome.counted[f"{way} {'refused' if said.code else 'sufficed'}"] += 1
    for each in filter(None, [_misbehaviour(said, COMMANDS[name], (0, 1)), *wrong]):
        outcome.fault(f"{name}, {way}: {each}")


def _misbehaviour(said: Said, command: Command, codes: Sequence[int]) -> str:
    """What is wrong with how a command ended: an error has to name one of its outputs."""
    if said.wrong:
        return said.wrong
    if said.code not in codes:
        return f"exit code {said.code}: {said.text[-400:]}"
    if said.code == 1 and not any(Path(output).name in said.text for output in command.outputs):
        return f"no output is named: {said.text[-400:]}"
    return ""


def read_only(outcome: Outcome, bench: Workbench) -> None:
    """Let nothing be written: neither beside the inputs nor in home, temporary and cache folder.

    Commands that write are to say so; those that only read, or write to where there is room, are to do their work.
    """
    if not may_mount():
        outcome.counted["skipped, since this process may not mount"] += 1
        return
    bench.clear()
    room = bench.folder / _ROOM
    room.mkdir(exist_ok=True)
    places = {"/tmp", "/var/tmp", "/dev/shm", str(Path.home()), str(ROOT), str(bench.folder)}
    places |= {os.environ[name] for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "TMPDIR") if name in os.environ}
    existing = sorted(place for place in places if Path(place).is_dir())
    wrapped = [*_ALONE, _READ_ONLY, "sh", str(room), ":".join(existing)]
    for command, code in [*((each, 1) for each in COMMANDS.values()), *((each, 0) for each in _WITH_ROOM)]:
        before = bench.files()
        said = bench.run(command, before=wrapped)
        outcome.counted["refused" if said.code else "done"] += 1
        for each in filter(None, [_misbehaviour(said, command, (code,))]):
            outcome.fault(f"{' '.join(command.arguments)}: {each}")
        if bench.files() != before:
            outcome.fault(f"{' '.join(command.arguments)}: something was written")
