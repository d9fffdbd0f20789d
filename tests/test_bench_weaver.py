"""What the comparison with weaver gives to the other side, and how it counts; weaver itself is not installed here."""

from __future__ import annotations

import sys
from pathlib import Path

import bench_weaver
import numpy as np
import pytest
import uproot

from pytmva_rnn import Dataset


def test_jets_are_lists_with_a_label_for_each_class(tmp_path: Path) -> None:
    X = np.random.default_rng(1).normal(size=(4, 3, 2)).astype(np.float32)
    bench_weaver.write_jets(tmp_path / "jets.root", Dataset.from_arrays(X, [1, 0, 0, 1]), ["pt", "eta"])
    jets = uproot.open(tmp_path / "jets.root")["tree"].arrays()
    np.testing.assert_array_equal(jets["eta"], X[:, :, 1])
    assert jets["pt"].typestr == "4 * var * float32"
    # the events of a Dataset stand class after class
    assert jets["quark"].tolist() == [1 - gluon for gluon in jets["gluon"].tolist()]
    assert sum(jets["quark"]) == 2
    assert jets["number"].tolist() == [0, 1, 2, 3]


def test_the_network_is_python_that_names_all_that_weaver_asks_for() -> None:
    names: dict[str, object] = {}
    pytest.importorskip("torch")
    exec(compile(bench_weaver.NETWORK.format(inputs=6), "network.py", "exec"), names)
    assert {"get_model", "get_loss"} <= set(names)


def test_the_time_of_all_processes_counts_and_a_failure_is_told(tmp_path: Path) -> None:
    work = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(10**7))'], check=True)"
    processor, clock = bench_weaver.timed([sys.executable, "-c", work], tmp_path)
    assert processor > 0.05
    assert clock > 0
    with pytest.raises(SystemExit, match="ended with 3:\nno such luck"):
        bench_weaver.timed(
            [sys.executable, "-c", "import sys; print('no such luck', file=sys.stderr); sys.exit(3)"], tmp_path
        )
