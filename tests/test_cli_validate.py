from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytmva_rnn.cli import main

REFERENCE = Path(__file__).parent / "data" / "reference"


def test_valid_files(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(REFERENCE / case / "weights.xml") for case in ("lstm_last", "stacked")]
    assert main(["validate", *files]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"{file}: valid" for file in files]
    assert err == ""


def test_problems_are_told_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (REFERENCE / "rnn_last" / "weights.xml").read_text()
    Path("bad.xml").write_text(text.replace('NVar="30"', 'NVar="31"').replace('NClass="2"', 'NClass="3"'))
    shutil.copy(REFERENCE / "rnn_last" / "weights.xml", "good.xml")
    assert main(["validate", "bad.xml", "good.xml"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "bad.xml:31: <Variables> NVar: expected 31 <Variable> nodes, found 30",
        "bad.xml:64: <Classes> NClass: expected 3 <Class> nodes, found 2",
        "good.xml: valid",
    ]


def test_files_that_cannot_be_opened_do_not_stop_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty, good = tmp_path / "empty.xml", REFERENCE / "rnn_last" / "weights.xml"
    empty.write_text("")
    assert main(["validate", str(tmp_path / "none.xml"), str(empty), str(good)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'none.xml'}: No such file or directory",
        f"{empty}: expected a TMVA weight file, found an empty file",
        f"{good}: valid",
    ]


def test_a_file_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["validate"])
    assert "FILE" in capsys.readouterr().err
