"""Configuration files of `pytmva-rnn train`."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import uproot

from pytmva_rnn import load_config
from pytmva_rnn.config import WeightsConfig
from pytmva_rnn.data import Column, Source, Steps, Variables
from pytmva_rnn.errors import ConfigError

INPUT = """
[input]
files = ["a.root", "/data/*.root", "https://host/b.root", "~/c.root", "package://p/d.root"]
tree = "t"
[input.classes]
Signal = "id > 0"
Background = "id < 0"
"""
SEQUENCE = """
[sequence]
steps = 2
sort_by = "pt"
[sequence.inputs]
pt = "pt"
eta = \"\"\"hypot(eta,
            1)\"\"\"
"""
METHOD = """
[method]
options = "Layout=LSTM|3|2|2,RESHAPE|FLAT,LINEAR"
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "c.toml"
    path.write_text(INPUT + SEQUENCE + METHOD)
    return path


def load(folder: Path, text: str) -> ConfigError:
    path = folder / "c.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(str(path))
    return caught.value


def test_one_source_with_classes(written: Path) -> None:
    config = load_config(written)
    files = ("/data/*.root", "https://host/b.root", "~/c.root", "package://p/d.root")
    assert config.input.sources == (Source((str(written.parent / "a.root"), *files), "t"),)
    assert config.input.classes == {"Signal": "id > 0", "Background": "id < 0"}
    assert config.input.analysis == "classification"
    assert isinstance(config.recipe.inputs, Steps)
    assert config.recipe.inputs.inputs == {"pt": "pt", "eta": "hypot(eta, 1)"}
    assert (config.method.title, config.method.job) == ("DL", "TMVAClassification")
    assert config.weights == "dataset/weights/TMVAClassification_DL.weights.xml"
    assert str(config.split) == ""
    assert config.weighting == WeightsConfig()


def test_a_table_for_each_class_adds_to_the_common_keys(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        """
        variables = ["x", "v{0..1}[3]"]
        spectators = ["run"]
        split = "nTrain_a=5:SplitMode=Block"
        [input]
        files = "all.root"
        selection = "x > 0"
        [input.a]
        tree = "ta"
        [input.b]
        files = "b.root"
        weight = 2
        [input.c]
        tree_weight = 0.5
        [method]
        title = "mine"
        options = ""
        [output]
        dataset = "d"
        """
    )
    config = load_config(path)
    every = str(tmp_path / "all.root")
    assert config.input.sources == {
        "a": (Source((every,), "ta", "x > 0"),),
        "b": (Source((str(tmp_path / "b.root"),), None, "x > 0", "2"),),
        "c": (Source((every,), None, "x > 0", None, 0.5),),
    }
    assert config.input.analysis == "multiclass"
    assert isinstance(config.recipe.inputs, Variables)
    assert config.recipe.shape == (7,)
    assert config.recipe.spectators == (Column("run"),)
    assert config.split.SplitMode == "Block"
    assert config.split.nTrain == {"a": 5}
    assert config.weights == "d/weights/TMVAMulticlass_mine.weights.xml"


def test_a_list_of_sources_for_a_class(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        """
        variables = ["x"]
        [input]
        tree = "t"
        selection = "x > 0"
        [input.Signal]
        files = "s.root"
        [[input.Background]]
        files = "b.root"
        tree_weight = "59.7 * 831.76 / 2.5e4"
        friends = ["f = scores.root:s"]
        [[input.Background]]
        files = "c.root"
        tree = "u"
        sample = "test"
        [split]
        validation = 0.2
        [method]
        options = ""
        """
    )
    config = load_config(path)
    (s, b, c) = (str(tmp_path / f"{name}.root") for name in "sbc")
    friend = (f"f = {tmp_path / 'scores.root'}:s",)
    assert config.input.sources == {
        "Signal": (Source((s,), "t", "x > 0"),),
        "Background": (
            Source((b,), "t", "x > 0", None, "59.7 * 831.76 / 2.5e4", friend),
            Source((c,), "u", "x > 0", sample="test"),
        ),
    }
    assert config.split.validation == 0.2
    assert config.input.trees == ()
    assert config.input.described()[1:] == [f"Background: {b}, tree t", f"Background: {c}, tree u, for test"]


