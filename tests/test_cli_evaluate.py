"""`pytmva-rnn evaluate`: a score for every entry, in the order of the input."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import Model, train, write_weights
from pytmva_rnn.cli import main
from pytmva_rnn.data import Recipe, Source, load_inputs
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.scores import Scoring, branch_names, scored_events
from pytmva_rnn.weightfile.stored_recipe import INPUTS, TREE, recipe_info

SEQUENCE = Recipe.from_dict(
    {
        "sequence": {"inputs": {"a": "x{k}", "b": "x{k} ** 2"}, "steps": 3, "sort_by": "x{k}"},
        "for_each": {"k": [1, 2]},
        "spectators": ["not_in_the_file"],
    }
)
OPTIONS = "Layout={},RESHAPE|FLAT,LINEAR:RandomSeed=3:TrainingStrategy=MaxEpochs=0,BatchSize=4:InputLayout={}"


def model(
    recipe: Recipe | None = None, outputs: int = 1, analysis: str = "classification", layer: str = "RNN"
) -> Model:
    """Initial weights are as good as any here; without a recipe, as C++ TMVA writes it."""
    shape = (3, 2) if recipe is None else recipe.shape
    steps, width = shape if len(shape) == 2 else (1, *shape)
    layout = f"{layer}|3|{width}|{steps}"
    X = np.random.default_rng(1).normal(size=(20, steps, width)).astype(np.float32)
    y = np.arange(20) % 2 if outputs == 1 else np.eye(outputs)[np.arange(20) % outputs]
    variables = [Variable(f"v{t}", f"v{t}", f"[{d}]", type="F[]") for t in range(steps) for d in range(width)]
    return train(
        X,
        y,
        OPTIONS.format(layout, f"{steps}|{width}"),
        analysis=analysis,
        backend="reference",
        title="my net",
        classes=["Signal", "B 1", "B 2"][:outputs] if outputs > 1 else None,
        variables=variables if recipe is None else recipe.variable_table(),
        info=() if recipe is None else (recipe_info(recipe),),
    ).model


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    random = np.random.default_rng(2)
    paths = []
    for name, n in (("b.root", 30), ("a.root", 11)):
        paths.append(str(tmp_path / name))
        with uproot.recreate(paths[-1]) as file:
            x = {f"x{k}": ak.unflatten(*drawn(random, n)) for k in (1, 2)}
            v = {f"v{t}": random.random((n, 2)).astype(np.float32) for t in range(3)}
            file.mktree("t", {**dict.fromkeys(x, "var * float32"), **dict.fromkeys(v, np.dtype(("f4", (2,))))})
            file["t"].extend({**x, **v})
    return paths


def drawn(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    counts = random.integers(0, 5, n)
    return random.normal(size=counts.sum()).astype(np.float32), counts


def run(folder: Path, trained: Model, *arguments: object) -> int:
    write_weights(trained, folder / "w.xml")
    return main(["evaluate", str(folder / "w.xml"), *map(str, arguments), "--backend=reference"])


def test_several_files_a_piece_at_a_time(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scored_events, "_VALUES", 0)
    monkeypatch.setattr(scored_events, "_FEWEST_ENTRIES", 7)
    trained, output = model(SEQUENCE), tmp_path / "new" / "s.root"
    assert run(tmp_path, trained, *files, "-o", output) == 0
    assert f"{output}:scores: 41 entries, branches my_net_k1, my_net_k2, entry, file\n" in capsys.readouterr().out
    with uproot.open(output) as file:
        scores = file["scores"].arrays(library="np")
        assert json.loads(str(file["pytmva_rnn"]))["files"] == files
    assert list(scores) == ["my_net_k1", "my_net_k2", "entry", "file"]
    assert scores["entry"].tolist() == [*range(30), *range(11)]
    assert scores["file"].tolist() == [0] * 30 + [1] * 11
    for k in (1, 2):
        X = load_inputs(replace(SEQUENCE, spectators=()), Source(tuple(files)), {"k": k}).X
        assert scores[f"my_net_k{k}"].dtype == np.float32
        np.testing.assert_allclose(scores[f"my_net_k{k}"], trained.predict(X, backend="reference"), rtol=1e-4)
    assert [p.name for p in output.parent.iterdir()] == ["s.root"]


def test_a_file_of_cpp_tmva_tells_its_branches(files: list[str], tmp_path: Path) -> None:
    trained = model()
    names = ("--tree=t", "--output-tree=friend", "--branch=lstm")
    assert run(tmp_path, trained, files[0], "-o", tmp_path / "s.root", *names) == 0
    with uproot.open(files[0])["t"] as tree:
        X = np.stack([tree[f"v{t}"].array(library="np") for t in range(3)], axis=1)
    with uproot.open(f"{tmp_path}/s.root:friend") as tree:
        np.testing.assert_allclose(tree["lstm"].array(library="np"), trained.predict(X, backend="reference"), rtol=1e-4)


def test_a_branch_for_each_class(files: list[str], tmp_path: Path) -> None:
    assert run(tmp_path, model(outputs=3, analysis="multiclass"), files[1], "-o", tmp_path / "s.root") == 0
    with uproot.open(f"{tmp_path}/s.root:scores") as tree:
        scores = tree.arrays(library="np")
    assert list(scores) == ["my_net_Signal", "my_net_B_1", "my_net_B_2", "entry", "file"]
    np.testing.assert_allclose(sum(list(scores.values())[:3]), 1, rtol=1e-6)


def test_remembered_states_pass_from_piece_to_piece(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = model()
    remembering = replace(trained, layers=(replace(trained.layers[0], remember_state=True), *trained.layers[1:]))
    found = []
    for fewest in (1_000, 7):
        monkeypatch.setattr(scored_events, "_VALUES", 0)
        monkeypatch.setattr(scored_events, "_FEWEST_ENTRIES", fewest)
        assert run(tmp_path, remembering, *files, "-o", tmp_path / "s.root") == 0
        with uproot.open(f"{tmp_path}/s.root:scores") as tree:
            found.append(tree["my_net"].array(library="np"))
    np.testing.assert_array_equal(*found)
    with uproot.open(f"{tmp_path}/s.root:scores") as tree:
        assert tree.num_entries == 41


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{a}", "-o", "{folder}/./a.root"], "a.root is also an input file; write the scores to another one"),
        (["{folder}/*.root", "-o", "{folder}/b.root"], "b.root is also an input file"),
        (["{folder}/c.root", "-o", "{folder}/s.root"], "no such file: "),
        (["{a}", "-o", "{folder}"], "is a folder; name a file"),
        (["{a}", "-o", "{a}/s.root"], "a.root/s.root: Not a directory"),
        (["{a}", "--tree=u", "-o", "{folder}/s.root"], "holds no tree 'u'; there are: t"),
        (["{folder}/w.xml", "-o", "{folder}/s.root"], "w.xml is not a ROOT file"),
        (["{a}", "-o", "{folder}/w.xml"], "w.xml: its name must end with .root"),
        (["{a}", "-o", "{folder}/s.txt"], "s.txt: its name must end with .root"),
        (["{a}", "-o", "{folder}/b.root"], "b.root is there already and is not a ROOT file by pytmva_rnn"),
        (["{a}", "-o", "{folder}/s.root", "--keep", "x1[0]"], "no branch 'x1[0]' in"),
        (["{a}", "-o", "{folder}/s.root", "--keep", "y"], "no branch 'y' in"),
        (["{a}", "-o", "{folder}/s.root", "--keep", "v0", "v0"], "two branches would be called v0"),
    ],
)
def test_wrong_arguments_are_told_and_leave_nothing(
    arguments: list[str], message: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_size for path in tmp_path.iterdir()}
    filled = [text.format(a=files[1], folder=tmp_path) for text in arguments]
    assert run(tmp_path, model(SEQUENCE), *filled) == 1
    error = capsys.readouterr().err
    assert error.startswith("pytmva-rnn: error: ")
    assert message in error
    assert {path: path.stat().st_size for path in tmp_path.iterdir() if path.name != "w.xml"} == before


def test_missing_branches_are_named(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with uproot.recreate(tmp_path / "other.root") as file:
        file["t"] = {"x11": np.ones(3), "v0_": np.ones(3)}
    assert run(tmp_path, model(SEQUENCE), tmp_path / "other.root", "-o", tmp_path / "s.root") == 1
    assert "no branch 'x1' in" in (error := capsys.readouterr().err)
    assert "near names: x11" in error
    assert "does not tell how its variables were made" not in error
    assert run(tmp_path, model(), tmp_path / "other.root", "-o", tmp_path / "s.root") == 1
    assert "does not tell how its variables were made" in capsys.readouterr().err
    assert not (tmp_path / "s.root").exists()


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "does not hold a table but [1]"),
        ('{"sequence": {"steps": 3}}', "is not understood: a sequence needs the key 'inputs'"),
        ('{"variables": ["x"]}', "makes 1 variables, but the network takes 6"),
    ],
)
def test_a_changed_recipe_is_refused(
    stored: str, message: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, replace(model(), info=((INPUTS, stored),)), files[0], "-o", tmp_path / "s.root") == 1
    assert f'<Info name="{INPUTS}"> {message}' in capsys.readouterr().err


def test_branches_have_names_of_their_own() -> None:
    trained = model(outputs=3, analysis="multiclass")
    assert branch_names(trained, "a-b", {"k": 1, "m": "x y"})[0] == "a_M_b_k1_mx_y_Signal"
    with pytest.raises(DataError, match="share a branch name: n_a_b, n_a_b"):
        branch_names(replace(trained, classes=("a b", "a_b", "c")), "n")


def test_the_tree_of_the_training_is_taken_where_files_hold_several(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "events.root") as file:
        for name in ("other", "tree"):
            file.mktree(name, {"x": np.float32}).extend({"x": np.arange(4, dtype=np.float32)})
    trained = replace(model(Recipe.from_dict({"variables": ["x"]}), layer="RNN"), info=((TREE, "tree"),))
    scoring = Scoring(trained)
    assert scoring.locate((str(tmp_path / "events.root"), None)) == ((str(tmp_path / "events.root"), "tree"), 4)
    with pytest.raises(DataError, match="holds no tree 'tre'"):
        scoring.locate((str(tmp_path / "events.root"), "tre"))
