"""Networks, models and trainings that several threads use at once, and processes that are forked meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from faults.workbench import unmeasured

START = """
import os, threading, numpy as np
from pytmva_rnn import train
from pytmva_rnn.kernels.cpu import engine
from pytmva_rnn.network import Network
engine._LEAST_WORK = 1  # so that threads share what one would do
random = np.random.default_rng(1)
X = random.normal(size=(700, 4, 3)).astype(np.float32)
y = (X[:, :, 0].sum(1) > 0).astype(np.float32)
phase = "MaxEpochs=3,TestRepetitions=1,BatchSize=140"
options = "InputLayout=4|3:Layout=LSTM|5|3|4|0|0,LINEAR:RandomSeed=3:TrainingStrategy=" + phase
def trained():
    result = train(X, y, options)
    weights = [w.tobytes() for layer in result.model.layers for w in layer.weights.values()]
    return weights, list(result.history), result.model

def at_once(*functions):
    errors = []
    def run(function):
        try:
            for _ in range(8):
                function()
        except BaseException as error:
            errors.append(error)
    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not errors, errors
"""

SHARED = """
weights, history, model = trained()
expected, batch = model.predict(X), (X, y)
network = Network(model)
loss, gradients = network.loss_and_gradients(*batch)
def same(function, wanted):
    def check():
        found = function()
        assert np.array_equal(found, wanted), np.abs(found - wanted).max()
    return check
def training():
    again = trained()
    assert again[:2] == (weights, history)
def gradient():
    value, found = network.loss_and_gradients(*batch)
    assert value == loss
    assert all(np.array_equal(found[k][n], w) for k in gradients for n, w in gradients[k].items())
def part(first, last):
    return same(lambda: network.predict(X[first:last]), expected[first:last])
# one network, batches of several sizes
at_once(part(0, 700), part(100, 333), part(650, 700), gradient)
# one model
at_once(*[same(lambda: model.predict(X), expected)] * 4)
# trainings at once, and beside what scores
at_once(training, training, same(lambda: model.predict(X), expected))
"""

FORKED = """
weights, history, model = trained()
expected = model.predict(X)
network = Network(model)
stop = threading.Event()
def busy():
    while not stop.is_set():
        network.predict(X)
        model.predict(X)
threads = [threading.Thread(target=busy) for _ in range(2)]
[thread.start() for thread in threads]
def child():
    same = np.array_equal(model.predict(X), expected) and np.array_equal(network.predict(X), expected)
    same = same and abs(model.predict_one(X[0]) - expected[0]) < 1e-6
    return same and trained()[:2] == (weights, history)
for _ in range(6):
    process = os.fork()
    if process == 0:
        import signal
        signal.alarm(100)
        code = 1
        try:
            code = 0 if child() else 2
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert status == 0, status
stop.set()
[thread.join() for thread in threads]
"""


def run(program: str) -> None:
    environment = {**unmeasured(), "PYTMVA_RNN_THREADS": "2", "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", START + program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_threads_share_networks_and_train_at_once() -> None:
    """Two threads that scored once ended the process; with one network numbers were wrong."""
    run(SHARED)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_a_process_that_is_forked_while_threads_score_has_the_same_numbers() -> None:
    run(FORKED)