def test_a_list_of_sources_of_all_classes(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        INPUT.replace('files = ["a.root"', '# ["a.root"')
        + '[[input.sources]]\nfiles = "a.root"\n[[input.sources]]\nfiles = "b.root"'
        + SEQUENCE
        + METHOD
    )
    config = load_config(path)
    assert config.input.sources == tuple(Source((str(tmp_path / f"{name}.root"),), "t") for name in "ab")
    assert config.input.classes == {"Signal": "id > 0", "Background": "id < 0"}


def test_samples_from_the_configuration(tmp_path: Path) -> None:
    events = {"x": np.arange(40.0), "event": np.arange(40)}
    with uproot.recreate(tmp_path / "e.root") as root:
        root["s"], root["b"] = events, events
    path = tmp_path / "c.toml"
    text = """
        variables = ["x"]
        [input]
        files = "e.root"
        [input.Signal]
        tree = "s"
        [input.Background]
        tree = "b"
        [method]
        options = ""
        [split]
        """
    path.write_text(text + 'test = "event % 4 == 1"\nvalidation = "event % 4 == 2"')
    parts = load_config(path).divide()
    assert parts.validation is not None
    assert [sorted(set(part.entries % 4)) for part in (parts.training, parts.validation, parts.test)] == [
        [0, 3],
        [2],
        [1],
    ]
    path.write_text(text + 'folds = 4\nfold_by = "event"')
    config = load_config(path)
    assert [set(test.entries % 4) for _, test in config.kfold()] == [{0}, {1}, {2}, {3}]
    with pytest.raises(ConfigError, match=r"c.toml: .split. folds = 4: fold says which of them tests, 0 to 3"):
        config.divide()
    assert set(config.with_fold(2).divide().test.entries % 4) == {2}
    assert config.with_fold(2).weights == "dataset/weights/TMVAClassification_DL_fold2.weights.xml"


def test_a_regression(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        """
        variables = ["x"]
        [input]
        files = "a.root"
        targets = ["e := x * 2", { expression = "y", unit = "GeV" }]
        [split]
        nTrain_Regression = 3
        V = true
        [method]
        job = "J"
        options = ""
        [output]
        weights = "w.xml"
        """
    )
    config = load_config(path)
    assert config.input.analysis == "regression"
    assert config.input.targets == (Column("x * 2", "e"), Column("y", unit="GeV"))
    assert config.split.nTrain == {"Regression": 3}
    assert config.split.V
    assert config.weights == "w.xml"


