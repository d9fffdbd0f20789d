"""`pytmva-rnn inspect`: what a weight file holds, or what this machine can compute on."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from pytmva_rnn.cli.network_drawing import NetworkDrawing
from pytmva_rnn.cli.tables import layer_table, plain_table, show
from pytmva_rnn.data import Steps
from pytmva_rnn.description import LOSS_NAMES, OUTPUT_FUNCTION_NAMES, HistoryRow, Variable, learnt
from pytmva_rnn.export.formats import read_model
from pytmva_rnn.model import Model
from pytmva_rnn.network.devices import compiled_kernels, cuda_devices, cuda_problem
from pytmva_rnn.weightfile.stored_history import HISTORY, stored_history
from pytmva_rnn.weightfile.stored_recipe import INPUTS, stored_inputs, stored_recipe

__all__ = ["add_command", "run"]

_SHOWN = 20
"""Rows of a longer list that are shown."""

_EPILOG = """\
examples:
  pytmva-rnn inspect dataset/weights/TMVAClassification_DL.weights.xml
  pytmva-rnn inspect DL.weights.xml --json | jq .parameters
  pytmva-rnn inspect --devices
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "inspect",
        help=summary,
        description="Show layers, shapes, parameters, variables, options, origin and, where known, training history.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "weights",
        metavar="WEIGHTS.xml",
        type=Path,
        nargs="?",
        help="weight file, or an .onnx, .safetensors or .pt file by pytmva_rnn",
    )
    what.add_argument("--devices", action="store_true", help="show what the backends can compute on here instead")
    parser.add_argument("--json", action="store_true", help="print JSON instead, with nothing left out but the weights")
    parser.add_argument("--all", action="store_true", help="print long lists whole")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print a weight file's content, or the devices."""
    if given.devices:
        _show_devices()
        return 0
    model = read_model(given.weights)
    if given.json:
        print(json.dumps(_as_data(model), indent=2))
        return 0
    shown = None if given.all else _SHOWN
    print(f"{given.weights}: {model.title}, {model.analysis.lower()} of {', '.join(learnt(model))}")
    print(f"loss {LOSS_NAMES[model.loss]}, output function {OUTPUT_FUNCTION_NAMES[model.output_function]}\n")
    made = None if stored_inputs(model) is None else stored_recipe(model).inputs
    if sys.stdout.isatty():
        show(NetworkDrawing(model, tuple(made.input_names) if isinstance(made, Steps) else (), shown))
    show(layer_table(model.layers, model.input_layout))
    if isinstance(made, Steps):
        show(_sequence_table(made))
    show(_variable_table("Variables", model.variables, shown))
    if model.spectators:
        show(_variable_table("Spectators", model.spectators, shown))
    if model.transformations:
        kinds = [(number, t.kind, len(t.inputs)) for number, t in enumerate(model.transformations)]
        show(plain_table("Transformations", [("#", "right"), ("name", ""), ("inputs", "right")], kinds))
    options = [(o.name, o.value, "user" if o.modified else "default") for o in model.options]
    show(plain_table("Options", [("name", ""), ("value", ""), ("set by", "")], options))
    origin = [(name, value) for name, value in model.info if name not in (INPUTS, HISTORY)]
    show(plain_table("Origin", [("name", ""), ("value", "")], origin))
    history = stored_history(model)
    if history:
        show(_history_table(history, shown))
    return 0


def _show_devices() -> None:
    from pytmva_rnn.kernels.cpu.machine.concurrency import available_threads
    from pytmva_rnn.kernels.cpu.machine.lanes import WIDTH

    rows = [("cpu", f"{available_threads()} thread(s), vectors of {WIDTH} float32", "")]
    for gpu in cuda_devices():
        what = f"{gpu.name}, compute capability {gpu.capability}, {gpu.multiprocessors} multiprocessors"
        memory = f"{gpu.free / 2**30:.1f} of {gpu.memory / 2**30:.1f} GiB free"
        rows.append(("cuda", f"GPU {gpu.number}: {what}", memory))
    show(plain_table("Devices", [("backend", ""), ("device", ""), ("memory", "")], rows))
    if (problem := cuda_problem()) is not None:
        print(f"no cuda: {problem}")
    for capability, kernels in sorted(compiled_kernels().items()):
        counts = ", ".join(f"{count} of {name}" for name, count in sorted(kernels.items()))
        print(f"compiled for GPUs of compute capability {capability}, and kept: {counts}")


