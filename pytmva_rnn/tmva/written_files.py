"""The files that trainings write, checked before the first of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pytmva_rnn.data import Dataset
from pytmva_rnn.outputs import EVALUATION, WEIGHTS, Output, check_outputs
from pytmva_rnn.tmva.output.output_file import OutputFile

__all__ = ["check_written"]


def check_written(weights: Iterable[str], file: OutputFile | None, read: Iterable[Dataset]) -> None:
    """Make sure that no training is lost because its files cannot be written, and that no input is overwritten.

    Parameters
    ----------
    weights : iterable of path
        Weight files; what is there already is replaced, as TMVA does.
    file : OutputFile, optional
    read : iterable of Dataset
        The events.

    Raises
    ------
    OutputError
        As `pytmva_rnn.outputs.check_outputs`.
    """
    outputs = [Output("weights", Path(path), WEIGHTS) for path in weights]
    if file is not None and file.path is not None:
        outputs.append(Output("results", file.path, EVALUATION))
    files = {place.rpartition(":")[0] for data in read for place in data.files}
    check_outputs(outputs, filter(None, files), force=True)
