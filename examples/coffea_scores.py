"""Scores inside coffea: a processor that reads NanoAOD-like files and fills a histogram of a network's score.

    python examples/coffea_scores.py WEIGHTS.xml TREE FILES...

needs `pip install "pytmva_rnn[coffea]"`. Only the branches that the network's inputs are made of are read.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from coffea import processor
from coffea.nanoevents import BaseSchema

from pytmva_rnn import Model, read_weights

__all__ = ["ScoreProcessor", "main"]


class ScoreProcessor(processor.ProcessorABC):  # type: ignore[misc]
    """A histogram of the score for each data set.

    Parameters
    ----------
    model : Model
        Goes along to the workers with the processor.
    edges : sequence of float
        Of the bins.
    """

    def __init__(self, model: Model, edges: Any) -> None:
        self.model = model
        self.edges = np.asarray(edges)

    def process(self, events: Any) -> dict[str, Any]:
        """The events of a chunk."""
        scores = self.model.predict(events)
        counts, _ = np.histogram(scores, self.edges)
        return {events.metadata["dataset"]: {"events": len(scores), "counts": counts}}

    def postprocess(self, accumulator: dict[str, Any]) -> dict[str, Any]:
        """Nothing is left to be done."""
        return accumulator


def main(weights: str, tree: str, files: list[str]) -> dict[str, Any]:
    """Run on all cores; in place of FuturesExecutor there are those of dask and others."""
    runner = processor.Runner(
        executor=processor.FuturesExecutor(workers=2, status=False), schema=BaseSchema, chunksize=50_000
    )
    fileset = {"data": {"files": dict.fromkeys(files, tree)}}
    found: dict[str, Any] = runner(
        fileset, processor_instance=ScoreProcessor(read_weights(weights), np.linspace(0, 1, 21))
    )
    return found


if __name__ == "__main__":
    for name, result in main(sys.argv[1], sys.argv[2], sys.argv[3:]).items():
        print(f"{name}: {result['events']:,} events", *result["counts"])
