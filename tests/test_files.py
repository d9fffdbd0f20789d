from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pytmva_rnn.files import atomic_path


def test_the_file_appears_complete_and_alone(tmp_path: Path) -> None:
    target = tmp_path / "new" / "weights.xml"
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.suffix == ".xml"
        temporary.write_text("done")
        assert not target.exists()
    assert target.read_text() == "done"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "weights.xml"
    target.write_text("old")

    def interrupted() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    target = tmp_path / "weights.xml"
    previous = os.umask(0o027)
    try:
        with atomic_path(target):
            pass
    finally:
        os.umask(previous)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_an_existing_file_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "weights.xml"
    target.write_text("old")
    target.chmod(0o440)
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o440


@pytest.mark.skipif(os.name != "posix", reason="the umask is one of POSIX")
def test_the_umask_is_never_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the whole process's: other threads' files would be anybody's to write."""
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask was changed"))
    with atomic_path(tmp_path / "weights.xml"):
        pass


def test_a_link_stays_and_leads_to_the_new_file(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / "old.xml").write_text("old")
    for name in ("old.xml", "none.xml"):
        link = tmp_path / name
        link.symlink_to(Path("real") / name)
        with atomic_path(link) as temporary:
            assert temporary.parent == folder
            temporary.write_text("new")
        assert link.is_symlink()
        assert (folder / name).read_text() == "new"
    assert sorted(folder.iterdir()) == [folder / "none.xml", folder / "old.xml"]


def refused(path: Path) -> str:
    with pytest.raises(OSError) as caught, atomic_path(path):  # noqa: PT011, the message is what is looked at
        raise AssertionError("this must not be reached")
    return str(caught.value)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "that is a folder; name a file in it" in refused(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    assert "that is a folder; name a file in it" in refused(tmp_path / "link")


@pytest.mark.skipif(os.name != "posix", reason="device files are those of POSIX")
def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/null"), tmp_path / "pipe"):
        assert "that is a device, a pipe or a socket; name a file" in refused(path)
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    assert "symbolic links" in refused(tmp_path / "circle")
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "circle"}


def test_a_long_name(tmp_path: Path) -> None:
    target = tmp_path / ("w" * 240 + ".weights.xml")
    with atomic_path(target) as temporary:
        temporary.write_text("done")
    assert target.read_text() == "done"


def test_a_long_name_of_many_bytes(tmp_path: Path) -> None:
    target = tmp_path / ("é" * 120 + ".wéights" + ".xml")
    with atomic_path(target) as temporary:
        temporary.write_text("done")
    assert target.read_text() == "done"


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_what_a_killed_process_leaves_the_next_removes(tmp_path: Path) -> None:
    code = (
        "import os, signal; from pytmva_rnn.files import atomic_path\n"
        "with atomic_path('w.xml') as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == -9
    (stale,) = tmp_path.iterdir()
    others = [tmp_path / name for name in (".v" + stale.name[2:], ".w.0123.xml", ".w.xml", "w.0123456789abcdef.xml")]
    for other in others:
        other.write_text("another's")
    with atomic_path(tmp_path / "w.xml") as temporary, atomic_path(tmp_path / "w.xml") as beside:
        assert temporary.exists()  # somebody writes it
        assert beside.exists()
        assert not stale.exists()
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "w.xml", *others])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG])
def test_errors_name_the_file_that_was_to_be(number: int, tmp_path: Path) -> None:
    def fail(named: bool) -> None:
        with atomic_path(tmp_path / "w.xml") as temporary:
            raise OSError(number, os.strerror(number), *([str(temporary)] if named else []))

    for named in (True, False):
        with pytest.raises(OSError, match=os.strerror(number)) as raised:
            fail(named)
        assert raised.value.filename == str(tmp_path / "w.xml")
    assert not list(tmp_path.iterdir())


def test_errors_of_other_files_are_left_alone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised, atomic_path(tmp_path / "w.xml"):
        (tmp_path / "input.root").read_bytes()
    assert raised.value.filename == str(tmp_path / "input.root")


@pytest.mark.skipif(os.name != "posix", reason="limits are those of POSIX")
def test_a_file_that_grows_too_large_is_named(tmp_path: Path) -> None:
    code = (
        "import resource; from pytmva_rnn.files import atomic_path\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with atomic_path('w.xml') as temporary, temporary.open('wb', buffering=0) as file:\n"
        "    for _ in range(9):\n"
        "        file.write(bytes(500))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert f"File too large: '{tmp_path / 'w.xml'}'" in done.stderr
    assert not list(tmp_path.iterdir())
