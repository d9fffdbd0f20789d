"""The transformations that there are."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.transformations.decorrelation import DECORRELATION
from pytmva_rnn.transformations.gauss import GAUSS, UNIFORM
from pytmva_rnn.transformations.normalize import NORMALIZE
from pytmva_rnn.transformations.pca import PRINCIPAL_COMPONENTS
from pytmva_rnn.transformations.transformer import Transformer

__all__ = ["BY_NAME", "BY_TYPE", "METHODS"]

METHODS: tuple[Transformer[Any], ...] = (NORMALIZE, DECORRELATION, PRINCIPAL_COMPONENTS, UNIFORM, GAUSS)
BY_NAME = {name.upper(): method for method in METHODS for name in method.names}
BY_TYPE = {method.transformation: method for method in METHODS}
