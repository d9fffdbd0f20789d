"""Scores on the workers of dask: every event once, whatever becomes of a worker; and collections that wait."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import Model, score_files, train_many, vary, write_weights
from pytmva_rnn.cli import main
from pytmva_rnn.data import Recipe
from pytmva_rnn.distributed import ScoredFiles
from pytmva_rnn.errors import DataError
from tests.test_cli_evaluate import model
from tests.test_distributed_score_files import RECIPE, statuses
from tests.test_distributed_trainings import OPTIONS, events
from tests.test_scores_scored_events import FLAT, write


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL
    )
    client = distributed.Client(cluster)
    try:
        yield client
    finally:
        client.close()
        with suppress(TimeoutError):  # on a busy machine workers take longer to end than they are given, and are killed
            cluster.close(timeout=120)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_a_worker_is_killed_in_the_middle(client: Any, tmp_path: Path) -> None:
    counts = {"a": 300_000, "b": 300_000, "c": 30, "d": 0, "e": 270_000}
    files = [write(tmp_path / f"{name}.root", n) for name, n in counts.items()]
    write_weights(model(RECIPE), tmp_path / "w.xml")
    found: list[ScoredFiles] = []

    def run() -> None:
        found.append(
            score_files(tmp_path / "w.xml", files, tmp_path / "out", client, keep=["run"], backend="reference")
        )

    pids = client.run(os.getpid)
    thread = threading.Thread(target=run)
    thread.start()
    while not list(tmp_path.glob("out/.*")):  # a file is half written
        assert thread.is_alive()
        time.sleep(0.005)
    os.kill(next(iter(pids.values())), signal.SIGKILL)
    thread.join()
    (result,) = found
    assert statuses(result) == ["scored"] * 5, str(result)
    assert result.events == sum(counts.values())
    assert not list(tmp_path.glob("out/.*"))
    for file, given in zip(result.files, files, strict=True):
        with uproot.open(file.output)["scores"] as friend, uproot.open(given)["t"] as tree:
            np.testing.assert_array_equal(friend["run"].array(), tree["run"].array())
            np.testing.assert_array_equal(friend["entry"].array(), np.arange(tree.num_entries))


def test_the_command_finds_the_scheduler(client: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_weights(model(RECIPE), tmp_path / "w.xml")
    path = write(tmp_path / "a.root", 5)
    command = ["evaluate", str(tmp_path / "w.xml"), path, "--folder", str(tmp_path / "out"), "--backend=reference"]
    assert main([*command, "--dask", client.scheduler.address]) == 0
    assert "1 of 1 files scored, 5 events" in capsys.readouterr().out
    Path(tmp_path / "scheduler.json").write_text("{}")
    assert main([*command, "--dask", str(tmp_path / "scheduler.json")]) == 1
    assert "that is no file of a dask scheduler" in capsys.readouterr().err
    assert main([*command, "--dask", "localhost"]) == 1
    assert "needed is tcp://host:8786" in capsys.readouterr().err


@pytest.fixture
def dask_awkward() -> Any:
    return pytest.importorskip("dask_awkward")


def needed(dask_awkward: Any, collection: Any) -> set[str]:
    (columns,) = dask_awkward.report_necessary_columns(collection).values()
    return set(columns)


def test_only_what_is_needed_of_a_file_is_read(dask_awkward: Any, tmp_path: Path) -> None:
    trained = model(RECIPE)
    path = write(tmp_path / "a.root", 20)
    scores = trained.predict(uproot.dask(f"{path}:t", steps_per_file=3), backend="reference")
    assert needed(dask_awkward, scores) == {"x", "y1"}
    np.testing.assert_array_equal(scores.compute(), trained.predict(f"{path}:t", backend="reference"))
    events = uproot.dask(f"{path}:t")
    chosen = events[events.run > 2**60 + 10]  # goes on as any array does
    assert needed(dask_awkward, trained.predict(chosen, backend="reference")) == {"x", "y1", "run"}
    assert len(trained.predict(chosen, backend="reference").compute()) == 9
    again = trained.predict(uproot.dask(f"{path}:t", steps_per_file=3), backend="reference")
    assert again.name == scores.name


def test_lists_and_members_wait_too(dask_awkward: Any) -> None:
    recipe = Recipe.from_dict({"sequence": {"inputs": {"pt": "Jet.pt", "eta": "Jet.eta / met"}, "steps": 3}})
    trained = model(recipe)
    random = np.random.default_rng(3)
    counts = random.integers(0, 5, 12)
    jets = {name: ak.unflatten(random.normal(size=counts.sum()), counts) for name in ("pt", "eta", "phi")}
    events = ak.Array({"Jet": ak.zip(jets), "met": np.arange(1, 13), "other": np.ones(12)})
    scores = trained.predict(dask_awkward.from_awkward(events, 4), backend="reference")
    assert str(scores.type) == "?? * float32" or scores.ndim == 1
    np.testing.assert_array_equal(scores.compute(), trained.predict(events, backend="reference"))
    empty = dask_awkward.from_awkward(events, 2)
    empty = empty[empty.met > 100]
    assert trained.predict(empty, backend="reference").compute().to_list() == []
    with pytest.raises(DataError, match=r"no field 'met' in the events; .*Jet"):
        trained.predict(dask_awkward.from_awkward(events[["Jet"]], 1))
    with pytest.raises(DataError, match="reads every entry once for each k of 1, 2: use score"):
        model(FLAT).predict(dask_awkward.from_awkward(events, 1))
    with pytest.raises(DataError, match="can be scored, not a Record"):
        trained.predict(dask_awkward.from_awkward(events, 1)[0])


def test_several_outputs_of_variables_that_have_names(dask_awkward: Any) -> None:
    trained = model(Recipe.from_dict({"variables": ["a", "b"]}), outputs=3, analysis="multiclass")
    trained = replace(trained, info=())
    columns = np.random.default_rng(4).normal(size=(7, 2)).astype(np.float32)
    named = dask_awkward.from_awkward(ak.Array({"b": columns[:, 1], "a": columns[:, 0], "c": columns[:, 0]}), 2)
    expected = trained.predict(columns, backend="reference")
    for given in (named, dask_awkward.from_awkward(ak.from_numpy(columns, regulararray=True), 2)):
        found = trained.predict(given, backend="reference")
        np.testing.assert_array_equal(found.compute(), expected)
        assert str(found.compute().type) == str(found.type).replace("##", "7").replace("??", "7")


@pytest.mark.slow
def test_the_example_of_coffea(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("coffea")
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "examples")
    import coffea_scores

    write_weights(model(RECIPE), tmp_path / "w.xml")
    trained = Model.load(tmp_path / "w.xml")
    files = [write(tmp_path / f"{name}.root", n) for name, n in (("a", 50), ("b", 80))]
    found = coffea_scores.main(str(tmp_path / "w.xml"), "t", files)
    expected = np.concatenate([trained.predict(f"{file}:t") for file in files])
    assert found["data"]["events"] == 130
    np.testing.assert_array_equal(found["data"]["counts"], np.histogram(expected, np.linspace(0, 1, 21))[0])


def test_only_what_is_needed_of_virtual_arrays_is_read(tmp_path: Path) -> None:
    nanoevents = pytest.importorskip("coffea.nanoevents")
    trained = model(RECIPE)
    path = write(tmp_path / "a.root", 9, hits=ak.values_astype(ak.Array([[1, 2]] * 9), np.int16))
    accessed: list[Any] = []
    events = nanoevents.NanoEventsFactory.from_root(
        {path: "t"}, schemaclass=nanoevents.BaseSchema, mode="virtual", access_log=accessed
    ).events()
    expected = trained.predict(f"{path}:t", backend="reference")
    np.testing.assert_array_equal(trained.predict(events, backend="reference"), expected)
    assert {each.branch for each in accessed} == {"x", "y1"}


@pytest.mark.slow
def test_many_trainings_give_the_networks_that_they_give_here(client: Any) -> None:
    data, variations = events(), vary(seeds=(1, 2, 3))
    there = train_many(data, variations, OPTIONS, executor=client, backend="reference")
    here = train_many(data, variations, OPTIONS, backend="reference")
    assert [training.name for training in there.done] == ["seed1", "seed2", "seed3"]
    for one, other in zip(there.done, here.done, strict=True):
        np.testing.assert_array_equal(one.model.predict(data), other.model.predict(data))
