"""Variable transformations (tmva's `VarTransform`): learned from the training sample, applied, mapped back.

One file a transformation: how it is learned, and compiled; `registry.py` lists them. `selection.py` finds the columns
that a transformation reads and writes, `learning.py` learns whole chains, `chain.py` compiles them into plain arrays,
and `interpreter.py` runs these.
"""

from __future__ import annotations

from pytmva_rnn.transformations.chain import (
    Chain,
    apply_transformations,
    chain_steps,
    compile_chain,
    invert_targets,
    invert_transformations,
)
from pytmva_rnn.transformations.learning import learn_transformations

__all__ = [
    "Chain",
    "apply_transformations",
    "chain_steps",
    "compile_chain",
    "invert_targets",
    "invert_transformations",
    "learn_transformations",
]
