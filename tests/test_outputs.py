"""What may be written where."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pytmva_rnn import outputs as module
from pytmva_rnn.errors import OutputError
from pytmva_rnn.outputs import CHECK, HEADER, PICTURE, SCORES, WEIGHTS, Kind, Output, check_outputs, check_space
from pytmva_rnn.scores.score_file import new_root_file
from tests.reference import FOLDER

Prepare = Callable[[Path], object]


def refused(message: str, *outputs: Output, inputs: tuple[Path | str, ...] = ()) -> None:
    with pytest.raises(OutputError) as raised:
        check_outputs(outputs, inputs)
    assert message in str(raised.value), raised.value
    assert "\n" not in str(raised.value)


def test_where_everything_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.png").symlink_to("real.png")
    before = list(tmp_path.iterdir())
    given = [
        Output("weights", Path("new/deep/w.weights.xml"), WEIGHTS),
        Output("scores", Path("s.root"), SCORES),
        Output("plot", Path("link.png"), PICTURE),
    ]
    found = check_outputs(given, ["in.root", "root://host//s.root", tmp_path / "c.toml"])
    assert found == [tmp_path / "new/deep/w.weights.xml", tmp_path / "s.root", tmp_path / "real.png"]
    assert list(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a\0.xml", r"'{folder}/a\x00.xml': a name has no NUL character"),
        ("a\n.xml", r"'{folder}/a\n.xml': its name has characters that cannot be printed"),
        ("a.root", "the weights cannot be written to {folder}/a.root: its name must end with .xml"),
        ("é" * 130 + ".xml", "File name too long"),
        ("new/" + "é" * 130 + ".xml", "its name is too long; 255 bytes are allowed"),
        ("new/" + "d/" * 2100 + "w.xml", "File name too long"),
        ("new/" + "d/" * 1930 + "w.xml", "its path is too long"),
        ("folder.xml", "folder.xml: that is a folder; name a file in it"),
        ("file.txt/w.xml", "w.xml: Not a directory"),
        ("pipe.xml", "pipe.xml: that is a device, a pipe or a socket; name a file"),
        ("circle.xml", "symbolic links"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="names and kinds of files are those of POSIX")
def test_names_that_cannot_be_written(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "folder.xml").mkdir()
    (tmp_path / "file.txt").write_text("")
    os.mkfifo(tmp_path / "pipe.xml")
    (tmp_path / "circle.xml").symlink_to("circle.xml")
    refused(message.format(folder=tmp_path), Output("weights", Path(f"{tmp_path}/{name}"), WEIGHTS))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    refused("Permission denied", Output("weights", tmp_path / "w.xml", WEIGHTS))


@pytest.mark.skipif(os.name != "posix", reason="owners are those of POSIX")
def test_a_file_of_somebody_else_in_a_sticky_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o777 | stat.S_ISVTX)
    (tmp_path / "w.xml").write_text("")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    refused("it belongs to somebody else", Output("weights", tmp_path / "w.xml", WEIGHTS))


def test_a_current_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    refused("the current folder is no longer there", Output("weights", Path("w.xml"), WEIGHTS))
    assert check_outputs([Output("weights", tmp_path / "w.xml", WEIGHTS)]) == [tmp_path / "w.xml"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux has a folder like it")
def test_a_folder_in_which_no_file_can_be_made() -> None:
    refused("no file can be made in /proc", Output("weights", Path("/proc/x/w.xml"), WEIGHTS))


@pytest.mark.parametrize("how", ["itself", "dots", "link", "hard link", "file URL", "not there yet"])
def test_an_input_is_never_an_output(how: str, tmp_path: Path) -> None:
    data, other = tmp_path / "data.root", tmp_path / "other.root"
    if how != "not there yet":
        data.write_bytes(b"root")
    if how == "link":
        other.symlink_to(data)
    elif how == "hard link":
        os.link(data, other)
    output = {"dots": tmp_path / "x" / ".." / "data.root", "link": other, "hard link": other}.get(how, data)
    (tmp_path / "x").mkdir()
    given = data.as_uri() if how == "file URL" else data
    refused("is also an input file; write the scores to another one", Output("scores", output, SCORES), inputs=(given,))


def test_outputs_do_not_overlap(tmp_path: Path) -> None:
    anything = Kind("anything", (), lambda content: True)
    (tmp_path / "link.xml").symlink_to("w.xml")
    for path in ("w.xml", "link.xml", "w.xml/s.root"):
        refused(
            "the weights are written there; give each a name of its own",
            Output("weights", tmp_path / "w.xml", WEIGHTS),
            Output("scores", tmp_path / path, anything),
        )


def test_what_is_not_ours_is_replaced_on_request_only(tmp_path: Path) -> None:
    contents: dict[tuple[str, Kind], tuple[bytes, bytes]] = {
        ("w.xml", WEIGHTS): ((FOLDER / "lstm_last/weights.xml").read_bytes(), b'<MethodSetup Method="BDT::BDT">'),
        ("p.png", PICTURE): (b"\x89PNG\r\n", b"a text"),
        ("p.svg", PICTURE): (b'<?xml version="1.0"?><svg>', b"<html>"),
        ("h.hxx", HEADER): (b"// Made by pytmva_rnn 1.0", b"#pragma once"),
        ("c.cxx", CHECK): (b"// Made by pytmva_rnn.", b"int main() {}"),
    }
    for (name, kind), (ours, others) in contents.items():
        output = Output("weights", tmp_path / name, kind)
        for content in (ours, b""):
            output.path.write_bytes(content)
            assert check_outputs([output]) == [output.path]
        output.path.write_bytes(others)
        refused(f"{output.path} is there already and is not {kind.what}", output)
        assert check_outputs([output], force=True) == [output.path]


def test_root_files_of_ours_are_known(tmp_path: Path) -> None:
    output = Output("scores", tmp_path / "s.root", SCORES)
    output.path.write_bytes(b"root\0\0 a user's events")
    refused("is there already and is not a ROOT file by pytmva_rnn", output)
    with new_root_file(output.path, files=["a.root"]) as file:
        file["t"] = {"x": [1.0] * 100_000}
    assert check_outputs([output]) == [output.path]


def test_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: Usage)
    check_space("scores", tmp_path / "new" / "s.root", 2_000_000)
    with pytest.raises(OutputError, match=r"they need 2\.0 MB, and 2\.0 MB are free"):
        check_space("scores", tmp_path / "new" / "s.root", 2_000_001)


class Usage:
    free = 2_000_000
