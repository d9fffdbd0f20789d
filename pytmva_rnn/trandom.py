"""ROOT's TRandom3 streams and the shuffle that TMVA makes with them.

The same seed gives here the numbers that C++ ROOT gives, so that initial weights and the order of the events can
be those of C++ TMVA.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import compilation, entry, helper

__all__ = ["TRandom3", "shuffle"]

_BLOCK = 4096
_DRAWS = 8192  # at once, in a shuffle
_WORDS = 624  # of the Mersenne twister
_NUMBERS = 2**32  # that it may give


class TRandom3:
    """A stream of ROOT's TRandom3 (the Mersenne twister MT19937 with its classic integer seeding).

    Parameters
    ----------
    seed : int
        Seed, 0 to 2**32 - 1. As in ROOT, 0 takes a new seed from the operating system every time.

    Raises
    ------
    ValueError
        The seed does not fit in 32 bits.

    Examples
    --------
    >>> TRandom3(1234).rndm(1)
    array([0.19151945])
    """

    def __init__(self, seed: int) -> None:
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed {seed}: TRandom3 takes seeds from 0 to {2**32 - 1}")
        if seed == 0:
            self._bits = np.random.MT19937()
        else:
            self._bits = np.random.MT19937(0)
            self._bits._legacy_seeding(seed)
        self._ahead: NDArray[np.uint32] = np.empty(0, dtype=np.uint32)

    def state(self) -> NDArray[np.uint32]:
        """Where the stream is: the generator's position and its 624 words, and the numbers that are drawn already."""
        inner: Any = self._bits.state["state"]
        return np.concatenate([np.array([inner["pos"]], np.uint32), inner["key"].astype(np.uint32), self._ahead])

    @classmethod
    def from_state(cls, state: NDArray[np.uint32]) -> TRandom3:
        """The stream that goes on where the one was whose `state` this is.

        Raises
        ------
        ValueError
            If it is none.
        """
        if state.dtype != np.uint32 or state.ndim != 1 or len(state) < 1 + _WORDS or state[0] > _WORDS:
            raise ValueError(f"{state.dtype} of shape {state.shape} is no state of TRandom3")
        random = cls(1)
        inner: Any = {"pos": int(state[0]), "key": state[1 : 1 + _WORDS].copy()}
        random._bits.state = {"bit_generator": "MT19937", "state": inner}
        random._ahead = state[1 + _WORDS :].copy()
        return random

    def raw(self, n: int) -> NDArray[np.uint32]:
        """The next `n` 32-bit numbers of the stream, as uint32 of shape (n,); zeros are skipped as ROOT does."""
        numbers = self._peek(n)[:n].copy()
        self._skip(n)
        return numbers

    def rndm(self, n: int) -> NDArray[np.float64]:
        """The next `n` numbers of ``TRandom3::Rndm``: uniform in (0, 1), float64 of shape (n,)."""
        return _uniform(self.raw(n))

    def gaus(self, n: int, mean: float = 0.0, sigma: float = 1.0) -> NDArray[np.float64]:
        """The next `n` numbers of ``TRandom::Gaus(mean, sigma)``: normal, float64 of shape (n,).

        Notes
        -----
        The acceptance-complement ratio method of W. Hoermann and G. Derflinger, "The ACR method for generating
        normal random variables", OR Spektrum 12 (1990) 181. One number takes one or more of the stream's.
        """
        normal = np.empty(n)
        reached = np.zeros(2, np.int64)
        filled = 0
        while filled < n:
            # 1.3 numbers of the stream are needed for one normal number on average.
            uniform = _uniform(self._peek(n - filled + (n - filled) // 2 + 64))
            with compilation("normal random numbers"):
                _fill_normal(normal, uniform, reached)
            filled = int(reached[0])
            self._skip(int(reached[1]))
        return mean + sigma * normal

    def _peek(self, n: int) -> NDArray[np.uint32]:
        """At least `n` coming numbers, which stay in the stream."""
        while len(self._ahead) < n:
            missing = max(_BLOCK, n - len(self._ahead))
            drawn = self._bits.random_raw(missing).astype(np.uint32)
            self._ahead = np.concatenate([self._ahead, drawn[drawn != 0]])
        return self._ahead

    def _skip(self, n: int) -> None:
        self._ahead = self._ahead[n:]


def shuffle(order: NDArray[np.int64], random: TRandom3) -> None:
    """Shuffle `order` in place as TMVA does: libstdc++'s ``std::shuffle`` on a TRandom3 stream.

    Parameters
    ----------
    order : (n,) int64 array
        What to shuffle, mostly indices of events. Its present order matters for the result.
    random : TRandom3
        The stream, which moves on by the numbers taken.
    """
    mine = order.dtype == np.int64 and order.flags.carray
    work = order if mine else np.array(order, np.int64)
    reached = np.array([1, 0])
    with compilation("shuffling"):
        while reached[0] < len(work):
            # piece by piece: the numbers of a large sample would take more memory than its order
            _shuffled(work, _uniform(random._peek(_DRAWS)[:_DRAWS]), reached)
            random._skip(int(reached[1]))
    if not mine:
        order[:] = work


def _uniform(raw: NDArray[np.uint32]) -> NDArray[np.float64]:
    return raw.astype(np.float64) * 2.0**-32


@helper
def _bounded(m: int, uniform: NDArray[np.float64], used: int) -> tuple[np.int64, int]:
    """A number in [0, m) by Lemire's method, and how many numbers were used in all; (0, -1) when they run out."""
    bound = np.uint64(m)
    threshold = np.uint64((_NUMBERS - m) % m)
    while used < len(uniform):
        # what TMVA's RandomGenerator hands to std::shuffle: floor((2**32 - 1) u)
        product = np.uint64(4294967295.0 * uniform[used]) * bound
        used += 1
        low = product & np.uint64(0xFFFFFFFF)
        if low >= threshold:
            return np.int64(product >> np.uint64(32)), used
    return np.int64(0), -1


@entry
def _shuffled(v: NDArray[np.int64], uniform: NDArray[np.float64], reached: NDArray[np.int64]) -> None:
    """Shuffle from the place `reached[0]` on, until the numbers run out; how far it came, and how many it used."""
    n = len(v)
    place = reached[0]
    used = 0
    reached[1] = 0
    while place < n:
        i = place
        if n * n > 4294967294 or (i == 1 and n % 2 == 0):
            a, after = _bounded(i + 1, uniform, used)
            if after < 0:
                return
            v[i], v[a] = v[a], v[i]
            place += 1
        else:
            # one number serves two swaps: a draw below (i+1)(i+2) is split into draws below i+1 and i+2
            x, after = _bounded((i + 1) * (i + 2), uniform, used)
            if after < 0:
                return
            a, b = x // (i + 2), x % (i + 2)
            v[i], v[a] = v[a], v[i]
            v[i + 1], v[b] = v[b], v[i + 1]
            place += 2
        used = after
        reached[0], reached[1] = place, used


# The constants of Hoermann and Derflinger's algorithm ACR, under the names of the paper and of ROOT.
_C1, _C2, _C3 = 1.448242853, 3.307147487, 1.46754004
_D1, _D2, _D3 = 1.036467755, 5.295844968, 3.631288474
_HM, _ZM, _HP, _ZP = 0.483941449, 0.107981933, 4.132731354, 18.52161694
_PHLN, _HM1, _HP1, _HZM, _HZMP = 0.4515827053, 0.516058551, 3.132731354, 0.375959516, 0.591923442
_AS, _BS, _CS, _B = 0.8853395638, 0.2452635696, 0.2770276848, 0.5029324303
_X0, _YM, _S, _T = 0.4571828819, 0.187308492, 0.7270572718, 0.03895759111


@entry
def _fill_normal(normal: NDArray[np.float64], uniform: NDArray[np.float64], reached: NDArray[np.int64]) -> None:
    """Fill `normal` from `reached[0]` on while the numbers last; how many are filled and how many numbers they took."""
    filled = reached[0]
    used = 0
    reached[1] = 0
    while filled < len(normal):
        number, after = _normal(uniform, used)
        if after < 0:
            return
        normal[filled] = number
        filled += 1
        used = after
        reached[0], reached[1] = filled, used


@helper
def _normal(uniform: NDArray[np.float64], used: int) -> tuple[float, int]:
    """One standard normal number and how many numbers were used in all; (0, -1) when they run out."""
    if used + 2 > len(uniform):
        return 0.0, -1
    y = uniform[used]
    used += 1
    if y > _HM1:
        return _HP * y - _HP1, used
    if y < _ZM:
        r = _ZP * y - 1
        return (1 + r if r > 0 else -1 + r), used
    if y < _HM:
        r = uniform[used]
        used += 1
        r = r - 1 + r
        z = 2 - r if r > 0 else -2 - r
        if (_C1 - y) * (_C3 + abs(z)) < _C2:
            return z, used
        x = r * r
        if (y + _D1) * (_D3 + x) < _D2:
            return r, used
        if _HZMP - y < math.exp(-(z * z + _PHLN) / 2):
            return z, used
        if y + _HZM < math.exp(-(x + _PHLN) / 2):
            return r, used
    while used + 2 <= len(uniform):
        x = uniform[used]
        y = _YM * uniform[used + 1]
        used += 2
        if _X0 - _S * x - y > 0:
            r = 2 + y / x
        else:
            x = 1 - x
            y = _YM - y
            r = -(2 + y / x)
        if (y - _AS + x) * (_CS + x) + _BS < 0:
            return r, used
        if y < x + _T and r * r < 4 * (_B - math.log(x)):
            return r, used
    return 0.0, -1
