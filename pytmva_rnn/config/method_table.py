"""The table [method] of the configuration: TMVA's option string, or the same names one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytmva_rnn.config.checking import check_keys
from pytmva_rnn.data import Recipe, Steps
from pytmva_rnn.errors import ConfigError, OptionError
from pytmva_rnn.options import MethodOptions, parse_options

__all__ = ["MethodConfig", "method_config"]


@dataclass(frozen=True)
class MethodConfig:
    """The network and its training.

    Attributes
    ----------
    title, job : str
        TMVA's names of the method and of the Factory, which make up the weight file's name.
    options : MethodOptions
        TMVA's string, or a table of its keys, of which layers, sizes and training phases may be lists.
    """

    title: str
    job: str
    options: MethodOptions


def method_config(table: Mapping[str, Any], analysis: str, recipe: Recipe) -> MethodConfig:
    """From the table [method].

    A sequence sets InputLayout to its steps and inputs where the options do not give it.

    Raises
    ------
    ConfigError
        For a key that is unknown, missing or wrong, or an InputLayout that does not fit the sequence.
    """
    check_keys(table, ("title", "job", "options"), "[method] has no key")
    names = {"title": table.get("title", "DL"), "job": table.get("job", f"TMVA{analysis.capitalize()}")}
    for key, name in names.items():
        if not isinstance(name, str) or not name or not name.isprintable() or any(c in name for c in "/\\"):
            raise ConfigError(f"[method] {key} is a name without slashes, not {name!r}")
    if "options" not in table:
        raise ConfigError("[method] needs the key 'options': TMVA's option string, or a table of its keys")
    given = table["options"]
    if not isinstance(given, str | dict):
        raise ConfigError(f"[method] options is TMVA's option string or a table of its keys, not {given!r}")
    try:
        options = parse_options(given)
    except OptionError as error:
        raise ConfigError(f"[method] options: {error}") from error
    return MethodConfig(**names, options=_with_layout(options, recipe))


def _with_layout(options: MethodOptions, recipe: Recipe) -> MethodOptions:
    if not isinstance(recipe.inputs, Steps):
        return options
    if not any(options.input_layout):
        return replace(options, input_layout=recipe.shape)
    given = "|".join(map(str, options.input_layout))
    steps, inputs = recipe.shape
    if options.input_layout not in ((steps, inputs), (steps, 1, inputs)):
        raise ConfigError(
            f"[method] options: InputLayout={given} does not fit the sequence of {steps} steps with {inputs} inputs: "
            f"write InputLayout={steps}|{inputs} or leave it out"
        )
    return options
