"""Several processes that train one network: the same as one with all events, or a clear refusal."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import Dataset, Result, SplitOptions, divide, train
from pytmva_rnn.distributed.shared_division import divided_together
from pytmva_rnn.errors import OptionError, TrainingError
from pytmva_rnn.interruption import Terminated
from pytmva_rnn.training.ranks import Ranks
from pytmva_rnn.training.shared_steps import SharedSteps
from tests.together import ThreadCommunicator, together

N, BATCH = 240, 20
OPTIONS = (
    "Layout=DENSE|4|TANH,LINEAR:RandomSeed=1:VarTransform=N:"
    "TrainingStrategy=LearningRate=1e-2,BatchSize=20,MaxEpochs=4,TestRepetitions=1,Regularization=L2,WeightDecay=1e-3"
)

random = np.random.default_rng(2)
Y = (np.arange(N) // 2 % 2).astype(np.float32)  # so that each process has both classes
X = (random.normal(size=(N, 3)) + Y[:, np.newaxis] * [1, 0.5, 0]).astype(np.float32)
W = random.uniform(0.5, 1.5, N).astype(np.float32)


def of(number: int, count: int) -> Any:
    """The events of a process: its part of each batch, so that all parts of a batch are the batch."""
    parts = np.arange(N).reshape(-1, count, BATCH // count)
    return parts[:, number].ravel()


def trained(events: Any, communicator: Any = None, options: str = OPTIONS, **given: Any) -> Result:
    sample = (X[events], Y[events], W[events])
    keywords = {"backend": "reference", "shuffle": False, "validation": sample, **given}
    return train(sample[0], sample[1], options, sample_weight=sample[2], communicator=communicator, **keywords)


def arrays(result: Result) -> list[Any]:
    return [array for layer in result.model.layers for array in layer.weights.values()]


@pytest.mark.parametrize(("backend", "rtol"), [("reference", 1e-9), pytest.param("cpu", 2e-4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("optimizer", ["ADAM", "SGD"])
def test_the_weights_of_one_process_with_all_events(backend: str, rtol: float, optimizer: str) -> None:
    options = f"{OPTIONS},Optimizer={optimizer}"
    one = trained(np.arange(N), options=options, backend=backend)
    every = together(2, lambda number, comm: trained(of(number, 2), comm, options, backend=backend))
    for result in every:
        for mine, its in zip(arrays(result), arrays(one), strict=True):
            np.testing.assert_allclose(mine, its, rtol=rtol, atol=rtol / 10)
        np.testing.assert_allclose(result.history, one.history, rtol=max(rtol, 1e-6))
        assert dict(result.model.info)["Training events"] == str(2 * N)
        assert result.model.variables == one.model.variables  # their limits are those of all events
        assert result.model.batch_layout == one.model.batch_layout
        for mine, its in zip(arrays(result), arrays(every[0]), strict=True):
            np.testing.assert_array_equal(mine, its)


def test_processes_shuffle_and_drop_by_numbers_of_their_own_and_the_same_again() -> None:
    options = OPTIONS.replace("TrainingStrategy=", "TrainingStrategy=DropConfig=0.2+0.2,")

    def run() -> list[Result]:
        return together(2, lambda number, comm: trained(of(number, 2), comm, options, shuffle=True))

    first, again = run(), run()
    for mine, its in zip(arrays(first[0]), arrays(again[1]), strict=True):
        np.testing.assert_array_equal(mine, its)
    seeds = together(3, lambda number, comm: Ranks(comm).seed(5))
    assert seeds[0] == 5
    assert len(set(seeds)) == 3
    same = together(2, lambda number, comm: trained(of(0, 2), comm, options, shuffle=True))
    alone = trained(of(0, 2), options=options.replace("BatchSize=20", "BatchSize=10"), shuffle=True)
    assert any((mine != its).any() for mine, its in zip(arrays(same[0]), arrays(alone), strict=True))


def test_some_steps_apart_and_then_the_mean_of_the_weights() -> None:
    def own(number: int) -> Result:
        return trained(
            of(number, 2),
            None,
            OPTIONS.replace("BatchSize=20", "BatchSize=10")
            .replace("MaxEpochs=4", "MaxEpochs=1")
            .replace("VarTransform=N", "VarTransform=None"),
        )

    given = OPTIONS.replace("MaxEpochs=4", "MaxEpochs=1").replace("VarTransform=N", "VarTransform=None")
    every = together(2, lambda number, comm: trained(of(number, 2), comm, given, local_steps=1000))
    for mine, *parts in zip(arrays(every[0]), arrays(own(0)), arrays(own(1)), strict=True):
        np.testing.assert_allclose(mine, np.mean(parts, axis=0), rtol=1e-6, atol=1e-9)
    again = together(2, lambda number, comm: trained(of(number, 2), comm, given, local_steps=3))
    assert any((mine != its).any() for mine, its in zip(arrays(every[0]), arrays(again[0]), strict=True))


@pytest.mark.parametrize(
    ("options", "given", "words"),
    [
        (OPTIONS.replace("BatchSize=20", "BatchSize=21"), {}, "BatchSize=21 of phase 1 cannot be divided among 2"),
        (OPTIONS.replace("LINEAR", "BNORM,LINEAR"), {}, "needs mean and variance of a whole batch"),
        (OPTIONS.replace("DENSE|4|TANH", "RNN|2|3|1|1,RESHAPE|FLAT"), {}, "passes its state from batch to batch"),
        (f"{OPTIONS}:CreateMVAPdfs", {}, "CreateMVAPdfs needs"),
        (OPTIONS, {"local_steps": 0}, "local_steps is a whole number from 1 on"),
    ],
)
def test_what_several_cannot_do(options: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        together(2, lambda number, comm: trained(of(number, 2), comm, options, **given))


def test_what_cannot_be_learned_of_all_is_told_by_all() -> None:
    told = []

    def call(number: int, comm: ThreadCommunicator) -> None:
        events = of(number, 2)
        try:
            train(X[events] * 0 + 1, Y[events], OPTIONS.replace("=N", "=D"), communicator=comm, backend="reference")
        except TrainingError as error:
            told.append(str(error))

    together(2, call)
    assert len(told) == 2
    assert told[0] == told[1]


def test_a_signal_of_one_interrupts_all_after_the_same_step() -> None:
    raised = []

    class Interrupted:
        """An engine of nothing."""

        steps = 0

        def gradient(self, *arguments: Any) -> Any:
            return 1.0, [np.ones(2)]

        def descend(self) -> None:
            self.steps += 1

        def trained(self) -> list[Any]:
            return [np.ones(2)]

        def changed(self) -> None: ...

    def call(number: int, comm: ThreadCommunicator) -> None:
        engine: Any = Interrupted()

        def check() -> None:
            if number == 1 and engine.steps == 2:
                raise Terminated(signal.SIGTERM)

        sample: Any = type("Sample", (), {"X": None, "y": None, "w": None})
        try:
            SharedSteps(engine, Ranks(comm), 1).steps(sample, np.zeros((5, 2), int), np.zeros(5, int), check)
        except Terminated as error:
            raised.append((engine.steps, error.number))

    together(2, call)
    assert raised == [(2, signal.SIGTERM)] * 2


def test_weights_that_have_drifted_apart_are_noticed() -> None:
    with pytest.raises(TrainingError, match="of process 1 are no longer those of process 0"):
        together(2, lambda number, comm: Ranks(comm).check_same([np.full(3, number)]))


def test_a_division_of_all_events_together() -> None:
    data = Dataset.from_arrays(X, Y, weights=W, variables=["a", "b", "c"])
    halves = (np.arange(N) < 100, np.arange(N) >= 100)
    options = SplitOptions(
        SplitMode="Block", NormMode="NumEvents", validation=0.25, nTrain={"Signal": 80, "Background": 80}
    )
    parts = together(2, lambda number, comm: divided_together(data.take(halves[number]), options, Ranks(comm)))
    assert sum(len(part.training) + len(part.validation) for part in parts) == 160
    for name in ("training", "validation"):
        samples = [getattr(part, name) for part in parts]
        counts, sums = (
            sum(np.bincount(sample.class_index, values) for sample in samples for values in [which(sample)])
            for which in (lambda s: np.ones(len(s)), lambda s: s.weights)
        )
        np.testing.assert_allclose(counts, sums, rtol=1e-12)
    assert parts[0].test.class_factors == parts[1].test.class_factors
    alone = divide(data, options)
    assert len(alone.training) == sum(len(part.training) for part in parts)
    with pytest.raises(OptionError, match="ScaleWithPreselEff needs all events"):
        together(2, lambda number, comm: divided_together(data, SplitOptions(ScaleWithPreselEff=True), Ranks(comm)))
