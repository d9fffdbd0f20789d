"""A C++ program that compares an exported model with known scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.export.cpp.literals import literal, rows, text
from pytmva_rnn.model import Model

__all__ = ["EVENTS", "example_events", "generate_check"]

EVENTS = 20
"""Events that a check program holds at most."""


def example_events(model: Model) -> NDArray[np.float32]:
    """Events to compare on, always the same: uniform in the ranges of the variables as far as these are known.

    In the last one a variable is NaN.

    Returns
    -------
    (EVENTS, NVar) float32
    """
    rng = np.random.default_rng(1)
    X = rng.normal(size=(EVENTS, len(model.variables)))
    for column, variable in enumerate(model.variables):
        if variable.min < variable.max:
            X[:, column] = rng.uniform(variable.min, variable.max, EVENTS)
    X[-1, 0] = np.nan
    return X.astype(np.float32)


def generate_check(name: str, header: str, X: NDArray[np.float32], scores: NDArray[np.float32]) -> str:
    """The program. It ends with 1 if a score differs by more than 2e-6, or 2e-6 of itself where it is above 1.

    Parameters
    ----------
    name : str
        The model's class.
    header : str
        How the program includes it.
    X : (n, NVar) float32
    scores : (n, O) float32
    """
    values = rows(literal(value) for value in X.reshape(-1).tolist())
    expected = rows(literal(value) for value in scores.reshape(-1).tolist())
    return f"""\
// Compares {name} with known scores. Made by pytmva_rnn.
#include {text(header)}

#include <cmath>
#include <cstdio>
#include <cstring>

constexpr std::size_t n = {len(X)}, outputs = {name}::outputs;

static const float events[n * {name}::variables] = {{
{values}}};

static const float expected[n * outputs] = {{
{expected}}};

static bool differs(float score, float wanted, double& largest)
{{
  if (std::isnan(wanted))
    return !std::isnan(score);
  const double difference = std::abs(static_cast<double>(score) - wanted);
  largest = difference > largest ? difference : largest;
  return !(difference <= 2e-6 * (std::abs(wanted) > 1 ? std::abs(wanted) : 1));
}}

int main()
{{
  const {name} model;
  float together[n * outputs], alone[outputs];
  model.evaluate(events, n, together);
  double largest = 0;
  int wrong = 0;
  for (std::size_t i = 0; i < n; ++i) {{
    const auto score = model(events + i * {name}::variables);
    std::memcpy(alone, &score, sizeof alone);
    for (std::size_t j = 0; j < outputs; ++j)
      wrong += differs(together[i * outputs + j], expected[i * outputs + j], largest) ||
               differs(alone[j], expected[i * outputs + j], largest);
  }}
  const int all = static_cast<int>(n * outputs);
  std::printf("{name}: %d of %d scores differ; largest difference %.2g\\n", wrong, all, largest);
  return wrong > 0;
}}
"""
