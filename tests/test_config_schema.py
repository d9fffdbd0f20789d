"""The JSON Schema of the configuration, for editors."""

from __future__ import annotations

import copy
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from make_config_schema import attributes_of, configuration_schema, schema_text

from pytmva_rnn.config.toml_file import TABLES, configuration
from pytmva_rnn.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
FILE = ROOT / "schemas" / "pytmva-rnn.schema.json"
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))

EVERYTHING = """
cache.limit = "20 GB"
memory = 2_000_000_000
spectators = ["event", { expression = "met", title = "MET" }]
allow_nan = true
[for_each]
jet = [1, 2]
[define]
pt = "jet{jet}_pt"
[input]
tree = "t"
files = ["a.root", "b.root"]
friends = ["f = c.root:f"]
weight = 2
tree_weight = "59.7 * 120 / 4000"
sample = "training"
[input.classes]
Signal = "id > 0"
Background = "id < 0"
[sequence]
steps = 3
which = "kind"
per_event = { ht = "ht" }
[[sequence.collections]]
inputs = { pt = "pt" }
sort_by = "pt"
[[sequence.collections]]
inputs = { pt = "pt / 2" }
sort_by = "pt"
[split]
normmode = "numevents"
NTRAIN_Signal = "10"
nTest = { Signal = 10, Background = 20 }
V = "T"
validation = 0.2
[weights]
negative = "ignore"
balance = true
reweight = { variables = ["met", "ht"], bins = [[0, 1, 2], 5], to = "flat" }
[method]
title = "LSTM"
[method.options]
layout = ["LSTM|3|2|2", "RESHAPE|FLAT", "LINEAR"]
InputLayout = [3, 3]
RandomSeed = "7"
CreateMVAPdfs = 1
ErrorStrategy = "crossentropy"
[[method.options.TrainingStrategy]]
LearningRate = "1e-3"
Optimizer = "adam"
DropConfig = [0.0, 0.5]
Repetitions = 3
batchsize = 20
[scan]
learningrate = [1e-3, 1e-2]
[mpi]
LocalSteps = 3
[output]
weights = "w.xml"
scalar_elements = true
[checkpoint]
every_minutes = 5
file = "c.npz"
[additions]
schedule = { kind = "cosine", lowest = 0.1, warmup = 2 }
clip_norm = 1
class_weights = { Signal = 2 }
restore_after = 5
[report]
efficiencies = 0.5
against = "met"
yields = { Signal = 1, Background = 2.5 }
formats = ["pdf", "svg"]
[tune]
trials = 10
[tune.space]
LearningRate = { low = 1e-4, high = 1e-2, log = true }
BatchSize = [50, 100]
Layout = "LSTM|{units}|3|3,RESHAPE|FLAT,LINEAR"
units = [8, 16]
"""

OF_CLASSES = """
memory = "2 GB"
split = "SplitMode=Random:!V"
variables = ["x", "v[3]", { expression = "y", label = "z" }]
[input]
tree = "t"
[input.Signal]
files = "a.root"
[[input.Background]]
files = ["b.root"]
tree_weight = 0.5
sample = "test"
[[input.Background]]
files = "c.root"
selection = "x > 0"
[method]
options = "Layout=LINEAR"
"""

WRONG = [
    ("file", 1),
    ("input.fiels", "a.root"),
    ("input.files", 1),
    ("input.sample", "train"),
    ("sequence.step", 1),
    ("sequence.pad_side", "left"),
    ("split.SplitMod", "Random"),
    ("split.SplitMode", "Rand"),
    ("split.SplitSeed", -1),
    ("weights.negative", "drop"),
    ("weights.reweight.bin", 2),
    ("method.option", ""),
    ("method.options.Layot", "LINEAR"),
    ("method.options.RandomSeed", 1.5),
    ("method.options.ErrorStrategy", "MSE"),
    ("method.options.TrainingStrategy", [{"LearningRat": 1e-3}]),
    ("method.options.TrainingStrategy", [{"LearningRate": 0}]),
    ("method.options.TrainingStrategy", [{"ADAM_beta1": 1}]),
    ("scan.LearnRate", [1]),
    ("scan.LearningRate", 1),
    ("mpi.LocalSteps", 0),
    ("output.weight", "w.xml"),
    ("checkpoint.every", 3),
    ("additions.schedule.kind", "linear"),
    ("report.formats", ["gif"]),
    ("tune.space.units", {"low": 1}),
    ("tune.pruner", "mean"),
]


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads(FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator(schema: Any) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def test_the_schema_is_that_of_the_dataclasses() -> None:
    assert schema_text() == FILE.read_text(encoding="utf-8"), "run python tools/make_config_schema.py"


def test_the_schema_has_every_table_and_tells_what_each_key_means() -> None:
    schema = configuration_schema()
    assert tuple(schema["properties"]) == TABLES
    missing = []

    def look(part: Any, place: str) -> None:
        for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
            if key == "properties":
                missing.extend(f"{place}.{name}" for name, each in value.items() if not each.get("description"))
            look(value, f"{place}.{key}")

    look(schema, "")
    assert not missing


def test_docstrings_are_read_by_attribute() -> None:
    class Some:
        """What it is.

        Attributes
        ----------
        a, b : int
            Two
            lines.
        c : str

        Raises
        ------
        ValueError
            Never.
        """

    assert attributes_of(Some) == {"a": "Two lines.", "b": "Two lines.", "c": ""}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_name_the_schema_and_are_right_by_it(example: Path, validator: Any) -> None:
    text = example.read_text(encoding="utf-8")
    named = re.match("#:schema (.*)\n", text)
    assert named is not None
    assert (example.parent / named[1]).resolve() == FILE
    validator.validate(tomllib.loads(text))


@pytest.mark.parametrize("text", [EVERYTHING, OF_CLASSES], ids=["everything", "of_classes"])
def test_what_is_taken_is_right_by_the_schema(text: str, validator: Any) -> None:
    configuration(ROOT / "c.toml", tomllib.loads(text))
    validator.validate(tomllib.loads(text))


@pytest.mark.parametrize(("place", "value"), WRONG, ids=lambda each: each if isinstance(each, str) else "")
def test_what_is_wrong_by_the_schema_is_refused(place: str, value: Any, validator: Any) -> None:
    tables = copy.deepcopy(tomllib.loads(EVERYTHING))
    *way, key = place.split(".")
    table = tables
    for name in way:
        table = table[name]
    table[key] = value
    assert not validator.is_valid(tables)
    with pytest.raises(ConfigError):
        configuration(ROOT / "c.toml", tables)
