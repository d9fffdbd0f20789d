from __future__ import annotations

import re

import pytest

from pytmva_rnn.cli import main
from pytmva_rnn.errors import BackendError
from pytmva_rnn.network import devices, network
from pytmva_rnn.selftest import run_trials
from pytmva_rnn.selftest import trials as trials_module
from pytmva_rnn.selftest.backpropagation import SHAPES


@pytest.mark.parametrize("backend", ["cpu", pytest.param("reference", marks=pytest.mark.slow)])
def test_a_sound_machine(backend: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(trials_module, "SHAPES", list(SHAPES)[:3])  # tests/tmva has them all
    assert main(["selftest", "--backend", backend]) == 0
    first, *lines, last = capsys.readouterr().out.splitlines()
    trials = [line for line in lines if line.startswith("---")]
    assert f"backend {backend} on " in first
    assert len(trials) == 8 + 4 * 3
    assert all(re.match(r"--- Test(FullRNN|RecurrentBackpropagation) .*: .* \(OK\)$", trial) for trial in trials)
    assert last.startswith(f"{len(trials)} trials came out right, 0 did not, in ")


def test_a_gradient_that_is_off_is_noticed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    right = network.Network.loss_and_gradients

    def wrong(self: network.Network, *arguments: object) -> object:
        loss, gradients = right(self, *arguments)  # type: ignore[arg-type]
        if self.backend == "cpu":
            gradients[0] = {name: 1.0001 * gradient for name, gradient in gradients[0].items()}
        return loss, gradients

    monkeypatch.setattr(network.Network, "loss_and_gradients", wrong)
    assert main(["selftest"]) == 1
    assert "8 trials came out right, 32 did not" in capsys.readouterr().out


def test_an_error_fails_its_trial_and_not_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, *arguments: object) -> object:
        raise RuntimeError("no such instruction\nat all")

    monkeypatch.setattr(network.Network, "loss_and_gradients", broken)
    found = [trial for trial in run_trials("cpu") if not trial.passed]
    assert {trial.found for trial in found} == {"RuntimeError: no such instruction"}
    assert len(found) == 32


def test_a_backend_that_is_not_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(devices, "cuda_problem", lambda: BackendError("no NVIDIA GPU was found"))
    assert main(["selftest", "--backend", "cuda"]) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", "pytmva-rnn: error: no NVIDIA GPU was found\n")
