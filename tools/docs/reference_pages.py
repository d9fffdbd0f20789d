"""Pages that are made of the package itself, so that they cannot lag behind it."""

from __future__ import annotations

import inspect
import json
import sys
import textwrap
import zlib
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from make_config_schema import Schema, configuration_schema

__all__ = ["api_pages", "configuration_reference", "inventories"]

MODULES = {
    "pytmva_rnn": "What most need: networks, trainings, events, scores.",
    "pytmva_rnn.config": "The configuration file as dataclasses.",
    "pytmva_rnn.data": "ROOT files and arrays to data sets.",
    "pytmva_rnn.description": "A network as plain data.",
    "pytmva_rnn.errors": "What is raised.",
    "pytmva_rnn.estimator": "scikit-learn's classifier and regressor.",
    "pytmva_rnn.formula": "ROOT's formulas.",
    "pytmva_rnn.options": "TMVA's option strings.",
    "pytmva_rnn.pyroot": "The bridge to PyROOT.",
    "pytmva_rnn.report": "How well a network does.",
    "pytmva_rnn.tmva": "TMVA's own interface.",
    "pytmva_rnn.tuning": "The search of options.",
    "pytmva_rnn.weightfile": "TMVA's weight files.",
}
"""The public modules, and what is in them."""

_NOT_OURS = tuple(f"set_{method}_request" for method in ("fit", "partial_fit", "predict", "score"))
"""What scikit-learn makes in each estimator, with its own docstrings."""


def api_pages() -> dict[str, bytes]:
    """A page for each public module and their index, in reStructuredText; one that cannot be imported is told.

    Returns
    -------
    dict of file name -> text
    """
    pages = {}
    rows = []
    homes: dict[int, str] = {}
    for name, words in MODULES.items():
        module = import_module(name)
        rows.append(f"   {name}")
        entries = []
        for each in module.__all__:
            if each[0] != "_":
                home = homes.setdefault(id(getattr(module, each)), name)
                entries.append(_entry(name, each, getattr(module, each)) if home == name else _pointer(home, each))
        pages[f"api/{name}.rst"] = "\n".join([name, "=" * len(name), "", words, "", *entries]).encode()
    index = "API\n===\n\n.. toctree::\n   :maxdepth: 1\n\n" + "\n".join(rows) + "\n"
    return {"api/index.rst": index.encode(), **pages}


def _pointer(home: str, name: str) -> str:
    """Where something is told that two modules have."""
    return f"- :obj:`{name} <{home}.{name}>`\n"


def _entry(module: str, name: str, value: Any) -> str:
    place = f"{module}.{name}"
    if inspect.isclass(value):
        return f".. autoclass:: {place}\n   :members:\n   :exclude-members: {', '.join(_NOT_OURS)}\n"
    if callable(value):
        return f".. autofunction:: {place}\n"
    return f".. py:data:: {place}\n   :value: {textwrap.shorten(repr(value), 300, placeholder=' ...')}\n"


def configuration_reference() -> str:
    """The reference of the configuration file, of its JSON Schema, in Markdown; it ends the page that explains it."""
    schema = configuration_schema()
    lines = [
        "## Reference",
        "",
        "Every table and key of the file that `pytmva-rnn train` takes, with its default. The same, for editors, is in "
        "`schemas/pytmva-rnn.schema.json`; a file whose first line is `#:schema` and its path has its keys completed.",
        "",
    ]
    parts = schema["properties"]
    # a list of variables has tables in it, and is none
    tables = {name: part for name, part in parts.items() if "items" not in part and _tables(part)}
    lines += ["### Above all tables", "", *_rows((name, part) for name, part in parts.items() if name not in tables)]
    for name, part in tables.items():
        lines += list(_sections(name, part))
    return "\n".join(lines) + "\n"


def _tables(part: Schema) -> list[Schema]:
    """The tables that a value may be, or that stand in it where it is a list or has names of the user's own."""
    if "properties" in part:
        return [part]
    found: list[Schema] = []
    for inner in (*part.get("anyOf", ()), part.get("items"), part.get("additionalProperties")):
        found += [each for each in (_tables(inner) if isinstance(inner, dict) else ()) if each not in found]
    return found


def _sections(name: str, part: Schema) -> Iterator[str]:
    for table in _tables(part):
        keys = table["properties"]
        yield from (f"### [{name}]", "", table.get("description", ""), "", *_rows(keys.items()), "")
        for key, inner in keys.items():
            if key not in ("sources", "targets"):  # which have the keys of [input], and of variables
                yield from _sections(f"{name}.{key}", inner)


def _rows(keys: Any) -> list[str]:
    head = ["| key | value | default | |", "| --- | --- | --- | --- |"]
    rows = [
        [f"`{key}`", _kind(part), f"`{json.dumps(part['default'])}`" if "default" in part else "", part["description"]]
        for key, part in keys
    ]
    return [*head, *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows), ""]


def _kind(part: Schema) -> str:
    """The kind of a value in words."""
    if "enum" in part:
        return ", ".join(f"`{json.dumps(word)}`" for word in part["enum"])
    if "const" in part:
        return f"`{json.dumps(part['const'])}`"
    if "anyOf" in part:
        enums = [each for each in part["anyOf"] if "enum" in each]
        return " or ".join(dict.fromkeys(map(_kind, enums or part["anyOf"])))
    kinds = part.get("type", "any")
    words = {"array": "list", "object": "table", "string": "text"}
    return " or ".join(words.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def inventories(listed: Path) -> dict[str, bytes]:
    """Inventory files as Sphinx reads them, of names that are listed.

    Returns
    -------
    dict of file name -> bytes
    """
    rows: dict[str, list[str]] = defaultdict(list)
    for line in listed.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            inventory, kind, name, page = line.split()
            rows[inventory].append(f"{name} {kind} 1 {page} -\n")
    head = "# Sphinx inventory version 2\n# Project: {}\n# Version: \n"
    head += "# The remainder of this file is compressed using zlib.\n"
    return {
        f"inventories/{name}.inv": head.format(name).encode() + zlib.compress("".join(some).encode())
        for name, some in rows.items()
    }
