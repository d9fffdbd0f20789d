"""Writes schemas/pytmva-rnn.schema.json: the configuration of `pytmva-rnn train` as a JSON Schema, for editors.

    python tools/make_config_schema.py

It is made of the dataclasses that the configuration is read into: their fields, types, defaults and docstrings. What is
right is right by it; what it does not tell (a formula that is wrong, keys that exclude each other) `load_config` tells.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pytmva_rnn.config import (
    CacheConfig,
    CheckpointConfig,
    Configuration,
    MethodConfig,
    OutputConfig,
    TuneConfig,
    WeightsConfig,
)
from pytmva_rnn.config.tune_table import Range
from pytmva_rnn.data import Column, Recipe, Source, Steps
from pytmva_rnn.data.reweighting import Reweight
from pytmva_rnn.data.sources import SAMPLES
from pytmva_rnn.data.step_collections import Collection
from pytmva_rnn.options import MethodOptions, SplitOptions, TrainingPhase, ValidationSize
from pytmva_rnn.options.grammar import Bounded, Words, boolean, decay_rate
from pytmva_rnn.options.keys import Key, fields_of, value_text
from pytmva_rnn.options.strategy import IGNORED
from pytmva_rnn.outputs import PICTURE
from pytmva_rnn.report import ReportOptions
from pytmva_rnn.training import Additions
from pytmva_rnn.training.additions import Cosine, OnPlateau, Step

__all__ = ["attributes_of", "configuration_schema"]

PLACE = Path(__file__).resolve().parents[1] / "schemas" / "pytmva-rnn.schema.json"

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}


def any_of(*schemas: Schema) -> Schema:
    """What is right by one of them."""
    return {"anyOf": list(schemas)}


def one_or_more(schema: Schema) -> Schema:
    """A value, or a list of such."""
    return any_of(schema, list_of(schema))


def list_of(schema: Schema) -> Schema:
    """A list with values of one kind."""
    return {"type": "array", "items": schema}


def table_of(schema: Schema) -> Schema:
    """A table with names of the user's own and values of one kind."""
    return {"type": "object", "additionalProperties": schema}


def attributes_of(cls: type) -> dict[str, str]:
    """What a class's docstring says of its attributes, by name."""
    section = re.search(r"^Attributes\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", inspect.getdoc(cls) or "", re.M | re.S)
    found: dict[str, str] = {}
    for head, body in re.findall(r"^(\w[^\n]*)\n((?: +[^\n]*\n?|\n)*)", section[1] + "\n" if section else "", re.M):
        names, _, _ = head.partition(" : ")
        found |= {name.strip(): " ".join(body.split()) for name in names.split(",")}
    return found


