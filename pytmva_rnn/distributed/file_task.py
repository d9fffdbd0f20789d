"""The scores of one input in a file of its own, as a worker makes it, wherever that runs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytmva_rnn._version import __version__
from pytmva_rnn.data.file_identity import identity
from pytmva_rnn.distributed.file_names import real_path
from pytmva_rnn.ensemble import Ensemble
from pytmva_rnn.errors import (
    BackendError,
    DataError,
    MissingExtraError,
    OutputError,
    TMVAError,
    WeightFileError,
    first_line,
)
from pytmva_rnn.export.formats import read_scorer
from pytmva_rnn.files import digest_of
from pytmva_rnn.formula.friends import friend_name
from pytmva_rnn.formula.locations import Location, locations
from pytmva_rnn.interruption import Interruption
from pytmva_rnn.model import Model
from pytmva_rnn.outputs import SCORES, Output, check_outputs, check_space
from pytmva_rnn.packages import uproot
from pytmva_rnn.scores.score_file import ScoreWriter, about_scores, new_root_file
from pytmva_rnn.scores.score_tree import ScoreTree
from pytmva_rnn.scores.scored_events import Scoring

__all__ = ["FileOutcome", "FileTask", "ScoreOptions", "located_name", "score_one"]

RECORD = "pytmva_rnn_scored"
"""The text in a file of scores that stands in it once all is written: what it was made of, and its counts."""

_COUNTS = ("events", "not_finite", "without_score")
"""What `ScoreWriter` counts."""

_FINAL = (BackendError, MissingExtraError, OutputError, WeightFileError)
"""Errors that another attempt would meet again."""


@dataclass(frozen=True)
class ScoreOptions:
    """What all files have in common; the attributes as of `score_files`, and beside these

    Attributes
    ----------
    digest : str
        Of the weight file: what all workers must read.
    run : str
        Tells this call from others.
    """

    weights: str
    digest: str
    output_tree: str
    branch: str | None
    keep: tuple[str, ...]
    spectators: bool
    backend: str
    friends: tuple[str, ...]
    force: bool
    run: str

    def scoring(self, model: Model | Ensemble) -> Scoring:
        """What scores with these options."""
        return Scoring(model, keep=self.keep, spectators=self.spectators, backend=self.backend, friends=self.friends)

    def made_of(self) -> dict[str, Any]:
        """What of this the scores depend on."""
        given = asdict(self)
        kept = {name: given[name] for name in ("output_tree", "branch", "keep", "spectators", "backend")}
        return {"version": __version__, "weights": self.digest, "options": kept}


@dataclass(frozen=True)
class FileTask:
    """One input, and the file that its scores go to."""

    location: Location
    output: str


@dataclass(frozen=True)
class FileOutcome:
    """What became of a task.

    Attributes
    ----------
    events, not_finite, without_score : int
        As `ScoreWriter` counts them.
    seconds : float
    was_done : bool
        By another call, before this one.
    error : str
        Why there is no file; empty if there is.
    is_final : bool
        Whether another attempt would end as this one.
    """

    events: int = 0
    not_finite: int = 0
    without_score: int = 0
    seconds: float = 0.0
    was_done: bool = False
    error: str = ""
    is_final: bool = False


def score_one(options: ScoreOptions, task: FileTask, attempt: int) -> FileOutcome:
    """Score one input; what goes wrong is told, not raised, since not every error can be sent."""
    try:
        with Interruption() as interruption:
            return _scored(options, task, interruption)
    except _FINAL as error:
        return FileOutcome(error=str(error), is_final=True)
    except (TMVAError, OSError) as error:
        return FileOutcome(error=str(error))
    except Exception as error:
        return FileOutcome(error=f"{type(error).__name__}: {first_line(error)}")


def located_name(location: Location) -> str:
    """`file.root:tree`."""
    file, tree = location
    return file if tree is None else f"{file}:{tree}"


_one_at_a_time = threading.Lock()


def _model(options: ScoreOptions) -> Model | Ensemble:
    """The network, read once a process."""
    with _one_at_a_time:
        return _read(options.weights, options.digest)


@lru_cache(maxsize=4)
def _read(weights: str, digest: str) -> Model | Ensemble:
    model = read_scorer(weights)
    if digest_of(weights) != digest:
        raise WeightFileError(f"{weights} was changed since the scoring began, or is another file on this machine")
    return model


def _scored(options: ScoreOptions, task: FileTask, interruption: Interruption) -> FileOutcome:
    began = time.monotonic()
    model = _model(options)
    scoring = options.scoring(model)
    located = scoring.locate(task.location)
    (file, _), entries = located
    friends = _friends(scoring, options.friends)
    of_friends = [{**identity(path), "tree": tree} for _, (path, tree) in friends]
    made_of = {
        **options.made_of(),
        "input": _content(scoring.identities[file]),
        "friends": [{**_content(each), "name": name} for (name, _), each in zip(friends, of_friends, strict=True)],
    }
    output = Path(task.output)
    found = _record(output, options.output_tree)
    if found is not None and found["made_of"] == json.loads(json.dumps(made_of)):
        counts = {name: found[name] for name in _COUNTS}
        return FileOutcome(**counts, seconds=found["seconds"], was_done=found["run"] != options.run)
    read = [options.weights, file, *(friend for _, (friend, _) in friends)]
    (target,) = check_outputs([Output("scores", output, SCORES)], read, force=options.force)
    if not options.force:
        _check_same_input(output, file, scoring.identities[file]["tree"])
    tree = ScoreTree(scoring, options.branch or model.title)
    check_space("scores", target, 3 * entries * len(tree.scores))  # they hardly become smaller than that
    with new_root_file(target, weights=options.weights, files=[file], tree=scoring.identities[file]["tree"]) as new:
        writer = ScoreWriter(new, options.output_tree, tree)
        for events in scoring.events([located], allow_empty=True):
            writer.write(events, tree.columns(events))
            interruption.check()
        _check_unchanged([scoring.identities[file], *of_friends])
        counts = {name: getattr(writer, name) for name in _COUNTS}
        seconds = time.monotonic() - began
        record = {"made_of": made_of, **counts, "seconds": seconds, "run": options.run}
        new[RECORD] = json.dumps(record)
    return FileOutcome(**counts, seconds=seconds)


def _friends(scoring: Scoring, given: Iterable[str]) -> list[tuple[str, Location]]:
    """The trees that go along with an input, each with the name that the user has given it: those named by the user,
    and those that the input names itself."""
    specs = [friend_name(spec) for spec in given]
    named = [(name, location) for name, path in specs for location in locations((path,))]
    return [*named, *(("", location) for location in sorted(scoring.stored_friends.items()))]


def _check_unchanged(known: Iterable[dict[str, Any]]) -> None:
    """Make sure that the scores are those of the files that were looked at: on another machine one may be replaced."""
    for each in known:
        now = identity(each["file"])
        if any(each[name] != value for name, value in now.items()):
            raise DataError(f"{each['file']} was changed while it was scored")


def _content(identity: dict[str, Any]) -> dict[str, Any]:
    """By what the content of a file is known, wherever it is."""
    return {name: value for name, value in identity.items() if name != "file"}


def _record(output: Path, tree: str) -> dict[str, Any] | None:
    """What a file of scores says of itself, if all of it is there."""
    try:
        with uproot.open(output) as file:
            told = json.loads(str(file[RECORD]))
            record = {name: told[name] for name in ("made_of", *_COUNTS, "seconds", "run")}
            whole = file.file.fEND == output.stat().st_size
            lengths = {branch.num_entries for branch in file[tree].branches}
            return record if whole and lengths == {record["events"]} else None
    except Exception:  # uproot raises many kinds of errors on what is damaged
        return None


def _check_same_input(output: Path, file: str, tree: str) -> None:
    """Refuse to replace the scores of other inputs."""
    about = about_scores(output) if output.exists() else {}
    there = about.get("files", [])
    if there and ({real_path(name) for name in there} != {real_path(file)} or about.get("tree", tree) != tree):
        raise OutputError(
            f"{output} holds the scores of {there[0]}; score {file}:{tree} into another folder, or replace them with "
            "--force"
        )
