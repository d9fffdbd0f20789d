"""TMVA's Reader: scores events with a weight file."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.flat_variables import without_blanks
from pytmva_rnn.description import Analysis, Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.network.network import Network
from pytmva_rnn.network.scoring import scored
from pytmva_rnn.tmva.arguments import option_string, refuse_others, take_settings, text_of
from pytmva_rnn.tmva.columns import inputs_of

__all__ = ["Reader"]

_OPTIONS = ("V", "Color", "Silent", "Error")
_CALLS: dict[Analysis, str] = {
    "Classification": "EvaluateMVA",
    "Regression": "EvaluateRegression",
    "Multiclass": "EvaluateMulticlass",
}


@dataclass(frozen=True, eq=False)
class _Booked:
    model: Model
    score: Callable[[NDArray[np.float32]], Any]


class Reader:
    """Scores events, one by one or many at a time; the calls are those of `TMVA::Reader`.

    A network with RememberState carries its state from one `Evaluate...` call to the next, as in C++ TMVA; `evaluate`
    starts from a state of zero.

    Parameters
    ----------
    theOption : str
        `!Color:!Silent`; without effect, as a Reader prints nothing.
    """

    def __init__(self, theOption: Any = "", verbose: bool = False, /, **keywords: Any) -> None:
        _, others = take_settings(option_string(theOption, keywords), _OPTIONS)
        refuse_others(others, _OPTIONS, "the Reader")
        self._variables: list[str] = []
        self._spectators: list[str] = []
        self._links: list[tuple[int, Any]] = []
        self._values = np.empty(0, np.float32)
        self._singles: list[tuple[int, Any]] = []
        self._blocks: list[tuple[NDArray[np.float32], NDArray[Any]]] = []
        self._methods: dict[str, _Booked] = {}

    def AddVariable(self, expression: Any, datalink: Any) -> None:
        """Declare the next variable, or the next few of an array.

        Parameters
        ----------
        expression : str
            As in the weight file; `label := expression` is understood.
        datalink : array.array or NumPy array
            Holds the current event's value when one of the `Evaluate...` methods is called, for an array variable all
            its values.

        Raises
        ------
        DataError
            For anything else.
        """
        values = _buffer(expression, datalink)
        one_of_python = len(values) == 1 and isinstance(datalink, array)  # quicker to ask than one of NumPy
        self._links.append((len(self._variables), datalink if one_of_python else values))
        self._variables += [_expression(expression)] * len(values)

    def AddSpectator(self, expression: Any, datalink: Any) -> None:
        """Declare the next spectator; weight files are checked for it, and its value has no effect."""
        _buffer(expression, datalink)
        self._spectators.append(_expression(expression))

    def BookMVA(self, methodTag: Any, weightfile: Any) -> Model:
        """Read a weight file.

        Parameters
        ----------
        methodTag : str
            How this method is called from now on.
        weightfile : path

        Returns
        -------
        Model

        Raises
        ------
        DataError
            If variables or spectators are not those of the file, in the same order, or the tag is taken.
        WeightFileError
            If the file is no weight file of MethodDL.
        """
        tag = text_of(methodTag)
        if tag in self._methods:
            raise DataError(f"a method {tag!r} is booked already; choose another name")
        path = os.fspath(weightfile) if isinstance(weightfile, os.PathLike) else text_of(weightfile)
        model = read_weights(path)
        for what, declared, of_file in (
            ("variable", self._variables, model.variables),
            ("spectator", self._spectators, model.spectators),
        ):
            _check(what, declared, of_file, path)
        self._connect()
        remembers = model.remembers
        self._methods[tag] = _Booked(model, _remembering(model) if remembers else model.predict_one)
        return model

    def EvaluateMVA(self, first: Any, second: Any = None) -> float:
        """The classifier's score of one event.

        Parameters
        ----------
        first, second
            `(tag)` for the declared variables' current values, or `(values, tag)`.

        Returns
        -------
        float
            -999 if a variable is NaN.
        """
        x, tag = self._event(first, second)
        return float(self._booked(tag, "Classification").score(x))

    def EvaluateRegression(self, first: Any, second: Any = None) -> Any:
        """The predicted targets of one event: `(tag)`, `(values, tag)`, or `(number of the target, tag)` for one."""
        return self._several(first, second, "Regression")

    def EvaluateMulticlass(self, first: Any, second: Any = None) -> Any:
        """The scores of all classes: `(tag)`, `(values, tag)`, or `(number of the class, tag)` for one."""
        return self._several(first, second, "Multiclass")

    def GetProba(self, methodTag: Any, ap_sig: float = 0.5, mvaVal: float | None = None) -> float:
        """How probable signal is, given a fraction `ap_sig` of signal in all events.

        Parameters
        ----------
        methodTag : str
        ap_sig : float
        mvaVal : float, optional
            A score; that of the declared variables' current values if it is not given.

        Returns
        -------
        float
            -999 if a transformed variable is NaN.

        Raises
        ------
        DataError
            If the network was trained without the option CreateMVAPdfs.
        """
        return self._of_score(methodTag, mvaVal, lambda model, score: model.signal_probability(score, ap_sig))

    def GetRarity(self, methodTag: Any, mvaVal: float | None = None) -> float:
        """Which fraction of the background has a lower score; see `GetProba`."""
        return self._of_score(methodTag, mvaVal, lambda model, score: model.rarity(score))

    def _of_score(self, tag: Any, score: float | None, function: Callable[[Model, float], NDArray[Any]]) -> float:
        booked = self._booked(tag, "Classification")
        score = self.EvaluateMVA(tag) if score is None else score
        return -999.0 if score == -999.0 else float(function(booked.model, score))

    def evaluate(self, data: Any, methodTag: str) -> NDArray[np.float32]:
        """Score many events at once.

        Parameters
        ----------
        data : array, mapping, awkward array of records, or tree
            Variables (n, NVar) or (n, T, D) in the file's order; or columns under the labels of the variables (for an
            array variable (n, size) under its name), or from which the file's expressions can be computed; or a tree
            in any form that `DataLoader.AddTree` takes.
        methodTag : str

        Returns
        -------
        array of float32, shape (n,) for one output, else (n, O)

        Raises
        ------
        DataError
            If data do not fit the network, or a column is missing.
        """
        model = self._booked(methodTag).model
        return model.predict(inputs_of(model, data))

    def _several(self, first: Any, second: Any, analysis: Analysis) -> Any:
        number = None
        if isinstance(first, int):
            number, first = first, second
        x, tag = self._event(first, second)
        scores = np.atleast_1d(self._booked(tag, analysis).score(x))
        return scores if number is None else float(scores[number])

    def _event(self, first: Any, second: Any) -> tuple[NDArray[np.float32], str]:
        """The variables and the tag; what follows a tag is the signal efficiency that C++ TMVA's cuts want."""
        if isinstance(first, str) or second is None:
            return self._current(), text_of(first)
        return np.ascontiguousarray(first, np.float32).reshape(-1), text_of(second)

    def _connect(self) -> None:
        """Prepare what `_current` does for each event."""
        self._values = np.zeros(len(self._variables), np.float32)
        self._singles = [(start, link) for start, link in self._links if len(link) == 1]
        blocks = [(start, link) for start, link in self._links if len(link) > 1]
        self._blocks = [(self._values[start : start + len(link)], link) for start, link in blocks]

    def _current(self) -> NDArray[np.float32]:
        values = self._values
        for place, link in self._singles:
            values[place] = link[0]
        for part, block in self._blocks:
            part[:] = block
        return values

    def _booked(self, tag: Any, analysis: Analysis | None = None) -> _Booked:
        booked = self._methods.get(tag)
        if booked is None:
            tags = ", ".join(self._methods) or "none"
            raise DataError(f"no method {text_of(tag)!r} is booked; there are: {tags}")
        if analysis is not None and booked.model.analysis != analysis:
            kind = booked.model.analysis
            raise DataError(f"method {tag!r} is a {kind.lower()}: call {_CALLS[kind]}")
        return booked


