"""Networks for which C++ TMVA's own Reader is known to answer otherwise, or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from pytmva_rnn.description.description import Description
from pytmva_rnn.description.layers import Recurrent, Reshape
from pytmva_rnn.description.transformations import Transformation

__all__ = ["tmva_differences"]


def tmva_differences(model: Description) -> list[str]:
    """Why C++ TMVA's scores of a network will not be ours, and what would bring them together; empty if they agree."""
    differences = [*_unevaluable(model)]
    for transformation in model.transformations:
        differences += [*_arrays(transformation), *_named_class(transformation, model.classes)]
    return differences


def _arrays(transformation: Transformation) -> Iterator[str]:
    """TMVA finds the input of a transformation by its name, and all elements of an array have one."""
    counts = Counter((item.type, item.label, item.expression) for item in transformation.inputs)
    names = list(dict.fromkeys(label for (_, label, _), count in counts.items() if count > 1))
    if names:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        yield (
            f"C++ TMVA's Reader transforms all elements of {shown} as the first one ({transformation.kind}), and its "
            f"scores are others; declare the elements one by one ({names[0]}[0], {names[0]}[1] ...), or write the file "
            "with scalar_elements=True"
        )


def _named_class(transformation: Transformation, classes: tuple[str, ...]) -> Iterator[str]:
    if transformation.reference is not None:
        yield (
            f"C++ TMVA's Reader forgets the class {classes[transformation.reference]} of the transformation "
            f"{transformation.kind} and uses all classes together; so does pytmva_rnn with the file"
        )


def _unevaluable(model: Description) -> Iterator[str]:
    wants = "C++ TMVA cannot evaluate this network ('Incompatible Dimensions', or one constant score): it wants "
    depth, height, width = model.input_layout
    if model.layers and isinstance(model.layers[0], Recurrent):
        if depth == 1 and height > 1:
            yield f"{wants}InputLayout={height}|{width} before a recurrent layer, not {depth}|{height}|{width}"
        if depth * height == 1 and model.batch_layout[0] == 1 < model.batch_layout[1]:
            yield f"{wants}the batch size first for one time step, BatchLayout={model.batch_layout[1]}|1|{width}"
    for layer, following in pairwise(model.layers):
        makes_steps = isinstance(layer, Reshape) and not layer.flat and layer.depth == 1 < layer.height
        if isinstance(layer, Reshape) and makes_steps and isinstance(following, Recurrent):
            sizes = f"{layer.height}|{layer.width}"
            yield f"{wants}RESHAPE|{layer.height}|1|{layer.width} before a recurrent layer, not RESHAPE|1|{sizes}"
