from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytmva_rnn import MethodOptions, parse_options, read_weights
from pytmva_rnn.description import ACTIVATIONS
from pytmva_rnn.errors import OptionError
from pytmva_rnn.options import TrainingPhase, ValidationSize, parse_strategy
from pytmva_rnn.options.layer_specs import BatchNormSpec, DenseSpec, LayerSpec, RecurrentSpec, ReshapeSpec
from pytmva_rnn.options.layout import parse_layout

REFERENCE = Path(__file__).parent / "data" / "reference"
CASES = sorted(folder.name for folder in REFERENCE.iterdir() if folder.is_dir())
TUTORIAL = (
    "!H:V:ErrorStrategy=CROSSENTROPY:VarTransform=None:WeightInitialization=XAVIERUNIFORM:ValidationSize=0.2:"
    "RandomSeed=1234:InputLayout=10|30:Layout=LSTM|10|30|10|0|1,RESHAPE|FLAT,DENSE|64|TANH,LINEAR:"
    "TrainingStrategy=LearningRate=1e-3,Momentum=0.0,Repetitions=1,ConvergenceSteps=5,BatchSize=100,TestRepetitions=1,"
    "WeightDecay=1e-2,Regularization=None,MaxEpochs=20,Optimizer=ADAM,DropConfig=0.0+0.+0.+0.:Architecture=CPU"
)


def marked(error: OptionError) -> str:
    """What stands above the caret in the message, from there to the end of the line."""
    lines = str(error).splitlines()
    assert lines[-1].strip() == "^"
    return lines[-2][lines[-1].index("^") :]


def failing(text: Any) -> OptionError:
    with pytest.raises(OptionError) as caught:
        parse_options(text)
    return caught.value


def training_option(options: MethodOptions) -> str:
    return next(option.value for option in options.to_model_options() if option.name == "TrainingStrategy")


# --- defaults and values


