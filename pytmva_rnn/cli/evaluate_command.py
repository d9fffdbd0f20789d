"""`pytmva-rnn evaluate`: a tree with the score of every event."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pytmva_rnn.cli.score_tree import ScoreTree
from pytmva_rnn.cli.scores import new_root_file
from pytmva_rnn.data import Source
from pytmva_rnn.data.sources import files_read
from pytmva_rnn.errors import DataError
from pytmva_rnn.file_scoring import ScoredEvents, Scoring
from pytmva_rnn.formula.locations import Location
from pytmva_rnn.interruption import Interruption
from pytmva_rnn.model import read_weights
from pytmva_rnn.network.devices import backend_engine
from pytmva_rnn.network.scoring import NO_SCORE
from pytmva_rnn.outputs import SCORES, Output, check_outputs, check_space
from pytmva_rnn.weightfile.stored_recipe import stored_inputs

__all__ = ["add_command", "run"]

log = logging.getLogger("pytmva_rnn")

SKIPPED = 3
"""Exit code where bad files were left out."""

_VALUES = 8_000_000
"""Input values held at a time (32 MB in float32)."""
_MOST_ENTRIES = 250_000
_FEWEST_ENTRIES = 1_000

_EPILOG = """\
examples:
  pytmva-rnn evaluate DL.weights.xml data.root -o scores.root
  pytmva-rnn evaluate DL.weights.xml 'run*.root' --tree events -o scores.root --branch lstm
  pytmva-rnn evaluate DL.weights.xml data.root -o scores.root --friend 'btag = data_btag.root:btag'
  pytmva-rnn evaluate DL.weights.xml 'run*.root' -o scores.root --spectators --keep run event --skip-bad-files

The tree has one entry for each entry of the input, in the same order, files one after the other, so that it can be
a friend of the input tree: tree->AddFriend("scores", "scores.root"). Where the variables are lists it has one for each
element. A network trained with for_each gives one branch for each value; one with several outputs, one for each output.
Beside the scores, entry is the entry in its file, file the number of the file from 0 on, in the list that the text
pytmva_rnn in scores.root holds, and element that of a list. A scores.root by pytmva_rnn is replaced, anything else
with --force only.

