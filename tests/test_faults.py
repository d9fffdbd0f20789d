"""What may befall a run, a few times each; `python tools/faults` does it as often as one likes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from faults import command
from faults.cold_cache import cold_cache
from faults.disks import full_disks, may_mount, read_only
from faults.kills import kills
from faults.replaced import replaced_files
from faults.workbench import COMMANDS, ROOT, Outcome, Workbench, is_whole, left_behind, unmeasured

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are those of POSIX")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("bench"))


@pytest.mark.thorough
class TestCommands:
    def test_what_killed_commands_wrote_is_whole(self, bench: Workbench) -> None:
        kills(outcome := Outcome("x"), bench, 4)
        assert outcome.faults == []
        assert outcome.counted.total() == 4

    def test_full_disks(self, bench: Workbench) -> None:
        full_disks(outcome := Outcome("x"), bench, 1)
        assert outcome.faults == []
        assert outcome.counted["file limit refused"] == len(COMMANDS)
        assert outcome.counted["full disk refused"] == (len(COMMANDS) if may_mount() else 0)

    def test_nothing_can_be_written(self, bench: Workbench) -> None:
        read_only(outcome := Outcome("x"), bench)
        assert outcome.faults == []
        if may_mount():
            assert outcome.counted["refused"] == len(COMMANDS)
            assert outcome.counted["done"] == 3

    def test_files_that_are_replaced(self, bench: Workbench) -> None:
        replaced_files(outcome := Outcome("x"), bench, 2)
        assert outcome.faults == []
        assert outcome.counted.total() == 2

    def test_a_cold_cache(self, bench: Workbench) -> None:
        cold_cache(outcome := Outcome("x"), bench, 1, processes=2)
        assert outcome.faults == []
        assert outcome.counted["processes"] == 2


@pytest.mark.thorough
@pytest.mark.parametrize(("mode", "number", "counted"), [("threads", 1, "trainings 2)"), ("forks", 2, "forked 2, ")])
def test_threads_and_forks(mode: str, number: int, counted: str) -> None:
    run = [sys.executable, ROOT / "tools" / "faults", mode, "--number", str(number)]
    done = subprocess.run(run, env=unmeasured(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert counted in done.stdout


def test_what_is_left_and_what_is_not_whole(tmp_path: Path) -> None:
    before = {"a.xml": b"<MethodSetup></MethodSetup>", "given.xml": b"x", "gone.xml": b"x", ".b.0.xml": b""}
    after = {"a.xml": b"<MethodSetup>", "given.xml": b"y", ".a.0.xml": b""}
    for name, content in after.items():
        (tmp_path / name).write_bytes(content)
    wrong = left_behind(before, after, ("a.xml",), tmp_path)
    assert wrong == ["gone.xml is gone", "a.xml is not whole", "given.xml has changed", ".a.0.xml is left"]
    (tmp_path / "a.xml").write_bytes(before["a.xml"])
    assert is_whole(tmp_path / "a.xml")


def test_faults_are_counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def mode(outcome: Outcome, number: int, seed: int) -> None:
        for each in range(number):
            outcome.counted["done"] += 1
            if each % 2:
                outcome.fault(f"{each} is odd")

    monkeypatch.setattr(command, "MODES", {"odd": (mode, 4, "numbers")})
    assert command.main(["odd"]) == 1
    told = "odd: 1 is odd\nodd: 3 is odd\nodd: 4 (done 4): 2 faults\n"
    assert capsys.readouterr().out == told + "4 events of 1 kinds: 2 faults\n"
    assert command.main(["odd", "--number", "1"]) == 0