def test_defaults_are_those_of_tmva() -> None:
    options = parse_options("")
    assert options == MethodOptions()
    values = {f.name: getattr(options, f.name) for f in dataclasses.fields(options)}
    assert values.pop("training_strategy") == (
        TrainingPhase(learning_rate=0.1, convergence_steps=50, drop_config=(0.0,)),
        TrainingPhase(
            learning_rate=1e-4,
            convergence_steps=50,
            batch_size=20,
            weight_decay=0.001,
            drop_config=(0.0, 0.5, 0.5),
        ),
    )
    assert values == {
        "v": False,
        "verbosity_level": "Default",
        "var_transform": "None",
        "h": False,
        "create_mva_pdfs": False,
        "ignore_neg_weights_in_training": False,
        "input_layout": (0, 0, 0),
        "batch_layout": (0, 0, 0),
        "layout": (DenseSpec("(N+100)*2", "SOFTSIGN"), DenseSpec("0", "LINEAR")),
        "error_strategy": "CROSSENTROPY",
        "weight_initialization": "XAVIER",
        "random_seed": 0,
        "validation_size": ValidationSize(20, percent=True),
        "architecture": "CPU",
        "text": {},
    }


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("V", "v"),
        ("H", "h"),
        ("CreateMVAPdfs", "create_mva_pdfs"),
        ("IgnoreNegWeightsInTraining", "ignore_neg_weights_in_training"),
    ],
)
def test_booleans_are_set_negated_or_given_a_value(name: str, field: str) -> None:
    for text, value in [
        (name, True),
        (name.upper(), True),
        (f"!{name.lower()}", False),
        (f"{name}=True", True),
        (f"{name}=f", False),
        (f"{name}=1", True),
        (f"{name}=0", False),
    ]:
        assert getattr(parse_options(text), field) is value, text


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("VerbosityLevel=debug", "verbosity_level", "Debug"),
        ("VarTransform=N,G_Signal", "var_transform", "N,G_Signal"),
        ("InputLayout=12", "input_layout", (12,)),
        ("InputLayout=10|30", "input_layout", (10, 30)),
        ("InputLayout = 1 | 10 | 30 ", "input_layout", (1, 10, 30)),
        ("BatchLayout=100|10|30", "batch_layout", (100, 10, 30)),
        ("Layout=TANH|8,LINEAR", "layout", (DenseSpec("8", "TANH"), DenseSpec("0", "LINEAR"))),
        *[("ErrorStrategy=" + v, "error_strategy", v) for v in ("SUMOFSQUARES", "CROSSENTROPY", "MUTUALEXCLUSIVE")],
        ("errorstrategy=CrossEntropy", "error_strategy", "CROSSENTROPY"),
        *[
            ("WeightInitialization=" + v.lower(), "weight_initialization", v)
            for v in ("XAVIER", "XAVIERUNIFORM", "GAUSS", "UNIFORM", "ZERO", "IDENTITY")
        ],
        ("WeightInitialization=whatever", "weight_initialization", "XAVIERUNIFORM"),
        ("RandomSeed=1234", "random_seed", 1234),
        ("ValidationSize=20%", "validation_size", ValidationSize(20, percent=True)),
        ("ValidationSize=12.5 %", "validation_size", ValidationSize(12.5, percent=True)),
        ("ValidationSize=0.2", "validation_size", ValidationSize(0.2)),
        ("ValidationSize=100", "validation_size", ValidationSize(100)),
        *[("Architecture=" + v, "architecture", v) for v in ("CPU", "GPU", "STANDARD", "OPENCL")],
        ("TrainingStrategy=MaxEpochs=3", "training_strategy", (TrainingPhase(max_epochs=3),)),
    ],
)
def test_values(text: str, field: str, value: Any) -> None:
    assert getattr(parse_options(text), field) == value
    assert parse_options(text) == dataclasses.replace(MethodOptions(), **{field: value})


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("LearningRate=1e-3", "learning_rate", 1e-3),
        ("Momentum=0.5", "momentum", 0.5),
        ("ConvergenceSteps=7", "convergence_steps", 7),
        ("BatchSize=100", "batch_size", 100),
        ("MaxEpochs=20", "max_epochs", 20),
        ("TestRepetitions=1", "test_repetitions", 1),
        ("WeightDecay=1E-2", "weight_decay", 0.01),
        *[("Regularization=" + v, "regularization", v.upper()) for v in ("None", "L1", "L2")],
        *[("Optimizer=" + v, "optimizer", v) for v in ("SGD", "ADAM", "ADAGRAD", "RMSPROP", "ADADELTA")],
        ("DropConfig=", "drop_config", ()),
        ("DropConfig=0.0+0.+.5", "drop_config", (0, 0, 0.5)),
        ("DropConfig=1e-1+5e-01", "drop_config", (0.1, 0.5)),
        ("ADAM_beta1=0.8", "adam_beta1", 0.8),
        ("ADAM_beta2=0.99", "adam_beta2", 0.99),
        ("ADAM_eps=1e-6", "adam_eps", 1e-6),
        ("ADAGRAD_eps=1e-6", "adagrad_eps", 1e-6),
        ("RMSPROP_rho=0.8", "rmsprop_rho", 0.8),
        ("RMSPROP_eps=1e-6", "rmsprop_eps", 1e-6),
        ("ADADELTA_rho=0.8", "adadelta_rho", 0.8),
        ("ADADELTA_eps=1e-6", "adadelta_eps", 1e-6),
    ],
)
def test_training_keys(key: str, field: str, value: Any) -> None:
    expected = (dataclasses.replace(TrainingPhase(), **{field: value}),)
    assert parse_strategy(key) == expected
    name, _, text = key.partition("=")
    assert parse_strategy(f" {name.upper()} = {text.lower()} ") == expected


def test_defaults_of_a_training_phase() -> None:
    assert str(TrainingPhase()) == (
        "LearningRate=1e-05,Momentum=0.3,ConvergenceSteps=100,BatchSize=30,MaxEpochs=2000,TestRepetitions=7,"
        "WeightDecay=0.0,Regularization=NONE,Optimizer=ADAM,DropConfig=,ADAM_beta1=0.9,ADAM_beta2=0.999,ADAM_eps=1e-07,"
        "ADAGRAD_eps=1e-08,RMSPROP_rho=0.9,RMSPROP_eps=1e-07,ADADELTA_rho=0.95,ADADELTA_eps=1e-08"
    )


