"""A GRU that is trained in PyTorch, and booked in a Reader: TMVA's toy data, with the loop that PyTorch's users write.

Run it with `python examples/pytorch.py`; PyTorch is needed. C++ TMVA reads the weight file as `pytmva_rnn.tmva` does.
"""

from __future__ import annotations

import argparse
import runpy
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from pytmva_rnn import extras
from pytmva_rnn.data import Recipe, Source, load, split
from pytmva_rnn.export.pytorch import freeze_candidate_bias, from_torch
from pytmva_rnn.report import roc_integral
from pytmva_rnn.tmva import Reader

torch: Any = extras.torch()

TOOL = Path(__file__).parents[1] / "tools" / "make_time_data.py"
STEPS, INPUTS = 10, 30
EXPRESSIONS = [f"(vars_time{step}-33)/13" for step in range(STEPS)]
"""Scaled in their expressions, which the weight file keeps: so nobody can give the network others."""


class Classifier(torch.nn.Module):  # type: ignore[misc]  # PyTorch has no types here
    """All states of a GRU, side by side, and two dense layers; it returns logits."""

    def __init__(self) -> None:
        super().__init__()
        # TMVA's GRU has no recurrent bias of its candidate: it is kept at zero
        self.gru = freeze_candidate_bias(torch.nn.GRU(INPUTS, 10, batch_first=True))
        self.hidden = torch.nn.Linear(STEPS * 10, 32)
        self.output = torch.nn.Linear(32, 1)

    def forward(self, x: Any) -> Any:
        states, _ = self.gru(x)
        return self.output(torch.tanh(self.hidden(states.flatten(1))))


def run(folder: Path, events: int, epochs: int) -> tuple[float, float]:
    """Train, write the weight file to `folder`, and score with it; the ROC integral, and the largest difference."""
    file = folder / "time_data.root"
    runpy.run_path(str(TOOL))["write_time_data"](file, events, STEPS, INPUTS, 1234)
    recipe = Recipe.from_dict({"variables": [{"expression": text, "size": INPUTS} for text in EXPRESSIONS]})
    sources = {"Signal": Source((str(file),), "sgn"), "Background": Source((str(file),), "bkg")}
    training, test = split(load(recipe, sources), "SplitMode=Random:NormMode=None:!V")

    torch.manual_seed(1234)
    torch.set_num_threads(1)  # layers as small as these are done before a second thread has begun
    network = Classifier()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    loss = torch.nn.BCEWithLogitsLoss()
    x = torch.from_numpy(training.X).reshape(-1, STEPS, INPUTS)
    y = torch.from_numpy(np.asarray(training.y, np.float32)).reshape(-1, 1)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(100):
            optimizer.zero_grad()
            loss(network(x[batch]), y[batch]).backward()
            optimizer.step()

    # the module ends with logits: as a classification, TMVA applies its sigmoid to them
    variables = recipe.variable_table(training.X)
    model = from_torch(network, steps=STEPS, variables=variables, analysis="classification", title="PyTorch_GRU")
    weights = folder / "TMVAClassification_PyTorch_GRU.weights.xml"
    model.save(weights)

    reader = Reader("!Color:Silent")
    arrays = [np.zeros(INPUTS, np.float32) for _ in range(STEPS)]
    for text, values in zip(EXPRESSIONS, arrays, strict=True):
        reader.AddVariable(text, values)
    reader.BookMVA("GRU", weights)
    scores = np.empty(len(test.X))
    for number, event in enumerate(test.X.reshape(-1, STEPS, INPUTS)):
        for values, of_step in zip(arrays, event, strict=True):
            values[:] = of_step
        scores[number] = reader.EvaluateMVA("GRU")

    network.eval()
    with torch.inference_mode():
        theirs = torch.sigmoid(network(torch.from_numpy(test.X).reshape(-1, STEPS, INPUTS))).numpy()[:, 0]
    return roc_integral(test.y, scores, test.weights), float(np.abs(scores - theirs).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--folder", type=Path, help="where data and weight file stay (default: nowhere)")
    parser.add_argument("--events", type=int, default=4000, help="events of each class")
    parser.add_argument("--epochs", type=int, default=15)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        integral, difference = run(given.folder or Path(temporary), given.events, given.epochs)
    print(f"ROC integral on the test sample: {integral:.4f}")
    print(f"largest difference of the Reader's scores from PyTorch's: {difference:.2g}")


if __name__ == "__main__":
    main()
