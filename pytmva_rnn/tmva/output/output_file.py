"""The Factory's output file, which may be a path, a file of uproot or a TFile of PyROOT."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError
from pytmva_rnn.tmva.dataloader import DataLoader
from pytmva_rnn.tmva.output import MethodOutput, write_output
from pytmva_rnn.transformations import learn_transformations

__all__ = ["OutputFile"]


class OutputFile:
    """Where the evaluation goes.

    Parameters
    ----------
    target : path, file of uproot, TFile
        A path is a file to be replaced. A file of uproot is closed before it is written to; what it holds stays.

    Raises
    ------
    DataError
        For anything else, and for a TFile that is not open for writing.
    """

    def __init__(self, target: Any) -> None:
        self._target = target
        self._update = False
        if isinstance(target, str | os.PathLike):
            self._path: Path | None = Path(target)
        elif hasattr(target, "InheritsFrom"):
            if not target or not target.IsOpen() or not target.IsWritable():
                raise DataError("the output file is not open for writing: open it with 'RECREATE'")
            self._path = None
        elif hasattr(target, "file_path") and hasattr(target, "mktree"):
            self._path, self._update = Path(target.file_path), True
        else:
            raise DataError(
                f"{type(target).__name__} is no output file: give a path, a file of uproot.recreate or a TFile"
            )

    @property
    def folder(self) -> Path:
        """Where the file is."""
        return Path(str(self._target.GetName()) if self._path is None else self._path).parent

    @property
    def path(self) -> Path | None:
        """Where a file will be made; None for one that is open."""
        return None if self._path is None or self._update else self._path

    def write(self, loader: DataLoader, outputs: Sequence[MethodOutput], transformations: Sequence[str]) -> None:
        """Add the output of all methods of one data loader.

        Parameters
        ----------
        loader : DataLoader
        outputs : sequence of MethodOutput
            Of its samples.
        transformations : sequence of str
            In the grammar of VarTransform: the input variables are also shown after these.
        """
        if self._path is None:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "output.root")
                _write(path, loader, outputs, transformations, update=False)
                _copy_into(self._target, path)
            return
        if hasattr(self._target, "mktree") and not self._target.closed:
            self._target.close()
        _write(self._path, loader, outputs, transformations, update=self._update)
        self._update = True


def _write(
    path: Path, loader: DataLoader, outputs: Sequence[MethodOutput], transformations: Sequence[str], *, update: bool
) -> None:
    samples = loader.samples()
    data = samples.training
    variables, spectators, targets = loader.tables()
    flat, labels = data.X.reshape(len(data), -1), data.y.reshape(len(data), -1)
    chains = [
        learn_transformations(text, flat, data.class_index, variables, data.classes, targets, labels, data.weights)
        for text in transformations
    ]
    write_output(
        path,
        loader.GetName(),
        data,
        samples.test,
        outputs,
        variables=variables,
        spectators=spectators,
        transformations=[chain for chain in chains if chain],
        update=update,
    )


def _copy_into(target: Any, path: Path) -> None:
    """All of the file at `path` into an open TFile, by ROOT itself."""
    root = extras.root()
    source = root.TFile.Open(str(path))
    try:
        _copy_folder(root, source, target)
    finally:
        source.Close()


def _copy_folder(root: Any, source: Any, target: Any) -> None:
    for key in source.GetListOfKeys():
        name = key.GetName()
        value = source.Get(name)
        target.cd()
        if value.InheritsFrom("TDirectory"):
            _copy_folder(root, value, target.mkdir(name, value.GetTitle(), True))
        elif value.InheritsFrom("TTree"):
            value.CloneTree(-1, "fast").Write()
        else:
            target.WriteTObject(value, name)