def test_keys_without_effect_are_accepted() -> None:
    assert parse_strategy("Repetitions=3,DropRepetitions=5,Multithreading=True,Renormalize=L2") == (TrainingPhase(),)


def test_phases() -> None:
    assert parse_strategy("LearningRate=1e-2,MaxEpochs=3|Optimizer=SGD,|MaxEpochs=1") == (
        TrainingPhase(learning_rate=1e-2, max_epochs=3),
        TrainingPhase(optimizer="SGD"),
        TrainingPhase(max_epochs=1),
    )


def test_the_tutorial() -> None:
    options = parse_options(TUTORIAL)
    assert (options.h, options.v, options.random_seed) == (False, True, 1234)
    assert options.layout == (
        RecurrentSpec("LSTM", 10, 30, 10, return_sequence=True),
        ReshapeSpec(flat=True),
        DenseSpec("64", "TANH"),
        DenseSpec("0", "LINEAR"),
    )
    (phase,) = options.training_strategy
    assert (phase.learning_rate, phase.momentum, phase.weight_decay, phase.regularization) == (1e-3, 0.0, 0.01, "NONE")
    assert phase.drop_config == (0, 0, 0, 0)


def test_empty_settings_and_white_space_do_not_matter() -> None:
    assert parse_options(" : H::\n  RandomSeed = 3 :") == MethodOptions(h=True, random_seed=3)


def test_the_last_of_two_counts_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="option RandomSeed is given twice"):
        assert parse_options("RandomSeed=1:randomseed=2").random_seed == 2


def test_options_pass_through() -> None:
    options = MethodOptions(random_seed=3)
    assert parse_options(options) is options


# --- keys one by one


def test_a_mapping_is_the_same_as_a_string() -> None:
    strategy = "LearningRate=1e-3,MaxEpochs=2"
    given = {"V": True, "h": False, "RandomSeed": 5, "inputlayout": " 10|30", "ValidationSize": 0.25}
    options = parse_options({**given, "TrainingStrategy": strategy})
    text = f"V:!H:RandomSeed=5:InputLayout=10|30:ValidationSize=0.25:TrainingStrategy={strategy}"
    assert options == parse_options(text)
    assert options.to_model_options() == parse_options(text).to_model_options()


def test_lists_and_tables_are_the_same_as_a_string() -> None:
    table = {
        "H": False,
        "V": True,
        "InputLayout": [10, 30],
        "Layout": ["LSTM|10|30|10|0|1", "RESHAPE|FLAT", "DENSE|64|TANH", "LINEAR"],
        "ValidationSize": 0.2,
        "RandomSeed": 1234,
        "TrainingStrategy": [
            {"LearningRate": 1e-3, "MaxEpochs": 20, "DropConfig": [0.0, 0.5]},
            {"LearningRate": 1e-4, "Optimizer": "SGD"},
        ],
    }
    text = (
        "!H:V:InputLayout=10|30:Layout=LSTM|10|30|10|0|1,RESHAPE|FLAT,DENSE|64|TANH,LINEAR:ValidationSize=0.2:"
        "RandomSeed=1234:"
        "TrainingStrategy=LearningRate=0.001,MaxEpochs=20,DropConfig=0.0+0.5|LearningRate=0.0001,Optimizer=SGD"
    )
    assert parse_options(table) == parse_options(text)
    assert parse_options(table).to_model_options() == parse_options(text).to_model_options()
    assert parse_options({"TrainingStrategy": {"MaxEpochs": 3}}).training_strategy[0].max_epochs == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({3: 4}, "the name of an option is a text, not 3"),
        (3, "the options are TMVA's string or a mapping of names to values, not 3"),
        ({"Layout": {}}, r"Layout: a value of the type dict is not understood: {}"),
        ({"TrainingStrategy": [1]}, "TrainingStrategy: a phase is TMVA's string, a TrainingPhase or a table"),
        ({"RandomSeed": None}, "RandomSeed: None is no value"),
    ],
)
def test_what_is_no_value_is_named(given: Any, message: str) -> None:
    assert message in str(failing(given))


