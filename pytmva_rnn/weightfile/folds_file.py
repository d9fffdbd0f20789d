"""The weight file of TMVA's MethodCrossValidation, which names the weight files of its folds.

Source of its content: TMVA's MethodCrossValidation.cxx.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pytmva_rnn.description import Option, Variable
from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.files import atomic_path
from pytmva_rnn.weightfile.markup import Element, UnwritableError, render
from pytmva_rnn.weightfile.mva_pdf_nodes import mva_pdfs_element
from pytmva_rnn.weightfile.nodes import parse
from pytmva_rnn.weightfile.reading import read_analysis, read_classes, read_optional
from pytmva_rnn.weightfile.transformation_nodes import transformations_element
from pytmva_rnn.weightfile.variable_nodes import SPECTATORS, TARGETS, VARIABLES
from pytmva_rnn.weightfile.writing import classes_element, info_element, options_element

__all__ = ["Ensembling", "FoldsFile", "read_folds", "write_folds"]

Ensembling = Literal["None", "Avg"]

_METHOD = "CrossValidation::"
_MOST_FOLDS = 10_000
_BASE_OPTIONS = (
    Option("V", "False"),
    Option("VerbosityLevel", "Default"),
    Option("VarTransform", "None"),
    Option("H", "False"),
    Option("CreateMVAPdfs", "False"),
    Option("IgnoreNegWeightsInTraining", "False"),
)


@dataclass(frozen=True)
class FoldsFile:
    """What such a file says.

    Attributes
    ----------
    title, job : str
        Of the method and of the cross validation; with the number they make up the names of the folds' files.
    analysis : str
        "Classification", "Regression" or "Multiclass".
    variables, spectators, targets : tuple of Variable
    classes : tuple of str
    folds : int
    expression : str
        For the number of an event's fold, `int([id])%int([NumFolds])`; empty where the folds were made by chance.
    ensembling : "None" or "Avg"
        Whether an event is scored by the network that was not trained with its fold, or by the mean of all.
    info : tuple of (name, value)
        Of GeneralInfo.
    """

    title: str
    job: str
    analysis: Any
    variables: tuple[Variable, ...]
    spectators: tuple[Variable, ...]
    targets: tuple[Variable, ...]
    classes: tuple[str, ...]
    folds: int
    expression: str = ""
    ensembling: Ensembling = "None"
    info: tuple[tuple[str, str], ...] = ()

    def of_fold(self, path: str | os.PathLike[str], fold: int) -> Path:
        """The weight file of a fold, which lies beside the file of this path; folds are counted from 0."""
        return Path(path).parent / f"{self.job}_{self.title}_fold{fold + 1}.weights.xml"


def write_folds(content: FoldsFile, path: str | os.PathLike[str]) -> None:
    """Write such a file, as C++ TMVA's Reader reads it.

    Raises
    ------
    WeightFileError
        If a name has a character that XML cannot hold.
    OSError
        If the file cannot be written.
    """
    own: dict[str, str | int] = {
        "JobName": content.job,
        "SplitExpr": content.expression,
        "NumFolds": content.folds,
        "EncapsulatedMethodName": content.title,
        "EncapsulatedMethodTypeName": "DL",
        "OutputEnsembling": content.ensembling,
    }
    modified = [Option(name, str(value), True) for name, value in own.items() if name != "JobName"]
    children = [
        info_element(content.info, content.analysis),
        options_element((*_BASE_OPTIONS, *modified)),
        VARIABLES.element(content.variables),
        SPECTATORS.element(content.spectators),
        classes_element(content.classes),
        *([TARGETS.element(content.targets)] if content.targets else []),
        transformations_element(()),
        mva_pdfs_element(()),
        Element("Weights", own),
    ]
    root = Element("MethodSetup", {"Method": f"{_METHOD}{content.title}"}, children)
    try:
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(render(root))
    except UnwritableError as error:
        raise WeightFileError(f"{os.fspath(path)} cannot be written: {error}") from None


def read_folds(path: str | os.PathLike[str]) -> FoldsFile | None:
    """Read such a file; None if it is one of another method.

    Raises
    ------
    WeightFileError
        If it is no weight file, or its folds are not of MethodDL.
    OSError
        If it cannot be opened.
    """
    root = parse(path)
    if root.tag != "MethodSetup" or not root.attribute("Method").startswith(_METHOD):
        return None
    weights = root.child("Weights")
    weights.choice("EncapsulatedMethodTypeName", ("DL",))
    folds = weights.integer("NumFolds", 2)
    if folds > _MOST_FOLDS:
        raise weights.error(f"NumFolds: expected at most {_MOST_FOLDS}, found {folds}")
    analysis = read_analysis(root.child("GeneralInfo"))
    names = {name: weights.attribute(name) for name in ("EncapsulatedMethodName", "JobName")}
    for name, value in names.items():
        if not value or set(value) & set("/\\\0"):
            raise weights.error(f"{name}: expected a name without slashes, found {value!r}")
    return FoldsFile(
        title=names["EncapsulatedMethodName"],
        job=names["JobName"],
        analysis=analysis,
        variables=VARIABLES.read(root.child("Variables")),
        spectators=read_optional(root, SPECTATORS),
        targets=read_optional(root, TARGETS),
        classes=read_classes(root),
        folds=folds,
        expression=weights.attribute("SplitExpr"),
        ensembling="Avg" if weights.choice("OutputEnsembling", ("None", "Avg")) == "Avg" else "None",
    )
