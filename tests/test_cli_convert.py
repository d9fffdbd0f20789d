from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from pytmva_rnn.cli import main
from pytmva_rnn.weightfile import write_weights
from tests.cpp import build, output
from tests.reference import FOLDER, Case


def weights(case: str) -> str:
    return str(FOLDER / case / "weights.xml")


@pytest.mark.slow
@pytest.mark.parametrize("case", ["lstm_last", "remember_state"])
def test_header_and_check_with_known_scores(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header, check = tmp_path / "include" / "model.hxx", tmp_path / "check.cxx"
    data = str(FOLDER / case / "data.npz")
    command = ["convert", weights(case), str(header), "--name", "Net", "--program", str(check), "--events", data]
    assert main(command) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if not line.startswith("compiling")] == [
        f"{header}: class Net, 30 variables, 1 output",
        f"{check}: g++ -std=c++17 -O3 -march=native {check} -o check && ./check",
    ]
    assert '#include "include/model.hxx"' in check.read_text()
    assert "Net: 0 of 20 scores differ" in output(build("g++", check))


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["convert", "--help"])
    assert "examples:\n  pytmva-rnn convert " in capsys.readouterr().out


@pytest.mark.slow
def test_check_finds_a_difference(tmp_path: Path) -> None:
    check = tmp_path / "check.cxx"
    case = Case("multiclass_softmax")
    scores = case.data["scores"][:5].copy()
    scores[3, 1] += 1e-5
    np.savez(tmp_path / "events.npz", X=case.data["X"][:5].reshape(5, 6, 5), scores=scores)
    command = ["convert", weights(case.name), str(tmp_path / "net.h"), "--program", str(check)]
    assert main([*command, "--events", str(tmp_path / "events.npz")]) == 0
    done = subprocess.run([build("g++", check)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == f"net: 1 of {scores.size} scores differ; largest difference 1e-05\n"


@pytest.mark.slow
def test_check_makes_its_own_events(tmp_path: Path) -> None:
    check = tmp_path / "check.cxx"
    write_weights(Case("regression").model, tmp_path / "weights.xml")
    command = ["convert", str(tmp_path / "weights.xml"), str(tmp_path / "net.hxx"), "--program", str(check)]
    assert main(command) == 0
    text = check.read_text()
    # the last event has a NaN, which a regression answers with NaN
    assert text.partition("expected[")[2].count("NAN") == 2
    assert "NAN" in text.partition("expected[")[0]
    output(build("g++", check))
    assert main(command) == 0
    assert check.read_text() == text


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["m.txt"], "m.txt: expected a name that ends in one of .xml, .hxx, .hpp, .hh, .h, .onnx, .pt"),
        (["m.onnx", "--name=N"], "--name is for C++ headers; m.onnx is none"),
        (["m.h5"], "the weights cannot be written to m.h5: its name must end with .keras"),
        (["my-model.hxx"], "'my-model' cannot be the name of a C++ class: use letters, digits and _, with no digit at"),
        (["m.hxx", "--name=class"], "'class' cannot be the name of a C++ class: it is a word of C++; give another"),
        (["m.hxx", "--name=a__b"], "'a__b' cannot be the name of a C++ class: names with two _ in a row"),
        (["m.hxx", "--name=std"], "'std' cannot be the name of a C++ class: the header uses it for something else"),
        (["m.hxx", "--program=m.hxx"], "the program cannot be written to m.hxx: the weights are written there"),
        (["m.hxx", "--events=e.npz"], "--events are for the program of --program CHECK.cxx, which is not asked for"),
        (["m.hxx", "--program=c.cxx", "--events=none.npz"], "none.npz: No such file or directory"),
        (
            ["m.hxx", "--program=c.cxx", "--events=text.npz"],
            "text.npz: a file by numpy.savez is needed, with an array X",
        ),
        (["m.hxx", "--program=c.cxx", "--events=y.npz"], "y.npz: a file by numpy.savez is needed, with an array X"),
        (["m.hxx", "--program=c.cxx", "--events=short.npz"], "short.npz: X has the shape (4, 29); expected (n, 30)"),
        (["m.hxx", "--program=c.cxx", "--events=empty.npz"], "empty.npz: X has no events"),
        (["m.hxx", "--program=c.cxx", "--events=more.npz"], "more.npz: scores have the shape (5,); expected (4, 1)"),
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
    Path("text.npz").write_text("text")
    np.savez("y.npz", y=np.zeros(3))
    np.savez("short.npz", X=np.zeros((4, 29)))
    np.savez("empty.npz", X=np.zeros((0, 30)))
    np.savez("more.npz", X=np.zeros((4, 30)), scores=np.zeros(5))
    before = set(tmp_path.iterdir())
    assert main(["convert", weights("lstm_last"), *arguments]) == 1
    assert f"pytmva-rnn: error: {problem}" in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before


def test_an_old_header_is_kept_where_the_new_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    header = tmp_path / "m.hxx"
    header.write_text("// Made by pytmva_rnn long ago")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(header))

    monkeypatch.setattr(Path, "write_text", fail)
    assert main(["convert", weights("lstm_last"), str(header)]) == 1
    assert header.read_text() == "// Made by pytmva_rnn long ago"
    assert [path.name for path in tmp_path.iterdir()] == ["m.hxx"]
    assert "No space left on device" in capsys.readouterr().err


def test_a_file_of_somebody_else_is_replaced_with_force_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = tmp_path / "m.hxx"
    header.write_text("mine")
    assert main(["convert", weights("lstm_last"), str(header)]) == 1
    assert "m.hxx is there already and is not a C++ header by pytmva_rnn" in capsys.readouterr().err
    assert header.read_text() == "mine"
    for force in (["--force"], []):
        assert main(["convert", weights("lstm_last"), str(header), *force]) == 0
    assert "class m" in header.read_text()