@pytest.mark.parametrize(
    "text",
    [
        "RandomSeed=" + "1" * 5000,
        "RandomSeed=-" + "1" * 5000,
        "InputLayout=6|" + "1" * 5000,
        "ValidationSize=" + "1" * 5000,
        "TrainingStrategy=MaxEpochs=" + "1" * 5000,
        "TrainingStrategy=DropConfig=0." + "9" * 5000,
        "Layout=LSTM|" + "1" * 5000,
        "Layout=BNORM|" + "1" * 5000,
        "Layout=DENSE|" + "1" * 5000,
        "Layout=DENSE|" + "-" * 6000 + "1|TANH,LINEAR",
        "Layout=DENSE|" + "(" * 300 + "1" + ")" * 300 + ",LINEAR",
        "Layout=DENSE|" + "(" * 100_000,
        "Layout=DENSE|" + "1+" * 20000 + "1,LINEAR",
        "Layout=" + "A" * 100_000,
        "VarTransform=" + ":" * 3 + "A" * 100_000,
        "A" * 100_000 + "=3",
    ],
    ids=lambda text: text[:24],
)
def test_what_never_ends_is_refused_in_a_few_words(text: str) -> None:
    message = str(failing(text))
    assert len(message) < 800


def test_errors_in_a_mapping_show_the_setting() -> None:
    error = failing({"H": True, "RandomSeed": "x3"})
    assert "RandomSeed: 'x3' is not an integer\n  RandomSeed=x3\n" in str(error)
    assert marked(error) == "x3"
    assert "did you mean RandomSeed" in str(failing({"RandmSeed": 3}))


def test_a_mapping_cannot_smuggle_in_a_colon() -> None:
    error = failing({"WeightInitialization": "GAUSS:RandomSeed=3"})
    assert "the value of WeightInitialization holds a colon" in str(error)
    assert marked(error) == ":RandomSeed=3"