exit codes: 0 done, 1 wrong input (told in one line), 2 wrong usage, 3 done without the bad files (--skip-bad-files),
130 Ctrl-C, 143 SIGTERM, 129 SIGHUP
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "evaluate",
        help=summary,
        description="Write a tree with the score of every event. The weight file may be pytmva_rnn's or C++ TMVA's.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("weights", metavar="WEIGHTS.xml", type=Path, help="weight file")
    parser.add_argument("files", metavar="FILES", nargs="+", help="ROOT files, patterns, file.root:tree, or URLs")
    parser.add_argument("-o", "--output", metavar="scores.root", type=Path, required=True, help="ROOT file to write")
    parser.add_argument("--tree", help="name of the input tree (not needed where a file holds just one)")
    parser.add_argument(
        "--friend",
        metavar="[NAME =] FILE.root:TREE",
        action="append",
        default=[],
        help="a tree that goes along with that of the one input file, entry by entry; may be given several times",
    )
    parser.add_argument("--output-tree", metavar="NAME", default="scores", help="name of the tree (default: scores)")
    parser.add_argument("--branch", metavar="NAME", help="name of the branch (default: the method's title)")
    parser.add_argument("--spectators", action="store_true", help="write the spectators of the training too")
    parser.add_argument(
        "--keep", metavar="BRANCH", nargs="+", action="extend", default=[], help="input branches to write too"
    )
    parser.add_argument(
        "--skip-bad-files", action="store_true", help="leave out files that cannot be read, and list them at the end"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there and holds something else")
    parser.add_argument(
        "--backend",
        choices=("cpu", "cuda", "reference"),
        default="cpu",
        help="cpu: float32, fast (default); cuda: on an NVIDIA GPU; reference: float64",
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Score and write."""
    if not given.output_tree:
        raise DataError("--output-tree is empty; give the tree a name")
    backend_engine(given.backend)
    given.weights.stat()  # the first file that is named is the first that is missed
    source = Source(tuple(given.files), given.tree, friends=tuple(given.friend))
    locations, read = source.locations(), [given.weights, *files_read(source)]
    if given.friend and len(locations) > 1:
        raise DataError(f"--friend goes along with one file, and there are {len(locations)}: score them one by one")
    (output,) = check_outputs([Output("scores", given.output, SCORES)], read, force=given.force)
    model = read_weights(given.weights)
    if model.remembers and given.skip_bad_files:
        raise DataError("a network with RememberState scores an event by all before it, so that no file can be skipped")
    scoring = Scoring(model, keep=given.keep, spectators=given.spectators, backend=given.backend, friends=given.friend)
    tree = ScoreTree(scoring, given.branch or model.title)
    with Interruption() as interruption:
        return _Run(given, scoring, tree, interruption).write(output, locations)


@dataclass
class _Run:
    """One run of the command, and what it has to tell at the end."""

    given: argparse.Namespace
    scoring: Scoring
    tree: ScoreTree
    interruption: Interruption
    bad: dict[str, str] = field(default_factory=dict)
    files: int = 0
    written: int = 0
    failed: int = 0
    not_finite: int = 0

    def write(self, output: Path, locations: list[Location]) -> int:
        """Score the files, write the tree, tell what there is to tell; returns the exit code."""
        files, self.files = self._counted(locations), len(locations)
        check_outputs([Output("scores", self.given.output, SCORES)], self.scoring.stored_friends, force=True)
        total = sum(entries for _, (_, entries) in files)
        check_space("scores", output, 3 * total * len(self.tree.scores))  # they hardly become smaller than that
        about = {"weights": str(self.given.weights), "files": [_name(location) for location in locations]}
        with _progress(total) as advance, new_root_file(output, **about) as file:
            writable: Any = None
            for columns in self._columns(files, advance):
                if writable is None:
                    writable = file.mktree(self.given.output_tree, self.tree.types())
                writable.extend(columns)
                self.written += len(columns["file"])
            if writable is None:
                reason = next(iter(self.bad.values()), f"no entries in {', '.join(map(_name, locations))}")
                raise DataError(f"no file is left: {reason}" if self.bad else reason)
            if self.bad:
                file["pytmva_rnn_skipped"] = "\n".join(f"{name}: {why}" for name, why in self.bad.items())
        self._tell()
        return SKIPPED if self.bad else 0

    def _counted(self, locations: list[Location]) -> list[tuple[int, tuple[Location, int]]]:
        """The number of each file that can be opened, where its tree is, and its entries."""
        files = []
        for number, location in enumerate(locations):
            try:
                files.append((number, self.scoring.locate(location)))
            except DataError as error:
                self._skip(location, error)
            self.interruption.check()
        return files

    def _skip(self, location: Location, error: DataError) -> None:
        if not self.given.skip_bad_files:
            raise error
        self.bad[_name(location)] = str(error).splitlines()[0]

    def _columns(
        self, files: list[tuple[int, tuple[Location, int]]], advance: Callable[[int], object]
    ) -> Iterator[dict[str, Any]]:
        """What the tree is filled with, a piece at a time; of a file that may be skipped all or nothing."""
        step = max(_FEWEST_ENTRIES, min(_MOST_ENTRIES, _VALUES // max(1, len(self.scoring.model.variables))))
        before = 0
        for chosen in [[each] for each in files] if self.given.skip_bad_files else [files]:
            pieces = self._pieces(chosen, before, step, advance)
            if not self.given.skip_bad_files:
                yield from pieces
                continue
            location, entries = chosen[0][1]
            try:
                whole = list(pieces)
            except DataError as error:
                self._skip(location, error)
                continue
            yield from whole
            before += entries

    def _pieces(
        self,
        files: list[tuple[int, tuple[Location, int]]],
        before: int,
        step: int,
        advance: Callable[[int], object],
    ) -> Iterator[dict[str, Any]]:
        try:
            for events in self.scoring.events([file for _, file in files], before, step):
                yield self.tree.columns(events, files[events.file][0])
                self._count(events)
                advance(events.read)
                self.interruption.check()
        except DataError as error:
            if stored_inputs(self.scoring.model) is None:
                hint = "does not tell how its variables were made, so that their expressions are taken"
                raise DataError(f"{error} ({self.given.weights} {hint})") from error
            raise

    def _count(self, events: ScoredEvents) -> None:
        self.not_finite += events.not_finite
        classifies = self.scoring.model.analysis == "Classification"
        for scores in events.scores:
            failed = scores == NO_SCORE if classifies else np.isnan(scores)
            self.failed += int(failed.sum())

    def _tell(self) -> None:
        if self.not_finite:
            log.warning("%s events have inputs that are NaN or infinite", f"{self.not_finite:,}")
        if self.failed:
            what = "-999: a transformed variable or the network's answer is NaN"
            what = what if self.scoring.model.analysis == "Classification" else "NaN"
            log.warning("%s scores are %s", f"{self.failed:,}", what)
        names = ", ".join([*self.tree.scores, *(name for name in self.tree.types() if name not in self.tree.scores)])
        print(f"{self.given.output}:{self.given.output_tree}: {self.written:,} entries, branches {names}")
        if self.bad:
            log.warning("bad files were left out: %d of %d", len(self.bad), self.files)
            for name, why in self.bad.items():
                log.warning("  %s", why if name in why else f"{name}: {why}")


def _name(location: Location) -> str:
    file, tree = location
    return file if tree is None else f"{file}:{tree}"


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("scoring", total=total)
        yield lambda count: progress.advance(task, count)
