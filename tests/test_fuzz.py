"""What fuzzing has found, and a few inputs of each kind, within the limits of `tools/fuzz`."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz import command
from fuzz.targets import DATA, TARGETS, Target

FINDS = sorted((DATA / "fuzz").glob("*/*"))


@pytest.mark.parametrize("path", FINDS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_find_is_answered(path: Path) -> None:
    assert TARGETS[path.parent.name].run(path.read_bytes()) in ("read", "refused")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["options", "formula", "weights"])
def test_a_few_inputs(target: str) -> None:
    assert command.run_batch(target, 0, 150) == (150, [])


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_inputs_of_every_kind(target: str) -> None:
    done, finds = command.run_batch(target, 1000, 300)
    assert (done, finds) == (300, [])


def broken(target: str) -> Target:
    def read(data: bytes) -> None:
        raise {"raw": KeyError, "deep": RecursionError, "large": MemoryError}[target]("x")

    return Target(target, lambda _: b"x", read)


def test_an_input_depends_on_its_seed_alone() -> None:
    for target in TARGETS.values():
        assert target.input(7) == target.input(7)
        assert len({target.input(seed) for seed in range(9)}) > 5


@pytest.mark.parametrize("kind", ["raw", "deep", "large"])
def test_other_errors_are_finds(kind: str) -> None:
    with pytest.raises((KeyError, RecursionError, MemoryError)):
        broken(kind).run(b"x")


@pytest.mark.slow
def test_a_process_that_ends_is_a_find() -> None:
    done, finds = command.run_batch("no such target", 5, 10)
    assert done == 1
    assert [(find.seed, "ended with 1" in find.what) for find in finds] == [(5, True)]
