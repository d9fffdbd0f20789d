"""The one bias of PyTorch's GRU that TMVA has not, kept at zero through a training."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.errors import DataError

__all__ = ["freeze_candidate_bias"]


def freeze_candidate_bias(gru: Any) -> Any:
    """Keep the recurrent bias of a GRU's candidate at zero: it is zeroed now and gets no gradient from here on.

    PyTorch's GRU has the candidate `tanh(W x + b + r*(U h + b_h))`; TMVA has no `b_h`. Call this before the training,
    and `from_torch` can read the network exactly. Copies of the module keep to it.

    Parameters
    ----------
    gru : torch.nn.GRU

    Returns
    -------
    torch.nn.GRU
        The same.

    Raises
    ------
    DataError
        For another module.

    Examples
    --------
    >>> self.gru = freeze_candidate_bias(torch.nn.GRU(30, 10, batch_first=True))  # doctest: +SKIP
    """
    if type(gru).__name__ != "GRU" or not hasattr(gru, "hidden_size"):
        raise DataError(f"expected a torch.nn.GRU, found a {type(gru).__name__}")
    freeze = _Freeze()
    freeze(gru)
    gru.register_forward_pre_hook(freeze)
    return gru


class _Freeze:
    """Before each pass of a training; a class, since modules are copied and pickled with their hooks."""

    def __call__(self, gru: Any, inputs: Any = None) -> None:
        if not gru.training:
            return
        for name, bias in gru.named_parameters(recurse=False):
            # a copied module has new parameters, without the hooks of the old
            hooks = getattr(bias, "_backward_hooks", None) or {}
            if name.startswith("bias_hh") and not any(isinstance(hook, _Mask) for hook in hooks.values()):
                bias.data[2 * gru.hidden_size :] = 0
                if bias.requires_grad:
                    bias.register_hook(_Mask(2 * gru.hidden_size))


class _Mask:
    """The gradient without that of the candidate."""

    def __init__(self, first: int) -> None:
        self._first = first

    def __call__(self, gradient: Any) -> Any:
        gradient = gradient.clone()
        gradient[self._first :] = 0
        return gradient
