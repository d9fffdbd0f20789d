"""Run the benchmarks from a checkout: the same as `pytmva-rnn bench`, with the same options."""

from __future__ import annotations

import sys

from pytmva_rnn.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))
