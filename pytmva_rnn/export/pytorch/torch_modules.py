"""Modules that `torch.nn` has not: the reset gate before, two activations of TMVA, and the last step of a sequence."""

from __future__ import annotations

import math
from typing import Any

from pytmva_rnn import extras

__all__ = ["GRUResetBefore", "GaussActivation", "LastStep", "SymmetricReLU"]

torch: Any = extras.torch()


class LastStep(torch.nn.Module):  # type: ignore[misc]  # PyTorch is optional
    """The last step of a sequence: (n, T, H) -> (n, H)."""

    def forward(self, x: Any) -> Any:
        return x[:, -1]


class SymmetricReLU(torch.nn.Module):  # type: ignore[misc]
    """TMVA's SYMMRELU: `|x|`."""

    def forward(self, x: Any) -> Any:
        return x.abs()


class GaussActivation(torch.nn.Module):  # type: ignore[misc]
    """TMVA's GAUSS: `exp(-x^2)`."""

    def forward(self, x: Any) -> Any:
        return torch.exp(-x * x)


class GRUResetBefore(torch.nn.Module):  # type: ignore[misc]
    """TMVA's GRU with the reset gate before the product, which `torch.nn.GRU` has not.

        r = sigmoid(W_r x + U_r h + b_r)
        z = sigmoid(W_z x + U_z h + b_z)
        g = tanh(W_c x + U_c (r*h) + b_c)
        h' = z*h + (1 - z)*g

    Parameters and their order are those of `torch.nn.GRU`, with one bias of each gate.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih_l0 = torch.nn.Parameter(torch.empty(3 * hidden_size, input_size))
        self.weight_hh_l0 = torch.nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.bias_ih_l0 = torch.nn.Parameter(torch.empty(3 * hidden_size))
        for parameter in self.parameters():
            torch.nn.init.uniform_(parameter, -1 / math.sqrt(hidden_size), 1 / math.sqrt(hidden_size))

    def forward(self, x: Any, before: Any = None) -> tuple[Any, Any]:
        """States of x, (n, T, D) -> (n, T, H), and the last, (1, n, H); they begin at `before`, (1, n, H), or 0."""
        inputs = torch.nn.functional.linear(x, self.weight_ih_l0, self.bias_ih_l0)
        U_r, U_z, U_c = self.weight_hh_l0.chunk(3)
        h = x.new_zeros(x.shape[0], self.hidden_size) if before is None else before[0]
        states = []
        for t in range(x.shape[1]):
            of_r, of_z, of_c = inputs[:, t].chunk(3, dim=1)
            r = torch.sigmoid(of_r + h @ U_r.T)
            z = torch.sigmoid(of_z + h @ U_z.T)
            g = torch.tanh(of_c + (r * h) @ U_c.T)
            h = z * h + (1 - z) * g
            states.append(h)
        return torch.stack(states, dim=1), h[None]