def _expression(text: Any) -> str:
    return without_blanks(text_of(text).rpartition(":=")[2])


def _buffer(expression: Any, link: Any) -> NDArray[Any]:
    """The memory of an array as a flat NumPy array, no copy."""
    values = np.frombuffer(link, link.typecode) if isinstance(link, array) else link
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu" or not values.size:
        raise DataError(
            f"variable {text_of(expression)!r}: its value must be in an array, array('f', [0]) or a NumPy array of one "
            f"element, that the script fills for each event, not in {type(link).__name__}"
        )
    return values.reshape(-1)


def _check(what: str, declared: list[str], of_file: tuple[Variable, ...], path: str) -> None:
    if len(declared) != len(of_file):
        raise DataError(f"{len(declared)} {what}s are declared, but {path} has {len(of_file)}{_some(of_file)}")
    for number, (name, variable) in enumerate(zip(declared, of_file, strict=True)):
        known = (variable.expression, variable.internal if variable.type.endswith("[]") else variable.expression)
        if name not in map(without_blanks, known):
            raise DataError(
                f"{what} {number} is declared as {name!r}, but in {path} it is {variable.expression!r}; they must be "
                "declared with the file's expressions and in its order"
            )


def _some(variables: tuple[Variable, ...]) -> str:
    names = list(dict.fromkeys(variable.expression for variable in variables))
    return f": {', '.join(names[:10])}{' ...' if len(names) > 10 else ''}" if names else ""


def _remembering(model: Model) -> Callable[[NDArray[np.float32]], Any]:
    """Scores one event after the other with one state that lasts."""
    network = Network(model, threads=1)

    def score(x: NDArray[np.float32]) -> Any:
        result = scored(network, x[np.newaxis], resume=True)[0]
        return result.item() if len(result) == 1 else result

    return score
