"""Makes tests/data/onnx: small networks as the exporters of PyTorch and TensorFlow write them.

Beside each `<name>.onnx` stands `<name>.npz` with events `x` and what the framework itself answers, `y`.

    python tools/make_exchange_zoo.py torch tests/data/onnx        # needs torch, onnx and onnxscript
    python tools/make_exchange_zoo.py tensorflow tests/data/onnx   # needs tensorflow and tf2onnx

The names begin with the exporter: `legacy` and `dynamo` are PyTorch's, `tf2onnx` is TensorFlow's. What a dynamo export
is like depends on the version of onnxscript: `--only NAME` makes a single file anew, `--as NAME` under another name.
`dynamo_gru_defect` is `dynamo_gru_last` by onnxscript 0.6.2.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

STEPS, INPUTS, STATE, EVENTS = 4, 3, 5, 6


def torch_networks(torch: Any) -> Iterator[tuple[str, Any]]:
    """Names and modules; each takes (N, T, D)."""
    nn: Any = torch.nn

    class Network(nn.Module):  # type: ignore[misc]  # it need not be installed
        def __init__(self, recurrent: Any, head: Any, reduce: Callable[[Any, Any], Any]) -> None:
            super().__init__()
            self.recurrent, self.head, self.reduce = recurrent, head, reduce

        def forward(self, x: Any) -> Any:
            return self.head(self.reduce(*self.recurrent(x)))

    def last(sequence: Any, state: Any) -> Any:
        return sequence[:, -1]

    def flat(sequence: Any, state: Any) -> Any:
        return torch.flatten(sequence, 1)

    def final(sequence: Any, state: Any) -> Any:
        return (state[0] if isinstance(state, tuple) else state)[-1]

    def head(width: int = STATE, outputs: int = 1) -> Any:
        return nn.Sequential(nn.Linear(width, 6), nn.Tanh(), nn.Linear(6, outputs), nn.Sigmoid())

    def recurrent(kind: str, **options: Any) -> Any:
        module = getattr(nn, kind)(INPUTS, STATE, batch_first=True, **options)
        if kind == "GRU" and module.bias:
            for name, bias in module.named_parameters():
                if name.startswith("bias_hh"):
                    with torch.no_grad():
                        bias[2 * STATE :] = 0
        return module

    for kind in ("LSTM", "GRU", "RNN"):
        name = kind.lower()
        yield f"{name}_last", Network(recurrent(kind), head(), last)
        yield f"{name}_final_state", Network(recurrent(kind), head(), final)
        yield f"{name}_flat", Network(recurrent(kind), head(STATE * STEPS), flat)
        yield f"{name}_two_layers", Network(recurrent(kind, num_layers=2), head(), last)
        yield f"{name}_no_bias", Network(recurrent(kind, bias=False), head(), last)
    norm = nn.Sequential(nn.Linear(STATE, 6), nn.BatchNorm1d(6), nn.Linear(6, 1), nn.Sigmoid())
    norm[1].running_mean[:] = torch.linspace(-1, 1, 6)
    norm[1].running_var[:] = torch.linspace(0.5, 2, 6)
    yield "lstm_batch_norm", Network(recurrent("LSTM"), norm, last)
    several = nn.Sequential(nn.Linear(STATE, 6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3), nn.Softmax(-1))
    yield "lstm_multiclass", Network(recurrent("LSTM"), several, last)
    yield "lstm_logits", Network(recurrent("LSTM"), nn.Linear(STATE, 1), last)
    dense = [nn.Flatten(), nn.Linear(INPUTS * STEPS, 6), nn.Softsign(), nn.Linear(6, 1), nn.Sigmoid()]
    yield "dense", nn.Sequential(*dense)

    # what TMVA has not
    yield "gru_candidate_bias", Network(nn.GRU(INPUTS, STATE, batch_first=True), head(), last)
    yield "lstm_bidirectional", Network(recurrent("LSTM", bidirectional=True), head(2 * STATE), last)
    yield "lstm_projection", Network(recurrent("LSTM", proj_size=2), head(2), last)
    yield "rnn_relu", Network(recurrent("RNN", nonlinearity="relu"), head(), last)
    yield "lstm_each_step", Network(recurrent("LSTM"), nn.Sequential(head(), nn.Flatten()), lambda y, state: y)
    yield "lstm_mean", Network(recurrent("LSTM"), head(), lambda y, state: y.mean(1))
    yield "lstm_first", Network(recurrent("LSTM"), head(), lambda y, state: y[:, 0])
    yield "lstm_cell", Network(recurrent("LSTM"), head(), lambda y, state: state[1][-1])
    yield "lstm_activation", Network(recurrent("LSTM"), nn.Sequential(nn.ReLU(), head()), last)
    yield "lstm_layer_norm", Network(recurrent("LSTM"), nn.Sequential(nn.LayerNorm(STATE), head()), last)
    relu_after_norm = nn.Sequential(nn.Linear(STATE, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 1), nn.Sigmoid())
    yield "lstm_norm_then_relu", Network(recurrent("LSTM"), relu_after_norm, last)

    class Reversed(Network):
        def forward(self, x: Any) -> Any:
            return super().forward(torch.flip(x, [1]))

    class Scaled(Network):
        def forward(self, x: Any) -> Any:
            return super().forward((x - 0.5) / 2)

    class Started(Network):
        def forward(self, x: Any) -> Any:
            states = torch.full((1, x.shape[0], STATE), 0.5)
            return self.head(self.reduce(*self.recurrent(x, (states, states))))

    class Skipping(Network):
        def forward(self, x: Any) -> Any:
            return self.head(torch.cat([self.recurrent(x)[0][:, -1], x[:, -1]], 1))

    class TimeFirst(Network):
        def forward(self, x: Any) -> Any:
            return self.head(self.recurrent(x.transpose(0, 1))[0][:, -1])

    yield "lstm_reversed", Reversed(recurrent("LSTM"), head(), last)
    yield "lstm_scaled", Scaled(recurrent("LSTM"), head(), last)
    yield "lstm_started", Started(recurrent("LSTM"), head(), last)
    yield "lstm_skipping", Skipping(recurrent("LSTM"), head(STATE + INPUTS), last)
    yield "lstm_time_first", TimeFirst(recurrent("LSTM"), head(), last)


def torch_files(folder: Path, only: str | None, name_as: str | None) -> None:
    """Each network by both exporters; three of them with a fixed number of events as well."""
    torch = import_module("torch")
    for name, module in torch_networks(torch):
        torch.manual_seed(len(name))
        module.eval()
        x = torch.randn(EVENTS, STEPS, INPUTS)
        if name == "lstm_time_first":
            x = x.transpose(0, 1).contiguous()
        with torch.no_grad():
            y = module(x).numpy()
        axis = 1 if name == "lstm_time_first" else 0
        for exporter, dynamo in (("legacy", False), ("dynamo", True)):
            variants: list[tuple[str, Any]] = [(f"{exporter}_{name}", x)]
            if name in ("lstm_last", "gru_flat", "lstm_two_layers"):
                variants += [(f"{exporter}_{name}_of_one", x[:1]), (f"{exporter}_{name}_of_four", x[:4])]
            for variant, events in variants:
                if only not in (None, variant):
                    continue
                path = folder / f"{name_as or variant}.onnx"
                any_number = events is x
                given: dict[str, Any] = {"opset_version": 18 if dynamo else 17, "dynamo": dynamo}
                if any_number and dynamo:
                    given["dynamic_shapes"] = [{axis: torch.export.Dim("N")}]
                elif any_number:
                    given["dynamic_axes"] = {"x": {axis: "N"}, "y": {0: "N"}}
                try:
                    torch.onnx.export(module, (events,), str(path), input_names=["x"], output_names=["y"], **given)
                except Exception as error:  # an exporter may refuse, or break
                    print(f"{path.name}: {type(error).__name__}: {str(error).splitlines()[0][:100]}")
                    continue
                _stripped(path)
                count = events.shape[axis]
                np.savez_compressed(path.with_suffix(".npz"), x=events.numpy(), y=y[:count])


def tensorflow_files(folder: Path, only: str | None, name_as: str | None) -> None:
    """Networks of Keras by tf2onnx."""
    tensorflow, tf2onnx = import_module("tensorflow"), import_module("tf2onnx")
    layers = import_module("keras").layers
    keras = import_module("keras")

    def network(*middle: Any) -> Any:
        head = [layers.Dense(6, "tanh"), layers.Dense(1, "sigmoid")]
        return keras.Sequential([layers.Input((STEPS, INPUTS)), *middle, *head])

    networks: dict[str, Callable[[], Any]] = {
        "lstm_last": lambda: network(layers.LSTM(STATE)),
        "lstm_flat": lambda: network(layers.LSTM(STATE, return_sequences=True), layers.Flatten()),
        "lstm_two_layers": lambda: network(layers.LSTM(STATE, return_sequences=True), layers.LSTM(STATE)),
        "gru_last": lambda: network(layers.GRU(STATE, reset_after=False)),
        "gru_after": lambda: network(layers.GRU(STATE)),
        "rnn_last": lambda: network(layers.SimpleRNN(STATE)),
        "dense": lambda: network(layers.Flatten(), layers.Dense(5, "relu"), layers.BatchNormalization()),
        "lstm_masking": lambda: network(layers.Masking(), layers.LSTM(STATE)),
    }
    for name, make in networks.items():
        variant = f"tf2onnx_{name}"
        if only not in (None, variant):
            continue
        keras.utils.set_random_seed(len(name))
        model = make()
        x = np.random.default_rng(1).normal(size=(EVENTS, STEPS, INPUTS)).astype(np.float32)
        y = np.asarray(model(x, training=False))
        signature = [tensorflow.TensorSpec((None, STEPS, INPUTS), tensorflow.float32, name="x")]
        path = folder / f"{name_as or variant}.onnx"
        function = tensorflow.function(lambda events, model=model: model(events, training=False), signature)
        tf2onnx.convert.from_function(function, signature, opset=17, output_path=str(path))
        _stripped(path)
        np.savez_compressed(path.with_suffix(".npz"), x=x, y=y)


def _stripped(path: Path) -> None:
    """Without texts of the exporter that only fill the file: names of source lines and the like."""
    onnx = import_module("onnx")
    model = onnx.load(path)
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
        value.ClearField("doc_string")
    del model.graph.metadata_props[:], model.metadata_props[:]
    path.with_name(path.name + ".data").unlink(missing_ok=True)
    onnx.save(model, path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make small ONNX files with the exporters of other frameworks.")
    parser.add_argument("framework", choices=["torch", "tensorflow"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="make this file alone")
    parser.add_argument("--as", dest="name_as", help="and call it so")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    files = torch_files if given.framework == "torch" else tensorflow_files
    files(given.folder, given.only, given.name_as)


if __name__ == "__main__":
    main()
