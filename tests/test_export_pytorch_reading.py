from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.export.pytorch import freeze_candidate_bias, from_torch

torch: Any = pytest.importorskip("torch")
nn: Any = torch.nn

T, D, H = 5, 4, 6
NAMES = [f"x{k}" for k in range(T * D)]

HEADS: dict[str, Callable[[Any, Any], Any]] = {
    "last": lambda o, h: o[:, -1],
    "h": lambda o, h: (h[0] if isinstance(h, tuple) else h)[-1],
    "flat": lambda o, h: o.reshape(len(o), -1),
    "cell": lambda o, h: h[1][-1],
    "mean": lambda o, h: o.mean(1),
    "by feature": lambda o, h: o.transpose(1, 2).flatten(1),
    "first": lambda o, h: o[:, 0],
}


class Net(nn.Module):  # type: ignore[misc]
    """As people write them: functions between modules, dropout, batch normalisation."""

    def __init__(self, kind: str = "LSTM", head: str = "last", end: Any = torch.sigmoid, **options: Any) -> None:
        super().__init__()
        torch.manual_seed(11)
        outputs = options.pop("outputs", 1)
        self.middle = options.pop("middle", torch.tanh)
        self.net = getattr(nn, kind)(D, H, **{"batch_first": True, **options})
        if kind == "GRU" and options.get("bias", True):
            freeze_candidate_bias(self.net)
        self.fc1 = nn.Linear(H * T if head in ("flat", "by feature") else H, 7)
        self.norm, self.drop, self.fc2 = nn.BatchNorm1d(7), nn.Dropout(0.4), nn.Linear(7, outputs)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)
        self.head, self.end = head, end

    def forward(self, x: Any) -> Any:
        time_first = not self.net.batch_first
        o, h = self.net(x.transpose(0, 1) if time_first else x)
        y = HEADS[self.head](o.transpose(0, 1) if time_first else o, h)
        return self.end(self.fc2(self.drop(self.norm(self.middle(self.fc1(y))))))


def read(module: Any, **arguments: Any) -> Any:
    return from_torch(module, **{"steps": T, "variables": NAMES, **arguments})


@pytest.mark.parametrize(
    ("module", "layout"),
    [
        (Net(), "LSTM|6|4|5|0|0,DENSE|7|TANH,BNORM|0.9|1e-05,DENSE|1|LINEAR"),
        (Net("GRU", "h", middle=torch.relu, num_layers=2), "GRU|6|4|5|0|1|1,GRU|6|6|5|0|0|1,DENSE|7|RELU,BNORM|"),
        (Net("RNN", "flat", bias=False, middle=nn.functional.softsign), "RNN|6|4|5|0|1,RESHAPE|FLAT,DENSE|7|SOFTSIGN"),
        (Net("LSTM", "flat", batch_first=False, end=lambda y: y.sigmoid().squeeze(-1)), "LSTM|6|4|5|0|1,RESHAPE|FLAT,"),
        (Net(middle=torch.abs).double(), "LSTM|6|4|5|0|0,DENSE|7|SYMMRELU,"),
        (Net("GRU").bfloat16(), "GRU|6|4|5|0|0|1,DENSE|7|TANH,"),
    ],
)
def test_recurrent_modules(module: Any, layout: str) -> None:
    module.train()
    before = {name: values.clone() for name, values in module.state_dict().items()}
    model = read(module)
    assert ",".join(layer.layout() for layer in model.layers).startswith(layout)
    assert (model.analysis, model.outputs, model.input_layout) == ("Classification", 1, (T, 1, D))
    # the module is as it was
    assert all(each.training for each in module.modules())
    assert all(torch.equal(values, before[name]) for name, values in module.state_dict().items())
    x = torch.randn(40, T, D)
    with torch.no_grad():
        scores = module.eval().float()(x).numpy().reshape(-1)
    np.testing.assert_allclose(model.predict(x.numpy()), scores, rtol=0, atol=2e-6)


