"""What fuzzing has found, and a few inputs of each kind, within the limits of `tools/fuzz`."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from fuzz import trial
from fuzz.containers import broken_archive, broken_safetensors
from fuzz.demands import DEMANDS
from fuzz.targets import DATA, TARGETS, Target
from fuzz.watching import Tally, run_batch

ROOT = Path(__file__).parents[1]
FINDS = sorted((DATA / "fuzz").glob("*/*"))


@pytest.mark.parametrize("path", FINDS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_find_is_answered(path: Path) -> None:
    if path.parent.name not in TARGETS:
        pytest.skip(f"what reads {path.parent.name} is not installed")
    assert trial.wrong_with(TARGETS[path.parent.name], path.read_bytes()) == ("", "")


@pytest.mark.thorough
def test_inputs_of_every_kind() -> None:
    tally = Tally()
    for target in TARGETS:
        run_batch(tally, target, 1000, 40)
    assert tally.finds == {}
    assert tally.executions == dict.fromkeys(TARGETS, 40)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["options", "root"])
def test_inputs_that_coverage_leads_to(target: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    tally = Tally()
    run_batch(tally, target, 1, 300, engine="atheris", corpus=tmp_path)
    assert tally.finds == {}
    assert tally.executions[target] >= 300
    assert any(tmp_path.iterdir())


def reads(what: str) -> Target:
    def read(data: bytes) -> None:
        if what == "slow":
            sum(range(3_000_000))
        elif what != "sound":
            raise {"raw": KeyError, "deep": RecursionError, "large": MemoryError}[what]("x")

    return Target(what, lambda _: b"x", lambda _, data: data, read)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("raw", "tests/test_fuzz.py:"),
        ("deep", "RecursionError"),
        ("large", "more than 500 MB"),
        ("slow", r" s"),
    ],
)
def test_what_is_a_find(what: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SECONDS", 0.005)
    assert trial.wrong_with(reads("sound"), b"x") == ("", "")
    found, kind = trial.wrong_with(reads(what), b"x")
    assert told in found
    assert kind


def test_an_input_depends_on_its_seed_alone() -> None:
    for target in TARGETS.values():
        assert target.input(7) == target.input(7)
        assert len({target.input(seed) for seed in range(9)}) > 5


def test_what_is_broken_can_be_opened() -> None:
    archive = (DATA / "keras" / "keras3_lstm.keras").read_bytes()
    broken = [broken_archive(random.Random(seed), archive) for seed in range(20)]
    assert sum(zipfile.is_zipfile(io.BytesIO(data)) for data in broken) > 12
    header = b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'
    content = len(header).to_bytes(8, "little") + header + bytes(4)
    made = [broken_safetensors(random.Random(seed), content) for seed in range(20)]
    assert sum(int.from_bytes(data[:8], "little") <= len(data) for data in made) > 12


def test_demands_are_no_larger_than_inputs() -> None:
    for _, make in DEMANDS.values():
        assert 10 < len(make()) <= trial.LARGEST


@pytest.mark.slow
def test_a_process_that_ends_is_a_find() -> None:
    tally = Tally()
    (find,) = run_batch(tally, "no such target", 5, 10)
    assert "ended with 1" in find.what
    assert tally.executions["no such target"] == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals that end a process")
def test_a_signal_ends_it_with_the_summary() -> None:
    command = [sys.executable, ROOT / "tools" / "fuzz", "--targets", "options", "--seconds", "600", "--engine", "own"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("reading options, ")
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "executions in" in said
    assert "0 kinds of finds" in said
