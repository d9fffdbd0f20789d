"""The optimizers' updates of one array, in place.

`w` weights, `g` gradient, `v` and `u` the optimizer's two moments (zero at first), `t` the step from 1, `rate` the
learning rate. `settings` has TMVA's keys as attributes (`momentum`, `adam_beta1` ...).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from pytmva_rnn.kernels.reference.machine.recurrent import Array


def sgd(w: Array, g: Array, v: Array, u: Array, t: int, rate: float, settings: Any) -> None:
    """Gradient descent with momentum: `v = mu v + g; w -= lr v`."""
    v[...] = settings.momentum * v + g
    w -= rate * v


def adam(w: Array, g: Array, v: Array, u: Array, t: int, rate: float, settings: Any) -> None:
    """Adam (Kingma and Ba 2015), with the bias correction in the step size; u is the mean, v the mean square."""
    b1, b2 = settings.adam_beta1, settings.adam_beta2
    u[...] = b1 * u + (1 - b1) * g
    v[...] = b2 * v + (1 - b2) * g**2
    alpha = rate * np.sqrt(1 - b2**t) / (1 - b1**t)
    w -= alpha * u / (np.sqrt(v) + settings.adam_eps)


def adagrad(w: Array, g: Array, v: Array, u: Array, t: int, rate: float, settings: Any) -> None:
    """Adagrad (Duchi, Hazan and Singer 2011): `v += g^2; w -= lr g/sqrt(v+eps)`."""
    v += g**2
    w -= rate * g / np.sqrt(v + settings.adagrad_eps)


def rmsprop(w: Array, g: Array, v: Array, u: Array, t: int, rate: float, settings: Any) -> None:
    """RMSProp with momentum: `v = rho v + (1-rho) g^2; u = mu u + lr g/sqrt(v+eps); w -= u`."""
    rho = settings.rmsprop_rho
    v[...] = rho * v + (1 - rho) * g**2
    u[...] = settings.momentum * u + rate * g / np.sqrt(v + settings.rmsprop_eps)
    w -= u


def adadelta(w: Array, g: Array, v: Array, u: Array, t: int, rate: float, settings: Any) -> None:
    """Adadelta (Zeiler 2012): `d = g sqrt(u+eps)/sqrt(v+eps); w -= lr d`."""
    rho, eps = settings.adadelta_rho, settings.adadelta_eps
    v[...] = rho * v + (1 - rho) * g**2
    d = g * np.sqrt(u + eps) / np.sqrt(v + eps)
    w -= rate * d
    u[...] = rho * u + (1 - rho) * d**2


def clip(gradients: Iterable[Array], most: float) -> None:
    """Scale gradients, in place, to a norm over all weights of `most` if it is larger (Pascanu et al. 2013)."""
    each = list(gradients)
    norm = np.sqrt(sum(float((g**2).sum()) for g in each))
    if norm > most:
        for g in each:
            g[...] *= most / norm


OPTIMIZERS: dict[str, Callable[[Array, Array, Array, Array, int, float, Any], None]] = {
    "SGD": sgd,
    "ADAM": adam,
    "ADAGRAD": adagrad,
    "RMSPROP": rmsprop,
    "ADADELTA": adadelta,
}