def of_type(hint: Any) -> Schema:
    """The TOML values of a type; TOML has nothing for None."""
    kinds: Mapping[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}
    if hint in kinds:
        return {"type": kinds[hint]}
    if hint is Any:
        return {}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        some = [of_type(each) for each in arguments if each is not types.NoneType]
        return some[0] if len(some) == 1 else any_of(*some)
    if origin is tuple:
        return list_of(of_type(arguments[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return table_of(of_type(arguments[1]))
    raise TypeError(f"{hint} has no form in TOML")


def table(
    cls: type, *, own: Mapping[str, Schema] | None = None, without: Iterable[str] = (), needs: Iterable[str] = ()
) -> Schema:
    """The table that becomes an instance of a dataclass.

    Parameters
    ----------
    cls : type
    own : mapping of field -> schema
        Where TOML may say more, or less, than the type of the field.
    without : iterable of str
        Fields that no table has.
    needs : iterable of str
        Fields without which there is none.
    """
    hints, words, given = get_type_hints(cls), attributes_of(cls), own or {}
    properties = {}
    for f in dataclasses.fields(cls):
        if f.name not in without:
            schema = given[f.name] if f.name in given else of_type(hints[f.name])
            properties[f.name] = described(schema, words.get(f.name, ""), f.default)
    return closed(properties, needs, (inspect.getdoc(cls) or "").partition("\n\n")[0])


def closed(properties: Mapping[str, Schema], needs: Iterable[str] = (), words: str = "") -> Schema:
    """A table with these keys and no others."""
    schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    if required := list(needs):
        schema["required"] = required
    return described(schema, " ".join(words.split()))


def described(schema: Schema, words: str, default: Any = dataclasses.MISSING) -> Schema:
    """A schema with what people are told."""
    value = list(default) if isinstance(default, tuple) else default
    shown = isinstance(value, bool | int | float | str) or (
        isinstance(value, list) and value and all(isinstance(each, float | int | str) for each in value)
    )
    return {**({"description": words} if words else {}), **schema, **({"default": value} if shown else {})}


def in_any_case(names: Iterable[str]) -> str:
    """A pattern of words whose capitals do not matter, as JSON Schema has no flag for that."""
    spelled = ("".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else re.escape(c) for c in name) for name in names)
    return f"^\\s*(?:{'|'.join(spelled)})\\s*$"


def of_option(hint: Any, key: Key) -> Schema:
    """The values of one of TMVA's options: its text, or what says the same in TOML."""
    parse: Callable[[str], Any] = key.parse
    if parse is boolean:
        return {"type": ["boolean", "string", "integer"]}
    if isinstance(parse, Words):
        return any_of({"enum": list(parse.values)}, {"type": "string", "pattern": in_any_case(parse.values)})
    if hint is ValidationSize:
        return {"type": ["number", "string"]}
    if key.name == "TrainingStrategy":
        phase = any_of(TEXT, options_table(TrainingPhase, further=dict.fromkeys(IGNORED, "TMVA does not use it.")))
        return one_or_more(phase)
    if key.text is not value_text:
        part: Schema = {"type": ["string", "number"]}
        return one_or_more(part)
    if hint in (int, float):
        return {"type": ["integer" if hint is int else "number", "string"], **limits_of(parse)}
    return TEXT


def limits_of(parse: Callable[[str], Any]) -> Schema:
    """What numbers an option's parser takes."""
    if parse is decay_rate:
        return {"minimum": 0, "exclusiveMaximum": 1}
    if not isinstance(parse, Bounded):
        return {}
    most = {"maximum": parse.most} if parse.most < float("inf") else {}
    return {"exclusiveMinimum" if parse.strict else "minimum": parse.least, **most}


def options_table(cls: type, further: Mapping[str, str] | None = None) -> Schema:
    """TMVA's options one by one; completed as TMVA spells them, and right in any case."""
    hints, words = get_type_hints(cls), attributes_of(cls)
    properties = {
        key.name: described(of_option(hints[f.name], key), words.get(f.name, ""), default_of(f, key))
        for f, key in fields_of(cls).values()
    }
    properties |= {name: {"description": text} for name, text in (further or {}).items()}
    return {**closed(properties), "patternProperties": {in_any_case(properties): {}}}


def default_of(f: dataclasses.Field[Any], key: Key) -> Any:
    """An option's default: a number or a truth value as it is, all else as TMVA's text."""
    return f.default if isinstance(f.default, bool | int | float) else key.text(f.default)


def split() -> Schema:
    """The table [split]: TMVA's options, of which some stand once for each class, and ours."""
    schema = options_table(SplitOptions)
    hints, words = get_type_hints(SplitOptions), attributes_of(SplitOptions)
    for f in dataclasses.fields(SplitOptions):
        if f.metadata:
            continue
        if get_origin(hints[f.name]) is None or get_origin(hints[f.name]) in (Union, types.UnionType):
            schema["properties"][f.name] = described(of_type(hints[f.name]), words[f.name])
            continue
        number: Schema = {"type": ["number", "string"], "minimum": 0}
        schema["properties"][f.name] = described(table_of(number), words[f.name])
        pattern = in_any_case([f"{f.name}_"]).removesuffix("\\s*$")
        schema["patternProperties"][pattern] = described(number, f"{f.name} of one class.")
    return schema


def input_table() -> Schema:
    """The table [input], whose further tables are classes."""
    own: Mapping[str, Schema] = {
        "files": one_or_more(TEXT),
        "weight": {"type": ["string", "number"]},
        "tree_weight": {"type": ["number", "string"]},
        "sample": {"enum": list(SAMPLES)},
    }
    source = table(Source, own=own, without=("aliases", "share"))
    plain = {
        **source["properties"],
        "classes": described(table_of(TEXT), "A formula for each class, when the sources hold them all."),
        "sources": described(list_of(source), "The sources of all classes together, where there are several."),
        "targets": described(list_of(column()), "What a regression learns."),
    }
    return {
        **closed(plain, words="Where the events come from: files of all classes together, or a table for each class."),
        "additionalProperties": one_or_more(source),
    }


def column() -> Schema:
    """A variable, spectator or target."""
    return any_of(TEXT, table(Column, needs=["expression"]))


def additions() -> Schema:
    """The table [additions]."""
    schedules = []
    for kind in (Cosine, Step, OnPlateau):
        schema = table(kind)
        properties = {"kind": described({"const": kind.kind}, schema["description"]), **schema["properties"]}
        schedules.append({**schema, "properties": properties, "required": ["kind"]})
    return table(Additions, own={"schedule": any_of(*schedules)})


def report() -> Schema:
    """The table [report]."""
    formats: Schema = {"enum": [suffix.removeprefix(".") for suffix in PICTURE.suffixes]}
    own = {"efficiencies": one_or_more(NUMBER), "formats": one_or_more(formats)}
    own |= {key: one_or_more(TEXT) for key in ("against", "significance")}
    return table(ReportOptions, own=own)


def configuration_schema() -> Schema:
    """The JSON Schema, draft 7, of a whole configuration."""
    of_inputs, words = attributes_of(Recipe), attributes_of(Configuration)
    sequence = table(Steps, own={"collections": list_of(table(Collection))}, needs=["steps"])
    bins = any_of({"type": "integer"}, list_of(any_of(NUMBER, list_of(NUMBER))))
    reweight = table(Reweight, own={"variables": one_or_more(TEXT), "bins": bins}, needs=["variables"])
    space = table_of(any_of(TEXT, list_of({}), table(Range, needs=["low", "high"])))
    options = any_of(TEXT, options_table(MethodOptions))
    values: Schema = {"type": "array", "minItems": 1}
    of_options = {
        key.name: described(values, attributes_of(cls).get(f.name, ""))
        for cls in (MethodOptions, TrainingPhase)
        for f, key in fields_of(cls).values()
    }
    scan: Schema = {**closed(of_options), "patternProperties": {in_any_case(of_options): values}}
    steps: Schema = {"type": "integer", "minimum": 1, "default": 1}
    properties: dict[str, Schema] = {
        "memory": described({"type": ["integer", "string"]}, words["memory"]),
        "input": input_table(),
        "sequence": sequence,
        "variables": described(list_of(column()), 'Flat variables: "x", "r := hypot(x, y)", "v[30]", "v{0..9}[30]".'),
        "for_each": described(table_of(values), of_inputs["for_each"]),
        "spectators": described(list_of(column()), of_inputs["spectators"]),
        "allow_nan": described({"type": "boolean"}, of_inputs["allow_nan"], False),
        "define": described(table_of(TEXT), of_inputs["define"]),
        "split": described(any_of(TEXT, split()), words["split"]),
        "weights": table(WeightsConfig, own={"reweight": reweight}),
        "method": table(MethodConfig, own={"options": options}, needs=["options"]),
        "scan": described(scan, words["scan"]),
        "mpi": closed({"LocalSteps": described(steps, words["local_steps"])}, words="Several processes."),
        "output": table(OutputConfig),
        "checkpoint": table(CheckpointConfig),
        "cache": table(CacheConfig),
        "additions": additions(),
        "report": report(),
        "tune": table(TuneConfig, own={"space": space}, needs=["space"]),
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of pytmva-rnn train",
        **closed(properties, ["input", "method"]),
    }


def schema_text() -> str:
    """The file."""
    return json.dumps(configuration_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PLACE.write_text(schema_text(), encoding="utf-8")
