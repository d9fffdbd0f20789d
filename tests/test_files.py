from __future__ import annotations

import os
import stat
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