# --- errors


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("H:RandmSeed=3", "unknown option 'RandmSeed'; did you mean RandomSeed?", "RandmSeed=3"),
        ("H: Xyzzy=3", "unknown option 'Xyzzy'; known: V, VerbosityLevel,", "Xyzzy=3"),
        ("H:Xyzzy", "unknown option 'Xyzzy'", "Xyzzy"),
        ("H:Layout:V", "option Layout has no value; write Layout=...", "Layout:V"),
        ("H:!V=True", "!V cannot have a value", "!V=True"),
        ("V=maybe:H", "V: 'maybe' is not True or False", "maybe:H"),
        ("V:RandomSeed =  1.5:H", "RandomSeed: '1.5' is not an integer", "1.5:H"),
        ("RandomSeed=-1", "RandomSeed: -1 is out of range: it must be at least 0", "-1"),
        ("RandomSeed=1_0", "RandomSeed: '1_0' is not an integer", "1_0"),
        ("RandomSeed=٣", "is not an integer", "٣"),
        ("RandomSeed=1V=True", "is a comma or a colon missing between '1' and 'V=True'?", "1V=True"),
        ("InputLayout=1|2|3|4", "InputLayout: '1|2|3|4' is not 1 to 3 sizes such as 10|30", "1|2|3|4"),
        ("InputLayout=10|-3", "is not 1 to 3 sizes", "10|-3"),
        ("InputLayout=10|x", "'x' is not an integer", "10|x"),
        ("ErrorStrategy=MSE", "'MSE' is not one of SUMOFSQUARES, CROSSENTROPY, MUTUALEXCLUSIVE", "MSE"),
        ("Architecture=TPU", "'TPU' is not one of CPU, GPU", "TPU"),
        ("VerbosityLevel=Loud", "'Loud' is not one of Default, Debug", "Loud"),
        ("ValidationSize=100%", "a validation size of 100% leaves no event to train on", "100%"),
        ("ValidationSize=-0.2", "a validation size of -0.2", "-0.2"),
        ("ValidationSize=some", "'some' is not a number", "some"),
        ("ValidationSize=1e999", "'1e999' is not a finite number", "1e999"),
        ("ValidationSize=nan", "'nan' is not a number", "nan"),
        ("H:Layout=LSTM|10, DENS|3:V", "Layout: unknown layer or activation 'DENS'; did you mean DENSE?", "DENS|3:V"),
        (
            "H:TrainingStrategy=MaxEpochs=10Optimizer=ADAM,Momentum=0:V",
            "TrainingStrategy: MaxEpochs: '10Optimizer=ADAM' is not an integer; "
            "is a comma or a colon missing between '10' and 'Optimizer=ADAM'?",
            "10Optimizer=ADAM,Momentum=0:V",
        ),
        (
            "TrainingStrategy=LearningRate=1e-3x",
            "LearningRate: '1e-3x' is not a number",
            "1e-3x",
        ),
        (
            "TrainingStrategy=MaxEpochs=1| Momentun=2",
            "unknown training key 'Momentun'; did you mean Momentum?",
            "Momentun=2",
        ),
        ("TrainingStrategy=MaxEpochs", "MaxEpochs has no value; write MaxEpochs=...", "MaxEpochs"),
        ("TrainingStrategy=MaxEpochs=1|", "empty training phase; remove the |", ""),
        ("TrainingStrategy=MaxEpochs=1| |MaxEpochs=2", "empty training phase", " |MaxEpochs=2"),
        ("TrainingStrategy=LearningRate=0", "LearningRate: 0 is out of range: it must be above 0", "0"),
        ("TrainingStrategy=BatchSize=0", "BatchSize: 0 is out of range: it must be at least 1", "0"),
        ("TrainingStrategy=TestRepetitions=0", "TestRepetitions: 0 is out of range", "0"),
        ("TrainingStrategy=MaxEpochs=-1", "MaxEpochs: -1 is out of range: it must be at least 0", "-1"),
        ("TrainingStrategy=ADAM_beta1=1", "ADAM_beta1: 1 is out of range: it must be at least 0 and below 1", "1"),
        ("TrainingStrategy=ADADELTA_rho=-0.1", "ADADELTA_rho: -0.1 is out of range", "-0.1"),
        ("TrainingStrategy=Optimizer=LION", "'LION' is not one of SGD, ADAM, ADAGRAD, RMSPROP, ADADELTA", "LION"),
        ("TrainingStrategy=Regularization=L3", "'L3' is not one of NONE, L1, L2", "L3"),
        ("TrainingStrategy=DropConfig=0.1+1.0", "the probabilities to drop must lie in [0, 1): '0.1+1.0'", "0.1+1.0"),
        ("TrainingStrategy=DropConfig=0.1+x", "DropConfig: 'x' is not a number", "0.1+x"),
    ],
)
def test_errors_name_the_place(text: str, message: str, place: str) -> None:
    error = failing(text)
    assert message in str(error)
    assert marked(error) == place


def test_a_long_string_is_cut_around_the_place() -> None:
    error = failing(TUTORIAL.replace("ConvergenceSteps=5,", "ConvergenceSteps=5"))
    line = str(error).splitlines()[-2]
    assert line.startswith("  ...")
    assert line.endswith("...")
    assert marked(error).startswith("5BatchSize=100,TestRepetitions=1")


