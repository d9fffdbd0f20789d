from __future__ import annotations

import copy
import json
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import Model, read_weights
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.metadata import carried_text
from pytmva_rnn.export.pytorch import freeze_candidate_bias, from_torch, save_torch, to_torch
from pytmva_rnn.export.pytorch.torch_writing import EXTRA_STATE, state_arrays
from pytmva_rnn.network.network import Network
from tests.reference import CASES, Case, quickly

READER = Path(__file__).parent / "data" / "reader"
EXPRESSIBLE = quickly([case for case in CASES if case != "remember_state"])
CHAINS = ["chain_D_G", "chain_N_P_U", "regression_U_N_two_targets", "multiclass_G", "layout_one_step"]

torch: Any = pytest.importorskip("torch")


def text(model: Model, folder: Path) -> bytes:
    path = folder / "text.xml"
    model.save(path)
    return path.read_bytes()


def tensor(X: Any) -> Any:
    return torch.from_numpy(np.asarray(X, np.float32)[:50])


@pytest.mark.parametrize("case", EXPRESSIBLE)
def test_the_same_scores_and_the_same_file_again(case: str, tmp_path: Path) -> None:
    model, x = Case(case).model, tensor(Case(case).data["X"])
    network = to_torch(model)
    with torch.no_grad():
        np.testing.assert_allclose(network(x).numpy().squeeze(), model.predict(x.numpy()), rtol=0, atol=2e-6)
    assert text(from_torch(network), tmp_path) == text(model, tmp_path)
    plain = {"LastStep", "SymmetricReLU", "GaussActivation", "GRUResetBefore"}
    own = {type(layer).__name__ for layer in network.layers if not type(layer).__module__.startswith("torch.nn")}
    assert own <= plain
    assert ("GRUResetBefore" in own) == any(getattr(layer, "reset_gate_after", True) is False for layer in model.layers)


@pytest.mark.parametrize("case", CHAINS)
def test_transformations_with_all_digits(case: str, tmp_path: Path) -> None:
    model = read_weights(READER / case / "weights.xml")
    X = np.load(READER / case / "data.npz")["X"].astype(np.float32)[:200]
    X.reshape(len(X), -1)[3:6, 1] = np.nan, np.inf, -np.inf
    network = Network(model, "reference")
    chained = network.chain(X.reshape(len(X), -1).astype(np.float64))
    wanted = network.predict(chained.reshape(len(X), *model.event_shape)).reshape(len(X), -1)
    wanted = network.targets_back(wanted) if network.targets_back else wanted
    if model.analysis == "Classification":
        wanted[np.isnan(wanted)] = -999
    double = to_torch(model, dtype=torch.float64)
    with torch.no_grad():
        np.testing.assert_allclose(double(torch.from_numpy(X).double()).numpy(), wanted, rtol=1e-10, atol=1e-10)
        # what is in double precision for TMVA stays so
        of_halves = copy.deepcopy(double).half().double().transformations(torch.from_numpy(chained)).numpy()
        np.testing.assert_array_equal(of_halves, double.transformations(torch.from_numpy(chained)).numpy())
    assert text(from_torch(double), tmp_path) == text(model, tmp_path)


def test_a_network_that_remembers_is_refused() -> None:
    with pytest.raises(DataError, match=r"layer 0 \(LSTM\): with RememberState scores depend on the events before"):
        to_torch(Case("remember_state").model)


@pytest.mark.parametrize("case", ["lstm_sequence", "gru_after_last", "gru_before_sequence", "rnn_last", "stacked"])
def test_gradients_are_those_of_the_reference(case: str) -> None:
    model, data = Case(case).model, Case(case).data
    X, y = data["X"][:8].astype(np.float64), data["y"][:8].reshape(8, -1).astype(np.float64)
    network = to_torch(model, dtype=torch.float64).train()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(
        network.raw_outputs(torch.from_numpy(X)), torch.from_numpy(y)
    )
    loss.backward()
    wanted, gradients = Network(model, "reference").loss_and_gradients(X, y)
    assert loss.item() == pytest.approx(wanted, abs=1e-10)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.grad)
        for name, values in network.named_parameters():
            if "bias_hh" in name:  # both biases have the gradient of the sum
                values.zero_()
    for number, layer in enumerate(from_torch(network).layers):
        for name, values in layer.weights.items():
            np.testing.assert_allclose(values, gradients[number][name].reshape(values.shape), rtol=0, atol=1e-10)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("case", ["dense_activations", "batch_norm", "gru_before_sequence", "multiclass_softmax"])
