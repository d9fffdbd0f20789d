"""The SIMD building blocks against NumPy."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn.kernels.cpu.machine import matrix, simd, vector
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, VECTORS, WIDTH
from pytmva_rnn.kernels.cpu.machine.op import element, padded, row_of, step_of, vectors_of
from pytmva_rnn.kernels.cpu.machine.panels import MOST, Panels, RowsOfWeights, panel_widths

_tanh = simd.pointwise(lambda x: (vector.tanh(x),), 1, 1)
_sigmoid = simd.pointwise(lambda x: (vector.sigmoid(x),), 1, 1)
_exp = simd.pointwise(lambda x: (vector.exp(x),), 1, 1)
_mixed = simd.pointwise(lambda x, y: ((2 - x) * y - 0.5, -(x / y)), 2, 2)


@numba.njit
def run_tanh(n: int, x: int, y: int) -> None:
    _tanh(n, 1, (x,), (y,))


@numba.njit
def run_sigmoid(n: int, x: int, y: int) -> None:
    _sigmoid(n, 1, (x,), (y,))


@numba.njit
def run_exp(n: int, x: int, y: int) -> None:
    _exp(n, 1, (x,), (y,))


@numba.njit
def run_mixed(n: int, step: int, x: int, y: int, u: int, v: int) -> None:
    _mixed(n, step, (x, y), (u, v))


@numba.njit
def run_add_bias(rows: int, vectors: int, sums: int, bias: int) -> bool:
    return simd.add_bias(rows, vectors, sums, bias)  # type: ignore[no-any-return]


@numba.njit
def run_add_vectors(vectors: int, sums: int, bias: int) -> bool:
    return simd.add_vectors(vectors, sums, bias)  # type: ignore[no-any-return]


@numba.njit
def run_arithmetic(n: int, row: int, column: int) -> tuple[int, int, int]:
    return padded(n), element(n, 7, row, column), row_of(step_of(n, 3, row), column)


@numba.njit
def run_transpose_square(source: int, source_stride: int, target: int, target_stride: int) -> None:
    simd.transpose_square(source, source_stride, target, target_stride)


@numba.njit
def run_transpose_rows(
    source: int, events: int, row_floats: int, target: int, column: int, columns: int, gap: int
) -> None:
    simd.transpose_rows(source, events, row_floats, target, column, columns, gap)


def address(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)


def apply(run: Any, x: NDArray[np.float32]) -> NDArray[np.float32]:
    y = np.empty_like(x)
    run(len(x) // WIDTH, address(x), address(y))
    return y


def grid(low: float, high: float) -> NDArray[np.float32]:
    return np.linspace(low, high, 4096 * WIDTH, dtype=np.float32)


@pytest.mark.parametrize("reach", [1e-3, 0.5, 8, 100])
def test_tanh(reach: float) -> None:
    x = grid(-reach, reach)
    exact = np.tanh(x.astype(np.float64))
    error = np.abs(apply(run_tanh, x) - exact)
    assert np.all(error <= np.maximum(4 * np.spacing(np.abs(exact).astype(np.float32)).astype(float) + 1e-12, 4e-7))


def test_tanh_reaches_one_and_never_more() -> None:
    low, high = (int(np.float32(x).view(np.int32)) for x in (7.5, 8.5))
    x = np.arange(low, high, dtype=np.int32).view(np.float32)
    y = apply(run_tanh, x[: len(x) // WIDTH * WIDTH])
    assert y.max() == 1
    assert (y[x[: len(y)] >= 8] == 1).all()
    assert (apply(run_tanh, np.array([8, 1e30, np.inf, 9] * (WIDTH // 4), np.float32)) == 1).all()
    assert (apply(run_sigmoid, np.array([-16, -1e30, -np.inf, -17] * (WIDTH // 4), np.float32)) == 0).all()


@pytest.mark.parametrize("reach", [1e-3, 0.5, 8, 100])
def test_sigmoid(reach: float) -> None:
    x = grid(-reach, reach)
    assert np.abs(apply(run_sigmoid, x) - 1 / (1 + np.exp(-x.astype(np.float64)))).max() < 3e-7


def test_exp() -> None:
    x = grid(-87, 88)
    exact = np.exp(x.astype(np.float64))
    assert np.abs(apply(run_exp, x) / exact - 1).max() < 2.5e-7
    assert not apply(run_exp, np.array([-88, -1000, -1e30, -np.inf] * (WIDTH // 4), np.float32)).any()


@pytest.mark.parametrize("run", [run_tanh, run_sigmoid, run_exp])
def test_nan_passes_through(run: Any) -> None:
    x = np.zeros(WIDTH, np.float32)
    x[1] = np.nan
    y = apply(run, x)
    assert np.isnan(y[1])
    assert np.isfinite(np.delete(y, 1)).all()


def test_operators() -> None:
    random = np.random.default_rng(1)
    x, y = random.uniform(1, 2, (2, 4 * WIDTH)).astype(np.float32)
    u, v = np.empty_like(x), np.empty_like(x)
    run_mixed(4, 1, address(x), address(y), address(u), address(v))
    np.testing.assert_allclose(u, (2 - x) * y - 0.5, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(v, -(x / y), rtol=1e-6)


def test_every_other_vector() -> None:
    x, y = np.random.default_rng(1).uniform(1, 2, (2, 4, WIDTH)).astype(np.float32)
    u, v = np.zeros_like(x), np.zeros_like(x)
    run_mixed(4, 2, address(x), address(y), address(u), address(v))
    np.testing.assert_allclose(v[::2], -(x / y)[::2], rtol=1e-6)
    assert not u[1::2].any()
    assert not v[1::2].any()


def test_transpose_square() -> None:
    source = np.random.default_rng(1).normal(size=(WIDTH, WIDTH + 3)).astype(np.float32)
    target = np.zeros((WIDTH, WIDTH + 5), np.float32)
    run_transpose_square(address(source), WIDTH + 3, address(target), WIDTH + 5)
    np.testing.assert_array_equal(target[:, :WIDTH], source[:, :WIDTH].T)
    assert not target[:, WIDTH:].any()


@pytest.mark.parametrize(("column", "columns"), [(0, WIDTH), (0, 3), (2, 3), (4, WIDTH + 1), (0, 1)])
def test_transpose_rows(column: int, columns: int) -> None:
    random = np.random.default_rng(1)
    source = random.normal(size=(50, WIDTH + 3)).astype(np.float32)
    events = random.integers(0, 50, WIDTH)
    # two more rows after every `columns` of them
    places = [j + 2 * ((column + j) // columns) for j in range(WIDTH)]
    target = np.zeros((places[-1] + 1, LANES), np.float32)
    run_transpose_rows(address(source), address(events), WIDTH + 3, address(target), column, columns, 2 * LANES)
    np.testing.assert_array_equal(target[places, :WIDTH], source[events, :WIDTH].T)
    target[places, :WIDTH] = 0
    assert not target.any()


@pytest.mark.parametrize("value", [1.0, -np.finfo(np.float32).max, np.finfo(np.float32).max, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("vectors", [1, VECTORS])
def test_bias(value: float, vectors: int) -> None:
    random = np.random.default_rng(1)
    sums = random.normal(size=(6, LANES)).astype(np.float32)
    bias, lanes = random.normal(size=5).astype(np.float32), vectors * WIDTH
    bias[3] = 0
    sums[3, lanes - 1] = value
    sums[5, 0] = np.nan  # beyond the rows, and not to be looked at
    expected = sums.copy()
    expected[:5, :lanes] += bias[:, np.newaxis]
    assert run_add_bias(5, vectors, address(sums), address(bias)) == (not np.isfinite(value))
    np.testing.assert_array_equal(sums, expected)


@pytest.mark.parametrize("place", [0, WIDTH - 1, 2 * WIDTH])
@pytest.mark.parametrize("value", [-np.finfo(np.float32).max, np.inf, -np.inf, np.nan])
def test_bias_of_columns(value: float, place: int) -> None:
    sums, bias = np.random.default_rng(1).normal(size=(2, 3 * WIDTH + 1)).astype(np.float32)
    sums[place], bias[place] = value, 0
    sums[-1] = np.nan  # beyond the vectors, and not to be looked at
    expected = np.append((sums + bias)[:-1], sums[-1])
    assert run_add_vectors(3, address(sums), address(bias)) == (not np.isfinite(value))
    np.testing.assert_array_equal(sums, expected)


@pytest.mark.parametrize("n", [0, 1, WIDTH - 1, WIDTH, 5 * WIDTH + 1])
def test_addresses_are_the_same_from_python(n: int) -> None:
    compiled = run_arithmetic(n, 5, 3)
    assert compiled == (padded(n), element(n, 7, 5, 3), row_of(step_of(n, 3, 5), 3))
    assert compiled == (-(-n // WIDTH) * WIDTH, n + 4 * (5 * 7 + 3), n + 4 * 3 * 5 + 4 * LANES * 3)


SIZES = pytest.mark.parametrize(("rows", "count"), [(1, 1), (3, 5), (7, 2), (8, 16), (15, 3), (21, 40)])


@SIZES
@pytest.mark.parametrize("vectors", [1, VECTORS])
@pytest.mark.parametrize("accumulate", [0, 1])
def test_product(rows: int, count: int, vectors: int, accumulate: int) -> None:
    random = np.random.default_rng(1)
    a = random.normal(size=(rows, count + 3)).astype(np.float32)
    b = random.normal(size=(count, LANES)).astype(np.float32)
    c = random.normal(size=(rows + 1, LANES)).astype(np.float32)
    expected = c.copy()
    lanes = vectors * WIDTH
    expected[:rows, :lanes] = a[:, :count] @ b[:, :lanes] + (c[:rows, :lanes] if accumulate else 0)
    matrix.product(rows, vectors, address(a), count + 3, address(b), LANES, count, address(c), LANES, accumulate)
    np.testing.assert_allclose(c, expected, rtol=1e-5, atol=1e-5)


@SIZES
@pytest.mark.parametrize("vectors", [1, VECTORS])
@pytest.mark.parametrize("n", [1, 3])
def test_transposed_product(rows: int, count: int, vectors: int, n: int) -> None:
    random = np.random.default_rng(1)
    stride, lanes = -(-rows // WIDTH) * WIDTH, vectors * WIDTH
    a = random.normal(size=(n, count, stride)).astype(np.float32)
    b = random.normal(size=(n, count + 1, LANES)).astype(np.float32)
    c = np.full((rows + 1, LANES), 9, np.float32)
    next_a, next_b = count * stride, (count + 1) * LANES
    matrix.transposed_product(
        rows, vectors, address(a), stride, next_a, address(b), LANES, next_b, count, n, address(c), LANES
    )
    expected = np.einsum("tkr,tkl->rl", a[:, :, :rows], b[:, :count, :lanes])
    np.testing.assert_allclose(c[:rows, :lanes], expected, rtol=1e-5, atol=1e-5)
    assert (c[rows] == 9).all()
    assert (c[:, lanes:] == 9).all()


@SIZES
@pytest.mark.parametrize("vectors", [1, 2, 3, 4, 5, 7])
def test_outer_product(rows: int, count: int, vectors: int) -> None:
    random = np.random.default_rng(1)
    columns, n = vectors * WIDTH, 2
    a = random.normal(size=(n, rows, count)).astype(np.float32)
    b = random.normal(size=(n, count, columns)).astype(np.float32)
    c = random.normal(size=(rows, columns + 4)).astype(np.float32)
    expected = c.copy()
    expected[:, :columns] += np.einsum("trk,tkc->rc", a, b)
    matrix.outer_product(
        rows,
        columns,
        address(a),
        count,
        rows * count,
        address(b),
        columns,
        count * columns,
        count,
        n,
        address(c),
        columns + 4,
    )
    np.testing.assert_allclose(c, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("vectors", [*range(1, 10), 15, 16, 17, 26])
@pytest.mark.parametrize("n", [0, 1, 3, 7, 16, 30])
@pytest.mark.parametrize("backwards", [0, 1])
def test_affine(vectors: int, n: int, backwards: int) -> None:
    random = np.random.default_rng(1)
    columns = vectors * WIDTH
    # with a row that no input meets
    weights = random.normal(size=(1 + n + 1, columns)).astype(np.float32)
    x, start = (random.normal(size=size).astype(np.float32) for size in (n + 1, columns))
    y = np.full(columns + WIDTH, 9, np.float32)
    panels = np.zeros(weights.size, np.float32)
    Panels(0, columns, RowsOfWeights(0, 1, columns), RowsOfWeights(columns, n + 1, columns)).fill(
        weights.ravel(), panels
    )
    matrix.affine(vectors, address(start), address(panels), len(weights), address(x), n, address(y), backwards)
    expected = start + weights[0] + x[:n] @ weights[1 : n + 1]
    np.testing.assert_allclose(y[:columns], expected, rtol=1e-5, atol=1e-5)
    assert (y[columns:] == 9).all()


@pytest.mark.parametrize("columns", [1, WIDTH, 5 * WIDTH + 3, 9 * WIDTH, 15 * WIDTH - 1, 16 * WIDTH, 26 * WIDTH])
def test_panels(columns: int) -> None:
    widths = [width * WIDTH for width in panel_widths(vectors_of(columns))]
    assert sum(widths) == vectors_of(columns) * WIDTH
    assert max(widths) <= MOST * WIDTH
    flat = np.arange(1, 1 + 7 * (columns + 2), dtype=np.float32)
    rows = flat.reshape(7, -1)
    packed = np.zeros(3 + 4 * sum(widths), np.float32)
    panels = Panels(
        3,
        columns,
        RowsOfWeights(1 + 2 * (columns + 2), 1, columns + 2),
        RowsOfWeights(3 * (columns + 2), 3, columns + 2),
    )
    assert panels.rows == 4
    panels.fill(flat, packed)
    expected = np.zeros((4, sum(widths)), np.float32)
    expected[:, :columns] = [rows[2, 1:-1], *rows[3:6, :-2]]
    parts = np.split(expected, np.cumsum(widths)[:-1], axis=1)
    assert packed.tolist() == [0, 0, 0, *np.concatenate([part.ravel() for part in parts]).tolist()]
