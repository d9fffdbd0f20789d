"""Scores of many files, one output for each, on whatever executor there is."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytmva_rnn.data import Source
from pytmva_rnn.data.sources import files_read
from pytmva_rnn.distributed.file_names import file_stem, output_names, real_path, shard_of
from pytmva_rnn.distributed.file_task import FileOutcome, FileTask, ScoreOptions, located_name, score_one
from pytmva_rnn.distributed.processes import Processes
from pytmva_rnn.distributed.scored_files import ScoredFile, ScoredFiles
from pytmva_rnn.distributed.tasks import InTurn, Submits, TaskEnd, run_tasks
from pytmva_rnn.ensemble import Ensemble
from pytmva_rnn.errors import DataError, OutputError, first_line
from pytmva_rnn.export.formats import read_scorer
from pytmva_rnn.files import digest_of
from pytmva_rnn.formula.friends import friend_name
from pytmva_rnn.formula.locations import Location
from pytmva_rnn.formula.remote_files import is_remote
from pytmva_rnn.model import Model
from pytmva_rnn.network.devices import backend_engine
from pytmva_rnn.report.permutation import check_executor
from pytmva_rnn.scores.kept_branches import is_pattern
from pytmva_rnn.scores.score_file import about_scores, tell_counts
from pytmva_rnn.scores.score_tree import ScoreTree

__all__ = ["RETRIES", "score_files"]

log = logging.getLogger("pytmva_rnn")

RETRIES = 2
"""How often a file that fails is tried again."""


def score_files(
    weights: str | os.PathLike[str],
    files: Any,
    folder: str | os.PathLike[str],
    executor: Submits | None = None,
    *,
    workers: int | None = None,
    tree: str | None = None,
    friends: Sequence[str] = (),
    branch: str | None = None,
    output_tree: str = "scores",
    keep: Sequence[str] = (),
    spectators: bool = False,
    backend: str = "cpu",
    shard: tuple[int, int] | None = None,
    retries: int = RETRIES,
    force: bool = False,
    progress: Callable[[ScoredFile, int], object] = lambda file, count: None,
    check: Callable[[], object] = lambda: None,
) -> ScoredFiles:
    """Score many files, each into a ROOT file of its own whose tree is a friend of that of the input.

    What is done already is known by its content: an output that is whole and that says that it was made of this weight
    file, this input and these options is not made again. Everything else is, so that a call that was broken off goes on
    where it was.

    Parameters
    ----------
    weights : path-like
        Weight file, of pytmva_rnn or of C++ TMVA. Workers on other machines read it, and the inputs, by the same path.
    files : path, list of paths, or Source
        Patterns, `file.root:tree` and URLs as well. Of a Source the files, the tree and the friends are used; neither
        selection nor weight, as every entry has its score.
    folder : path-like
        Gets `run1.root` for `data/run1.root`; where inputs have one name, below as many of their folders as tell them
        apart.
    executor : anything with `submit`, optional
        An executor of concurrent.futures, dask.distributed's Client, mpi4py.futures' MPIPoolExecutor. By default files
        are scored in this process, one after the other.
    workers : int, optional
        Processes on this machine, in place of an executor. A script says so below `if __name__ == "__main__":`.
    tree : str, optional
        Name of the input tree.
    friends : sequence of str
        Trees that go along with that of the one input file, as in `Source`; those that a tree names itself are found.
    branch : str, optional
        Where the names of the scores begin; the method's title by default.
    output_tree : str
        Name of the tree that is written.
    keep : sequence of str
        Branches of the input to write too, or patterns, `Jet_*`, of branches of numbers and lists of numbers.
    spectators : bool
        Whether the spectators of the training are written too.
    backend : str
        As for `Model.predict`.
    shard : (number, of how many), optional
        Score only this part of the files; the number from 1 on.
    retries : int
        How often a file that fails is tried again.
    force : bool
        Replace files that are there and hold something else.
    progress : callable, optional
        Called with each ScoredFile once it is done, and the number of all.
    check : callable, optional
        Called at least once a second, where an executor works; what it raises ends the call.

    Returns
    -------
    ScoredFiles
        What became of each file. One that failed all attempts is listed with its error, also in the log, and raises
        nothing: see `failed`.

    Raises
    ------
    DataError, OutputError, WeightFileError, BackendError
        For what is wrong before any file is scored.

    Examples
    --------
    >>> from pytmva_rnn import score_files
    >>> score_files("lstm.weights.xml", "data/*.root", "scores", keep=["run", "event"])  # doctest: +SKIP
    """
    began = time.monotonic()
    check_executor(executor)
    if executor is not None and workers is not None:
        raise DataError("files are scored by an executor or by workers on this machine, not by both")
    for name, number, least in (("workers", 1 if workers is None else workers, 1), ("retries", retries, 0)):
        given: Any = number
        if type(given) is not int or given < least:
            raise DataError(f"{name} must be a whole number, {least} or more, not {number!r:.80}")
    name_of_tree: Any = output_tree
    if not isinstance(name_of_tree, str) or not name_of_tree:
        raise DataError(f"the tree that is written needs a name, not {name_of_tree!r:.80}")
    keep, friends = (_names(what, names) for what, names in (("keep", keep), ("friends", friends)))
    backend_engine(backend)
    path = os.path.abspath(weights)  # noqa: PTH100  (links keep their names)
    Path(path).stat()  # the first file that is named is the first that is missed
    source = _source(files, tree, friends)
    located = _different(source.locations())
    if source.friends and len(located) > 1:
        raise DataError(f"a friend goes along with one file, and there are {len(located)}: score them one by one")
    options = ScoreOptions(
        weights=path,
        digest=digest_of(path),
        output_tree=output_tree,
        branch=branch,
        keep=tuple(keep),
        spectators=spectators,
        backend=backend,
        friends=source.friends,
        force=force,
        run=uuid.uuid4().hex,
    )
    model = _checked_model(options, len(located))
    names, into = output_names(located), Path(os.path.abspath(folder))  # noqa: PTH100
    _check_places([path, *files_read(source)], located, into, names)
    chosen = range(len(located)) if shard is None else shard_of(located, shard)
    tasks = [(options, FileTask(located[number], str(into / names[number]))) for number in chosen]
    found: dict[int, ScoredFile] = {}
    with ExitStack() as stack:
        engine = executor or stack.enter_context(Processes(workers) if workers else InTurn())
        for end in run_tasks(engine, score_one, tasks, retries=retries, again=_asks_again, check=check):
            found[end.number] = _scored_file(tasks[end.number][1], end)
            progress(found[end.number], len(tasks))
    result = ScoredFiles(tuple(found[number] for number in range(len(tasks))), time.monotonic() - began)
    _tell(result, model)
    return result


def _source(files: Any, tree: str | None, friends: Sequence[str]) -> Source:
    """The files and their friends, under paths that hold in any folder."""
    source = files if isinstance(files, Source) else Source(files, tree, friends=tuple(friends))
    if source is files and (tree is not None or friends):
        raise DataError("a Source says itself what its tree and its friends are: give them to it")
    if source.aliases or source.share != Source.share:
        raise DataError(
            "aliases and a share of a Source are for training: the network's recipe says what its names stand for, and "
            "each file is scored whole, or in shards of whole files"
        )
    named = [(name, _absolute(path)) for name, path in map(friend_name, source.friends)]
    return replace(source, friends=tuple(f"{name} = {path}" if name else path for name, path in named))


def _names(what: str, given: Any) -> tuple[str, ...]:
    """Names that are given as one text or a list of these."""
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, Sequence) or not all(isinstance(name, str) for name in listed):
        raise DataError(f"{what} is a list of names, not {given!r:.80}")
    return tuple(listed)


def _absolute(path: str) -> str:
    return path if is_remote(path) else os.path.abspath(path)  # noqa: PTH100  (links keep their names)


def _different(locations: Sequence[Location]) -> list[Location]:
    """Each input once, under a path that holds in any folder."""
    found = {(real_path(file), tree): (_absolute(file), tree) for file, tree in reversed(locations)}
    return list(reversed(found.values()))


def _checked_model(options: ScoreOptions, files: int) -> Model | Ensemble:
    """The network, if it can score files one by one and names the branches apart."""
    model = read_scorer(options.weights)
    if model.remembers and files > 1:
        raise DataError(
            "a network with RememberState scores an event by all before it: its files cannot be scored one by one"
        )
    scoring = options.scoring(model)
    if not any(map(is_pattern, scoring.keep)):
        ScoreTree(scoring, options.branch or model.title)
    return model


def _check_places(read: Sequence[str], located: Sequence[Location], folder: Path, names: Sequence[str]) -> None:
    """Refuse to write over an input, and to score one twice because it has got another name.

    An input that was the only one of its name had its scores in a file of this name, which stays where another comes.
    """
    inputs = {real_path(file) for file in read}
    nodes = {_node(Path(file)) for file in inputs if not is_remote(file)}
    for (file, _), name in zip(located, names, strict=True):
        output, before = folder / name, folder / (file_stem(file) + ".root")
        if real_path(str(output)) in inputs or (output.exists() and _node(output) in nodes):
            raise OutputError(f"{output} is also an input file; write the scores to another folder")
        if (
            name != before.name
            and before.name not in names
            and before.exists()
            and about_scores(before).get("files") == [file]
        ):
            raise OutputError(
                f"{before} holds the scores of {file}, which now go to {name}, since other inputs are called so too: "
                "move that file there, or remove it"
            )


def _node(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_dev, state.st_ino


def _asks_again(outcome: FileOutcome) -> bool:
    return bool(outcome.error) and not outcome.is_final


def _scored_file(task: FileTask, end: TaskEnd) -> ScoredFile:
    name, output = located_name(task.location), Path(task.output)
    if end.error is not None:
        return ScoredFile(name, output, "failed", attempts=end.attempts, error=first_line(end.error))
    outcome: FileOutcome = end.value
    return ScoredFile(
        name,
        output,
        "failed" if outcome.error else "done before" if outcome.was_done else "scored",
        outcome.events,
        outcome.not_finite,
        outcome.without_score,
        outcome.seconds,
        end.attempts,
        outcome.error,
    )


def _tell(result: ScoredFiles, model: Model | Ensemble) -> None:
    """What to know of the files, in the log."""
    counts = (sum(file.not_finite for file in result.files), sum(file.without_score for file in result.files))
    tell_counts(*counts, model.analysis)
    for file in result.failed:
        log.warning("not scored: %s", file.error if file.input in file.error else f"{file.input}: {file.error}")
