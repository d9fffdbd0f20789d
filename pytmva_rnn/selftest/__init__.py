"""What somebody runs first on a new machine, before trusting it: ports of TMVA's own tests of its recurrent layers.

`full_rnn` has networks learn, `backpropagation` compares gradients; `trials` does all of them and sums up. The tests
call the same functions.
"""

from __future__ import annotations

from pytmva_rnn.selftest.trial import Trial
from pytmva_rnn.selftest.trials import LAYERS, run_trials

__all__ = ["LAYERS", "Trial", "run_trials"]
