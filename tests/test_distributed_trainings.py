"""Many trainings at once: whatever runs them, whatever fails, and on a second run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pytmva_rnn import Additions, Dataset, Ensemble, divide, evaluate, load_config, train, train_many, vary
from pytmva_rnn.config import CheckpointConfig
from pytmva_rnn.distributed import several_trainings as module
from pytmva_rnn.distributed.processes import LostProcessError, Processes
from pytmva_rnn.errors import DataError, OptionError, OutputError
from pytmva_rnn.training.progress import EpochTable

OPTIONS = (
    "Layout=DENSE|4|TANH,LINEAR:RandomSeed=1:ValidationSize=30:"
    "TrainingStrategy=LearningRate=3e-2,BatchSize=10,MaxEpochs=3,TestRepetitions=1"
)
GIVEN: dict[str, Any] = {"backend": "reference"}


def events(n: int = 120) -> Dataset:
    random = np.random.default_rng(3)
    y = np.arange(n) % 2
    X = random.normal(size=(n, 3)).astype(np.float32) + y[:, np.newaxis]
    return Dataset.from_arrays(X, y, variables=["a", "b", "c"])


def weights(path: Path) -> Any:
    return np.concatenate(
        [a.ravel() for layer in Ensemble.load(path).members for w in layer.layers for a in w.weights.values()]
    )


def test_seeds_give_what_each_training_alone_gives(tmp_path: Path) -> None:
    found = train_many(events(), vary(seeds=(5, 9)), OPTIONS, split="SplitSeed=3", folder=tmp_path, **GIVEN)
    assert [training.name for training in found.done] == ["seed5", "seed9"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "DL_seed5.weights.xml",
        "DL_seed9.weights.xml",
        "DL_seeds.trainings.json",
    ]
    parts = divide(events(), "SplitSeed=3")
    alone = train(parts.training, OPTIONS.replace("RandomSeed=1", "RandomSeed=9"), **GIVEN)
    second = found.done[1]
    np.testing.assert_allclose(second.model.predict(parts.test), alone.model.predict(parts.test), rtol=2e-6)
    assert second.numbers["validation error"] == min(row.validation_error for row in alone.history)
    performance = evaluate(alone.model, parts.test, backend="reference")
    assert second.test == {"ROC integral": performance.roc_integral}
    areas = [training.test["ROC integral"] for training in found.done]
    spread = found.spread()[()]["test ROC integral"]
    assert (spread.mean, spread.deviation, spread.count) == (np.mean(areas), np.std(areas, ddof=1), 2)
    assert "mean of 2: validation error" in str(found)
    together = found.ensemble().predict(parts.test)
    np.testing.assert_allclose(together, np.mean([t.model.predict(parts.test) for t in found.done], axis=0), rtol=1e-6)
    assert found.together == evaluate(Ensemble.load(found.path or ""), parts.test, backend="reference")


def test_finished_ones_are_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    run_task = module.run_task
    monkeypatch.setattr(module, "run_task", lambda task, attempt: (made.append(task.name), run_task(task))[1])

    def run(options: str = OPTIONS, n: int = 120, **varied: Any) -> list[bool]:
        made.clear()
        found = train_many(events(n), vary(**varied), options, folder=tmp_path, **GIVEN)
        return [training.was_there for training in found.done]

    assert run(seeds=(1, 2)) == [False, False]
    assert run(seeds=(1, 2, 3)) == [True, True, False]
    assert made == ["seed3"]
    assert run(seeds=(4,)) == [False]
    assert len(Ensemble.load(tmp_path / "DL_seeds.trainings.json")) == 4
    file = tmp_path / "DL_seed2.weights.xml"
    file.write_text(file.read_text().replace("TANH", "TANH "))
    assert run(seeds=(1, 2)) == [True, False]
    assert run(seeds=(1,), n=140) == [False]  # of other events: none of the others is of the ensemble any more
    assert len(Ensemble.load(tmp_path / "DL_seeds.trainings.json")) == 1
    assert run(OPTIONS.replace("3e-2", "2e-2"), seeds=(1,), n=140) == [False]


def test_a_table_that_does_not_say_all(tmp_path: Path) -> None:
    def run() -> list[bool]:
        found = train_many(events(), vary(seeds=(1, 2)), OPTIONS, folder=tmp_path, **GIVEN)
        return [training.was_there for training in found.done]

    table = tmp_path / "DL_seeds.trainings.json"
    assert run() == [False, False]
    whole = table.read_text()
    for where, changed in (
        ("numbers", {"validation error": "low"}),
        ("numbers", {"validation error": None}),
        ("numbers", {"epochs": 3.0, "seconds": 1.0}),
        ("test", {}),
        ("training", []),
    ):
        tables = json.loads(whole)
        about = tables["trainings"][0]["about"]
        about[where] = changed if "epochs" in changed or not changed else {**about[where], **changed}
        table.write_text(json.dumps(tables))
        assert run() == [False, True], (where, changed)


def test_weight_files_that_are_links(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here").mkdir()
    link, file = tmp_path / "here" / "DL_seed1.weights.xml", tmp_path / "elsewhere" / "w.xml"
    link.symlink_to(file)
    for was_there in (False, True):
        found = train_many(events(), vary(seeds=(1,)), OPTIONS, folder=tmp_path / "here", **GIVEN)
        assert found.done[0].was_there == was_there
        assert link.is_symlink()
        assert file.is_file()
        assert len(Ensemble.load(tmp_path / "here" / "DL_seeds.trainings.json")) == 1


def test_two_commands_that_add_to_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_task = module.run_task

    def another_first(*given: Any) -> Any:
        monkeypatch.setattr(module, "run_task", run_task)
        train_many(events(), vary(seeds=(2,)), OPTIONS, folder=tmp_path, **GIVEN)
        return run_task(*given)

    monkeypatch.setattr(module, "run_task", another_first)
    train_many(events(), vary(seeds=(1,)), OPTIONS, folder=tmp_path, **GIVEN)
    assert Ensemble.load(tmp_path / "DL_seeds.trainings.json").names == ("seed2", "seed1")


def test_each_fold_scored_by_what_has_not_seen_it(tmp_path: Path) -> None:
    data = events()
    found = train_many(data, vary(folds=3, seeds=(1, 2)), OPTIONS, folder=tmp_path, **GIVEN)
    assert len(found) == 6
    ensemble = Ensemble.load(tmp_path / "DL_seeds_folds3.trainings.json")
    scores = ensemble.predict(data)
    for fold in range(3):
        members = [training.model.predict(data) for training in found.done if training.variation.fold == fold]
        test = data.entries % 3 == fold
        np.testing.assert_allclose(scores[test], np.mean(members, axis=0)[test], rtol=1e-6)
    assert found.together is not None
    assert found.together.events == 120
    half = train_many(data, vary(folds=3)[:2], OPTIONS, **GIVEN)
    assert half.together is None
    with pytest.raises(DataError, match="no network was tested on fold 2 of 3"):
        half.ensemble()


def test_one_that_fails_is_told_and_ends_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = train_many(events(), vary(scan={"LearningRate": ["1e-2", "1e30"], "BatchSize": [10]}), OPTIONS, **GIVEN)
    assert [training.name for training in found.done] == ["LearningRate1e-2_BatchSize10"]
    (failure,) = found.failed
    assert str(failure).startswith("LearningRate1e30_BatchSize10: exit code 1: ")
    assert f"failed: {failure}" in caplog.text
    assert found.done[0].model.predict(events()).shape == (120,)
    assert "failed: LearningRate1e30" in str(found)


def test_what_is_wrong_with_all_is_raised_before_anything_runs(tmp_path: Path) -> None:
    data, two = events(), vary(seeds=(1, 2))
    with pytest.raises(OptionError, match="events need options"):
        train_many(data, two)
    with pytest.raises(DataError, match="an executor has a method submit"):
        train_many(data, two, OPTIONS, executor=3)
    with pytest.raises(OptionError, match="an executor or a number of workers"):
        train_many(data, two, OPTIONS, workers=2, executor=ThreadPoolExecutor(1))
    with pytest.raises(OptionError, match="a name of its own"):
        train_many(data, [*two, *two], OPTIONS)
    for workers in (0, 1.5):
        with pytest.raises(OptionError, match=f"workers = {workers}: at least one"):
            train_many(data, two, OPTIONS, workers=workers)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown backend 'gpu'; choose one of cpu"):
        train_many(data, two, OPTIONS, backend="gpu")
    for words, where in (("resume needs the folder", None), ("resume is for the trainings of a config", tmp_path)):
        with pytest.raises(OptionError, match=words):
            train_many(data, two, OPTIONS, folder=where, resume=True)
    with pytest.raises(DataError, match="divided already"):
        train_many(divide(data), vary(folds=2), OPTIONS)
    (tmp_path / "DL_seed2.weights.xml").write_text("a letter")
    with pytest.raises(OutputError, match=r"DL_seed2\.weights\.xml is there already"):
        train_many(data, two, OPTIONS, folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["DL_seed2.weights.xml"]


def test_an_executor_of_others_and_its_interruption(interruptible: None) -> None:
    parts = divide(events())
    with ThreadPoolExecutor(2) as pool:
        found = train_many(parts, vary(seeds=(1, 2, 3)), OPTIONS, executor=pool, **GIVEN)
        assert [training.name for training in found.done] == ["seed1", "seed2", "seed3"]
        alone = train_many(parts, vary(seeds=(3,)), OPTIONS, **GIVEN)
        np.testing.assert_array_equal(found.done[2].model.predict(parts.test), alone.done[0].model.predict(parts.test))

        class Interrupting:
            """Makes the first training, and then Ctrl-C comes."""

            def submit(self, fn: Any, *args: Any) -> Any:
                if args[0].name == "seed1":
                    future = pool.submit(fn, *args)
                    future.result()
                    return future
                signal.raise_signal(signal.SIGINT)
                return Future()

        found = train_many(parts, vary(seeds=(1, 2)), OPTIONS, executor=Interrupting(), **GIVEN)
    assert found.interrupted == signal.SIGINT
    assert [training.name for training in found.done] == ["seed1"]
    assert found.together is None


def kill(number: int) -> None:
    os.kill(os.getpid(), number)


def sleep() -> None:
    time.sleep(60)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows ends processes in another way")
def test_the_end_of_a_process_is_told_and_the_others_go_on() -> None:
    with Processes(2) as processes:
        lost = processes.submit(kill, signal.SIGKILL)
        good, bad = processes.submit(int, "7"), processes.submit(int, "seven")
        with pytest.raises(LostProcessError, match=r"exit code 137 \(SIGKILL\)"):
            lost.result()
        assert good.result() == 7
        with pytest.raises(ValueError, match="seven"):
            bad.result()
        endless = processes.submit(sleep)
        while not endless.running():
            time.sleep(0.01)
        processes.stop()
        with pytest.raises(LostProcessError, match="SIGTERM"):
            endless.result()


def test_trainings_of_a_configuration_go_on_from_their_checkpoints(tmp_path: Path, interruptible: None) -> None:
    with uproot.recreate(tmp_path / "data.root") as file:
        random = np.random.default_rng(4)
        file["t"] = {"x": random.normal(size=200), "y": random.normal(size=200)}
    options = OPTIONS.replace("ValidationSize=30:", "")
    (tmp_path / "c.toml").write_text(
        'variables = ["x", "y"]\n[input]\nfiles = "data.root"\n[input.classes]\nSignal = "x + y > 0"\n'
        f'Background = "x + y <= 0"\n[additions]\nclip_norm = 1e-3\n[method]\noptions = "{options}"\n'
    )
    config = load_config(tmp_path / "c.toml")
    given = {"folder": tmp_path, "resume": True, **GIVEN}
    with pytest.MonkeyPatch.context() as patch:
        row = EpochTable.row

        def interrupted(self: EpochTable, epoch: int, *arguments: Any) -> None:
            row(self, epoch, *arguments)
            if epoch == 2:
                signal.raise_signal(signal.SIGTERM)

        patch.setattr(EpochTable, "row", interrupted)
        first = train_many(config, vary(seeds=(1, 2)), **given)
    assert (first.interrupted, len(first)) == (signal.SIGTERM, 0)
    shutil.copytree(tmp_path / "dataset", tmp_path / "anew" / "dataset")
    keeping = replace(config, checkpoint=CheckpointConfig())
    refused = train_many(keeping, vary(seeds=(1,)), folder=tmp_path / "anew", **GIVEN)
    assert "is the checkpoint of a training that is not done" in refused.failed[0].error
    assert len(train_many(keeping, vary(seeds=(1,)), folder=tmp_path / "anew", force=True, **GIVEN)) == 1
    found = train_many(config, vary(seeds=(1, 2)), **given)
    assert [training.name for training in found.done] == ["seed1", "seed2"]
    whole = train_many(config, vary(seeds=(1,)), folder=tmp_path / "whole", **GIVEN)
    other = train_many(replace(config, additions=Additions()), vary(seeds=(1,)), folder=tmp_path / "whole", **GIVEN)
    assert not other.done[0].was_there  # without what is added to TMVA's training, it is another
    assert other.done[0].numbers["validation error"] != whole.done[0].numbers["validation error"]
    assert found.done[0].numbers["validation error"] == whole.done[0].numbers["validation error"]
    assert (tmp_path / "dataset/weights/TMVAClassification_DL_seed1.checkpoint.npz").exists()
