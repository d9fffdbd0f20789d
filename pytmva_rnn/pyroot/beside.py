"""C++ TMVA's scores beside ours, where the running ROOT has TMVA."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn import extras
from pytmva_rnn.data import Source
from pytmva_rnn.data.scoring_inputs import inputs_of_repetitions
from pytmva_rnn.description import tmva_differences
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.network.events import shaped
from pytmva_rnn.pyroot.compiled import compile_once
from pytmva_rnn.pyroot.needed_tmva import needed_tmva
from pytmva_rnn.weightfile.stored_recipe import stored_recipe

__all__ = ["Comparison", "Registered", "compare_with_tmva", "register"]

log = logging.getLogger("pytmva_rnn")

_READER = """
#if __has_include("TMVA/Reader.h")
#include "TMVA/Reader.h"
#endif
#include <algorithm>
#include <string>
#include <vector>

// A TMVA::Reader with one method and the memory of its variables.
class pytmva_rnn_reader {
public:
  pytmva_rnn_reader(const std::vector<std::string> &variables, const std::vector<std::string> &spectators,
                    const std::string &file)
      : values_(variables.size() + spectators.size()), size_(variables.size()), reader_("!Color:Silent") {
    for (std::size_t i = 0; i < size_; ++i)
      reader_.AddVariable(variables[i].c_str(), &values_[i]);
    for (std::size_t i = 0; i < spectators.size(); ++i)
      reader_.AddSpectator(spectators[i].c_str(), &values_[size_ + i]);
    reader_.BookMVA("method", file.c_str());
  }

  void evaluate(const std::string &analysis, unsigned long long from, std::size_t n, unsigned long long to) {
    const float *x = reinterpret_cast<const float *>(from);
    float *out = reinterpret_cast<float *>(to);
    for (; n > 0; --n, x += size_) {
      std::copy(x, x + size_, values_.begin());
      if (analysis == "Classification") {
        *out++ = static_cast<float>(reader_.EvaluateMVA("method"));
        continue;
      }
      const std::vector<float> &scores =
          analysis == "Regression" ? reader_.EvaluateRegression("method") : reader_.EvaluateMulticlass("method");
      out = std::copy(scores.begin(), scores.end(), out);
    }
  }

private:
  std::vector<float> values_;
  std::size_t size_;
  TMVA::Reader reader_;
};
"""


@dataclass(frozen=True, eq=False)
class Registered:
    """A weight file that is booked into a `TMVA::Reader` and read by pytmva_rnn; made by `register`.

    Attributes
    ----------
    model : Model
    """

    model: Model
    _reader: Any

    def predict(self, X: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score events with both.

        Parameters
        ----------
        X : array, shape (n, NVar) or (n, T, D)
            Raw variables, time-major.

        Returns
        -------
        tmva, ours : arrays of float32, shape (n,) for one output, else (n, O)
        """
        inputs = shaped(X, self.model.event_shape, np.dtype(np.float32))
        ours = self.model.predict(inputs)
        tmva = np.empty_like(ours)
        self._reader.evaluate(self.model.analysis, inputs.ctypes.data, len(inputs), tmva.ctypes.data)
        return tmva, ours


@dataclass(frozen=True, eq=False)
class Comparison:
    """Scores of C++ TMVA and of pytmva_rnn for the same events.

    Attributes
    ----------
    tmva, ours : arrays of float32, shape (n,) or (n, O)
    reasons : tuple of str
        Why they are known to differ, if they are.
    """

    tmva: NDArray[np.float32]
    ours: NDArray[np.float32]
    reasons: tuple[str, ...] = ()

    @property
    def largest_difference(self) -> float:
        """Of any output of any event; NaN if TMVA gives one."""
        return float(np.abs(self.tmva.astype(np.float64) - self.ours).max())

    @property
    def event(self) -> int:
        """Number of the event, from 0, with the largest difference."""
        difference = np.abs(self.tmva.astype(np.float64) - self.ours).reshape(len(self.ours), -1)
        return int(np.argmax(difference.max(axis=1)))

    def __str__(self) -> str:
        return (
            f"{len(self.ours)} events: the scores of C++ TMVA and pytmva_rnn differ by at most "
            f"{self.largest_difference:.3g} (event {self.event})" + "".join(f"; {reason}" for reason in self.reasons)
        )


def register(weights: str | os.PathLike[str]) -> Registered:
    """Book a weight file into the running ROOT's `TMVA::Reader`, to score with it and with pytmva_rnn in one call.

    Parameters
    ----------
    weights : path
        Weight file of pytmva_rnn or of C++ TMVA.

    Raises
    ------
    MissingExtraError
        If ROOT is not installed, or has no TMVA.
    WeightFileError
        If the file is no weight file of MethodDL.
    """
    needed_tmva("Reader")
    model = read_weights(weights)
    for difference in tmva_differences(model):
        log.warning("%s: %s", os.fspath(weights), difference)
    compile_once(_READER, "this ROOT's TMVA::Reader is not as expected")
    root = extras.root()
    texts = root.std.vector["std::string"]
    reader = root.pytmva_rnn_reader(
        texts([variable.expression for variable in model.variables]),
        texts([spectator.expression for spectator in model.spectators]),
        os.fspath(weights),
    )
    return Registered(model, reader)


def compare_with_tmva(weights: str | os.PathLike[str], file: str | Source) -> Comparison:
    """Score the events of a ROOT file with C++ TMVA and with pytmva_rnn.

    Parameters
    ----------
    weights : path
        Weight file of either.
    file : str or Source
        `file.root:tree`; the tree may be left out where a file holds just one.

    Returns
    -------
    Comparison
        Print it, or ask its `largest_difference`. With a recipe's `for_each` the events are those of its first value,
        then those of the second, and so on.

    Raises
    ------
    MissingExtraError
        If ROOT is not installed, or has no TMVA.
    DataError, WeightFileError
        For files that cannot be read or do not fit each other.
    """
    registered = register(weights)
    source = file if isinstance(file, Source) else Source((file,))
    X = inputs_of_repetitions(stored_recipe(registered.model), source)
    return Comparison(*registered.predict(X), tuple(tmva_differences(registered.model)))
