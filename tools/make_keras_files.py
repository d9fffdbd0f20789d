"""Make the files of Keras in tests/data/keras, with random weights, events and Keras' own outputs.

    KERAS_BACKEND=torch python tools/make_keras_files.py        # in an environment with Keras 3
    python tools/make_keras_files.py                            # in one with TensorFlow 2.15, which has Keras 2

The names of the files begin with the release, `keras3_` or `keras2_`. Beside each is an `.npz` with X and outputs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "keras"
STEPS, INPUTS, EVENTS = 5, 4, 20
CANDIDATE_ROW = 1
"""Of a GRU's biases with the reset gate after: the recurrent ones."""


def models(keras: Any) -> dict[str, Callable[[], Any]]:
    """By the name of the file, what makes the model."""
    L = keras.layers

    def functional(*layers: Any) -> Any:
        x = y = keras.Input((STEPS, INPUTS))
        for layer in layers:
            y = layer(y)
        return keras.Model(x, y)

    def sequential(*layers: Any, shape: tuple[int, ...] = (STEPS, INPUTS)) -> Any:
        return keras.Sequential([keras.Input(shape), *layers])

    return {
        "lstm.keras": lambda: functional(L.LSTM(6), L.Dense(7, "tanh"), L.Dense(1, "sigmoid")),
        "lstm.h5": lambda: functional(L.LSTM(6), L.Dense(7, "tanh"), L.Dense(1, "sigmoid")),
        "gru_after.keras": lambda: sequential(
            L.GRU(5, return_sequences=True), L.Flatten(), L.Dense(6, "softsign"), L.Dense(1, "sigmoid")
        ),
        "gru_after_biased.keras": lambda: sequential(L.GRU(5), L.Dense(1, "sigmoid")),
        "gru_before.h5": lambda: sequential(L.GRU(5, reset_after=False), L.Dense(2)),
        "rnn_stacked.keras": lambda: sequential(
            L.SimpleRNN(5, return_sequences=True),
            L.SimpleRNN(4, use_bias=False),
            L.Dense(6),
            L.BatchNormalization(),
            L.Activation("relu"),
            L.Dropout(0.4),
            L.Dense(1, "sigmoid"),
        ),
        "rnn_stacked.h5": lambda: sequential(
            L.SimpleRNN(5, return_sequences=True), L.SimpleRNN(4), L.Dense(6, "relu"), L.Dense(1, "sigmoid")
        ),
        "dense.keras": lambda: sequential(
            L.Dense(6, "relu"), L.BatchNormalization(scale=False), L.Dropout(0.2), L.Dense(3, "softmax"), shape=(8,)
        ),
        "dense.h5": lambda: sequential(
            L.Dense(6, "relu"), L.BatchNormalization(), L.Dense(3), L.Activation("softmax"), shape=(8,)
        ),
        "reshaped.keras": lambda: sequential(
            L.Reshape((STEPS, INPUTS)),
            L.LSTM(4, return_sequences=True),
            L.Flatten(),
            L.Dense(1),
            shape=(STEPS * INPUTS,),
        ),
    }


def randomize(model: Any, random: np.random.Generator, candidate: bool) -> None:
    """Set all weights; a GRU's recurrent bias of the candidate to zero unless it is wanted."""
    for layer in model.layers:
        values = [random.normal(0, 0.5, each.shape).astype(np.float32) for each in layer.get_weights()]
        kind = type(layer).__name__
        if kind == "BatchNormalization":
            values[-1] = np.abs(values[-1]) + np.float32(0.5)
        if kind == "GRU" and values[2].ndim == 2 and not candidate:
            values[2][CANDIDATE_ROW, 2 * layer.units :] = 0
        layer.set_weights(values)


def main() -> None:
    keras = importlib.import_module("keras")
    release = f"keras{keras.__version__.partition('.')[0]}"
    FOLDER.mkdir(exist_ok=True)
    for number, (name, make) in enumerate(models(keras).items()):
        random = np.random.default_rng(number)
        keras.backend.clear_session()
        model = make()
        randomize(model, random, "biased" in name)
        X = random.normal(size=(EVENTS, *model.input_shape[1:])).astype(np.float32)
        model.save(FOLDER / f"{release}_{name}")
        outputs = np.asarray(model.predict(X, verbose=0))
        np.savez_compressed(FOLDER / f"{release}_{name.replace('.', '_')}.npz", X=X, outputs=outputs)


if __name__ == "__main__":
    main()
