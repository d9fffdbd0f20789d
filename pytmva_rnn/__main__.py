"""`python -m pytmva_rnn` does what `pytmva-rnn` does."""

from __future__ import annotations

import sys

from pytmva_rnn.cli import main

if __name__ == "__main__":
    sys.exit(main())
