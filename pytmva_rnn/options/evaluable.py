"""Layouts that C++ TMVA's Reader can evaluate, in place of others that say the same and that it cannot."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from pytmva_rnn.options.layer_specs import LayerSpec, RecurrentSpec, ReshapeSpec
from pytmva_rnn.options.method import MethodOptions

__all__ = ["evaluable"]


def evaluable(options: MethodOptions) -> MethodOptions:
    """Options whose network C++ TMVA evaluates, where a way of writing it decides.

    Before a recurrent layer of T steps of D inputs, `InputLayout=1|T|D` becomes `T|D` and `RESHAPE|1|T|D` becomes
    `RESHAPE|T|1|D`: TMVA would take T for something else. With a single step the `BatchLayout` has to have the batch
    size first, which TMVA does not choose by itself. Other options stay as they are.
    """
    first = options.layout[0]
    if isinstance(first, RecurrentSpec):
        sizes = options.input_layout
        if len(sizes) == 3 and sizes[0] == 1 and sizes[1] > 1:
            options = replace(options, input_layout=sizes[1:])
        if first.time_steps == 1 and not any(options.batch_layout):
            batch = options.training_strategy[0].batch_size
            options = replace(options, batch_layout=(batch, 1, first.input_size))
    layout = [*map(_steps_first, pairwise(options.layout)), options.layout[-1]]
    return options if tuple(layout) == options.layout else replace(options, layout=tuple(layout))


def _steps_first(pair: tuple[LayerSpec, LayerSpec]) -> LayerSpec:
    """The first of two layers; a reshape that makes steps for a recurrent layer makes them its depth."""
    spec, following = pair
    if not isinstance(spec, ReshapeSpec) or not isinstance(following, RecurrentSpec) or spec.flat:
        return spec
    return replace(spec, depth=spec.height, height=1) if spec.depth == 1 and spec.height > 1 else spec
