"""Variable transformations (tmva's `VarTransform`): learned from the training sample, applied, mapped back.

One file a transformation; `registry.py` lists them. `selection.py` finds the columns that a transformation reads and
writes, `chain.py` learns and runs whole chains.
"""

from __future__ import annotations

from pytmva_rnn.transformations.chain import (
    apply_transformations,
    invert_targets,
    invert_transformations,
    learn_transformations,
)

__all__ = ["apply_transformations", "invert_targets", "invert_transformations", "learn_transformations"]
