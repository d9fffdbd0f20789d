"""What C++ TMVA's own Reader answers, and what its Factory writes, in the corners: tests/data/reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn import read_weights
from pytmva_rnn.description import Identity

FOLDER = Path(__file__).parent / "data" / "reader"
CASES = sorted(path.name for path in FOLDER.iterdir() if (path / "weights.xml").exists())
NAN = json.loads((FOLDER / "nan_inputs" / "case.json").read_text(encoding="utf-8"))["table"]


def case_of(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((FOLDER / name / "case.json").read_text(encoding="utf-8"))
    return case


@pytest.mark.parametrize("name", CASES)
def test_scores(name: str) -> None:
    data = np.load(FOLDER / name / "data.npz")
    # C++ takes the first element of an array for all; ours are those of the network that was trained
    expected = data["scores_by_position" if "scores_by_position" in data.files else "scores"]
    model = read_weights(FOLDER / name / "weights.xml")
    tolerance = case_of(name)["tolerance"]
    np.testing.assert_allclose(model.predict(data["X"]).reshape(expected.shape), expected, rtol=0, atol=tolerance)
    single = np.array([model.predict_one(x) for x in data["X"][::10]]).reshape(-1, expected.shape[1])
    np.testing.assert_allclose(single, expected[::10], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_files_are_written_back_as_they_were(name: str, tmp_path: Path) -> None:
    original = (FOLDER / name / "weights.xml").read_bytes()
    read_weights(FOLDER / name / "weights.xml").save(tmp_path / "again.xml")
    written = (tmp_path / "again.xml").read_bytes()
    if name.startswith("arrays_"):
        # these files, of which a part was made by hand, lack a node that C++ always writes
        written = written.replace(b'  <Spectators NSpec="0"/>\n', b"")
    assert written == original


@pytest.mark.parametrize("row", NAN, ids=[row["file"].removesuffix(".weights.xml") for row in NAN])
def test_nan_and_infinite_inputs(row: dict[str, Any]) -> None:
    data = np.load(FOLDER / "nan_inputs" / "data.npz")
    expected: NDArray[np.float32] = data["scores_" + row["file"].removesuffix(".weights.xml")]
    model = read_weights(FOLDER / "nan_inputs" / row["file"])
    # where C++ never comes back, ours is NaN
    np.testing.assert_allclose(model.predict(data["X"]).reshape(expected.shape), expected, rtol=0, atol=2e-4)
    single = np.array([model.predict_one(x) for x in data["X"]]).reshape(expected.shape)
    np.testing.assert_allclose(single, expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("name", ["N_Signal", "D_Background"])
def test_a_named_class_that_the_reader_forgets_is_told(name: str, caplog: pytest.LogCaptureFixture) -> None:
    model = read_weights(FOLDER / name / "weights.xml")
    assert f"VarTransform has {name}; scores use all classes together, as C++ TMVA's Reader forgets" in caplog.text
    assert [transformation.reference for transformation in model.transformations] == [None]


def test_identities_are_counted_and_have_no_node() -> None:
    model = read_weights(FOLDER / "identity_then_N" / "weights.xml")
    assert [type(each) is Identity for each in model.transformations] == [True, False]
