from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn import parse_options, read_weights
from pytmva_rnn.description import GRU, LSTM, BatchNorm, Dense, Layer
from pytmva_rnn.training.initialization import initial_weights

REFERENCE = Path(__file__).parent / "data" / "reference"
CASES = sorted(folder.name for folder in REFERENCE.iterdir() if folder.is_dir())


def uniforms(seed: int, count: int) -> NDArray[np.float64]:
    """The numbers of TRandom3, straight from NumPy's Mersenne twister."""
    bits = np.random.MT19937(0)
    bits._legacy_seeding(seed)
    return bits.random_raw(count) * 2.0**-32


@pytest.mark.parametrize("case", CASES)
def test_the_seed_gives_the_weights_of_tmva(case: str) -> None:
    options = parse_options(json.loads((REFERENCE / case / "training.json").read_text())["options"])
    layers = read_weights(REFERENCE / case / "initial.xml").layers
    for layer, drawn in zip(
        layers, initial_weights(layers, options.weight_initialization, options.random_seed), strict=True
    ):
        assert drawn.keys() == layer.weights.keys()
        for name, values in drawn.items():
            assert values.dtype == np.float32
            np.testing.assert_allclose(values, layer.weights[name], rtol=0, atol=1e-8, err_msg=name)


@pytest.mark.parametrize(("name", "limit"), [("UNIFORM", np.sqrt(2 / 40)), ("XAVIERUNIFORM", np.sqrt(6 / (30 + 40)))])
def test_uniform_weights_fill_column_after_column(name: str, limit: float) -> None:
    (weights,) = initial_weights([Dense(30, 40)], name, 5)
    r = float(np.float32(limit))
    expected = (-r + 2 * r * uniforms(5, 30 * 40)).astype(np.float32).reshape((30, 40), order="F")
    np.testing.assert_array_equal(weights["W"], expected, strict=True)
    assert weights["W"].flags.c_contiguous


def test_one_stream_runs_through_all_matrices_in_tmvas_order() -> None:
    layers: list[Layer] = [GRU(2, 3, 4), BatchNorm(2), Dense(1, 2)]
    weights = initial_weights(layers, "UNIFORM", 11)
    u = uniforms(11, 3 * 2 * 3 + 3 * 2 * 2 + 2)
    names = [(0, n, (2, 3)) for n in ("W_r", "W_z", "W_c")] + [(0, n, (2, 2)) for n in ("U_r", "U_z", "U_c")]
    for number, name, (m, n) in [*names, (2, "W", (1, 2))]:
        r = float(np.float32(np.sqrt(2 / n)))
        drawn, u = u[: m * n], u[m * n :]
        expected = (-r + 2 * r * drawn).astype(np.float32).reshape((m, n), order="F")
        np.testing.assert_array_equal(weights[number][name], expected, err_msg=name)
    assert len(u) == 0


def test_gauss() -> None:
    (weights,) = initial_weights([Dense(300, 200)], "GAUSS", 3)
    values = weights["W"] / np.sqrt(2 / 200)
    assert abs(values.mean()) < 4 / np.sqrt(values.size)
    assert values.std() == pytest.approx(1, abs=0.01)
    # 4.55% lie outside of two standard deviations
    assert (np.abs(values) > 2).mean() == pytest.approx(0.0455, abs=0.004)


def test_xavier_is_cut_at_two_sigma() -> None:
    (weights,) = initial_weights([Dense(300, 200)], "XAVIER", 3)
    values = weights["W"] / np.sqrt(6 / 500)
    assert abs(values.mean()) < 4 / np.sqrt(values.size)
    assert 1.99 < np.abs(values).max() <= 2 + 1e-6
    # the standard deviation of a normal distribution cut at two sigma
    assert values.std() == pytest.approx(0.8796, abs=0.005)


def test_identity_and_zero() -> None:
    layers = [LSTM(3, 2, 4), Dense(2, 3)]
    lstm, dense = initial_weights(layers, "IDENTITY", 3)
    np.testing.assert_array_equal(lstm["W_c"], np.eye(3, 2, dtype=np.float32), strict=True)
    np.testing.assert_array_equal(lstm["U_o"], np.eye(3, dtype=np.float32), strict=True)
    np.testing.assert_array_equal(dense["W"], np.eye(2, 3, dtype=np.float32), strict=True)
    for layer, arrays in zip(layers, initial_weights(layers, "ZERO", 3), strict=True):
        assert {name: values.shape for name, values in arrays.items()} == layer.weight_shapes()
        assert not any(values.any() for values in arrays.values())


@pytest.mark.parametrize("name", ["XAVIER", "XAVIERUNIFORM", "GAUSS", "UNIFORM", "IDENTITY", "ZERO"])
def test_biases_start_at_zero_and_normalisation_at_nothing(name: str) -> None:
    lstm, norm, dense = initial_weights([LSTM(3, 2, 4), BatchNorm(3), Dense(2, 3)], name, 3)
    assert all(not lstm[f"b_{gate}"].any() for gate in "ifco")
    assert not dense["b"].any()
    for key, value in [("gamma", 1), ("beta", 0), ("mu", 0), ("variance", 1)]:
        np.testing.assert_array_equal(norm[key], np.full((1, 3), value, np.float32), strict=True)


def test_an_unknown_name_draws_nothing() -> None:
    with pytest.raises(ValueError, match="unknown initialization 'XAVIR'; choose one of GAUSS, UNIFORM,"):
        initial_weights([Dense(2, 3)], "XAVIR", 1)


def test_seeds() -> None:
    def drawn(seed: int) -> NDArray[np.float32]:
        return initial_weights([Dense(3, 4)], "XAVIER", seed)[0]["W"]

    np.testing.assert_array_equal(drawn(8), drawn(8))
    assert (drawn(8) != drawn(9)).all()
    assert (drawn(0) != drawn(0)).all()
