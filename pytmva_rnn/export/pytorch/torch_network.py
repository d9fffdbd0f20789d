"""A network of TMVA as a module of PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.description import Description
from pytmva_rnn.export.pytorch import torch_modules
from pytmva_rnn.export.pytorch.candidate_bias import freeze_candidate_bias
from pytmva_rnn.export.pytorch.torch_chain import TorchChain
from pytmva_rnn.export.pytorch.torch_padding import stepwise
from pytmva_rnn.export.pytorch.torch_plan import Piece, plan
from pytmva_rnn.transformations import chain_steps

__all__ = ["TorchNetwork"]

torch: Any = extras.torch()


class TorchNetwork(torch.nn.Module):  # type: ignore[misc]  # PyTorch is optional
    """A network with its transformations and its output function; made by `to_torch`.

    It takes raw variables, (n, NVar) or (n, T, D), and gives the scores, (n, O), that `Model.predict` gives. With
    `mask_padding` a step is left out whose inputs are all NaN.

    Attributes
    ----------
    transformations : Module
        Of the variables.
    layers : ModuleList
        Those of `torch.nn`, and where it has none those of `torch_modules`.
    targets : Module
        Brings the outputs of a regression back to the scale of the targets.
    metadata : str
        What the network says beside its weights; it is part of the state dict, as `_extra_state`.
    """

    def __init__(self, model: Description, metadata: str) -> None:
        super().__init__()
        self.metadata = metadata
        self.event_shape, self.analysis = model.event_shape, model.analysis
        self.output_function, self.mask_padding = model.output_function, model.mask_padding
        self.transformations = TorchChain(chain_steps(model.transformations, model.variables))
        self.layers = torch.nn.ModuleList(map(_module, plan(model.layers, model.input_layout)))
        self.targets = TorchChain(chain_steps(model.transformations, model.targets, "Target", inverse=True))

    def forward(self, x: Any) -> Any:
        """Scores (n, O); a classifier's NaN as -999."""
        raw = self.raw_outputs(x)
        if self.output_function == "S":
            raw = torch.sigmoid(raw)
        elif self.output_function == "M":
            raw = torch.softmax(raw, dim=1)
        scores = self.targets(raw)
        return torch.where(scores.isnan(), -999, scores) if self.analysis == "Classification" else scores

    def raw_outputs(self, x: Any) -> Any:
        """Outputs (n, O) before the output function: what a loss such as `BCEWithLogitsLoss` takes."""
        steps, inputs = self.event_shape
        y = self.transformations(x.reshape(len(x), steps * inputs))
        y = y.reshape(len(x), steps, inputs) if steps > 1 else y
        if self.mask_padding:
            there = ~x.reshape(len(x), steps, inputs).isnan().all(dim=2)
            return stepwise(self.layers, y, there).reshape(len(x), -1)
        for layer in self.layers:
            y = layer(y)
            if isinstance(y, tuple):  # a recurrent layer gives its last state too
                y = y[0]
        return y.reshape(len(x), -1)

    def get_extra_state(self) -> Any:
        """The metadata, as bytes in a tensor: so every way to keep a state dict keeps it."""
        return torch.frombuffer(bytearray(self.metadata.encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Any) -> None:
        self.metadata = bytes(state.cpu().numpy()).decode()


def _module(piece: Piece) -> Any:
    home: Sequence[Any] = (torch.nn, torch_modules)
    made = getattr(next(each for each in home if hasattr(each, piece.name)), piece.name)(**piece.arguments)
    if isinstance(made, torch.nn.GRU):
        freeze_candidate_bias(made)
    return made
