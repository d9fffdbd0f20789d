"""The program of the contestant `Checkout`: it measures whatever pytmva_rnn lies in the folder that it is given.

It imports nothing of the benchmark, which needs the pytmva_rnn beside it, and only what has been there for long.
"""

from __future__ import annotations

import json
import sys
import time
from functools import lru_cache, partial
from typing import Any

# this file's folder has modules with the names of packages
sys.path[0] = sys.argv[1]

import numpy as np  # noqa: E402

import pytmva_rnn  # noqa: E402
from pytmva_rnn import kernels  # noqa: E402

try:
    from pytmva_rnn.network.network import Network
except ModuleNotFoundError:
    from pytmva_rnn.network import Network


@lru_cache(maxsize=4)
def calls(folder: str, threads: int, options: str) -> dict[str, Any]:
    """What can be asked for, of the model and the events in a folder."""
    model = pytmva_rnn.read_weights(f"{folder}/network.weights.xml")
    with np.load(f"{folder}/events.npz") as file:
        X, y = file["X"], file["y"]
    weights = [layer.weights for layer in model.layers]
    given = (model.layers, weights, *X.shape[1:], model.loss)
    training: dict[str, Any] = {"settings": pytmva_rnn.parse_options(options).training_strategy[0], "threads": threads}
    engine: Any = kernels.engine_class("cpu")
    if hasattr(kernels, "Computation"):
        engine = engine(kernels.Computation(*given, **training))
    else:
        engine = engine(*given, **training)
    return {
        "train": partial(engine.step, X, y, np.ones(len(X), np.float32), np.arange(len(X)), 0),
        "infer": partial(Network(model, threads=threads).predict, X),
        "one": partial(model.predict_one, X[0]),
    }


def answer(request: dict[str, Any]) -> Any:
    """The version, or the seconds of a number of calls with what the last of them gave."""
    if request["what"] == "version":
        return pytmva_rnn.__version__
    call = calls(request["folder"], request["threads"], request["options"])[request["what"]]
    value = None
    started = time.perf_counter()
    for _ in range(request["count"]):
        value = call()
    return {"seconds": time.perf_counter() - started, "value": np.asarray(value, np.float64).tolist()}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
