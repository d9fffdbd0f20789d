"""The same networks in C++ TMVA, through PyROOT."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
import weakref
from array import array
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cases import CaseData
from bench.contestants.base import Contestant
from pytmva_rnn import extras
from pytmva_rnn.errors import MissingExtraError
from pytmva_rnn.weightfile import write_weights

__all__ = ["CppTMVA"]

_BATCHES = 20
"""Batches in an epoch of the training that is timed."""

_SCORED = 50
"""Events whose scores are compared."""


class CppTMVA(Contestant):
    """TMVA's Factory and Reader.

    The Reader takes one event at a time, so there is no scoring of batches. A training step is timed as its share of an
    epoch: the time of longer trainings less that of one epoch, which has the same preparations.
    """

    name = "C++ TMVA"
    does = ("train", "one")

    def __init__(self, problem: CaseData, threads: int) -> None:
        super().__init__(problem, threads)
        self._root = _tmva()
        self._folder = Path(tempfile.mkdtemp(prefix="tmva"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        weights = self._folder / "network.weights.xml"
        write_weights(problem.model, weights)
        self._reader = self._root.TMVA.Reader("!Color:Silent")
        self._inputs = [array("f", [0.0]) for _ in problem.model.variables]
        for variable, place in zip(problem.model.variables, self._inputs, strict=True):
            self._reader.AddVariable(variable.expression, place)
        self._reader.BookMVA("network", str(weights))
        self._trainings = 0

    @classmethod
    def version(cls) -> str:
        return str(_tmva().gROOT.GetVersion())

    def prepare(self) -> None:
        if self.threads > 1:
            self._root.EnableImplicitMT(self.threads)
        else:
            self._root.DisableImplicitMT()

    def call(self, what: str) -> Callable[[], Any]:
        if what == "train":
            return partial(self._train, 1)
        return partial(self._reader.EvaluateMVA, self._vector(self.problem.X[0], "float"), "network")

    def timer(self, what: str) -> Callable[[int], float]:
        return self._steps if what == "train" else super().timer(what)

    def divisible(self, what: str) -> bool:
        return what != "train"  # each part would have preparations of its own

    def losses(self, steps: int) -> None:
        return None

    def scores(self) -> NDArray[np.float64]:
        """Scores of the first events of the batch, as it takes milliseconds for each."""
        events = (self._vector(x, "float") for x in self.problem.X[:_SCORED])
        return np.array([self._reader.EvaluateMVA(event, "network") for event in events])

    def _steps(self, count: int) -> float:
        """Seconds of `count` training steps."""
        epochs = -(-count // _BATCHES)
        preparations = self._train(1)
        return (self._train(1 + epochs) - preparations) / (epochs * _BATCHES) * count

    def _train(self, epochs: int) -> float:
        """Seconds of a training with normal events, a batch of which validates."""
        tmva, problem = self._root.TMVA, self.problem
        case, events = problem.case, (_BATCHES + 1) * problem.case.batch
        self._trainings += 1
        with _inside(self._folder):
            loader = tmva.DataLoader(f"training{self._trainings}")
            for variable in problem.model.variables:
                loader.AddVariable(variable.expression, "F")
            random = np.random.default_rng(1)
            for number, x in enumerate(random.standard_normal((events + 2, case.steps * case.inputs))):
                name = ("Signal", "Background")[number % 2]
                kind = "Test" if number >= events else "Training"
                getattr(loader, f"Add{name}{kind}Event")(self._vector(x, "double"))
            loader.PrepareTrainingAndTestTree(self._root.TCut(""), "SplitMode=Block:NormMode=None:!V")
            factory = tmva.Factory("bench", "!V:Silent:!DrawProgressBar:AnalysisType=Classification")
            phase = problem.options.training_strategy[0]
            strategy = (
                f"LearningRate={phase.learning_rate},BatchSize={case.batch},MaxEpochs={epochs},Optimizer=ADAM,"
                f"ConvergenceSteps={epochs + 1},TestRepetitions={epochs}"
            )
            options = (
                f"!H:!V:InputLayout={case.steps}|{case.inputs}:Layout={case.layout(problem.layer)}:ErrorStrategy="
                f"CROSSENTROPY:ValidationSize={case.batch}:Architecture=CPU:TrainingStrategy={strategy}"
            )
            factory.BookMethod(loader, tmva.Types.kDL, "DL", options)
            started = time.perf_counter()
            factory.TrainAllMethods()
            return time.perf_counter() - started

    def _vector(self, x: NDArray[Any], kind: str) -> Any:
        return self._root.std.vector[kind](x.reshape(-1).tolist())


def _tmva() -> ModuleType:
    """ROOT, if it was built with TMVA."""
    root = extras.root()
    if not hasattr(root, "TMVA"):
        raise MissingExtraError("this ROOT was built without TMVA; C++ TMVA needs one built with -Dtmva=ON")
    return root


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Work in a folder for a while: TMVA writes its files where the process is."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
