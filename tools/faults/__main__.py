"""`python tools/faults`: kills, full disks, cold caches, files that change, threads and forks."""

from __future__ import annotations

import sys
from pathlib import Path

# Run as a folder, Python looks for modules in it and not beside it; and what is tried is the checkout's package,
# installed or not.
sys.path[:1] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from faults.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
