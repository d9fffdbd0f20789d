"""Make the toy data of ROOT's tutorial TMVA_RNN_Classification as a ROOT file.

For each event, step j of T has mean 5 + 0.2 f(pi j/T) and sigma 4 + 0.3 f(pi j/T), where f is the cosine for signal and
the sine for background. 1000 numbers of that normal distribution, those outside [0, 10] drawn again, are histogrammed
in D bins, and to each bin normal noise of sigma 10 is added. The contents of a histogram of independent draws follow a
multinomial distribution, so they are drawn from that at once: the same data, a thousand times faster.

The trees are `sgn` and `bkg`, their branches `vars_time0`, `vars_time1`, ... In the tutorial these are
`std::vector<float>`; uproot writes no such branches into a TTree, so here they are arrays of fixed length, which ROOT,
TMVA and pytmva_rnn read under the same name and length.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import uproot
from numpy.typing import NDArray

from pytmva_rnn.files import atomic_path

DRAWS = 1000
NOISE = 10.0
LOW, HIGH = 0.0, 10.0


def make_time_data(n: int, steps: int, dims: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Signal and background events.

    Parameters
    ----------
    n : int
        Events of each class.
    steps, dims : int
        T and D.
    seed : int
        The same seed gives the same events.

    Returns
    -------
    signal, background : (n, T, D) float32
    """
    random = np.random.default_rng(seed)
    edges = np.linspace(LOW, HIGH, dims + 1)
    classes = []
    for f in (math.cos, math.sin):
        X = random.normal(0.0, NOISE, (n, steps, dims))
        for j in range(steps):
            shift = f(math.pi * j / steps)
            mean, sigma = 5 + 0.2 * shift, 4 + 0.3 * shift
            below = np.array([math.erf((edge - mean) / (sigma * math.sqrt(2))) for edge in edges])
            probability = np.diff(below) / (below[-1] - below[0])
            X[:, j] += random.multinomial(DRAWS, probability, size=n)
        classes.append(X.astype(np.float32))
    return classes[0], classes[1]


def write_time_data(path: str | Path, n: int, steps: int, dims: int, seed: int) -> None:
    """Write `make_time_data` as trees `sgn` and `bkg` of a ROOT file."""
    signal, background = make_time_data(n, steps, dims, seed)
    with atomic_path(path) as temporary, uproot.recreate(temporary) as file:
        for name, X in (("sgn", signal), ("bkg", background)):
            tree = file.mktree(name, {f"vars_time{j}": np.dtype((np.float32, (dims,))) for j in range(steps)})
            tree.extend({f"vars_time{j}": X[:, j] for j in range(steps)})


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0],
        epilog="example: python tools/make_time_data.py --events 10000 time_data_t10_d30.root",
    )
    parser.add_argument("output", nargs="?", help="ROOT file to write (default: time_data_t<STEPS>_d<DIMS>.root)")
    parser.add_argument("--events", type=int, default=10000, help="events of each class (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=10, help="time steps T (default: %(default)s)")
    parser.add_argument("--dims", type=int, default=30, help="bins D of a step (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1234, help="seed of the random numbers (default: %(default)s)")
    given = parser.parse_args(arguments)
    for name in ("events", "steps", "dims"):
        if getattr(given, name) < 1:
            parser.error(f"--{name} must be at least 1")
    output = given.output or f"time_data_t{given.steps}_d{given.dims}.root"
    write_time_data(output, given.events, given.steps, given.dims, given.seed)
    print(f"{output}: {given.events} events each in the trees sgn and bkg")


if __name__ == "__main__":
    main()