def _sequence_table(made: Steps) -> Table:
    rows: list[tuple[str, object]] = list(made.texts().items())
    direction = "downwards" if made.descending else "upwards"
    for number, each in enumerate(made.collections):
        if each.sort_by is not None:
            rows.append((f"sorted {direction} by, collection {number}", each.sort_by))
    if made.which is not None:
        rows.append((made.which, "number of the collection"))
    if made.steps_from is not None:
        rows.append(("steps from", f"the {made.steps_from} lists"))
    if made.sort_by is not None:
        rows.append((f"sorted {direction} by", made.sort_by))
    if made.mask_padding:
        rows.append((f"steps that are not there, at the {made.pad_side}", "left out"))
    else:
        rows.append((f"padded at the {made.pad_side} with", made.pad_value))
    title = f"Sequence of {made.steps} steps with {len(made.input_names)} inputs"
    return plain_table(title, [("input", ""), ("expression", "")], rows)


def _variable_table(title: str, variables: tuple[Variable, ...], shown: int | None) -> Table:
    """Elements of an array are one row."""
    rows: list[list[str]] = []
    lengths: list[int] = []
    for variable in variables:
        if variable.type.endswith("[]") and rows and rows[-1][1:3] == [variable.expression, variable.type]:
            lengths[-1] += 1
            continue
        is_array = variable.type.endswith("[]")
        values = ["", ""] if is_array else [f"{variable.min:.5g}", f"{variable.max:.5g}"]
        rows.append([variable.label, variable.expression, variable.type, variable.unit, *values])
        lengths.append(1)
    for row, length in zip(rows, lengths, strict=True):
        if row[2].endswith("[]"):
            row[0] += f"[{length}]"
    columns = [("label", ""), ("expression", ""), ("type", ""), ("unit", ""), ("min", "right"), ("max", "right")]
    return plain_table(f"{title} ({len(variables)})", columns, _abbreviated(rows, shown))


def _history_table(history: list[HistoryRow], shown: int | None) -> Table:
    rows = [
        [str(row.phase), str(row.epoch), f"{row.training_error:.5g}", f"{row.validation_error:.5g}"] for row in history
    ]
    columns = [("phase", "right"), ("epoch", "right"), ("training error", "right"), ("validation error", "right")]
    return plain_table("Training history", columns, _abbreviated(rows, shown))


def _abbreviated(rows: list[list[str]], shown: int | None) -> list[list[str]]:
    """The first and last rows of a long list."""
    if shown is None or len(rows) <= shown:
        return rows
    left_out = [f"... {len(rows) - shown} more"] + [""] * (len(rows[0]) - 1)
    return [*rows[: shown // 2], left_out, *rows[-(shown // 2) :]]


def _as_data(model: Model) -> dict[str, Any]:
    layers = [
        {
            "kind": layer.kind,
            **layer.settings(),
            "input_shape": list(before),
            "output_shape": list(after),
            "parameters": layer.parameter_count,
            "weights": {
                name: list(shape) for name, shape in (layer.weight_shapes() | layer.statistic_shapes()).items()
            },
        }
        for layer, before, after in zip(model.layers, model.shapes(), model.shapes()[1:], strict=False)
    ]
    return {
        "title": model.title,
        "analysis": model.analysis,
        "classes": list(model.classes),
        "targets": [asdict(target) for target in model.targets],
        "loss": LOSS_NAMES[model.loss],
        "output_function": OUTPUT_FUNCTION_NAMES[model.output_function],
        "input_layout": list(model.input_layout),
        "layers": layers,
        "parameters": sum(layer.parameter_count for layer in model.layers),
        "mask_padding": model.mask_padding,
        "variables": [asdict(variable) for variable in model.variables],
        "spectators": [asdict(spectator) for spectator in model.spectators],
        "transformations": [t.kind for t in model.transformations],
        "options": {o.name: {"value": o.value, "modified": o.modified} for o in model.options},
        "info": {name: value for name, value in model.info if name not in (INPUTS, HISTORY)},
        "inputs": stored_inputs(model),
        "history": [row._asdict() for row in stored_history(model)],
    }