def test_files_bring_the_same_file_again(case: str, suffix: str, tmp_path: Path) -> None:
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    path, model = tmp_path / f"network{suffix}", Case(case).model
    save_torch(model, path)
    assert text(from_torch(path), tmp_path) == text(model, tmp_path)
    network = to_torch(model)
    for parameter in network.parameters():
        parameter.data.zero_()
    state = from_torch_state(path)
    network.load_state_dict(state)
    assert text(from_torch(network.state_dict()), tmp_path) == text(model, tmp_path)


def from_torch_state(path: Path) -> Any:
    if path.suffix == ".pt":
        return torch.load(path, weights_only=True)
    from safetensors.torch import load_file

    return load_file(path)


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ends in .safetensors or .pt, found '.bin'"):
        save_torch(Case("lstm_last").model, tmp_path / "a.bin")
    with pytest.raises(DataError, match="expected a name that ends in"):
        from_torch(tmp_path / "a.bin")


def test_after_a_training_elsewhere_the_distributions_of_scores_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    network = to_torch(read_weights(READER / "mva_pdfs" / "weights.xml"))
    assert from_torch(network).mva_pdfs
    next(network.layers.parameters()).data[0, 0] += 0.1
    assert not from_torch(network).mva_pdfs
    assert "the distributions of the scores (CreateMVAPdfs) were those of other weights" in caplog.text


def test_what_a_file_says_is_not_said_twice(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="TorchNetwork: it says itself what variables are; leave that out"):
        from_torch(to_torch(Case("lstm_last").model), variables=["x"])
    with pytest.raises(DataError, match="TorchNetwork: it says itself what layout is; leave that out"):
        from_torch(to_torch(Case("lstm_last").model), layout="LINEAR")


def test_modules_are_copied_and_pickled_whole() -> None:
    network = to_torch(Case("gru_after_last").model)
    x = tensor(Case("gru_after_last").data["X"])
    with torch.no_grad():
        for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
            assert torch.equal(other(x), network(x))


class TestCandidateBias:
    @pytest.mark.parametrize("layers", [1, 2])
    def test_it_stays_zero_and_everything_else_learns(self, layers: int) -> None:
        torch.manual_seed(3)
        gru = freeze_candidate_bias(torch.nn.GRU(3, 4, num_layers=layers, batch_first=True))
        for network in (gru, copy.deepcopy(gru), pickle.loads(pickle.dumps(gru))):
            before = {name: values.clone() for name, values in network.named_parameters()}
            for _ in range(3):
                network.zero_grad()
                network(torch.randn(5, 6, 3))[0].square().sum().backward()
                for values in network.parameters():
                    values.data -= 0.1 * (values.grad + 0.01 * values.data)
            for level in range(layers):
                bias = getattr(network, f"bias_hh_l{level}")
                assert (bias[8:] == 0).all()
                assert (bias[:8] != before[f"bias_hh_l{level}"][:8]).all()

    def test_another_module_is_refused(self) -> None:
        with pytest.raises(DataError, match=r"expected a torch.nn.GRU, found a LSTM"):
            freeze_candidate_bias(torch.nn.LSTM(3, 4))


class Harmful:
    """What a pickle may do to who loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_nothing_in_a_pickle_is_run(tmp_path: Path) -> None:
    torch.save({"layers.0.weight": Harmful(tmp_path / "harm")}, tmp_path / "a.pt")
    with pytest.raises(DataError, match=r"a.pt: it holds no .*load failed\. Of a pickle nothing but tensors is"):
        from_torch(tmp_path / "a.pt")  # and no word of PyTorch's about weights_only=False
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_damaged_files_give_our_errors(suffix: str, tmp_path: Path) -> None:
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    path, damaged = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    save_torch(Case("rnn_last").model, path)
    content = path.read_bytes()
    random = np.random.default_rng(4)
    told = 0
    for number in range(120):
        change = bytearray(content)
        if number % 3 == 0:
            change = change[: random.integers(0, len(content))]
        else:
            for place in random.integers(0, len(content) if number % 3 == 1 else 2000, 4):
                change[place] ^= 1 << random.integers(0, 8)
        damaged.write_bytes(change)
        with suppress(DataError):
            from_torch(damaged)
            continue
        told += 1
    assert told > 60


def test_damaged_metadata_is_told() -> None:
    model = Case("rnn_last").model
    arrays = state_arrays(model)
    for wrong in (b"{}", b"\xff", json.dumps({**json.loads(carried_text(model)), "layers": []}).encode()):
        with pytest.raises(DataError, match="the state dict: "):
            from_torch({**arrays, EXTRA_STATE: np.frombuffer(wrong, np.uint8)})
    del arrays["layers.0.weight_ih_l0"]
    with pytest.raises(DataError, match=r"the state dict: layers.0: expected the array weight_ih_l0"):
        from_torch(arrays)
