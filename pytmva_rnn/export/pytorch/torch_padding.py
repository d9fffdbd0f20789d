"""Modules of PyTorch run on sequences of which steps are not there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.export.pytorch.torch_modules import GRUResetBefore, LastStep

__all__ = ["stepwise"]

torch: Any = extras.torch()


def stepwise(layers: Iterable[Any], x: Any, there: Any) -> Any:
    """Run layers, of which recurrent ones leave their states as they are in steps that are not there.

    What comes after them sees 0 in such steps; `torch.nn.utils.rnn` could leave out steps at the end only, and no event
    without any.

    Parameters
    ----------
    layers : iterable of Module
        The recurrent ones first.
    x : tensor, shape (n, T, D), or (n, D) for one step
    there : tensor of bool, shape (n, T)
    """
    y = torch.where(there if x.dim() == 2 else there[:, :, None], x, 0)
    sequence = False  # a recurrent layer's, with states also in steps that are not there
    for layer in layers:
        if isinstance(layer, torch.nn.RNNBase | GRUResetBefore):
            y, sequence = _states(layer, y, there), True
            continue
        if sequence and not isinstance(layer, LastStep):
            y = torch.where(there[:, :, None], y, 0)
        sequence = False
        y = layer(y)
    return torch.where(there[:, :, None], y, 0) if sequence else y


def _states(layer: Any, x: Any, there: Any) -> Any:
    """States after each step, (n, T, H), of a recurrent layer on (n, T, D)."""
    zero = x.new_zeros(1, len(x), layer.hidden_size)
    cells = isinstance(layer, torch.nn.LSTM)
    before = (zero, zero) if cells else (zero,)
    states = []
    for t in range(x.shape[1]):
        _, made = layer(x[:, t : t + 1], before if cells else before[0])
        chosen = there[None, :, t, None]
        after = made if cells else (made,)
        before = tuple(torch.where(chosen, new, old) for new, old in zip(after, before, strict=True))
        states.append(before[0][0])
    return torch.stack(states, dim=1)