def test_the_analysis_says_what_logits_are() -> None:
    module = Net(end=nn.Identity(), outputs=3).eval()
    x = torch.randn(9, T, D)
    with torch.no_grad():
        raw = module(x)
    for analysis, wanted in (("regression", raw), ("multiclass", raw.softmax(1))):
        np.testing.assert_allclose(read(module, analysis=analysis).predict(x.numpy()), wanted.numpy(), atol=2e-6)
    with pytest.raises(DataError, match="which may be any analysis; give"):
        read(module)


def test_networks_without_time() -> None:
    layers = [nn.Linear(20, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3), nn.Softmax(-1)]
    module = nn.Sequential(nn.Flatten(), *layers).eval()
    module[2].running_mean.normal_()
    model = read(module, steps=None)
    # the batch normalisation stands before the activation, where TMVA has none: it is in the dense layer
    assert [layer.layout() for layer in model.layers] == ["DENSE|8|RELU", "DENSE|3|LINEAR"]
    assert (model.analysis, model.event_shape) == ("Multiclass", (1, 20))
    x = torch.randn(40, 20)
    with torch.no_grad():
        np.testing.assert_allclose(model.predict(x.numpy()), module(x).numpy(), rtol=0, atol=2e-6)


class Calls(nn.Module):  # type: ignore[misc]
    """A network whose forward is a function of its layers."""

    def __init__(self, forward: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.net, self.a, self.b, self.c = (
            nn.LSTM(D, H, batch_first=True),
            nn.Linear(H, H),
            nn.Linear(H, H),
            nn.Linear(H, 1),
        )
        self.call = forward

    def forward(self, x: Any) -> Any:
        return self.call(self, x)


def last_filled(sequence: Any, x: Any) -> Any:
    """The outputs of the last step that is not filled up with zeros."""
    steps = (x != 0).any(2).sum(1)
    return sequence[torch.arange(len(x)), steps.clamp(min=1) - 1]


def unequal_gru() -> Any:
    module = Net()
    module.net = nn.GRU(D, H, batch_first=True)
    with torch.no_grad():
        module.net.bias_hh_l0[2 * H] = -7.5
    return module


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        (
            Net(head="cell"),
            "Net, net: what Net, fc1 makes of its output is neither the sequence, its last step",
        ),
        (Net(head="mean"), "Net, net: what Net, fc1 makes of its output is neither"),
        (Net(head="by feature"), "Net, net: what Net, fc1 makes of its output is neither"),
        (Net(head="first"), "Net, net: what Net, fc1 makes of its output is neither"),
        (Net(middle=nn.functional.gelu), "Net, fc1: what Net, norm makes of its output is neither"),
        (Net(end=lambda y: y.sigmoid() * 2), "Net, fc2: what the end of Net makes of its output is neither"),
        (Net(end=lambda y: (y, y)), "Net: expected one tensor of outputs, found a tuple"),
        (Net("RNN", nonlinearity="relu"), "Net, net: its nonlinearity is relu; TMVA's RNN has tanh"),
        (Net("LSTM", bidirectional=True), "Net, net: it is bidirectional; TMVA's layers run forward only"),
        (Net("LSTM", proj_size=3), r"Net, net: it has a projection \(proj_size\)"),
        (unequal_gru(), "Net, net: expected a recurrent bias of the candidate of 0 .*found up to -7.5"),
        (nn.Sequential(nn.Linear(20, 4), nn.LayerNorm(4), nn.Linear(4, 1)), "Sequential, 1: a LayerNorm with weights"),
        (nn.Sequential(nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 1)), "Sequential, 0: RELU follows a layer BNORM"),
        (nn.Sequential(nn.Linear(20, 4), nn.BatchNorm1d(4, track_running_stats=False)), "no running statistics"),
        (nn.Sequential(nn.LazyLinear(20)), "Sequential, 0: its weights have no shape yet"),
        (nn.Sequential(nn.Tanh()), "Sequential: it has no LSTM, GRU, RNN or Linear"),
        (Calls(lambda m, x: m.c(m.net(2 * x)[0][:, -1])), "Calls, net: it is not given the events as they are"),
        (
            Calls(lambda m, x: m.c(m.a(m.net(x)[0]).flatten(1)[:, -H:])),
            "Calls, a: it works on every step of",
        ),
        (Calls(lambda m, x: m.c(m.a(m.a(m.net(x)[0][:, -1])))), "Calls, a: it is used more than once"),
        (
            Calls(lambda m, x: m.c(m.b(y := m.a(m.net(x)[0][:, -1])) + y)),
            "Calls, b: what Calls, c makes of its output is neither",
        ),
        (
            Calls(lambda m, x: m.c(m.net(x, (torch.ones(1, len(x), H), torch.zeros(1, len(x), H)))[0][:, -1])),
            "Calls, net: it starts from a state other than zero",
        ),
        (Calls(lambda m, x: m.c(m.net(x[0])[0])), "Calls, net: expected batches of sequences of one length"),
        # what does something else with few events only: with large numbers, and with what stands for missing ones
        (Calls(lambda m, x: m.c(m.net(x.clamp(-20, 20))[0][:, -1])), "Calls, net: it is not given the events.*large"),
        (Calls(lambda m, x: m.c(m.net(torch.where(x < -900, 0.0, x))[0][:, -1])), "it is not given the events.*-999"),
        (Calls(lambda m, x: m.c(last_filled(m.net(x)[0], x))), "Calls, net: what Calls, c makes of.*steps that are 0"),
        (Calls(lambda m, x: m.c(m.net(x)[0][:, -1] * (x[:, -1] != 0).any(1, True))), "Calls, net: what Calls, c makes"),
        (Net(middle=nn.functional.relu6), "Net, fc1: what Net, norm makes of its output is neither.*large numbers"),
        (Calls(lambda m, x: m.c(x)), "Calls: it cannot be run on events"),
        (Calls(lambda m, x: x), "Calls: it calls none of its layers"),
        (3, "expected a torch.nn.Module, a state dict or a path, found a int"),
    ],
)
def test_what_has_no_equal_in_tmva(module: Any, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        read(module, analysis="classification")


def test_a_recurrent_module_does_not_tell_its_steps() -> None:
    with pytest.raises(DataError, match="give steps=T"):
        read(Net(), steps=None)


class TestStateDict:
    LAYOUT = "LSTM|6|4|5|0|1,LSTM|6|6|5|0|0,DENSE|7|TANH,BNORM|-1|1e-05,LINEAR"

    def read(self, state: Any, layout: str, **arguments: Any) -> Any:
        return from_torch(state, layout=layout, variables=NAMES, analysis="classification", **arguments)

    def test_with_the_layout(self) -> None:
        module = Net(num_layers=2).eval()
        model = self.read(module.state_dict(), self.LAYOUT)
        x = torch.randn(20, T, D)
        with torch.no_grad():
            np.testing.assert_allclose(model.predict(x.numpy()), module(x).numpy()[:, 0], rtol=0, atol=2e-6)
        checkpoint = {"epoch": 3, "model_state_dict": module.state_dict(), "optimizer": {"lr": 0.1}}
        again = self.read(checkpoint, self.LAYOUT, order=["net", "fc1", "norm", "fc2"])
        assert (again.predict(x.numpy()) == model.predict(x.numpy())).all()

    def test_equal_shapes_need_an_order(self) -> None:
        layers = [nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)]
        module = nn.Sequential(*layers, nn.Sigmoid())
        layout = "RELU|8,TANH|8,TANH|8,LINEAR"
        with pytest.raises(DataError, match="2 and 4 have the same shapes, and a state dict does not tell which comes"):
            self.read(module.state_dict(), layout)
        model = self.read(module.state_dict(), layout, order=["0", "2", "4", "6"])
        x = torch.randn(20, 20)
        with torch.no_grad():
            np.testing.assert_allclose(model.predict(x.numpy()), module(x).numpy()[:, 0], rtol=0, atol=2e-6)

    @pytest.mark.parametrize(
        ("options", "layout", "order", "problem"),
        [
            ({}, "LSTM|6|4|5,DENSE|7,BNORM|-1,LINEAR", None, "does not tell the epsilon of a batch normalisation"),
            (
                {},
                "LSTM|6|4|5,DENSE|7,LINEAR",
                None,
                "the layout has 3 layers with weights, the state dict 4: net,",
            ),
            (
                {},
                "LSTM|6|4|5,DENSE|8,BNORM|-1|1e-5,LINEAR",
                None,
                "no arrays have the shapes of DENSE|8|TANH; there",
            ),
            ({}, "RNN|6|4|5,DENSE|7,BNORM|-1|1e-5,LINEAR", None, "no arrays have the shapes of RNN|6|4|5|0|0"),
            ({}, "LSTM|6|4|5,DENSE|7,BNORM|-1|1e-5,LINEAR", ["net", "fc2", "norm", "fc1"], "fc2 has not the shapes"),
            (
                {},
                "LSTM|6|4|5,DENSE|7,BNORM|-1|1e-5,LINEAR",
                ["net", "fc"],
                "each once, found 'fc'; there are",
            ),
            ({}, "LSTM|6|4|5|1,DENSE|7,BNORM|-1|1e-5,LINEAR", None, "PyTorch's layers remember no state"),
            (
                {"kind": "GRU"},
                "GRU|6|4|5,DENSE|7,BNORM|-1|1e-5,LINEAR",
                None,
                "in the layout, GRU|6|4|5|0|0|1",
            ),
            ({"bidirectional": True}, "LSTM|6|4|5", None, "weight_ih_l0_reverse: a bidirectional layer"),
            ({"proj_size": 2}, "LSTM|6|4|5", None, "weight_hr_l0: an LSTM with a projection"),
        ],
    )
    def test_what_does_not_fit(self, options: Any, layout: str, order: Any, problem: str) -> None:
        with pytest.raises(DataError) as caught:
            self.read(Net(**options).state_dict(), layout, order=order)
        assert problem in str(caught.value)

    def test_steps_that_are_not_those_of_the_layout(self) -> None:
        with pytest.raises(DataError, match="the state dict: the layout has 5 steps, found steps=7"):
            self.read(Net(num_layers=2).state_dict(), self.LAYOUT, steps=7)

    def test_without_a_layout(self) -> None:
        with pytest.raises(DataError, match="has the weights and not what happens between them; say it with"):
            from_torch(Net().state_dict())
        with pytest.raises(OptionError, match="CONV"):
            self.read(Net().state_dict(), "CONV|3")
        with pytest.raises(DataError, match="layout and order are for a state dict"):
            from_torch(Net(), layout="LINEAR")

    @pytest.mark.parametrize(
        ("state", "problem"),
        [
            ({"fc.weight": 3}, "the state dict, fc.weight: expected a tensor, found a int"),
            ({"fc.weight": torch.zeros(3, 3).to_sparse()}, "the state dict, fc.weight: expected a dense tensor"),
            ({"fc.weight": torch.zeros(3, 3, dtype=torch.complex64)}, "expected real numbers, found complex64"),
            ({"conv.scale": torch.zeros(3, 3)}, "conv.scale: an array of none of TMVA's layers"),
            ({"fc.weight": torch.full((1, 20), torch.nan)}, "expected finite float32 numbers"),
            ({}, "the state dict: it has no arrays"),
        ],
    )
    def test_what_is_no_state_dict(self, state: Any, problem: str) -> None:
        with pytest.raises(DataError) as caught:
            self.read(state, "LINEAR")
        assert problem in str(caught.value)
