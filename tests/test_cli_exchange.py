"""`convert` and `compare` among the formats of other frameworks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import read_weights
from pytmva_rnn.cli import main
from pytmva_rnn.cli.compare_command import DIFFERENT
from pytmva_rnn.errors import MissingExtraError
from tests.reference import FOLDER, Case

KERAS = Path(__file__).parent / "data" / "keras"
PACKAGES = {".onnx": "onnx", ".pt": "torch", ".safetensors": "safetensors", ".keras": "h5py"}


def weights(case: str) -> str:
    return str(FOLDER / case / "weights.xml")


@pytest.fixture(autouse=True)
def _no_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing ROOT takes seconds, and the package of pip has no TMVA."""

    def register(path: Path) -> None:
        raise MissingExtraError("no ROOT here")

    monkeypatch.setattr("pytmva_rnn.cli.compare_command.register", register)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The events of a reference case in a ROOT file, one branch a variable."""
    path = tmp_path_factory.mktemp("data") / "data.root"
    X = Case("gru_after_last").data["X"].reshape(-1, 30)[:60].astype(np.float32)
    with uproot.recreate(path) as file:
        file["t"] = {variable.expression: X[:, n] for n, variable in enumerate(Case("gru_after_last").model.variables)}
    return str(path)


@pytest.mark.parametrize("suffix", PACKAGES)
def test_there_and_back(suffix: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip(PACKAGES[suffix])
    network, back = tmp_path / f"net{suffix}", tmp_path / "back.weights.xml"
    assert main(["convert", weights("gru_after_last"), str(network), "--check", data]) == 0
    shown = capsys.readouterr().out
    assert f"{network}: 30 variables, 1 output" in shown
    assert "60 events of" in shown
    assert "they agree: " in shown
    assert main(["convert", str(network), str(back)]) == 0
    assert back.read_bytes() == Path(weights("gru_after_last")).read_bytes()
    # what convert has written it replaces
    assert main(["convert", str(back), str(network)]) == 0


@pytest.mark.parametrize("suffix", PACKAGES)
def test_a_file_that_says_all_itself(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It takes another title; what else is given is not passed over."""
    pytest.importorskip(PACKAGES[suffix])
    network, back = str(tmp_path / f"net{suffix}"), tmp_path / "back.weights.xml"
    assert main(["convert", weights("gru_after_last"), network]) == 0
    assert main(["convert", network, str(back), "--spectators", "run"]) == 1
    assert f"{network}: it says itself what spectators are; leave that out" in capsys.readouterr().err
    assert main(["convert", network, str(back), "--steps=7"]) == 1
    assert f"{network}: expected 6 steps, found --steps 7" in capsys.readouterr().err
    assert not back.exists()
    assert main(["convert", network, str(back), "--title=Other", "--steps=6"]) == 0
    assert read_weights(back).title == "Other"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler")
