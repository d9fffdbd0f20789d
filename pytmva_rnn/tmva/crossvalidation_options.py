"""The option string of TMVA's CrossValidation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytmva_rnn.errors import OptionError
from pytmva_rnn.tmva.arguments import chains_of, flag, refuse_others, take_settings
from pytmva_rnn.weightfile.folds_file import Ensembling

__all__ = ["CrossValidationOptions"]

_OF_THE_FACTORY = (
    "V",
    "VerboseLevel",
    "Silent",
    "Color",
    "Transformations",
    "DrawProgressBar",
    "Correlations",
    "ROC",
    "AnalysisType",
    "ModelPersistence",
)
_OWN = ("SplitType", "SplitExpr", "NumFolds", "NumWorkerProcs", "FoldFileOutput", "OutputEnsembling")
_SPLIT_TYPES = ("Deterministic", "Random", "RandomStratified")


@dataclass
class CrossValidationOptions:
    """The options, checked.

    Attributes
    ----------
    of_the_factory : str
        Those that its Factory has too.
    silent, progress, persistent, fold_files : bool
    transformations : list of str
    stratified : bool
        Whether each class is divided by itself, where chance divides.
    expression : str
        For the number of the fold; empty where chance divides.
    folds : int
    ensembling : "None" or "Avg"
    """

    of_the_factory: str
    silent: bool
    progress: bool
    persistent: bool
    fold_files: bool
    transformations: list[str]
    stratified: bool
    expression: str
    folds: int
    ensembling: Ensembling

    @classmethod
    def parse(cls, text: str) -> CrossValidationOptions:
        """From TMVA's option string.

        Raises
        ------
        OptionError
            For an unknown option, a wrong value, or `Deterministic` without SplitExpr.
        """
        own, others = take_settings(text, _OWN)
        shared, unknown = take_settings(others, _OF_THE_FACTORY)
        refuse_others(unknown, (*_OWN, *_OF_THE_FACTORY), "the CrossValidation")
        kind, expression = _one_of(own, "SplitType", _SPLIT_TYPES, "Random"), own.get("SplitExpr", "").strip()
        if kind == "Deterministic" and not expression:
            raise OptionError(
                "SplitType=Deterministic needs SplitExpr, such as SplitExpr=int([eventID])%int([NumFolds]) with the "
                "spectator eventID; or take SplitType=Random"
            )
        _whole(own, "NumWorkerProcs", 1)
        return cls(
            others,
            flag(shared, "Silent", False),
            flag(shared, "DrawProgressBar", False),
            flag(shared, "ModelPersistence", True),
            flag(own, "FoldFileOutput", False),
            chains_of(shared),
            kind != "Random",
            expression,
            _whole(own, "NumFolds", 2),
            "Avg" if _one_of(own, "OutputEnsembling", ("None", "Avg"), "None") == "Avg" else "None",
        )


def _one_of(found: Mapping[str, str], name: str, values: tuple[str, ...], default: str) -> str:
    text = found.get(name, default)
    for value in values:
        if value.lower() == text.lower():
            return value
    raise OptionError(f"option {name} is one of {', '.join(values)}; not {text!r}")


def _whole(found: Mapping[str, str], name: str, default: int) -> int:
    text = found.get(name, str(default))
    if not text.isdecimal() or len(text) > 6:
        raise OptionError(f"option {name} is a whole number, not {text!r}")
    return int(text)
