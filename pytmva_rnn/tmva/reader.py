"""TMVA's Reader: scores events with a weight file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import Analysis
from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model
from pytmva_rnn.network.network import Network
from pytmva_rnn.network.one_event import scorer
from pytmva_rnn.network.scoring import scored
from pytmva_rnn.tmva.arguments import option_string, path_of, refuse_others, take_settings, text_of
from pytmva_rnn.tmva.columns import inputs_of
from pytmva_rnn.tmva.current_values import CurrentValues, ReaderInfo
from pytmva_rnn.tmva.declarations import check_expressions
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.tmva.folded_model import FoldedModel, read_model

__all__ = ["Reader"]

_OPTIONS = ("V", "Color", "Silent", "Error")
_CALLS: dict[Analysis, str] = {
    "Classification": "EvaluateMVA",
    "Regression": "EvaluateRegression",
    "Multiclass": "EvaluateMulticlass",
}


@dataclass(frozen=True, eq=False)
class _Booked:
    model: Model | FoldedModel
    score: Callable[[NDArray[np.float32]], Any]


class Reader(Explained):
    """Scores events, one by one or many at a time; the calls are those of `TMVA::Reader`.

    A network with RememberState carries its state from one `Evaluate...` call to the next, as in C++ TMVA; `evaluate`
    starts from a state of zero.

    C++ TMVA's other form is understood too: names of variables, `"x:y"` or a list, and then the options. Their values
    go into the calls, `EvaluateMVA(values, tag)`.

    Parameters
    ----------
    theOption : str
        `!Color:!Silent`; without effect, as a Reader prints nothing.
    verbose : bool
        Without effect.
    """

    def __init__(self, theOption: Any = "", verbose: Any = False, /, *others: Any, **keywords: Any) -> None:
        names: Iterable[Any] = ()
        if isinstance(theOption, list | tuple) or not isinstance(verbose, bool | int):
            names = text_of(theOption).split(":") if not isinstance(theOption, list | tuple) else theOption
            theOption = "" if isinstance(verbose, bool | int) else verbose
        _, rest = take_settings(option_string(theOption, keywords), _OPTIONS)
        refuse_others(rest, _OPTIONS, "the Reader")
        self._variables = CurrentValues()
        self._spectators = CurrentValues()
        self._methods: dict[str, _Booked] = {}
        self._classifiers: dict[str, Callable[[Any], Any]] = {}
        for name in names:
            self._variables.add(name, None)

    def GetName(self) -> str:
        """The name of the class."""
        return "Reader"

    def Verbose(self) -> bool:
        """Whether much is to be printed: never."""
        return False

    def SetVerbose(self, v: bool = True) -> None:
        """Without effect."""

    def DataInfo(self) -> ReaderInfo:
        """What is declared; array variables may be declared with it, as in C++ TMVA."""
        return ReaderInfo("Default", self._variables.declared, self._spectators.declared, _values=self._variables)

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
        self._variables.add(expression, datalink)

    def AddSpectator(self, expression: Any, datalink: Any) -> None:
        """Declare the next spectator; weight files are checked for it.

        Its value only tells which network of a cross validation is to score the event.
        """
        self._spectators.add(expression, datalink)

    def BookMVA(self, methodTag: Any, weightfile: Any) -> Model | FoldedModel:
        """Read a weight file; that of a cross validation brings those of its folds.

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
        path = path_of(weightfile)
        model = read_model(path)
        for what, declared, of_file in (
            ("variable", self._variables.expressions, model.variables),
            ("spectator", self._spectators.expressions, model.spectators),
        ):
            check_expressions(what, declared, of_file, path)
        score = self._score_of(model)
        self._methods[tag] = _Booked(model, score)
        if model.analysis == "Classification":
            self._classifiers[tag] = self._variables.scoring(score)
        return model

    def FindMVA(self, methodTag: Any) -> Model | FoldedModel:
        """What was booked under this name.

        Raises
        ------
        DataError
            If nothing was; C++ TMVA returns a null pointer.
        """
        return self._booked(text_of(methodTag)).model

    def EvaluateMVA(self, first: Any, second: Any = None) -> float:
        """The classifier's score of one event.

        Parameters
        ----------
        first, second
            `(tag)` for the declared variables' current values, or `(values, tag)`; in place of the tag what BookMVA
            gave is taken too.

        Returns
        -------
        float
            -999 if a variable is NaN.
        """
        usual = self._classifiers.get(first) if type(first) is str else None
        if usual is not None:  # in a loop over events
            return usual(first)  # type: ignore[no-any-return]
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
        model = self._booked(tag, "Classification").model
        if isinstance(model, FoldedModel):
            raise DataError(f"method {text_of(tag)!r} is a cross validation, which has no distributions of its scores")
        score = self.EvaluateMVA(tag) if score is None else score
        return -999.0 if score == -999.0 else float(function(model, score))

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
        if isinstance(model, FoldedModel):
            first = model.models[0]
            return model.predict(*inputs_of(first, data, spectators=model.by_spectators))
        return model.predict(inputs_of(model, data)[0])

    def _several(self, first: Any, second: Any, analysis: Analysis) -> Any:
        number = None
        if isinstance(first, int):
            number, first = first, second
        x, tag = self._event(first, second)
        scores = np.atleast_1d(self._booked(tag, analysis).score(x))
        return scores if number is None else float(scores[number])

    def _event(self, first: Any, second: Any) -> tuple[NDArray[np.float32], str]:
        """The variables and the tag; what follows a tag is the signal efficiency that C++ TMVA's cuts want."""
        if isinstance(first, Model | FoldedModel):
            first = next((tag for tag, booked in self._methods.items() if booked.model is first), "")
        if isinstance(first, str) or second is None:
            return self._variables.read(), text_of(first)
        return np.ascontiguousarray(first, np.float32).reshape(-1), text_of(second)

    def _score_of(self, model: Model | FoldedModel) -> Callable[[NDArray[np.float32]], Any]:
        if isinstance(model, Model):
            return _remembering(model) if model.remembers else scorer(model)

        def score(x: NDArray[np.float32]) -> Any:
            spectators = self._spectators.read()[np.newaxis] if model.by_spectators else None
            result = model.predict(x[np.newaxis], spectators)[0]
            return result if result.ndim else float(result)

        return score

    def _booked(self, tag: Any, analysis: Analysis | None = None) -> _Booked:
        booked = self._methods.get(tag)
        if booked is None:
            tags = ", ".join(self._methods) or "none"
            raise DataError(f"no method {text_of(tag)!r} is booked; there are: {tags}")
        if analysis is not None and booked.model.analysis != analysis:
            kind = booked.model.analysis
            raise DataError(f"method {tag!r} is a {kind.lower()}: call {_CALLS[kind]}")
        return booked


def _remembering(model: Model) -> Callable[[NDArray[np.float32]], Any]:
    """Scores one event after the other with one state that lasts."""
    network = Network(model, threads=1)

    def score(x: NDArray[np.float32]) -> Any:
        result = scored(network, x[np.newaxis], resume=True)[0]
        return result.item() if len(result) == 1 else result

    return score
