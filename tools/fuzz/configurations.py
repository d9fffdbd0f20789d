"""Configurations, and what weight files keep of them: made of tables that say which keys have which values."""

from __future__ import annotations

import json
import math
import random
from typing import Any

from fuzz.grammars import formula, options

__all__ = ["stored", "toml"]


def _some(random: random.Random, *choices: Any) -> Any:
    """One of some values, now and then a strange one."""
    chosen = strange(random) if random.random() < 0.06 else random.choice(choices)
    return chosen(random) if callable(chosen) else chosen


def strange(random: random.Random, depth: int = 0) -> Any:
    """A value of any kind."""
    match random.randrange(9 if depth < 4 else 7):
        case 0 | 1:
            return random.choice((0, 1, -1, 3, 10**6, 2**31, 2**63, 10**12, 10**30, -(10**18)))
        case 2:
            return random.choice((0.0, 0.5, -0.5, 1e-320, 1e300, math.inf, -math.inf, math.nan))
        case 3 | 4:
            return random.choice(
                ("", "x", "Signal", "{jet}", "a := x", "v[30]", "v{0..9}", "a" * 3000, "\x1b[2J", "../x")
            )
        case 5:
            return formula(random)
        case 6:
            return random.choice((True, False, None))
        case 7:
            return [strange(random, depth + 1) for _ in range(random.randrange(4))]
    return {random.choice(("x", "y", "steps", "files", "", "a b")): strange(random, depth + 1) for _ in range(2)}


def _chosen(random: random.Random, table: dict[str, tuple[Any, ...]], share: float = 0.35) -> dict[str, Any]:
    """Some keys of a table, each with one of its values."""
    return {key: _some(random, *values) for key, values in table.items() if random.random() < share}


def _formulas(random: random.Random) -> dict[str, Any]:
    return {random.choice("abcxyz"): _some(random, "x", "v", "x * y", formula) for _ in range(random.randrange(1, 4))}


_FORMULA = ("x > 0", "v", formula)
_FRACTIONS = (0, 0.2, 0.5, 1.0, "20%")


def recipe(random: random.Random) -> dict[str, Any]:
    """How the inputs are made, as plain data."""
    given: dict[str, Any] = _chosen(
        random,
        {
            "for_each": ({"jet": [1, 2]}, {"jet": [1, 2], "k": ["a", "b"]}, {"jet": []}, {"jet": [1] * 300}),
            "spectators": (["x"], ["x", "a := y"], [], [formula(random)]),
            "allow_nan": (True, False),
            "define": ({"x": "y"}, {"x": "x"}, {"a": "b", "b": "a"}, _formulas(random)),
        },
        0.2,
    )
    if random.random() < 0.5:
        texts = (
            "x",
            "a := x * y",
            "v[30]",
            "v{0..9}[3]",
            "Jet_pt[]",
            "x{jet}",
            {"expression": "x", "size": 3},
            formula,
        )
        given["variables"] = [_some(random, *texts) for _ in range(random.randrange(1, 5))]
    else:
        sequence = {
            "inputs": (_formulas(random),) * 3,
            "steps": (1, 3, 30, 10**12),
            "sort_by": _FORMULA,
            "descending": (True, False),
            "pad_value": (0, -1.0, math.nan),
            "pad_side": ("end", "start", "middle"),
            "per_event": (_formulas(random),),
            "steps_from": ("inner", "outer", "x"),
            "sizes": ({"a": 3}, {"x": 10**9}, {}),
            "which": ("kind", "a"),
        }
        given["sequence"] = {"steps": 3, "inputs": {"a": "x"}} | _chosen(random, sequence)
        if random.random() < 0.2:
            given["sequence"]["collections"] = [{"inputs": _formulas(random), "sort_by": "v"} for _ in range(2)]
    return given


def _source(random: random.Random) -> dict[str, Any]:
    keys = {
        "files": ("a.root", ["a.root", "b.root:t"], "x/**/*.root", "package://x/y.root", "https://x/y.root", []),
        "tree": ("t", "t;1"),
        "selection": _FORMULA,
        "weight": (*_FORMULA, 2, 0.5),
        "tree_weight": (1, "59.7 * 3 / 4", "x", formula),
        "friends": (["b.root:t"], ["f = b.root:t"], "b.root"),
        "sample": ("training", "validation", "test"),
    }
    return {"files": "a.root"} | _chosen(random, keys)


