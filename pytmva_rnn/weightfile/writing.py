"""`Description` -> weight file, in TMVA's own form."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pytmva_rnn.description import OUTPUT_FUNCTIONS, Description, Option, tmva_differences
from pytmva_rnn.errors import DataError, WeightFileError
from pytmva_rnn.files import atomic_path
from pytmva_rnn.weightfile.layer_nodes import layer_element
from pytmva_rnn.weightfile.markup import Element, UnwritableError, render
from pytmva_rnn.weightfile.mva_pdf_nodes import mva_pdfs_element
from pytmva_rnn.weightfile.numbers import scientific, widened
from pytmva_rnn.weightfile.scalar_elements import with_scalar_elements
from pytmva_rnn.weightfile.transformation_nodes import transformations_element
from pytmva_rnn.weightfile.variable_nodes import SPECTATORS, TARGETS, VARIABLES

__all__ = ["check_texts", "classes_element", "info_element", "network_node", "options_element", "write_weights"]

log = logging.getLogger("pytmva_rnn")


def write_weights(model: Description, path: str | os.PathLike[str], *, scalar_elements: bool = False) -> None:
    """Write a model as a weight file that C++ TMVA reads.

    Where C++ TMVA is known to score the file otherwise, a warning says so. The file has TMVA's own form to the byte:
    order of nodes and attributes, indentation, digits. Reading a file of TMVA and writing it again reproduces it. It
    appears complete or not at all.

    Parameters
    ----------
    model : Model or Description
        With weights in all layers.
    path : path-like
        The file to be written; TMVA's name is `<dataloader>/weights/<factory job>_<method title>.weights.xml`.
    scalar_elements : bool
        Write the elements of array variables as the scalar expressions `v[0]`, `v[1]` ..., which C++ TMVA can tell
        apart where the network has transformations.

    Raises
    ------
    WeightFileError
        If the name does not end in `.xml`, as C++ TMVA's Reader wants it; if the model's parts do not fit each other
        (see `Description.check`); or if a name has a character that XML cannot hold.
    OSError
        If the file cannot be written.
    """
    if not os.fspath(path).endswith(".xml"):
        raise WeightFileError(
            f"{os.fspath(path)} cannot be written: the name of a weight file ends in .xml, such as net.weights.xml; "
            "with another, C++ TMVA's Reader never returns"
        )
    model = with_scalar_elements(model) if scalar_elements else model
    try:
        _check(model)
        for difference in tmva_differences(model):
            log.warning("%s: %s", os.fspath(path), difference)
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(render(_method_setup(model)))
    except (DataError, UnwritableError) as error:
        raise WeightFileError(f"{os.fspath(path)} cannot be written: {error}") from None


def network_node(model: Description) -> str:
    """The text of the `<Weights>` node alone, not indented."""
    return "".join(render(_weights(model))).partition("\n")[2]


def check_texts(model: Description) -> None:
    """Check before a training what `write_weights` would refuse after it.

    Parameters
    ----------
    model : Description
        Its weights need not be there.

    Raises
    ------
    WeightFileError
        For a name with a character that XML cannot hold.
    """
    try:
        for _ in render(_method_setup(replace(model, layers=()))):
            pass
    except UnwritableError as error:
        raise WeightFileError(f"the network could not be written: {error}") from None


def _check(model: Description) -> None:
    """What is written has to be what is read again."""
    model.check()
    if model.mask_padding:
        raise UnwritableError(
            "the network leaves out steps that are not there (mask_padding), which TMVA's do not: C++ TMVA would score "
            "the padding like any other step. save_onnx and save_torch keep such a network, and so does pickle; for a "
            "weight file train without mask_padding"
        )
    wanted = OUTPUT_FUNCTIONS[model.analysis]
    if model.output_function != wanted:
        raise UnwritableError(
            f"output_function: expected {wanted} in the file of a {model.analysis.lower()}, "
            f"found {model.output_function}"
        )


def _method_setup(model: Description) -> Element:
    children = [
        info_element(model.info, model.analysis),
        options_element(model.options),
        VARIABLES.element(model.variables),
        SPECTATORS.element(model.spectators),
        classes_element(model.classes),
    ]
    if model.analysis == "Regression" or model.targets:
        children.append(TARGETS.element(model.targets))
    children += [transformations_element(model.transformations), mva_pdfs_element(model.mva_pdfs), _weights(model)]
    return Element("MethodSetup", {"Method": f"DL::{model.title}"}, children)


def info_element(entries: Iterable[tuple[str, str]], analysis: str) -> Element:
    """`<GeneralInfo>`, in which `analysis` goes before what the entries say of it."""
    # so that a changed `analysis` of a model cannot contradict what is left of the provenance
    info = [(name, analysis if name == "AnalysisType" else value) for name, value in entries]
    if not any(name == "AnalysisType" for name, _ in info):
        info.append(("AnalysisType", analysis))
    return Element("GeneralInfo", children=[Element("Info", {"name": name, "value": value}) for name, value in info])


def options_element(options: Iterable[Option]) -> Element:
    """`<Options>`."""
    return Element(
        "Options",
        children=[
            Element("Option", {"name": option.name, "modified": "Yes" if option.modified else "No"}, text=option.value)
            for option in options
        ],
    )


def classes_element(names: Sequence[str]) -> Element:
    """`<Classes>`."""
    classes = [Element("Class", {"Name": name, "Index": number}) for number, name in enumerate(names)]
    return Element("Classes", {"NClass": len(names)}, classes)


def _weights(model: Description) -> Element:
    names = ("Depth", "Height", "Width")
    attributes: dict[str, str | int] = {"NetDepth": len(model.layers)}
    attributes |= {f"Input{name}": size for name, size in zip(names, model.input_layout, strict=True)}
    # of the network that evaluates, one event at a time; C++ TMVA ends its process on any other
    attributes |= {"BatchSize": 1}
    attributes |= {f"Batch{name}": size for name, size in zip(names, model.batch_layout, strict=True)}
    attributes |= {
        "LossFunction": model.loss,
        "Initialization": model.initialization,
        "Regularization": model.regularization,
        "OutputFunction": model.output_function,
        "WeightDecay": scientific(widened(model.weight_decay), 16),
    }
    layers = zip(model.layers, model.shapes(), strict=False)
    return Element("Weights", attributes, [layer_element(layer, n, shape) for n, (layer, shape) in enumerate(layers)])