def test_line_breaks_do_not_move_the_caret() -> None:
    error = failing("H:\nV:\n  RandomSeed=x:\nV")
    assert len(str(error).splitlines()) == 3
    assert marked(error) == "x: V"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"random_seed": -1}, "RandomSeed: -1 is out of range"),
        ({"error_strategy": "cross entropy"}, "ErrorStrategy: 'cross entropy' is not one of SUMOFSQUARES, CROSS"),
        ({"training_strategy": ()}, "TrainingStrategy: a strategy without any phase"),
        ({"layout": ()}, "Layout: empty field"),
        ({"var_transform": "N:V"}, "VarTransform: 'N:V' holds a colon"),
        ({"random_seed": 1.5}, "RandomSeed: '1.5' is not an integer"),
        ({"random_seed": True}, "RandomSeed: 'True' is not an integer"),
        ({"random_seed": None}, "RandomSeed: None is no value; leave the option out"),
        ({"random_seed": 10**5000}, "RandomSeed: the integer is too large"),
        ({"v": 2}, "V: '2' is not True or False"),
        ({"layout": {"LSTM": 3}}, r"Layout: a value of the type dict is not understood: \{'LSTM': 3\}"),
        ({"layout": [["LSTM", 3]]}, "Layout: a value of the type list is not understood"),
        ({"input_layout": (6, 6.5)}, "InputLayout: '6.5' is not an integer"),
        ({"input_layout": np.zeros((2, 2))}, "InputLayout: a value of the type ndarray"),
        ({"training_strategy": 3}, "TrainingStrategy: a phase is TMVA's string, a TrainingPhase or a table of its k"),
        ({"training_strategy": {"BatchSiz": 3}}, "TrainingStrategy: unknown training key 'BatchSiz'; did you mean Ba"),
        ({"training_strategy": {"BatchSize": 0}}, "TrainingStrategy: BatchSize: 0 is out of range"),
        ({"training_strategy": [{"Optimizer": "SGD,MaxEpochs=3"}]}, "Optimizer: 'SGD,MaxEpochs=3' holds a character"),
        ({"training_strategy": {3: 4}}, "TrainingStrategy: the name of a training key is a text, not 3"),
        ({"validation_size": ValidationSize(float("inf"))}, "ValidationSize"),
    ],
)
def test_values_set_in_python_are_checked_too(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        dataclasses.replace(MethodOptions(), **changes)


def test_values_set_in_python_take_the_form_that_a_string_gives() -> None:
    strategy: Any = [TrainingPhase(max_epochs=3), {"LearningRate": np.float32(0.5), "Repetitions": 1}, "Optimizer=sgd"]
    given: dict[str, Any] = {
        "v": np.True_,
        "var_transform": ["N", "P"],
        "input_layout": np.array([6, 6]),
        "layout": [RecurrentSpec("LSTM", np.int64(8), 6, 6), "dense|4", BatchNormSpec(np.float64(0.5)), "LINEAR"],
        "error_strategy": "sumOfSquares",
        "random_seed": np.uint32(7),
        "validation_size": 0.25,
        "training_strategy": strategy,
    }
    text = (
        "V:VarTransform=N,P:InputLayout=6|6:Layout=LSTM|8|6|6,DENSE|4,BNORM|0.5,LINEAR:ErrorStrategy=SUMOFSQUARES:RandomSeed=7:"
        "ValidationSize=0.25:TrainingStrategy=MaxEpochs=3|LearningRate=0.5|Optimizer=SGD"
    )
    options = MethodOptions(**given)
    assert options == parse_options(text)
    assert type(options.random_seed) is int
    assert (options.v, options.input_layout) == (True, (6, 6))
    assert {o.name for o in options.to_model_options() if o.modified} == {
        o.name for o in parse_options(text).to_model_options() if o.modified
    }
    phase: Any = {"optimizer": "adam", "drop_config": [0, np.float64(0.5)], "batch_size": np.int64(5)}
    assert TrainingPhase(**phase) == TrainingPhase(optimizer="ADAM", drop_config=(0.0, 0.5), batch_size=5)


def test_words_of_python_are_kept_for_the_warning_of_training() -> None:
    options = MethodOptions(weight_initialization="whatever")
    assert (options.weight_initialization, options.text) == ("XAVIERUNIFORM", {"WeightInitialization": "whatever"})


def test_a_phase_set_in_python_is_checked_too() -> None:
    with pytest.raises(OptionError, match="Optimizer: 'adan' is not one of SGD, ADAM"):
        TrainingPhase(optimizer="adan")
    with pytest.raises(OptionError, match="LearningRate: -1 is out of range"):
        TrainingPhase(learning_rate=-1)


# --- shapes and samples


@pytest.mark.parametrize(
    ("text", "shape"),
    [("", (1, 1, 60)), ("0|0|0", (1, 1, 60)), ("60", (1, 1, 60)), ("6|10", (6, 1, 10)), ("3|4|5", (3, 4, 5))],
)
def test_input_shape(text: str, shape: tuple[int, int, int]) -> None:
    options = parse_options(f"InputLayout={text}" if text else "")
    assert options.input_shape(60) == shape


def test_an_input_layout_that_does_not_hold_the_variables() -> None:
    with pytest.raises(OptionError, match=r"InputLayout=6\|9 holds 54 values, but an event has 60 variables"):
        parse_options("InputLayout=6|9").input_shape(60)


@pytest.mark.parametrize(
    ("text", "total", "events"),
    [
        ("20%", 16000, 3200),
        ("20%", 17, 3),
        ("0.2", 17, 3),
        ("0.5%", 1000, 5),
        ("100", 150, 100),
        ("100.7", 150, 100),
        ("1", 150, 1),
        ("0", 150, 0),
    ],
)
def test_validation_events(text: str, total: int, events: int) -> None:
    assert ValidationSize.parse(text).events(total) == events


# --- printing


def test_the_words_of_the_user_are_kept() -> None:
    options = parse_options(TUTORIAL)
    assert "WeightDecay=1e-2,Regularization=None,MaxEpochs=20" in str(options)
    assert training_option(options) == TUTORIAL.partition("TrainingStrategy=")[2].removesuffix(":Architecture=CPU")


def test_words_that_no_longer_hold_are_replaced() -> None:
    options = dataclasses.replace(parse_options("V:RandomSeed=007:ValidationSize=0.20"), random_seed=8)
    values = {option.name: option.value for option in options.to_model_options()}
    assert values["RandomSeed"] == "8"
    assert values["ValidationSize"] == "0.20"


def test_numpy_numbers_print_as_numbers() -> None:
    phase = TrainingPhase(
        learning_rate=float(np.float32(0.5)), momentum=np.float64(0.25), drop_config=(np.float64(0.5),)
    )
    assert str(phase).startswith("LearningRate=0.5,Momentum=0.25,")
    assert ",DropConfig=0.5," in str(phase)


def test_options_of_the_file_that_were_set() -> None:
    options = parse_options("H:RandomSeed=0:Layout=LINEAR")
    assert {o.name for o in options.to_model_options() if o.modified} == {"H", "RandomSeed", "Layout"}
    changed = dataclasses.replace(MethodOptions(), random_seed=3, v=True)
    assert {o.name for o in changed.to_model_options() if o.modified} == {"RandomSeed", "V"}
    assert not any(o.modified for o in MethodOptions().to_model_options())


def test_order_and_default_words_in_the_file() -> None:
    options = {o.name: o.value for o in MethodOptions().to_model_options()}
    assert list(options.items())[:-1] == [
        ("V", "False"),
        ("VerbosityLevel", "Default"),
        ("VarTransform", "None"),
        ("H", "False"),
        ("CreateMVAPdfs", "False"),
        ("IgnoreNegWeightsInTraining", "False"),
        ("InputLayout", "0|0|0"),
        ("BatchLayout", "0|0|0"),
        ("Layout", "DENSE|(N+100)*2|SOFTSIGN,DENSE|0|LINEAR"),
        ("ErrorStrategy", "CROSSENTROPY"),
        ("WeightInitialization", "XAVIER"),
        ("RandomSeed", "0"),
        ("ValidationSize", "20%"),
        ("Architecture", "CPU"),
    ]
    assert options["TrainingStrategy"].startswith("LearningRate=1e-1,Momentum=0.3,Repetitions=3,")


@pytest.mark.parametrize("case", CASES)
def test_the_options_node_is_that_of_tmva(case: str) -> None:
    text = json.loads((REFERENCE / case / "training.json").read_text())["options"]
    model = read_weights(REFERENCE / case / "weights.xml")
    assert parse_options(text).to_model_options() == model.options
    assert parse_options({o.name: o.value for o in model.options}) == parse_options(text)


# --- every valid option string prints back


numbers = st.floats(0, 1e6)
rates = st.floats(0, 1, exclude_max=True)
phases = st.builds(
    TrainingPhase,
    learning_rate=st.floats(0, 1e3, exclude_min=True),
    momentum=numbers,
    convergence_steps=st.integers(0, 10**6),
    batch_size=st.integers(1, 10**6),
    max_epochs=st.integers(0, 10**6),
    test_repetitions=st.integers(1, 100),
    weight_decay=numbers,
    regularization=st.sampled_from(["NONE", "L1", "L2"]),
    optimizer=st.sampled_from(["SGD", "ADAM", "ADAGRAD", "RMSPROP", "ADADELTA"]),
    drop_config=st.lists(rates, max_size=4).map(tuple),
    adam_beta1=rates,
    adam_beta2=rates,
    adam_eps=numbers,
    adagrad_eps=numbers,
    rmsprop_rho=rates,
    rmsprop_eps=numbers,
    adadelta_rho=rates,
    adadelta_eps=numbers,
)
sizes = st.integers(0, 1000)
widths = st.recursive(
    st.integers(0, 999).map(str) | st.sampled_from(["N", "n", "0.5"]),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/^"), inner).map(lambda p: f"({p[0]}{p[1]}{p[2]})"),
    max_leaves=4,
)
layers: st.SearchStrategy[LayerSpec] = st.one_of(
    st.builds(RecurrentSpec, st.sampled_from(["RNN", "LSTM"]), st.integers(1, 99), sizes, sizes, *[st.booleans()] * 2),
    st.builds(RecurrentSpec, st.just("GRU"), st.integers(1, 99), sizes, sizes, *[st.booleans()] * 3),
    st.builds(DenseSpec, widths, st.sampled_from(ACTIVATIONS)),
    st.builds(ReshapeSpec, *[st.integers(1, 99)] * 3, st.booleans()),
    st.just(ReshapeSpec(flat=True)),
    st.builds(BatchNormSpec, st.floats(-1, 1), st.floats(1e-12, 1)),
)
layouts = st.lists(layers, min_size=1, max_size=5).map(tuple)
shapes = st.lists(sizes, min_size=1, max_size=3).map(tuple)
validation_sizes = st.one_of(
    st.builds(ValidationSize, st.floats(0, 100, exclude_max=True), st.just(value=True)),
    st.builds(ValidationSize, st.floats(0, 1e9)),
)
options = st.builds(
    MethodOptions,
    *[st.booleans(), st.sampled_from(["Default", "Verbose"]), st.sampled_from(["None", "N", "N,P_Signal", "G,D"])],
    *[st.booleans(), st.booleans(), st.booleans(), shapes, shapes, layouts],
    st.sampled_from(["SUMOFSQUARES", "CROSSENTROPY", "MUTUALEXCLUSIVE"]),
    st.sampled_from(["GAUSS", "UNIFORM", "IDENTITY", "ZERO", "XAVIER", "XAVIERUNIFORM"]),
    st.integers(0, 2**32 - 1),
    validation_sizes,
    st.sampled_from(["CPU", "GPU", "STANDARD", "OPENCL"]),
    st.lists(phases, min_size=1, max_size=3).map(tuple),
)


@given(st.lists(phases, min_size=1, max_size=3).map(tuple))
def test_strategies_print_back(strategy: tuple[TrainingPhase, ...]) -> None:
    assert parse_strategy("|".join(map(str, strategy))) == strategy


@given(layouts)
def test_layouts_print_back(layout: tuple[LayerSpec, ...]) -> None:
    assert parse_layout(",".join(map(str, layout))) == layout


@given(options)
def test_options_print_back(value: MethodOptions) -> None:
    assert parse_options(str(value)) == value
    again = parse_options({option.name: option.value for option in value.to_model_options()})
    assert again == value
    assert parse_options(str(again)) == value


single = st.one_of(
    *[st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.binary(max_size=3), st.fractions()],
    st.sampled_from(["LINEAR", "ADAM", "N", np.array(3), np.array([1, 2]), np.float32(0.5), np.int8(4), 1j]),
)
anything = st.recursive(
    single,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["MaxEpochs", "DropConfig"]), inner),
    max_leaves=4,
)


@given(st.sampled_from([option.name for option in MethodOptions().to_model_options()]), anything)
def test_any_value_is_understood_or_refused(name: str, value: Any) -> None:
    try:
        options = parse_options({name: value})
    except OptionError as error:
        assert name in str(error)  # noqa: PT017  (either way is right)
        return
    assert parse_options(str(options)) == options


@given(st.text(max_size=60) | st.text(alphabet="HVLayout=RandomSeed:!|,+-.0123eN()", max_size=60))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        value = parse_options(text)
    except OptionError:
        return
    except UserWarning as warning:
        assert "given twice" in str(warning)  # noqa: PT017  (warnings are errors in the tests)
        return
    assert parse_options(str(value)) == value
