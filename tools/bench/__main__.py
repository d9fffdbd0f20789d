"""`python tools/bench`: how fast the networks train and predict on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

# run as a folder, Python looks for modules in it and not beside it
sys.path[0] = str(Path(__file__).parents[1])

from bench.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