def test_paths_are_relative_to_the_configuration(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    sources = load_config(Path("..") / written.name).input.sources
    assert isinstance(sources, tuple)
    assert Path(sources[0].files[0]).resolve() == tmp_path / "a.root"


def test_a_sequence_sets_the_input_layout(written: Path, tmp_path: Path) -> None:
    assert load_config(written).method.options.input_layout == (2, 2)
    for layout in ("2|2", "2|1|2"):
        written.write_text(INPUT + SEQUENCE + METHOD.replace('"Layout', f'"InputLayout={layout}:Layout'))
        assert load_config(written).method.options.to_model_options()[6].value == layout
    error = load(tmp_path, INPUT + SEQUENCE + METHOD.replace('"Layout', '"InputLayout=1|4:Layout'))
    assert "InputLayout=1|4 does not fit the sequence of 2 steps with 2 inputs: write InputLayout=2|2" in str(error)


def test_another_seed(written: Path) -> None:
    config = load_config(written)
    changed = config.with_seed(7).method.options
    assert config.method.options.random_seed == 0
    assert changed.random_seed == 7
    assert "RandomSeed=7" in str(changed)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[sequence]", "[sequence", "is not a TOML file: "),
        ("[sequence]", "[sequense]", "no table or key 'sequense'; near names: sequence"),
        ("[method]", "[other]", "no table or key 'other'"),
        ("[method]", "[output]", r"the table \[method\] is missing"),
        ("files =", "file =", r"\[input\] has no key 'file'; near names: files"),
        ('"a.root", ', '"a.root", 3, ', r"\[input\] files is a path in quotes or a list of such"),
        ('tree = "t"', "tree = 3", r"\[input\] tree is a text, not 3"),
        ('tree = "t"', "tree_weight = true", r"\[input\] tree_weight is a number, or arithmetic in quotes, not True"),
        ('tree = "t"', 'selection = "import os"', r"\[input\] selection: expression 'import os': not understood"),
        ('tree = "t"', 'targets = ["x"]', r"\[input\] needs one of"),
        ("[sequence]", "[input.a]\n[sequence]", r"\[input\] needs one of"),
        ("[input.classes]", "[input.clases]", r"\[input.clases\] has no key 'Signal'"),
        ('tree = "t"', "sample = 1", r"\[input\] sample is 'training', 'validation' or 'test', not 1"),
        (
            'tree = "t"',
            'sample = "tst"',
            r"\[input\]: the sample of a source is one of training, validation, test, not",
        ),
        ('tree = "t"', 'tree_weight = "a * 2"', r"\[input\]: tree_weight = 'a \* 2': a is no number"),
        ("[method]", '[split]\ntest = "run >"\n[method]', r"\[split\]: expression 'run >': not understood"),
        (
            "[method]",
            "[split]\ntest = 3\n[method]",
            r"\[split\]: test = 3 is no fraction between 0 and 1; .*nTest_<Class>",
        ),
        (
            "[method]",
            "[split]\ntset = 0.3\n[method]",
            r"\[split\]: unknown option of the split 'tset'; did you mean test",
        ),
        (
            'options = "Layout=',
            'options = "ValidationSize=10%:Layout=LSTM|3|2|2,LINEAR"\n[split]\nvalidation = 0.1 #"',
            r"\[method\] options: ValidationSize takes from the training sample, but there is a sample",
        ),
        ("[method]", "[split]\nfold = 1\n[method]", r"\[split\]: fold = 1 needs the key folds"),
        ("[method]", "[weights]\nbalanse = true\n[method]", r"\[weights\] has no key 'balanse'; near names: balance"),
        ("[method]", "[weights]\nbalance = 1\n[method]", r"\[weights\] balance is true or false, not 1"),
        ("[method]", '[weights]\nnegative = "abs"\n[method]', r"negative is one of keep, absolute, ignore, not 'abs'"),
        ("[method]", '[weights.reweight]\nvariable = "pt"\n[method]', r"\[weights.reweight\]: reweighting has no key"),
        (
            "[method]",
            '[weights.reweight]\nvariables = "pt+"\n[method]',
            r"expression 'pt\+': not understood",
        ),
        ("[method]", "[for_each]\njet = [1, 2]\n[method]", r"for_each: \{jet\} stands in no expression"),
        ("steps = 2", 'steps = 2\nsteps_from = "in"', r"\[sequence\]: steps_from is 'inner' or 'outer', not 'in'"),
        (
            'pt = "pt"',
            'pt = "pt"\nagain = " pt "',
            r"\[sequence\]: the inputs 'pt' and 'again' of the sequence are both",
        ),
        ('Signal = "id > 0"', "Signal = 1", r"\[input\] classes is a table of class names with an expression"),
        ("steps = 2", "stops = 2", r"\[sequence\]: a sequence has no key 'stops'; near names: steps"),
        ("steps = 2", "steps = 2.5", r"\[sequence\]: a sequence needs a whole number of steps"),
        ('pt = "pt"', 'pt = "pt +"', r"\[sequence\]: expression 'pt \+': not understood"),
        (
            "[sequence.inputs]",
            "inputs = 3\n[for_each]",
            r"\[sequence\]: the inputs of a sequence are a table of names with expressions, not 3",
        ),
        ("options =", "option =", r"\[method\] has no key 'option'; near names: options"),
        ("options =", 'title = "a/b"\noptions =', r"\[method\] title is a name without slashes, not 'a/b'"),
        (
            'options = "Layout=',
            'options = "Layuot=',
            r"\[method\] options: unknown option 'Layuot'; did you mean Layout",
        ),
        ('options = "Layout=', 'title = "x" #', r"\[method\] needs the key 'options'"),
        ('options = "Layout=', 'options = 3 #"', r"\[method\] options is TMVA's option string or a table"),
        (
            'options = "Layout=',
            '[method.options]\nLayout = {} #"',
            r"\[method\] options: Layout: a value of the type dict is not",
        ),
        (
            'options = "Layout=',
            '[method.options]\nTrainingStrategy = [1] #"',
            "a phase is TMVA's string, a TrainingPhase or a table of its keys, not 1",
        ),
        ("[method]", '[split]\nnTrain_Signal = "x"\n[method]', r"\[split\]: nTrain_Signal: 'x' is not an integer"),
        (
            "[method]",
            "[split]\nSpiltMode = 1\n[method]",
            r"\[split\]: unknown option of the split 'SpiltMode'; did you mean SplitMode",
        ),
        ("[method]", '[output]\nplots = "a.png"\n[method]', r"\[output\] has no key 'plots'; near names: plot"),
        ("[method]", '[output]\nplot = "a.bmp"\n[method]', r"plot = 'a.bmp': the name must end with .pdf, .png, .svg"),
        ("[method]", "[output]\nscores = 1\n[method]", r"\[output\] scores is a path in quotes, not 1"),
        (
            "[method]",
            '[output]\nweights = "a.txt"\n[method]',
            r"weights = 'a.txt': the name of a weight file ends with .xml",
        ),
        ("[method]", "[output]\nscalar_elements = 1\n[method]", r"scalar_elements is true or false, not 1"),
        (
            "[method]",
            '[output]\nscores = "s.root"\n[method]\ntitle = "weight"',
            "is the name of another branch of the scores",
        ),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    good = INPUT + SEQUENCE + METHOD
    assert old in good
    error = load(tmp_path, good.replace(old, new, 1))
    assert re.search(message, str(error)), str(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input = 3\nmethod = 4\nvariables = ['x']", "input is a table, [input], not 3"),
        ("variables = 'x'" + INPUT + METHOD, "variables: variables is a list of expressions, not 'x'"),
        ("sequence = 3" + INPUT + METHOD, "[sequence]: sequence is a table, not 3"),
        ("split = 3\nvariables = ['x']" + INPUT + METHOD, "TMVA's string in quotes, or a table, is needed; not 3"),
        (INPUT + METHOD, "given either by 'sequence' or by 'variables'"),
        ("variables = ['x']\n[input]\nclasses = {}" + METHOD, "[input] needs the key 'files'"),
        ("variables = ['x']\n[input]\nfiles = 'a'\n[input.S]\ntre = 't'" + METHOD, "[input.S] has no key 'tre'; near"),
        (
            "variables = ['x']\n[input]\nfiles = 'a'\ntargets = 'x'" + METHOD,
            "targets is a list of expressions, not 'x'",
        ),
        ("variables = ['x', 'x']" + INPUT + METHOD, "variables: variable 'x' is there twice"),
        (
            "variables = ['x']\n[input]\nfiles = 'a'\n[[input.S]]\n[[input.S]]\ntre = 1" + METHOD,
            "[[input.S]] number 2 has no",
        ),
        (
            "variables = ['x']\n[input]\nfiles = 'a'\n[[input.clases]]" + METHOD,
            "the only class, .* near names: classes",
        ),
        ("variables = ['x']\n[[input.sources]]\n[[input.S]]\n[[input.B]]" + METHOD, "listed as [[input.S]]"),
        ("variables = ['x']\n[input]\nsources = 'a'\ntargets = ['y']" + METHOD, "sources is a list of tables"),
        ("variables = ['x']\n[input]\nfiles = 'a'\ntargets = [{}]" + METHOD, "[input] targets: variable {}: needs"),
    ],
)
def test_what_has_the_wrong_form_is_named(text: str, message: str, tmp_path: Path) -> None:
    assert re.search(".*".join(map(re.escape, message.split(".* "))), str(load(tmp_path, text)))


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    for content in (b"\xff\xfe\x00", b"a = " + b"[" * 100_000, b"a = " + b"1" * 5000):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="is not a TOML file"):
            load_config(path)
    with pytest.raises(FileNotFoundError):
        load_config(tmp_path / "none.toml")
