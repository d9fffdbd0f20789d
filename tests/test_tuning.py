"""`pytmva-rnn tune`: search spaces, trials, what is kept of them, and the best configuration."""

from __future__ import annotations

import csv
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pytmva_rnn import load_config
from pytmva_rnn.cli import main
from pytmva_rnn.config.changed_tables import change, place_of
from pytmva_rnn.errors import ConfigError, OutputError
from pytmva_rnn.options import parse_options

pytest.importorskip("optuna")
pytest.importorskip("tomlkit")

from pytmva_rnn.tuning import Search, tune

CONFIG = """
#:schema schemas/own.json
# jets
[input]
files = "events.root"
[input.Signal]
tree = "sgn"
[input.Background]
tree = "bkg"

[sequence]   # steps are
steps = 2
[sequence.inputs]
a = "x"
b = "y"

[split]
SplitMode = "Block"
MixMode = "Random"
validation = 0.3

[method]
options = "!V:Layout=RESHAPE|FLAT,LINEAR:TrainingStrategy=LearningRate=2e-2,MaxEpochs=4,BatchSize=10,TestRepetitions=1"

[tune]
trials = 4
startup_trials = 2
warmup_epochs = 1
"""
SPACE = """
[tune.space]
LearningRate = { low = 1e-3, high = 1e-1, log = true }
Layout = ["RNN|{units}|2|2,RESHAPE|FLAT,LINEAR", "RESHAPE|FLAT,DENSE|{width}|TANH,LINEAR"]
units = { low = 2, high = 4 }
width = [3, 5]
"""


def write_events(path: Path, events: int = 160) -> None:
    """Two classes with two steps of two inputs."""
    random = np.random.default_rng(2)
    with uproot.recreate(path) as file:
        for tree, mean in (("sgn", 0.5), ("bkg", -0.5)):
            x, y = random.normal(mean, 1, (events, 2)), random.normal(size=(events, 2))
            file.mktree(tree, {"x": ("float64", (2,)), "y": ("float64", (2,)), "e": "float64"})
            file[tree].extend({"x": x, "y": y, "e": 3 * x.sum(1)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_events(tmp_path / "events.root")
    return tmp_path


def searched(folder: Path, space: str = SPACE, config: str = CONFIG, *, into: str = "out", **arguments: Any) -> Search:
    """Search in a folder of its own beside the configuration."""
    (folder / "jets.toml").write_text(config + space)
    return tune(folder / "jets.toml", folder=folder / into, backend="reference", **arguments)


def found(search: Search) -> list[tuple[Any, ...]]:
    """What each ended trial drew and gave."""
    ended = [row for row in search.trials if row.state in ("complete", "pruned", "failed")]
    return [(row.state, row.value, row.drawn) for row in ended]


# --- options by their names


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("layout", ("method", "options", "Layout")),
        ("LearningRate", ("method", "options", "TrainingStrategy", "*", "LearningRate")),
        ("TrainingStrategy.2.batchsize", ("method", "options", "TrainingStrategy", "2", "BatchSize")),
        ("method.options.VarTransform", ("method", "options", "VarTransform")),
        ("method.options.TrainingStrategy.1.Optimizer", ("method", "options", "TrainingStrategy", "1", "Optimizer")),
        ("sequence.steps", ("sequence", "steps")),
        ("variables", ("variables",)),
        ("units", None),
        ("TrainingStrategy.", None),
    ],
)
def test_options_have_places(name: str, place: tuple[str, ...] | None) -> None:
    assert place_of(name) == place


@pytest.mark.parametrize(
    "options",
    [
        "!V:layout=LINEAR:TrainingStrategy=LearningRate=1e-2,Optimizer=SGD|Momentum=0.5",
        {"layout": "LINEAR", "TrainingStrategy": ["LearningRate=1e-2,Optimizer=SGD", {"Momentum": 0.5}]},
        {"layout": "LINEAR", "TrainingStrategy": [{"LearningRate": 0.01, "Optimizer": "SGD"}, {"Momentum": 0.5}]},
    ],
)
def test_options_change_in_every_form(options: Any) -> None:
    tables = {"method": {"options": options}}
    for name, value in (("Layout", "TANH,LINEAR"), ("batchsize", 7), ("TrainingStrategy.2.LearningRate", 0.5)):
        place = place_of(name)
        assert place is not None
        change(tables, place, value)
    change(tables, ("sequence", "steps"), 4)
    assert tables["sequence"] == {"steps": 4}
    strategy = "LearningRate=1e-2,Optimizer=SGD,BatchSize=7|Momentum=0.5,BatchSize=7,LearningRate=0.5"
    assert parse_options(tables["method"]["options"]) == parse_options(
        f"Layout=TANH,LINEAR:TrainingStrategy={strategy}"
    )


