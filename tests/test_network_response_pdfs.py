from __future__ import annotations

import json
from array import array
from pathlib import Path

import numpy as np
import pytest

from pytmva_rnn import read_weights, train, write_weights
from pytmva_rnn.errors import DataError, OptionError, TrainingError, WeightFileError
from pytmva_rnn.network.response_pdfs import learn_response_pdfs
from pytmva_rnn.tmva import Reader

READER = Path(__file__).parent / "data" / "reader"
OPTIONS = "CreateMVAPdfs:Layout=DENSE|4|TANH,LINEAR:RandomSeed=1:TrainingStrategy=MaxEpochs=2,TestRepetitions=1"


@pytest.mark.parametrize("case", ["mva_pdfs", "mva_pdfs_G"])
def test_answers_of_tmva(case: str, tmp_path: Path) -> None:
    data = np.load(READER / case / "data.npz")
    model = read_weights(READER / case / "weights.xml")
    scores = data["scores"][:, 0]
    fractions = json.loads((READER / case / "case.json").read_text(encoding="utf-8"))["signal_fractions"]
    for fraction, expected in zip(fractions, data["proba"].T, strict=True):
        np.testing.assert_allclose(model.signal_probability(scores, fraction), expected, atol=2e-7)
    np.testing.assert_allclose(model.rarity(scores), data["rarity"], atol=2e-7)
    model.save(tmp_path / "again.xml")
    assert (tmp_path / "again.xml").read_bytes() == (READER / case / "weights.xml").read_bytes()


def test_the_distributions_are_those_that_tmva_learns() -> None:
    data = np.load(READER / "mva_pdfs_G" / "data.npz")
    model = read_weights(READER / "mva_pdfs_G" / "weights.xml")
    is_signal = data["training_class"] == 0
    learned = learn_response_pdfs("DL", model.predict(data["training_X"]), is_signal, data["training_w"])
    for ours, theirs in zip(learned, model.mva_pdfs, strict=True):
        assert (ours.name, ours.histogram, len(ours.contents)) == (theirs.name, theirs.histogram, 12)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-7)
        np.testing.assert_allclose(ours.contents, theirs.contents, rtol=5e-6)


def test_training_makes_them_and_the_reader_answers(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 2)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=400) > 0).astype(np.float32)
    model = train(X, y, OPTIONS, title="net").model
    assert [pdf.name for pdf in model.mva_pdfs] == ["net_PDFSig", "net_PDFBkg"]
    write_weights(model, tmp_path / "net.weights.xml")
    reader, values = Reader(), [array("f", [0.0]) for _ in range(2)]
    for variable, value in zip(model.variables, values, strict=True):
        reader.AddVariable(variable.expression, value)
    reader.BookMVA("net", tmp_path / "net.weights.xml")
    values[0][0], values[1][0] = X[0]
    score = reader.EvaluateMVA("net")
    assert reader.GetProba("net", 0.3) == reader.GetProba("net", 0.3, score)
    assert reader.GetProba("net", 0.3) == pytest.approx(float(model.signal_probability(score, 0.3)), rel=1e-5)
    assert reader.GetRarity("net") == pytest.approx(float(model.rarity(score)), rel=1e-5)
    values[0][0] = float("nan")
    assert reader.GetProba("net") == reader.GetRarity("net") == -999
    # flat for the background, by construction
    assert abs(np.mean(model.rarity(model.predict(X[y == 0]))) - 0.5) < 0.05


def test_what_cannot_be_answered_is_said(tmp_path: Path) -> None:
    X = np.random.default_rng(1).normal(size=(140, 2)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.float32)
    small = OPTIONS + ",BatchSize=10"
    with pytest.raises(TrainingError, match="needs 150 training events or more, not 140"):
        train(X, y, small)
    with pytest.raises(OptionError, match="CreateMVAPdfs is for a classification"):
        train(X, y, small, analysis="regression")
    without = train(X, y, small.replace("CreateMVAPdfs:", "")).model
    for ask in (without.rarity, without.signal_probability):
        with pytest.raises(DataError, match="train it with the option CreateMVAPdfs"):
            ask([0.5])
    model = read_weights(READER / "mva_pdfs" / "weights.xml")
    with pytest.raises(DataError, match=r"must lie in \[0, 1\], not 1.5"):
        model.signal_probability([0.5], 1.5)
    assert np.isnan(model.rarity([np.nan])).all()
    text = (READER / "mva_pdfs" / "weights.xml").read_text(encoding="utf-8")
    (tmp_path / "w.xml").write_text(text.replace('InterpolMethod="2"', 'InterpolMethod="6"'), encoding="utf-8")
    with pytest.raises(DataError, match="interpolation 6 with 0 smoothings is not supported"):
        read_weights(tmp_path / "w.xml").rarity([0.5])
    (tmp_path / "w.xml").write_text(text.replace("1.07732072e-01 ", "", 1), encoding="utf-8")
    with pytest.raises(WeightFileError, match="expected 12 finite numbers, found 11"):
        read_weights(tmp_path / "w.xml")
