"""What a network may choose, as numbers for compiled code: each choice stands here once, for all backends."""

from __future__ import annotations

from typing import Any

LINEAR, RELU, SIGMOID, TANH, SYMMRELU, SOFTSIGN, GAUSS, FTANH = range(8)
ACTIVATIONS = {
    "LINEAR": LINEAR,
    "RELU": RELU,
    "SIGMOID": SIGMOID,
    "TANH": TANH,
    "SYMMRELU": SYMMRELU,
    "SOFTSIGN": SOFTSIGN,
    "GAUSS": GAUSS,
    "FTANH": FTANH,
}
"""TMVA's numbers of the activation functions, as in its weight file; its fast tanh is tanh to float accuracy."""

SUM_OF_SQUARES, CROSS_ENTROPY, SOFTMAX_CROSS_ENTROPY = range(3)
LOSSES = {"R": SUM_OF_SQUARES, "C": CROSS_ENTROPY, "S": SOFTMAX_CROSS_ENTROPY}
"""By the weight file's letters."""

NO_PENALTY, L1, L2 = range(3)
REGULARIZATIONS = {"0": NO_PENALTY, "1": L1, "2": L2}
"""By the weight file's letters."""

SGD, ADAM, ADAGRAD, RMSPROP, ADADELTA = range(5)
OPTIMIZERS = {"SGD": SGD, "ADAM": ADAM, "ADAGRAD": ADAGRAD, "RMSPROP": RMSPROP, "ADADELTA": ADADELTA}


def optimizer_constants(settings: Any) -> tuple[float, float, float]:
    """Momentum (or Adam's first beta), rho (or Adam's second beta) and epsilon of the chosen optimizer; 0 for none.

    Parameters
    ----------
    settings : training settings with TMVA's keys as attributes (`optimizer`, `adam_beta1` ...)
    """
    constants: tuple[float, float, float] = {
        "SGD": (settings.momentum, 0.0, 0.0),
        "ADAM": (settings.adam_beta1, settings.adam_beta2, settings.adam_eps),
        "ADAGRAD": (0.0, 0.0, settings.adagrad_eps),
        "RMSPROP": (settings.momentum, settings.rmsprop_rho, settings.rmsprop_eps),
        "ADADELTA": (0.0, settings.adadelta_rho, settings.adadelta_eps),
    }[settings.optimizer]
    return constants