def test_the_default_strategy_changes_too() -> None:
    tables: dict[str, Any] = {"method": {"options": "H"}}
    change(tables, ("method", "options", "TrainingStrategy", "*", "MaxEpochs"), 3)
    assert [phase.max_epochs for phase in parse_options(tables["method"]["options"]).training_strategy] == [3, 3]


# --- a whole search


@pytest.mark.slow
def test_a_search_from_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "jets.toml").write_text(CONFIG + 'plot = "plots/tune.png"\n' + SPACE)
    command = ["tune", str(folder / "jets.toml"), "--output", str(folder / "out"), "--backend=reference"]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "trial 0 complete: 1." in told
    assert "Best trials" in told
    assert (folder / "out" / "plots" / "tune.png").read_bytes().startswith(b"\x89PNG")
    with (folder / "out" / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3"]
    assert {bool(row["units"]) for row in rows if row["Layout"].startswith("RNN")} <= {True}
    assert not any(row["units"] for row in rows if row["Layout"].startswith("RESHAPE"))
    best = min((row for row in rows if row["value"]), key=lambda row: float(row["value"]))
    config = load_config(folder / "out" / "best.toml")
    assert config.tuning is None
    assert config.method.options.training_strategy[0].learning_rate == float(best["LearningRate"])
    result = config.train(backend="reference")
    assert min(row.validation_error for row in result.history) == pytest.approx(float(best["value"]), rel=1e-12)
    text = (folder / "out" / "best.toml").read_text()
    assert "# steps are" in text
    assert text.startswith(f"# Made by pytmva_rnn: trial {best['trial']} of jets.toml, validation_error 0.")
    assert 'files = "../events.root"' in text
    assert "#:schema ../schemas/own.json\n" in text
    assert main([*command, "--trials=4"]) == 0  # nothing is left to do
    assert "trial 4" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_search_goes_on_as_if_it_had_not_ended(folder: Path) -> None:
    whole = searched(folder, trials=6)
    assert len({str(row.drawn) for row in whole.trials}) == 6
    searched(folder, trials=2, into="parts")
    parts = searched(folder, trials=6, into="parts")
    assert found(parts) == found(whole)
    assert (folder / "out" / "best.toml").read_text() == (folder / "parts" / "best.toml").read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_keeps_what_is_finished(folder: Path) -> None:
    def interrupt(row: Any, space: Any) -> None:
        if row.number == 1:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        searched(folder, trials=3, into="parts", on_trial=interrupt)
    assert (folder / "parts" / "best.toml").is_file()
    assert found(searched(folder, trials=3, into="parts")) == found(searched(folder, trials=3))


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_within_a_trial(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.tuning.study_file import Reporter

    plain = Reporter.__call__
    asked: list[int] = []

    def report(self: Reporter, error: float, step: int) -> None:
        asked.append(step)
        if len(asked) == 6:
            signal.raise_signal(signal.SIGINT)
        plain(self, error, step)

    monkeypatch.setattr(Reporter, "__call__", report)
    with pytest.raises(KeyboardInterrupt):
        searched(folder, trials=3, into="parts")
    again = searched(folder, trials=3, into="parts")
    assert [row.state for row in again.trials].count("interrupted") == 1
    assert found(again) == found(searched(folder, trials=3))


@pytest.mark.slow
def test_a_trial_that_fails_does_not_end_the_search(folder: Path) -> None:
    search = searched(folder, "[tune.space]\nBatchSize = [10, 80]\nLearningRate = [1e-2, 2e-2]\n", trials=4)
    states = {row.state for row in search.trials}
    assert "failed" in states
    assert "complete" in states
    for row in search.trials:
        if row.state == "failed":
            assert row.drawn["BatchSize"] == 1
            assert "BatchSize=80 of phase 1 is larger than the sample" in row.error
    assert search.best is not None
    with (folder / "out" / "trials.csv").open(newline="") as file:
        assert any("BatchSize=80" in row["error"] for row in csv.DictReader(file))


def test_no_trial_is_complete(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "jets.toml").write_text(CONFIG + "[tune.space]\nBatchSize = [80]\n")
    assert main(["tune", str(folder / "jets.toml"), "--trials=1", f"--output={folder}", "--backend=reference"]) == 1
    assert "no trial is complete" in capsys.readouterr().out
    assert not (folder / "best.toml").exists()


@pytest.mark.slow
def test_trials_that_are_worse_end_early(folder: Path) -> None:
    space = "[tune.space]\nLearningRate = [1e-6, 3e-2]\n"
    search = searched(folder, space, trials=7)
    pruned = [row for row in search.trials if row.state == "pruned"]
    assert pruned
    assert all(row.drawn["LearningRate"] == 0 for row in pruned)
    without = searched(folder, space, CONFIG + 'pruner = "none"\n', trials=5, into="without")
    assert {row.state for row in without.trials} == {"complete"}


@pytest.mark.slow
def test_folds_and_a_roc_integral(folder: Path) -> None:
    config = CONFIG.replace("validation = 0.3\n", "") + 'folds = 3\nmetric = "roc_integral"\nsampler = "random"\n'
    search = searched(folder, "[tune.space]\nErrorStrategy = ['CROSSENTROPY', 'SUMOFSQUARES']\n", config)
    assert [row.state for row in search.trials] == ["complete"] * 4
    for row in search.trials:
        assert len(row.parts) == 3
        assert len(set(row.parts)) > 1
        assert row.value == pytest.approx(np.mean(row.parts))
        assert 0 < row.value < 0.4
    assert "roc_integral 0." in (folder / "out" / "best.toml").read_text()
    assert "the mean of 3 folds" in (folder / "out" / "best.toml").read_text()


@pytest.mark.slow
def test_a_regression_by_its_rms(folder: Path) -> None:
    config = CONFIG.replace("[input.Signal]", "targets = ['e']\ntree = 'sgn'\n[[unused]]").replace(
        '[[unused]]\ntree = "sgn"\n[input.Background]\ntree = "bkg"\n', ""
    )
    config = config.replace("Layout=", "VarTransform=N:Layout=") + 'metric = "rms"\n'
    search = searched(folder, "[tune.space]\nVarTransform = ['N', 'None']\n", config)
    assert search.best is not None
    assert search.best.value is not None
    assert 0 < search.best.value < 1.2


@pytest.mark.slow
def test_an_executor_runs_the_trials(folder: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        search = searched(folder, trials=3, executor=pool)
    assert found(search) == found(searched(folder, trials=3, into="here"))


@pytest.mark.slow
def test_workers_are_processes(folder: Path) -> None:
    search = searched(folder, trials=3, workers=2)
    assert len(found(search)) == 3
    assert search.best is not None


# --- what is refused before anything runs


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("LearningRat = [1e-3]", "LearningRat is no option, and no template uses it; near names: LearningRate"),
        ("LearningRate = [1e-3, -1.0]", r"LearningRate = -1.0: .*out of range"),
        ("LearningRate = { low = 0, high = 1.0 }", r"LearningRate = 0: .*it must be above 0"),
        ("LearningRate = { low = 1e-2, high = 1e-3 }", "low = 0.01 is not below high = 0.001"),
        ("LearningRate = { low = 0, high = 1, log = true }", "low = 0 has no logarithm"),
        ("BatchSize = { low = 10, high = 35, step = 10 }", "steps of 10 from 10 end at 30, not at 35"),
        ("BatchSize = { low = 10, hihg = 30 }", "has no key 'hihg'; near names: high"),
        ("BatchSize = { low = 10 }", "is a range and needs high"),
        ("BatchSize = 10", "is a list of values, a range"),
        ("BatchSize = []", "is a list of 1 to 1000 values"),
        ('Layout = "LINEAR"', "Layout is a text without the name of another entry in braces"),
        ('Layout = "RNN|{n}|9|2,RESHAPE|FLAT,LINEAR"\nn = [3, 4]', "the input size of RNN"),
        ('Layout = "DENSE|{n},LINEAR"\nn = ["{m}"]\nm = ["{n}"]', "Layout -> n -> m -> n go in a circle"),
        ('"method.options.Lyaout" = ["LINEAR"]', "unknown option 'Lyaout'"),
        ('"TrainingStrategy.2.LearningRate" = [1e-3]', "there are 1 phases only"),
        ('"TrainingStrategy.1.LearningRate" = [1e-3]\nLearningRate = [1e-2]', "are the same option"),
        ('"sequences.steps" = [1]', "there is no table 'sequences'; near names: sequence"),
        ('"sequence.steps" = [2, 0]', "sequence.steps = 0"),
        ('"output.plot" = ["a.png"]', "a search is not over the table"),
        ('Regularization = ["NONE", "L2"]', 'none could be compared; write metric = "roc_integral"'),
        ('"split.SplitSeed" = [1, 2]', "none could be compared"),
        ("IgnoreNegWeightsInTraining = [true, false]", "IgnoreNegWeightsInTraining: .*none could be compared"),
        (
            'TrainingStrategy = ["MaxEpochs=2", "MaxEpochs=2,Regularization=L2,WeightDecay=0.1"]',
            r"\[tune.space\] Regularization: .*none could be compared",
        ),
        ('"additions.class_weights.Signal" = [1.0, 2.0]', "class_weights: .*none could be compared"),
    ],
)
def test_wrong_spaces(space: str, message: str, folder: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        searched(folder, f"[tune.space]\n{space}\n")
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("trails = 3\n", "has no key 'trails'; near names: trials"),
        ("trials = 0\n", "trials is a whole number from 1 to 1000000, not 0"),
        ('sampler = "grid"\n', "sampler is one of tpe, random"),
        ('storage = "tune.sqlite"\n', "storage is a path in quotes that ends with .db"),
        ("minutes = -1\n", "minutes is a number above 0"),
        ('metric = "rms"\n', "metric = 'rms' is not for a classification"),
        ("folds = 3\n", "but there is another sample to validate with"),
    ],
)
def test_wrong_keys(keys: str, message: str, folder: Path) -> None:
    config = CONFIG.replace("trials = 4\n", "") if keys.startswith("trials") else CONFIG
    with pytest.raises(ConfigError, match=message):
        searched(folder, config=config + keys)


