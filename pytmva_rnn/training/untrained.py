"""What a training begins with: the network without weights, and the weights."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

import numpy as np

from pytmva_rnn.description import INITIALIZATIONS, REGULARIZATIONS, Variable
from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.kernels import Weights
from pytmva_rnn.model import Model
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.training.initialization import initial_weights
from pytmva_rnn.training.problem import Problem

__all__ = ["starting_weights", "untrained"]

log = logging.getLogger("pytmva_rnn")

_UNNAMED = re.compile(r"x(\d+|_t\d+_d\d+)")
"""What variables are called of which nobody has told the names."""


def untrained(problem: Problem, options: MethodOptions, title: str, spectators: tuple[Variable, ...]) -> Model:
    """The network of a problem without weights, with all else that the weight file says."""
    phase = options.training_strategy[0]
    depth, height, width = problem.input_layout
    batch_layout = (phase.batch_size, depth, height * width) if depth * height > 1 else (1, phase.batch_size, width)
    given = (*options.batch_layout, 0, 0)[:3] if any(options.batch_layout) else batch_layout
    return Model(
        problem.layers,
        problem.variables,
        problem.input_layout,
        (given[0], given[1], given[2]),
        title=title,
        analysis=problem.analysis,
        spectators=spectators,
        targets=problem.targets,
        classes=problem.classes,
        transformations=problem.transformations,
        options=options.to_model_options(),
        loss=problem.loss,
        initialization=INITIALIZATIONS[options.weight_initialization],
        regularization=REGULARIZATIONS[phase.regularization],
        output_function=problem.output_function,
        weight_decay=phase.weight_decay,
        mask_padding=problem.mask_padding,
    )


def starting_weights(problem: Problem, options: MethodOptions, initial: Model | None, seed: int) -> Weights:
    """Fresh weights, or those of `initial`.

    Raises
    ------
    OptionError, DataError
        If the layers of `initial` are others, or its parts do not fit each other.
    """
    if initial is None:
        return [dict(each) for each in initial_weights(problem.layers, options.weight_initialization, seed)]
    wanted = [(layer.kind, layer.weight_shapes()) for layer in problem.layers]
    given = [(layer.kind, layer.weight_shapes()) for layer in initial.layers]
    for number, (want, give) in enumerate(zip(wanted, given, strict=False)):
        if want != give:
            raise OptionError(
                f"layer {number} of `initial` is {give[0]} {give[1]}, the layout asks for {want[0]} {want[1]}"
            )
    if len(wanted) != len(given):
        raise OptionError(f"`initial` has {len(given)} layers, the layout {len(wanted)}")
    try:
        initial.check()
    except DataError as error:
        raise DataError(f"`initial`: {error}") from None
    _tell_differences(problem, initial)
    return [{name: np.asarray(value) for name, value in layer.weights.items()} for layer in initial.layers]


def _tell_differences(problem: Problem, initial: Model) -> None:
    """Warn where the same weights would mean something else: nothing but the user can know whether that is meant."""
    variables = [[variable.label for variable in each.variables] for each in (initial, problem)]
    if any(_UNNAMED.fullmatch(name) for names in variables for name in names):
        variables = []
    kinds = [[type(each).__name__ for each in of.transformations] for of in (initial, problem)]
    classes = [initial.classes, problem.classes] if initial.analysis == problem.analysis else []
    for what, *found in (
        ("analysis", [initial.analysis], [problem.analysis]),
        ("variables", *variables),
        ("classes", *classes),
        ("transformations", *kinds),
        ("steps that are not there", *[["left out" if of.mask_padding else "taken"] for of in (initial, problem)]),
    ):
        given, wanted = (tuple(each) for each in found) if found else ((), ())
        if given != wanted:
            log.warning("the %s of `initial` are %s, those of this training %s", what, _listed(given), _listed(wanted))
    for number, (its, own) in enumerate(zip(initial.layers, problem.layers, strict=True)):
        before = its.settings()
        for name, now in own.settings().items():
            if before[name] != now:
                log.warning("%s of layer %d of `initial` is %s, here it is %s", name, number, before[name], now)


def _listed(names: Iterable[str]) -> str:
    text = ", ".join(names) or "none"
    return text if len(text) <= 100 else f"{text[:48]} ... {text[-48:]}"