def test_a_header_takes_part(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = str(tmp_path / "net.hxx")
    assert main(["convert", weights("gru_after_last"), header, "--check", data]) == 0
    assert main(["compare", header, weights("gru_after_last"), data]) == 0
    assert main(["compare", weights("rnn_last"), header, data]) == DIFFERENT
    assert "they differ: " in capsys.readouterr().out
    assert main(["compare", header, header, data]) == 1
    assert "two C++ headers do not say how their variables are made" in capsys.readouterr().err


@pytest.mark.slow
def test_networks_that_differ(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compare", weights("gru_after_last"), weights("rnn_last"), data]
    assert main(command) == DIFFERENT
    shown = capsys.readouterr().out
    assert f"{weights('rnn_last')} (pytmva_rnn):\nlargest difference 0." in shown
    assert "up to 1" in shown
    assert main([*command, "--tolerance", "1"]) == 0
    assert main(["compare", weights("gru_after_last"), weights("multiclass_softmax"), data]) == 1
    assert "they are different networks" in capsys.readouterr().err


def test_tmva_takes_part_where_there_is_one(
    data: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Reader:
        def __init__(self, path: Path) -> None:
            self.model = read_weights(path)

        def predict(self, X: Any) -> Any:
            scores = self.model.predict(X)
            return scores + np.float32(0.25), scores

    monkeypatch.setattr("pytmva_rnn.cli.compare_command.register", Reader)
    path = weights("gru_after_last")
    assert main(["compare", path, path, data]) == DIFFERENT
    shown = capsys.readouterr().out
    assert f"{path} (pytmva_rnn) and\n{path} (C++ TMVA):\nlargest difference 0.25 in event" in shown


class TestForeignFiles:
    file = str(KERAS / "keras3_lstm.keras")

    @pytest.fixture(autouse=True)
    def _h5py(self) -> None:
        pytest.importorskip("h5py")

    @pytest.fixture
    def events(self, tmp_path: Path) -> str:
        X = np.load(KERAS / "keras3_lstm_keras.npz")["X"].reshape(-1, 20)
        with uproot.recreate(tmp_path / "events.root") as file:
            file["t"] = {f"v{step}": X[:, step * 4 : step * 4 + 4] for step in range(5)}
        return str(tmp_path / "events.root")

    def test_names_come_from_options(self, events: str, tmp_path: Path) -> None:
        output = tmp_path / "net.weights.xml"
        command = ["convert", self.file, str(output), "--check", events, "--title", "Keras"]
        assert main([*command, "--variables", "v{0..4}[4]", "--classes", "sig", "bkg"]) == 0
        model = read_weights(output)
        assert (model.title, model.classes, model.variables[5].internal) == ("Keras", ("sig", "bkg"), "v1[1]")
        # or all of it from a weight file
        again = tmp_path / "again.weights.xml"
        assert main(["convert", self.file, str(again), "--like", str(output)]) == 0
        assert read_weights(again).variables == model.variables

    def test_ranges_come_from_events(self, events: str, tmp_path: Path) -> None:
        output = tmp_path / "net.weights.xml"
        names = [f"v{step}[{k}]" for step in range(5) for k in range(4)]
        command = ["convert", self.file, str(output), "--ranges", events]
        assert main([*command, "--variables", *(f"x{n}:={name}" for n, name in enumerate(names))]) == 0
        X = np.load(KERAS / "keras3_lstm_keras.npz")["X"].reshape(-1, 20)
        found = [(variable.min, variable.max) for variable in read_weights(output).variables]
        np.testing.assert_allclose(found, np.stack([X.min(0), X.max(0)], 1), rtol=1e-6)

    def test_ranges_of_no_events(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "events.root"
        with uproot.recreate(path) as file:
            file["t"] = {"pt": ak.Array([[1.0], []])[1:]}  # events would be the elements of lists
        command = ["convert", self.file, str(tmp_path / "net.weights.xml"), "--ranges", str(path)]
        assert main([*command, "--variables", "pt"]) == 1
        assert f"{path}: there are no events whose ranges could be taken" in capsys.readouterr().err

    def test_the_other_file_of_a_comparison_has_the_names(
        self, events: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        output = tmp_path / "net.weights.xml"
        assert main(["convert", self.file, str(output), "--variables", "v{0..4}[4]"]) == 0
        assert main(["compare", self.file, str(output), events]) == 0
        assert "they agree: " in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            ([], "give the 20 names, time-major, as --variables: pt_0, eta_0"),
            (["--variables", "a", "b"], "expected the names of 20 variables (5 step(s) of 4), found 2"),
            (["--variables", "v{0..4}[4]", "--layout", "LINEAR"], "layout is given, but that is not asked for here"),
            (["--variables", "v{0..4}[4]", "--analysis", "multiclass"], "is no multiclass of TMVA's"),
            (["--ranges", "data.root"], "--ranges are those of --variables, which are not given"),
            (
                ["--like", weights("lstm_last"), "--variables", "x"],
                "--like says what the variables are, and so does --v",
            ),
            (["--like", weights("lstm_last")], "expected the names of 20 variables (5 step(s) of 4), found 30"),
        ],
    )
    def test_what_is_asked_for(
        self,
        arguments: list[str],
        problem: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "data.root").write_bytes(b"")
        assert main(["convert", self.file, "net.weights.xml", *arguments]) == 1
        assert problem in capsys.readouterr().err
        assert not (tmp_path / "net.weights.xml").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["compare", weights("rnn_last"), "net.txt", "data.root"], "net.txt: expected a name that ends in one of .xml"),
        (["compare", weights("rnn_last"), "net.onnx", "data.root", "--tolerance=-1"], "--tolerance is a number from"),
        (
            ["compare", weights("rnn_last"), weights("rnn_last"), "data.root", "--title=x"],
            "--title is for files that do",
        ),
        (["convert", "net.hxx", "net.xml"], "net.hxx: a C++ header is not read; give the file that it was made from"),
        (
            ["convert", weights("rnn_last"), "net.xml", "--title=x"],
            "title is given, but a weight file says that",
        ),
        (["convert", weights("rnn_last"), "net.pt", "--program=a.cxx"], "--program is for C++ headers; net.pt is none"),
    ],
)
def test_wrong_input(
    arguments: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    assert problem in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_somebody_else_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("h5py")
    path = tmp_path / "net.keras"
    path.write_bytes((KERAS / "keras3_lstm.keras").read_bytes())
    assert main(["convert", weights("rnn_last"), str(path)]) == 1
    assert "is there already and is not a file of Keras by pytmva_rnn" in capsys.readouterr().err
    assert main(["convert", weights("rnn_last"), str(path), "--force"]) == 0
