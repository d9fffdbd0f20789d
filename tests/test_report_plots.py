"""Pictures: that they are drawn from the numbers given, whole, and without traces of failures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from pytmva_rnn.description import HistoryRow
from pytmva_rnn.report import ScoredSample, training_picture

HISTORY = [HistoryRow(1, 1, 0.7, 0.69), HistoryRow(1, 2, 0.6, 0.61), HistoryRow(2, 1, 0.5, 0.55)]


def sample(n: int, outputs: int, seed: int, targets: int = 0) -> ScoredSample:
    random = np.random.default_rng(seed)
    index = random.integers(0, max(2, outputs), n) if not targets else np.zeros(n, dtype=np.int64)
    scores = random.random((n, outputs)).astype(np.float32)
    return ScoredSample(
        scores[:, 0] if outputs == 1 else scores,
        random.random(n) + 0.5,
        index,
        random.random((n, targets)).astype(np.float32),
    )


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    figures: list[Figure] = []
    save = Figure.savefig

    def saved(self: Figure, *arguments: object, **options: object) -> None:
        figures.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", saved)
    return figures


def test_a_classification(tmp_path: Path, drawn: list[Figure]) -> None:
    path = tmp_path / "new" / "lstm.png"
    samples = {"test": sample(50, 1, 1), "training": sample(80, 1, 2)}
    training_picture(path, HISTORY, samples, classes=["Signal", "Background"])
    assert path.read_bytes().startswith(b"\x89PNG")
    history, roc, scores = drawn[0].axes
    errors = {line.get_label(): np.array(line.get_data()).tolist() for line in history.lines}
    assert errors["training"] == [[1, 2, 3], [0.7, 0.6, 0.5]]
    assert errors["validation"] == [[1, 2, 3], [0.69, 0.61, 0.55]]
    assert [text.get_text()[:5] for text in roc.get_legend().get_texts()] == ["test ", "train"]
    assert len(scores.get_legend().get_texts()) == 4
    assert [patch.get_fill() for patch in scores.patches] == [True, True, False, False]


@pytest.mark.slow
def test_more_classes(tmp_path: Path, drawn: list[Figure]) -> None:
    training_picture(tmp_path / "three.svg", HISTORY, {"test": sample(90, 3, 1)}, classes=["a", "b", "c"])
    assert b"<svg" in (tmp_path / "three.svg").read_bytes()
    _, roc, scores = drawn[0].axes
    assert [text.get_text()[:7] for text in roc.get_legend().get_texts()] == ["a, test", "b, test", "c, test"]
    assert len(scores.get_legend().get_texts()) == 3
    assert not any(patch.get_fill() for patch in scores.patches)


def test_bins_of_negative_content_are_to_be_seen(tmp_path: Path, drawn: list[Figure]) -> None:
    scores, weights = np.repeat([0.1, 0.5, 0.9], 10), np.repeat([1.0, -0.5, 1.0], 10)
    given = ScoredSample(np.tile(scores, 2), np.tile(weights, 2), np.repeat([0, 1], 30), np.empty((60, 0)))
    training_picture(tmp_path / "s.png", HISTORY, {"test": given}, classes=["a", "b"])
    panel = drawn[0].axes[2]
    assert panel.get_ylim()[0] < panel.patches[0].get_data().values.min() < 0


@pytest.mark.slow
def test_names_are_no_formulas(tmp_path: Path, drawn: list[Figure]) -> None:
    training_picture(tmp_path / "p.png", HISTORY, {"test": sample(90, 2, 1)}, classes=["$_{", "b$^$"], title=r"$\frac$")
    assert (tmp_path / "p.png").exists()


@pytest.mark.slow
def test_a_regression_of_a_constant(tmp_path: Path, drawn: list[Figure]) -> None:
    constant = ScoredSample(np.ones((5, 2)), np.ones(5), np.zeros(5, np.int64), np.ones((5, 2)))
    training_picture(tmp_path / "r.pdf", HISTORY, {"test": constant}, targets=["x", "y"])
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
    assert len(drawn[0].axes) == 2


def test_a_failure_leaves_the_old_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.png"
    path.write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError, match="No space left"):
        training_picture(path, HISTORY, {"test": sample(50, 1, 1)}, classes=["Signal", "Background"])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
