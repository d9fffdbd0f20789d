"""Products with weights that a thread keeps in registers, and with such that lie in shared memory, for `resident.py`.

A thread has sums[output, event] of some outputs and the block's events, and adds to them weights[k, output] times
states[k, event], for one k after another. States lie as [k][event] in shared memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, device, index
from pytmva_rnn.kernels.cuda.machine.vectors import WIDTH, load4

GROUP = 1 if SIMULATED else 4
"""Weights in shared memory are a multiple of it in number, for each sum: their loop makes so many products at once."""

_PIECE = 16
"""At most so many products of each sum are made without a loop around them."""


@device
def clear(sums, low, high, each):
    for o in range(low, high):
        for e in range(each):
            sums[o, e] = np.float32(0)


@device
def _load_states(held, shared, place, each):
    """held[e] = a unit's states."""
    for q in range(each // WIDTH):
        a, b, c, d = load4(shared, place + q * WIDTH)
        held[q * WIDTH], held[q * WIDTH + 1], held[q * WIDTH + 2], held[q * WIDTH + 3] = a, b, c, d


class KeptWeights(NamedTuple):
    """Weights in registers that are worked through without a loop around them.

    They have their places in registers only where every index is known when they are compiled, and the compiler unrolls
    no loop of more than some hundred products.

    Attributes
    ----------
    gate, k : int
        Of the first one's input.
    first : int
        Its number.
    place : int
        Where its states begin.
    length : int
        How many there are.
    """

    gate: int
    k: int
    first: int
    place: int
    length: int


def pieces_of(gate: int, first: int, place: int, count: int, each: int) -> list[KeptWeights]:
    """So many weights of a gate, from number `first` and from the states at `place` on, in pieces."""
    return [KeptWeights(gate, k, first + k, place + k * each, min(_PIECE, count - k)) for k in range(0, count, _PIECE)]


def keeping(pieces: Sequence[KeptWeights], outputs: int, fetch: Any) -> Any:
    """A function that loads weights into registers by `fetch(U, gate, k, output)`, each piece after the one before."""

    @device
    def keep(weights, U):
        return

    def behind(before: Any, piece: KeptWeights) -> Any:
        gate, start, first, _, count = piece

        @device
        def keep(weights, U):
            before(weights, U)
            for k in range(count):
                for o in range(outputs):
                    weights[(first + k) * outputs + o] = fetch(U, gate, start + k, o)

        return keep

    for piece in pieces:
        keep = behind(keep, piece)
    return keep


def adding(pieces: Sequence[KeptWeights], low: int, high: int, outputs: int, each: int) -> Any:
    """A function that adds the products with weights in registers, for the outputs from low to high."""

    @device
    def add(sums, weights, shared, states, held):
        return

    def behind(before: Any, piece: KeptWeights) -> Any:
        _, _, first, place, count = piece

        @device
        def add(sums, weights, shared, states, held):
            before(sums, weights, shared, states, held)
            for k in range(count):
                _load_states(held, shared, states + place + k * each, each)
                for o in range(low, high):
                    for e in range(each):
                        sums[o, e] += weights[(first + k) * outputs + o] * held[e]

        return add

    for piece in pieces:
        add = behind(add, piece)
    return add


@device
def add_far(sums, low, high, place, across, down, count, shared, states, each, held):
    """sums[o, e] += shared[place + k*down + o*across] * shared[states + k*each + e], for k below `count`."""
    for _ in range(count // GROUP):
        for _ in range(GROUP):
            _load_states(held, shared, states, each)
            for o in range(low, high):
                weight = shared[index(place + o * across)]
                for e in range(each):
                    sums[o, e] += weight * held[e]
            place += down
            states += each
