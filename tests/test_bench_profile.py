"""`python tools/bench profile`: parts of calls by leaving them out; nothing depends on how long they take."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from bench import CASES, Case, step_profile
from bench.cases import LAYERS, make_problem
from bench.command import main
from bench.contestants import Ours
from bench.measure import Task, Timing
from bench.roofline import Peaks, Work
from bench.step_profile import Part, Profile, profile_scores, profile_step

LAST = Case("2", 6, 4, 3, 2, False, 0)


@pytest.mark.parametrize("layer", LAYERS)
def test_parts_add_up(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out is really called otherwise, and is back afterwards."""
    ours: list[Ours] = []
    made = step_profile.Ours
    monkeypatch.setattr(step_profile, "Ours", lambda *given: ours.append(made(*given)) or ours[-1])

    def timed(tasks: list[Task], rounds: int, seconds: float) -> list[Timing]:
        """One call of each; the n-th takes 2**-n seconds."""
        for task in tasks:
            assert task.timer(1) > 0
        return [Timing(task.contestant, 1, (2.0**-n,)) for n, task in enumerate(tasks)]

    monkeypatch.setattr(step_profile, "interleave", timed)
    problem = make_problem(LAST, layer)
    step, scores = profile_step(problem, 1, 0.0), profile_scores(problem, 1, 0.0)
    for profile in (step, scores):
        assert sum(part.seconds for part in profile.parts.values()) == pytest.approx(profile.seconds)
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[layer]
    assert scores.parts["products"].flops == 2 * 6 * 4 * gates * 2 * (3 + 2)
    assert step.parts["gradients of states"].flops == 2 * 6 * 4 * gates * 2 * 2
    assert step.saved == pytest.approx(0.5 - 2.0**-7)
    fresh = Ours(problem, 1)
    for which, other in ((ours[0], fresh), (ours[1], Ours(problem, 1))):
        which.engine.restore(other.engine.state())
        np.testing.assert_array_equal(which.losses(2), other.losses(2))


def test_table_has_shares_and_rates() -> None:
    work, parts = Work(10**9, 1, elementwise=10**9), {"products": Part(0.01, 10**9), "transposes": Part(0.01)}
    cells = Profile("3 RNN", work, 0.02, parts, 0.001, 0.78).cells(Peaks(1, 2e11, 1.0, 1))
    assert cells == ["3 RNN", "20.00", "50% (78%)", "50.0%, at 50%", "50.0%", "5.0%"]


@pytest.mark.slow
def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(CASES, "2", LAST)
    arguments = ["profile", "--cases", "2", "--layers", "rnn", "--what", "infer", "--rounds", "1"]
    assert main([*arguments, "-o", str(tmp_path / "new")]) == 0
    shown = capsys.readouterr().out
    assert (tmp_path / "new" / "profile.md").read_text(encoding="utf-8") == shown.replace("case 2 RNN: infer\n", "")
    (measured,) = json.loads((tmp_path / "new" / "profile.json").read_text(encoding="utf-8"))["measured"]
    assert (measured["what"], measured["profiles"][0]["title"]) == ("infer", "2 RNN")
    assert "## Scores of a batch" in shown
    assert "\n| 2 RNN | 0." in shown
    with pytest.raises(SystemExit) as ended:
        main(["profile", "--what", "one"])
    assert ended.value.code == 2
