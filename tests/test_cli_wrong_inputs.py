"""Whatever is wrong with what commands are given: told in a line with place and remedy, code 1, nothing written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import uproot

from pytmva_rnn.cli import main
from tests.reference import FOLDER
from tests.test_cli_train import CONFIG, write_events

FLAT = re.sub(r"(?s)\[sequence\].*?\[split\]", "[split]", CONFIG)
TABLES = re.sub(r"(?s)\[input\].*?\[sequence\]", "[sequence]", CONFIG)
LONG = "n" * 300


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "events.root"
    with uproot.recreate(path) as file:
        write_events(file, 60)
        file.mktree("empty", {"x": "var * float32", "z": "float32"})
    return path


@pytest.fixture
def folder(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "events.root").write_bytes(data.read_bytes())
    (tmp_path / "w.xml").write_bytes((FOLDER / "lstm_last/weights.xml").read_bytes())
    (tmp_path / "mine.root").write_bytes(b"root of something")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def refused(arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(folder)
    assert main(arguments) == 1
    error = re.sub("pytmva-rnn: warning: .*\n", "", capsys.readouterr().err)
    assert error.startswith("pytmva-rnn: error: ")
    line, *place = error.removesuffix("\n").split("\n")
    assert re.search(message, line), line
    assert len(place) in (0, 2), error  # the text and a mark below the place in it
    assert len(line) < 700
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # misspelt
        ("[sequence]\n", "[sequense]\n", r"c\.toml: .*'sequense'; near names: sequence"),
        ("files =", "fiels =", r"c\.toml: \[input\] has no key 'fiels'; near names: files"),
        ("steps =", "step =", r"c\.toml: \[sequence\]: .*no key 'step'; near names: steps"),
        ("title =", "titel =", r"c\.toml: \[method\] has no key 'titel'; near names: title"),
        ("scores =", "score =", r"c\.toml: \[output\] has no key 'score'; near names: scores"),
        ("NormMode", "NormMod", r"c\.toml: \[split\]: .*NormMod.*NormMode"),
        ("Layout=", "Layuot=", r"c\.toml: \[method\] options: .*Layuot.*Layout"),
        ("MaxEpochs=", "MaxEpoch=", r"c\.toml: \[method\] options: .*MaxEpoch.*MaxEpochs"),
        ("RNN|", "RMN|", r"c\.toml: \[method\] options: .*RMN.*RNN"),
        ('a = "x"', 'a = "xx"', r"no branch 'xx' in .*events\.root:sgn; near names: x"),
        ('a = "x"', 'a = "sqr(x)"', r"c\.toml: \[sequence\]: .*sqr.*sqrt"),
        ('weight = "w"', 'weight = "wait"', r"no branch 'wait' in .*events\.root:bkg; near names: "),
        ('tree = "sgn"', 'tree = "sng"', r"events\.root holds no tree 'sng'; near names: sgn"),
        ("events.root", "event.root", r"no such file: .*event\.root; near names: events\.root"),
        # of the wrong type
        ("steps = 3", 'steps = "3"', r"c\.toml: \[sequence\]: a sequence needs a whole number of steps"),
        ("steps = 3", "steps = 0", r"c\.toml: \[sequence\]: a sequence needs a whole number of steps, at least 1"),
        ("steps = 3", "steps = -3", r"c\.toml: \[sequence\]: a sequence needs a whole number of steps, at least 1"),
        ('a = "x"', "a = 1", r"c\.toml: \[sequence\]: input 'a' of the sequence: 1 is not an expression in quotes"),
        ('"events.root"', "3", r"c\.toml: \[input.*\] files is a path in quotes or a list of such, not 3"),
        ('title = "T"', "title = 5", r"c\.toml: \[method\] title is a name without slashes, not 5"),
        ('plot = "picture.png"', "plot = 1", r"c\.toml: \[output\] plot is a path in quotes, not 1"),
        ('plot = "picture.png"', 'scalar_elements = "yes"', r"\[output\] scalar_elements is true or false, not 'yes'"),
        ('options = "', 'options = 3\nx = "', r"c\.toml: \[method\] has no key 'x'"),
        ("MaxEpochs=3", "MaxEpochs=three", r"c\.toml: \[method\] options: .*MaxEpochs.*three"),
        ("[method]\n", "[[method]]\n", r"c\.toml: method is a table, \[method\], not"),
        # empty, or not there
        ("[method]\n", "[sequence.inputs.more]\n", r"c\.toml: the table \[method\] is missing"),
        ('files = "events.root"', "", r"c\.toml: \[input.*\] needs the key 'files'"),
        ('"events.root"', "[]", r"c\.toml: \[input.*\] files is a path in quotes or a list of such, not \[\]"),
        ('"events.root"', '""', r"c\.toml: .*files|no such file|is a folder"),
        ('title = "T"', 'title = ""', r"c\.toml: \[method\] title is a name without slashes, not ''"),
        ('scores = "out/scores.root"', 'scores = ""', r"c\.toml: \[output\] scores is a path in quotes, not ''"),
        ('a = "x"', 'a = ""', r"c\.toml: \[sequence\]: .*''"),
        ('a = "x"\nb = "x * x"', "", r"c\.toml: \[sequence\]: a sequence needs at least one input"),
        ('tree = "sgn"', 'tree = "empty"', r"no entries in .*events\.root:empty"),
        ('tree = "sgn"', 'tree = "sgn"\nselection = "z > 99"', r"class 'Signal' has no events: none of 60 passes"),
        # one class, weights, numbers that do not fit
        ('[input.Background]\ntree = "bkg"\nweight = "w"\n', "", r"c\.toml: \[input.Signal\] is the only class"),
        ('weight = "w"', 'weight = "0 * w"', r"Background.* sum|sum.*Background|add up to 0"),
        ('weight = "w"', 'weight = "-w"', r"Background.*-.*absolute"),
        ('weight = "w"', 'weight = "log(0 * w - 1) / 0 + TMath::Log(-1)"', r"the weight .* is nan in event 0 of"),
        ("RNN|4|2|3", "RNN|4|5|3", r"c\.toml: \[method\] options: .*5"),
        ("BatchSize=10", "BatchSize=1000", r"BatchSize=1000 of phase 1 is larger than the sample"),
        ('NormMode = "NumEvents"', "nTrain_Signal = 1000", r"class 'Signal' has 60 events, too few"),
        # outputs
        ("picture.png", "picture.xyz", r"c\.toml: \[output\] plot = 'picture\.xyz': the name must end with"),
        (
            "out/scores.root",
            "scores.txt",
            r"the scores cannot be written to scores\.txt: its name must end with \.root",
        ),
        ("out/scores.root", "events.root", r"events\.root is also an input file; write the scores to another one"),
        ("out/scores.root", "mine.root", r"mine\.root is there already and is not a ROOT file .* --force"),
        ("out/scores.root", "/proc/none/s.root", r"the scores cannot be written to /proc/none/s\.root: "),
        ("out/scores.root", "/dev/null", r"the scores cannot be written to /dev/null: that is a device"),
        ('plot = "picture.png"', 'weights = "/proc/none/w.xml"', r"the weights cannot be written to /proc/none/w\.xml"),
        ("picture.png", "events.root/p.png", r"the plot cannot be written to events\.root/p\.png: Not a directory"),
        ("out/scores.root", "w.xml/s.root", r"the scores cannot be written to w\.xml/s\.root: Not a directory"),
        ("out/scores.root", f"{LONG}.root", r"the scores cannot be written to n+.*: (File name|its name is) too long"),
        ("out/scores.root", "a\\u0000.root", r"the scores cannot be written to 'a\\x00\.root': a name has no NUL"),
        ("out/scores.root", "a\\n.root", r"the scores cannot be written to .*a.*\.root"),
        ("picture.png", "dataset/weights/TMVAClassification_T.weights.xml/p.png", r"the weights are written there"),
        ('title = "T"', f'title = "{LONG}"', r"the weights cannot be written to .*: its name is too long"),
        ('title = "T"', 'title = "a\\u0007"', r"c\.toml: \[method\] title is a name without slashes, .*not 'a\\x07'"),
        ('title = "T"', 'title = "a\\u0000"', r"c\.toml: \[method\] title is a name without slashes, .*not 'a\\x00'"),
        ('title = "T"', 'title = "../T"', r"c\.toml: \[method\] title is a name without slashes, not '\.\./T'"),
        ('plot = "picture.png"', 'weights = "w.txt"', r"weights = 'w\.txt': the name of a weight file ends with \.xml"),
        # inputs with odd names
        ("events.root", "a\\u0000.root", r"a name has no NUL character"),
        ("events.root", f"{LONG}.root", r"n+\.root"),
        ('"events.root"', '"."', r"is a folder; for all its ROOT files write"),
        ("events.root", "w.xml", r"w\.xml is not a ROOT file"),
    ],
)
def test_configurations(old: str, new: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert old in CONFIG
    (folder / "c.toml").write_text(CONFIG.replace(old, new, 1))
    refused(["train", "c.toml", "--backend=reference"], message, folder, capsys)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ([], r"c\.toml: variables: no variables are given"),
        (["z", "z"], r"'?z'?.*twice|twice.*z|more than once"),
        (["a := z", "a := w"], r"\ba\b"),
        (["z["], r"c\.toml: variables: .*z\["),
        ([""], r"c\.toml: variables: "),
        (["z", 3], r"c\.toml: variables: "),
        (["v{9..0}"], r"is empty"),
    ],
)
def test_lists_of_variables(
    variables: list[object], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = FLAT.replace("Layout=RNN|4|2|3,RESHAPE|FLAT,LINEAR", "Layout=DENSE|3|TANH,LINEAR")
    (folder / "c.toml").write_text(f"variables = {variables!r}\n{text}")
    refused(["train", "c.toml", "--backend=reference"], message, folder, capsys)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"c\.toml: the table \[input\] is missing"),
        (b"[input", r"c\.toml is not a TOML file"),
        (b"\xff\xfe", r"c\.toml is not a TOML file"),
        (b"a = " + b"1" * 5000, r"c\.toml is not a TOML file|no table or key 'a'"),
        (b"a = " + b"[" * 5000, r"c\.toml is not a TOML file"),
        ((TABLES + '[input]\nfiles = "events.root:sgn"\ntargets = []\n').encode(), r"targets is a list of expressions"),
        (
            (TABLES + '[input]\nfiles = "events.root:sgn"\n[input.classes]\na = "z > 1"\nb = "z > 1.5"\n').encode(),
            r"event \d+ of .* belongs to 'a' and 'b'; the classes' expressions must exclude each other",
        ),
    ],
)
def test_files_that_are_no_configuration(
    content: bytes, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "c.toml").write_bytes(content)
    refused(["train", "c.toml", "--backend=reference"], message, folder, capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "none.toml"], r"none\.toml: No such file"),
        (["train", "."], r"Is a directory"),
        (["train", "a\0b.toml"], r"a name has no NUL character"),
        (["train", f"{LONG}.toml"], r"File name too long"),
        (["evaluate", "w.xml", "events.root", "-o", "s.root"], r"several trees: sgn, bkg, empty; name one, e\.g\."),
        (["evaluate", "w.xml", "events.root:sgn", "-o", "s.root"], r"no branch '.*' in events\.root:sgn"),
        (["evaluate", "w.xml", "events.root:sgn", "-o", "w.xml"], r"to w\.xml: its name must end with \.root"),
        (["evaluate", "w.xml", "events.root:sgn", "-o", "events.root"], r"events\.root is also an input file"),
        (["evaluate", "w.xml", "events.root:sgn", "-o", "mine.root"], r"mine\.root is there already .* --force"),
        (["evaluate", "w.xml", "events.root:sgn", "-o", "a\0.root"], r"a name has no NUL character"),
        (["evaluate", "w.xml", "events.root:sgn", "-o", f"{LONG}.root"], r"too long"),
        (["evaluate", "w.xml", "a\0.root", "-o", "s.root"], r"a name has no NUL character"),
        (["evaluate", "w.xml", f"{LONG}.root", "-o", "s.root"], r"n+\.root"),
        (["evaluate", "w.xml", "*.rot", "-o", "s.root"], r"no file matches the pattern \*\.rot"),
        (["evaluate", "w.xml", "", "-o", "s.root"], r"is a folder|no such file|empty"),
        (
            ["evaluate", "events.root", "events.root:sgn", "-o", "s.root"],
            r"events\.root:1: expected a TMVA weight file",
        ),
        (["evaluate", ".", "events.root:sgn", "-o", "s.root"], r"Is a directory"),
        (["evaluate", "a\0.xml", "events.root:sgn", "-o", "s.root"], r"a name has no NUL character"),
        (["evaluate", "w.xml", "events.root:sgn", "-o", "s.root", "--output-tree="], r"--output-tree is empty"),
        (["evaluate", "w.xml", "events.root:sgn", "-o", "s.root", "--keep", ""], r"'' is no name of a branch"),
        (["inspect", "a\0.xml"], r"a name has no NUL character"),
        (["inspect", "."], r"Is a directory"),
        (["inspect", f"{LONG}.xml"], r"File name too long"),
        (["inspect", "events.root"], r"events\.root:1: expected a TMVA weight file"),
        (["convert", "w.xml", "w.xml"], r"w\.xml"),
        (["convert", "w.xml", "a\0.hxx"], r"a name has no NUL character"),
        (["convert", "w.xml", f"{LONG}.hxx"], r"too long"),
        (["convert", "w.xml", "none/mine.txt"], r"mine\.txt"),
    ],
)
def test_arguments(arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(arguments, message, folder, capsys)