def configuration(random: random.Random) -> dict[str, Any]:
    """A configuration of `pytmva-rnn train` as plain data."""
    given = _source(random)
    match random.randrange(4):
        case 0:
            given["classes"] = _formulas(random) | {"Signal": "y > 0"}
        case 1:
            given["targets"] = [_some(random, "y", "a := y", formula)]
        case _:
            names = random.sample(["Signal", "Background", "Top", "", "a b"], random.randrange(1, 4))
            given |= {name: _some(random, _source, [_source(random), _source(random)]) for name in names}
    if random.random() < 0.2:
        given["sources"] = [_source(random) for _ in range(2)]
    split = {
        "SplitMode": ("Random", "Block", "x"),
        "SplitSeed": (100, 0),
        "NormMode": ("NumEvents", "EqualNumEvents", "None"),
        "nTrain_Signal": (100, 0),
        "nTest_Background": (100,),
        "test": (*_FRACTIONS, *_FORMULA),
        "validation": (*_FRACTIONS, *_FORMULA),
        "folds": (2, 5),
        "fold": (0, 1),
        "fold_by": _FORMULA,
    }
    reweight = {
        "variables": (["x"], ["x", formula(random)]),
        "bins": (10, [0, 1, 2], [[0, 1], 5]),
        "to": ("flat", "Signal"),
    }
    weights = {
        "negative": ("keep", "absolute", "ignore"),
        "balance": (True, False),
        "reweight": ({"variables": ["x"]} | _chosen(random, reweight),),
    }
    method = {
        "title": ("LSTM", "../x", "classID"),
        "job": ("TMVAClassification", "a/b"),
        "options": (_method_text,) * 3,
    }
    output = {
        "dataset": ("dataset", "../x"),
        "weights": ("w.xml", "w.txt"),
        "scores": ("s.root",),
        "plot": ("p.png", "p.xyz"),
        "scalar_elements": (True,),
    }
    tables: dict[str, dict[str, tuple[Any, ...]]] = {
        "split": split,
        "weights": weights,
        "method": method,
        "output": output,
    }
    chosen = {name: _chosen(random, keys) for name, keys in tables.items() if name == "method" or random.random() < 0.4}
    chosen["method"].setdefault("options", "Layout=LINEAR")
    if random.random() < 0.1:
        chosen |= {random.choice(("x", "", *tables)): strange(random)}
    return {"input": given, **recipe(random), **chosen}


def _method_text(random: random.Random) -> str:
    return options(random, "method").partition("\n")[2]


def toml(random: random.Random, texts: tuple[str, ...]) -> str:
    """A configuration: made up, or lines of one that is given, with other values, left out, doubled and moved."""
    if random.random() < 0.5:
        return "".join(f"{_key(key)} = {_toml(value)}\n" for key, value in configuration(random).items())
    lines = random.choice(texts).splitlines()
    values = [line.partition("=")[2] for line in lines if "=" in line and not line.lstrip().startswith("#")]
    for _ in range(random.choice((1, 1, 2, 3))):
        place = random.randrange(len(lines))
        key, equals, _ = lines[place].partition("=")
        match random.randrange(5):
            case 0 | 1 if equals:
                lines[place] = (
                    f"{key}= {random.choice((*values, _toml(strange(random)), '1e400', '1979-05-27', '0x1F'))}"
                )
            case 2:
                del lines[place]
            case 3:
                lines.insert(place, random.choice(lines))
            case _:
                lines[place] = random.choice(lines)
        if not lines:
            break
    return "\n".join(lines)


def _key(name: Any) -> str:
    return json.dumps(str(name), ensure_ascii=False)


def _toml(value: Any) -> str:
    """A value in TOML, which has no null."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_toml(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps("" if value is None else value, ensure_ascii=False)


def stored(random: random.Random) -> str:
    """What a weight file keeps in JSON: the recipe, or the history of the training; the first line says which."""
    if random.random() < 0.7:
        return "inputs\n" + json.dumps(recipe(random))
    rows = [[_some(random, 1, 2), _some(random, 1, 7), _some(random, 0.5), _some(random, 0.4, 1)] for _ in range(3)]
    return "history\n" + json.dumps(_some(random, rows, rows, rows[:1]))
