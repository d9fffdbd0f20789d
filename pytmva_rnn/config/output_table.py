"""The table [output] of the configuration: what is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pytmva_rnn.config.checking import check_keys
from pytmva_rnn.errors import ConfigError
from pytmva_rnn.outputs import NUMBERS, PAGE
from pytmva_rnn.report.plots import PICTURE_FORMATS

__all__ = ["SCORE_BRANCHES", "OutputConfig", "output_config"]

MASKING_FORMATS = (".onnx", ".safetensors", ".pt")
"""What a network's file ends with that leaves out steps that are not there."""

SCORE_BRANCHES = ("classID", "weight", "entry", "file")
"""What the trees of training and test scores tell of each event beside the scores."""


@dataclass(frozen=True)
class OutputConfig:
    """What is written, relative to the folder of the command's `--output`.

    Attributes
    ----------
    dataset : str
        TMVA's name of the DataLoader: the folder of the default `weights`.
    weights : str, optional
        `<dataset>/weights/<job>_<title>.weights.xml` when None. With `mask_padding` it is needed, and the file is one
        of ONNX (`.onnx`) or PyTorch (`.safetensors`, `.pt`).
    scores : str, optional
        ROOT file for the scores of the training and test events.
    plot : str, optional
        Picture of history, ROC curve and scores.
    report : str, optional
        HTML page of the report, as [report] says.
    numbers : str, optional
        JSON file of its numbers.
    panels : str, optional
        Folder for each of its pictures.
    scalar_elements : bool
        Write the elements of array variables one by one into the weight file; see `pytmva_rnn.write_weights`.
    """

    dataset: str = "dataset"
    weights: str | None = None
    scores: str | None = None
    plot: str | None = None
    report: str | None = None
    numbers: str | None = None
    panels: str | None = None
    scalar_elements: bool = False


def output_config(table: Mapping[str, Any], *, mask_padding: bool) -> OutputConfig:
    """From the table [output]; with `mask_padding` the network needs another file than TMVA's.

    Raises
    ------
    ConfigError
        For a key that is unknown, missing or wrong.
    """
    check_keys(table, [f.name for f in fields(OutputConfig)], "[output] has no key")
    for key, value in table.items():
        if key == "scalar_elements":
            if not isinstance(value, bool):
                raise ConfigError(f"[output] {key} is true or false, not {value!r}")
        elif not isinstance(value, str) or not value:
            raise ConfigError(f"[output] {key} is a path in quotes, not {value!r}")
    output = OutputConfig(**table)
    if mask_padding:
        _check_masked_output(output)
    elif output.weights is not None and not output.weights.endswith(".xml"):
        raise ConfigError(f"[output] weights = {output.weights!r}: the name of a weight file ends with .xml")
    if output.plot is not None and Path(output.plot).suffix not in PICTURE_FORMATS:
        raise ConfigError(f"[output] plot = {output.plot!r}: the name must end with {', '.join(PICTURE_FORMATS)}")
    for key, kind in (("report", PAGE), ("numbers", NUMBERS)):
        name = getattr(output, key)
        if name is not None and Path(name).suffix not in kind.suffixes:
            raise ConfigError(f"[output] {key} = {name!r}: the name must end with {', '.join(kind.suffixes)}")
    return output


def _check_masked_output(output: OutputConfig) -> None:
    if output.weights is None or Path(output.weights).suffix not in MASKING_FORMATS:
        found = "is missing" if output.weights is None else f"= {output.weights!r}"
        raise ConfigError(
            "[sequence] mask_padding leaves out steps that are not there, which a weight file of TMVA cannot say: "
            f"[output] weights {found}; needed is a name that ends with {', '.join(MASKING_FORMATS)}"
        )
    if output.scalar_elements:
        raise ConfigError("[output] scalar_elements is for weight files of TMVA, and mask_padding needs another")
