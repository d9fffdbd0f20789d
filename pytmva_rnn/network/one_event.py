"""One event at a time, in microseconds: what a loop over events in somebody's analysis needs."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from math import isnan
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.compile import readable
from pytmva_rnn.description import Description
from pytmva_rnn.description.arrays import numbers
from pytmva_rnn.description.padded_steps import check_marked, mark_again
from pytmva_rnn.kernels import output_function
from pytmva_rnn.kernels.cpu.engine import Engine
from pytmva_rnn.kernels.cpu.machine.single import Preparation
from pytmva_rnn.network.events import shaped
from pytmva_rnn.network.network import Network

__all__ = ["Scorer", "scorer"]

_FLOAT32 = np.dtype(np.float32)
Event: TypeAlias = NDArray[np.float32]


def scorer(model: Description) -> Callable[[ArrayLike], Any]:
    """What scores single events of a model quickest, on the CPU; threads may share it.

    Parameters
    ----------
    model : Model
        With weights in all layers.
    """
    scores = Scorer(model)
    return scores.evaluation() if scores.is_shared else scores


class Scorer:
    """A model made ready to score single events on the CPU; threads may share it.

    Each thread has scratch memory of its own, and the kernels release Python's lock.

    Parameters
    ----------
    model : Model
        With weights in all layers.

    Attributes
    ----------
    is_shared : bool
        Whether what `evaluation` gives is for all threads: it is over before they could take turns.
    """

    def __init__(self, model: Description) -> None:
        self._network = network = Network(model, "cpu", threads=1)
        self._engine = cast(Engine, network.engine)
        steps, inputs = model.event_shape
        # shapes of what needs no preparation
        self._shapes = ((steps, inputs), (steps * inputs,))
        self._masks = model.mask_padding
        self._classifies = model.analysis == "Classification"
        # what compiled code does alone
        self._is_plain = model.outputs == 1 and model.output_function in ("I", "S")
        self._is_plain = self._is_plain and not (network.targets_back or self._masks)
        # what is transformed lies in memory of a thread's own
        self.is_shared = self._is_plain and not network.chain and self._engine.shares_single
        self._of_thread = threading.local()

    def __call__(self, x: ArrayLike) -> Any:  # a float for one output, else an array
        """Score one event; see `Model.predict_one`."""
        try:
            evaluate = self._of_thread.evaluate
        except AttributeError:
            evaluate = self._of_thread.evaluate = self.evaluation()
        return evaluate(x)

    def evaluation(self) -> Callable[[ArrayLike], Any]:
        """A function from an event to its score, for one thread at a time."""
        sigmoid = self._network.model.outputs == 1 and self._network.model.output_function == "S"
        if self._is_plain:
            return _compiled(self._engine, sigmoid, self._classifies, self._event, self._transform())
        spare = [self._composed(sigmoid)]

        def evaluate(x: ArrayLike) -> Any:
            event = self._event(x)
            if self._masks:
                check_marked(np.reshape(event, (1, *self._shapes[0])))
            # what it uses between its parts is its own: a signal's handler may score events in the middle of this one
            score = spare.pop() if spare else self._composed(sigmoid)
            found = score(event)
            spare.append(score)
            return -999.0 if self._classifies and isnan(found) else found

        return evaluate

    def _event(self, x: ArrayLike) -> Event:
        """An event as compiled code takes it."""
        if type(x) is np.ndarray and x.dtype is _FLOAT32 and x.shape in self._shapes and x.flags.carray:
            return x
        event = readable(shaped(numbers(x, "x")[np.newaxis], self._shapes[0], _FLOAT32)[0], _FLOAT32)
        # a data type may be equal without being the same
        return event if event.dtype is _FLOAT32 else event.view(_FLOAT32)

    def _transform(self) -> Preparation | None:
        """What compiled code transforms an event by; not where steps have to be marked again afterwards."""
        chain = self._network.chain
        return Preparation(*chain.preparation()) if chain and not self._masks else None

    def _composed(self, sigmoid: bool) -> Callable[[Event], Any]:
        """What scores an event of a model that has more than layers."""
        network = self._network
        model = network.model
        score = self._engine.single(sigmoid=sigmoid, prepare=self._transform())
        if network.chain and self._masks:
            score = _marked(network.chain.single(), score, model.event_shape[0])
        if model.outputs > 1 or model.output_function == "M":
            return _array(score, model.output_function, network.targets_back.single() if network.targets_back else None)
        if network.targets_back:
            return _on_target_scale(score, network.targets_back.single())
        return score


def _compiled(
    engine: Engine,
    sigmoid: bool,
    reports: bool,
    legible: Callable[[ArrayLike], Event],
    transform: Preparation | None,
) -> Callable[[ArrayLike], Any]:
    """Compiled code, which has an event made legible that does not come as it takes it."""

    def otherwise(x: ArrayLike) -> Any:
        return known[0]()(legible(x))

    # weak, since a thread's function is to go with the thread: Python looks for cycles only now and then
    known: list[Callable[[], Any]] = []
    score = engine.single(sigmoid=sigmoid, reports=reports, otherwise=otherwise, prepare=transform)
    known.append(weakref.ref(score))
    return score


def _marked(transform: Callable[[Event], Event], score: Callable[[Event], Any], steps: int) -> Callable[[Event], Any]:
    def evaluate(x: Event) -> Any:
        made = transform(x)
        mark_again(made[np.newaxis], np.reshape(x, (1, -1)), steps)
        return score(made)

    return evaluate


def _on_target_scale(score: Callable[[Event], float], back: Callable[[Event], Event]) -> Callable[[Event], float]:
    raw = np.empty(1, np.float32)

    def evaluate(x: Event) -> float:
        raw[0] = score(x)
        return back(raw).item()

    return evaluate


def _array(score: Callable[[Event], Any], letter: str, back: Callable[[Event], Event] | None) -> Callable[[Event], Any]:
    function = output_function("cpu", letter)

    def evaluate(x: Event) -> Any:
        found = np.reshape(score(x), -1)
        if letter != "I":
            found = function(found)
        scores = np.array(found if back is None else back(found), np.float32)
        return scores if len(scores) > 1 else scores.item()

    return evaluate
