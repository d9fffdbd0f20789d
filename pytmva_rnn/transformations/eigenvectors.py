"""Eigenvectors of a symmetric matrix with the signs that ROOT gives them.

An eigenvector's sign is arbitrary, and a network trained on principal components depends on it. ROOT's TPrincipal takes
what TMatrixDSymEigen finds: Householder's tridiagonal form (Martin, Reinsch and Wilkinson, Num. Math. 11 (1968) 181),
then implicit QL steps (Bowdler et al., Num. Math. 11 (1968) 293). The same operations in the same order give the same
signs; LAPACK's differ.
"""

from __future__ import annotations

from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray

__all__ = ["eigenvectors"]

Values = NDArray[np.float64]

_EPSILON = 2.0**-52


def eigenvectors(matrix: Values) -> Values:
    """Eigenvectors of a symmetric matrix (n, n) as columns, the largest eigenvalue first."""
    diagonal, below, vectors = _tridiagonal(matrix)
    rows = np.ascontiguousarray(vectors.T)
    return rows[np.argsort(-_diagonalise(diagonal, below, rows), kind="stable")].T


def _tridiagonal(matrix: Values) -> tuple[Values, Values, Values]:
    """Diagonal d, what stands below it in e[1:], and the orthogonal V that brings the matrix to that form."""
    V = np.array(matrix, np.float64)
    n = len(V)
    d, e = V[-1].copy(), np.zeros(n)
    for i in range(n - 1, 0, -1):
        scale, h = float(np.abs(d[:i]).sum()), 0.0
        if scale == 0:
            e[i] = d[i - 1]
            d[:i] = V[i - 1, :i]
            V[i, :i] = V[:i, i] = 0
        else:
            d[:i] /= scale
            h = float(d[:i] @ d[:i])
            g = -sqrt(h) if d[i - 1] > 0 else sqrt(h)
            e[i] = scale * g
            h -= d[i - 1] * g
            d[i - 1] -= g
            # the upper half holds earlier reflections
            lower = np.tril(V[:i, :i])
            V[:i, i] = d[:i]
            e[:i] = (lower + np.tril(lower, -1).T) @ d[:i] / h
            e[:i] -= float(e[:i] @ d[:i]) / (2 * h) * d[:i]
            V[:i, :i] -= np.tril(np.outer(e[:i], d[:i]) + np.outer(d[:i], e[:i]))
            d[:i] = V[i - 1, :i]
            V[i, :i] = 0
        d[i] = h
    for i in range(n - 1):
        V[-1, i] = V[i, i]
        V[i, i] = 1
        if d[i + 1] != 0:
            u = V[: i + 1, i + 1].copy()
            V[: i + 1, : i + 1] -= np.outer(u / d[i + 1], u @ V[: i + 1, : i + 1])
        V[: i + 1, i + 1] = 0
    d = V[-1].copy()
    V[-1] = 0
    V[-1, -1] = 1
    return d, e, V


def _diagonalise(d: Values, below: Values, rows: Values) -> Values:
    """The eigenvalues of a tridiagonal matrix; turns the rows, those of V transposed, into the eigenvectors."""
    n = len(d)
    e = np.append(below[1:], 0.0)
    shift = largest = 0.0
    for k in range(n):
        largest = max(largest, abs(d[k]) + abs(e[k]))
        end = k
        while abs(e[end]) > _EPSILON * largest:
            end += 1
        while end > k:
            shift += _ql_step(d, e, rows, k, end)
            if abs(e[k]) <= _EPSILON * largest:
                break
        d[k] += shift
        e[k] = 0
    return d


def _ql_step(d: Values, e: Values, rows: Values, k: int, end: int) -> float:
    """One step on the rows from k to `end`; returns by how much it shifts the eigenvalues from k on."""
    g = d[k]
    p = (d[k + 1] - g) / (2 * e[k])
    r = -hypot(p, 1.0) if p < 0 else hypot(p, 1.0)
    d[k], d[k + 1] = e[k] / (p + r), e[k] * (p + r)
    second, below, shift = d[k + 1], e[k + 1], g - d[k]
    d[k + 2 :] -= shift
    p = d[end]
    c = c2 = c3 = 1.0
    s = s2 = 0.0
    for i in range(end - 1, k - 1, -1):
        c3, c2, s2 = c2, c, s
        g, h = c * e[i], c * p
        r = hypot(p, e[i])
        e[i + 1] = s * r
        s, c = e[i] / r, p / r
        p = c * d[i] - s * g
        d[i + 1] = h + s * (c * g + s * d[i])
        rows[i], rows[i + 1] = c * rows[i] - s * rows[i + 1], s * rows[i] + c * rows[i + 1]
    p = -s * s2 * c3 * below * e[k] / second
    e[k], d[k] = s * p, c * p
    return float(shift)