def test_other_wrong_searches(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"the table \[tune\] is missing"):
        searched(folder, "", CONFIG.partition("[tune]")[0])
    with pytest.raises(ConfigError, match=r"\[tune\] needs the table \[tune.space\]"):
        searched(folder, "")
    config = CONFIG.replace("validation = 0.3\n", "") + 'metric = "roc_integral"\n'
    with pytest.raises(ConfigError, match="needs a sample to validate with"):
        searched(folder, config=config)
    (folder / "tune.db").write_text("mine")
    with pytest.raises(OutputError, match="holds no trials"):
        searched(folder, into=".")
    (folder / "tune.db").unlink()
    with closing(sqlite3.connect(folder / "tune.db")) as file:  # another program's
        file.execute("CREATE TABLE runs (number INTEGER)")
    content = (folder / "tune.db").read_bytes()
    with pytest.raises(OutputError, match="holds no trials"):
        searched(folder, into=".")
    assert (folder / "tune.db").read_bytes() == content
    (folder / "tune.db").write_bytes(content[:16] + b"damaged" * 300)
    with pytest.raises(OutputError, match="cannot be read"):
        searched(folder, into=".")


@pytest.mark.slow
def test_trials_of_another_configuration(folder: Path) -> None:
    searched(folder, trials=1)
    with pytest.raises(ConfigError, match=r"are of another configuration: sequence.inputs.a, tune.seed differ"):
        searched(folder, config=CONFIG.replace('a = "x"', 'a = "2 * x"') + "seed = 7\n", trials=2)
    turned = CONFIG.replace('a = "x"\nb = "y"\n', 'b = "y"\na = "x"\n')
    with pytest.raises(ConfigError, match=r"are of another configuration: order of inputs differ"):
        searched(folder, config=turned, trials=2)
    no_matter = CONFIG.replace('MixMode = "Random"\n', "").replace("[split]\n", '[split]\nMixMode = "Random"\n')
    assert no_matter != CONFIG
    searched(folder, config=no_matter, trials=1)
    write_events(folder / "events.root", events=150)
    with pytest.raises(ConfigError, match=r"are of another configuration: files differ"):
        searched(folder, trials=2)
