"""The scores of all files in one tree: `evaluate --output`."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pytmva_rnn.cli.progress_bar import progress_bar
from pytmva_rnn.data import Source
from pytmva_rnn.data.sources import files_read
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.formats import read_scorer
from pytmva_rnn.formula.locations import Location
from pytmva_rnn.interruption import Interruption
from pytmva_rnn.network.devices import backend_engine
from pytmva_rnn.outputs import SCORES, Output, check_outputs, check_space
from pytmva_rnn.scores import ScoredEvents, Scoring
from pytmva_rnn.scores.score_file import ScoreWriter, new_root_file, tell_counts
from pytmva_rnn.scores.score_tree import ScoreTree

__all__ = ["SKIPPED", "evaluate_together"]

log = logging.getLogger("pytmva_rnn")

SKIPPED = 3
"""Exit code where bad files were left out."""


def evaluate_together(given: argparse.Namespace, files: list[str]) -> int:
    """Score files one after the other and write one tree; returns the exit code."""
    backend_engine(given.backend)
    given.weights.stat()  # the first file that is named is the first that is missed
    source = Source(tuple(files), given.tree, friends=tuple(given.friend))
    locations, read = source.locations(), [given.weights, *files_read(source)]
    if given.friend and len(locations) > 1:
        raise DataError(f"--friend goes along with one file, and there are {len(locations)}: score them one by one")
    (output,) = check_outputs([Output("scores", given.output, SCORES)], read, force=given.force)
    model = read_scorer(given.weights)
    if model.remembers and given.skip_bad_files:
        raise DataError("a network with RememberState scores an event by all before it, so that no file can be skipped")
    scoring = Scoring(model, keep=given.keep, spectators=given.spectators, backend=given.backend, friends=given.friend)
    with Interruption() as interruption:
        return _Run(given, scoring, interruption).write(output, locations)


class _Run:
    """One run of the command, and what it has to tell at the end."""

    def __init__(self, given: argparse.Namespace, scoring: Scoring, interruption: Interruption) -> None:
        self._given = given
        self._scoring = scoring
        self._interruption = interruption
        self._bad: dict[str, str] = {}

    def write(self, output: Path, locations: list[Location]) -> int:
        """Score the files, write the tree, tell what there is to tell; returns the exit code."""
        files = self._counted(locations)
        tree = ScoreTree(self._scoring, self._given.branch or self._scoring.model.title)
        check_outputs([Output("scores", self._given.output, SCORES)], self._scoring.stored_friends, force=True)
        total = sum(entries for _, (_, entries) in files)
        check_space("scores", output, 3 * total * len(tree.scores))  # they hardly become smaller than that
        about = {"weights": str(self._given.weights), "files": [_name(location) for location in locations]}
        with progress_bar("scoring", total) as advance, new_root_file(output, **about) as file:
            writer = ScoreWriter(file, self._given.output_tree, tree)
            for events, columns in self._columns(files, tree, advance):
                writer.write(events, columns)
            if not tree.types():
                reason = next(iter(self._bad.values()), f"no entries in {', '.join(map(_name, locations))}")
                raise DataError(f"no file is left: {reason}" if self._bad else reason)
            if self._bad:
                file["pytmva_rnn_skipped"] = "\n".join(f"{name}: {why}" for name, why in self._bad.items())
        self._tell(writer, tree, len(locations))
        return SKIPPED if self._bad else 0

    def _counted(self, locations: list[Location]) -> list[tuple[int, tuple[Location, int]]]:
        """The number of each file that can be opened, where its tree is, and its entries."""
        files = []
        for number, location in enumerate(locations):
            try:
                files.append((number, self._scoring.locate(location)))
            except DataError as error:
                self._skip(location, error)
            self._interruption.check()
        return files

    def _skip(self, location: Location, error: DataError) -> None:
        if not self._given.skip_bad_files:
            raise error
        self._bad[_name(location)] = str(error).splitlines()[0]

    def _columns(
        self, files: list[tuple[int, tuple[Location, int]]], tree: ScoreTree, advance: Callable[[int], object]
    ) -> Iterator[tuple[ScoredEvents, dict[str, Any]]]:
        """What the tree is filled with, a piece at a time; of a file that may be skipped all or nothing."""
        before = 0
        for chosen in [[each] for each in files] if self._given.skip_bad_files else [files]:
            pieces = self._pieces(chosen, before, tree, advance)
            if not self._given.skip_bad_files:
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
        tree: ScoreTree,
        advance: Callable[[int], object],
    ) -> Iterator[tuple[ScoredEvents, dict[str, Any]]]:
        for events in self._scoring.events([file for _, file in files], before):
            yield events, tree.columns(events, files[events.file][0])
            advance(events.read)
            self._interruption.check()

    def _tell(self, writer: ScoreWriter, tree: ScoreTree, files: int) -> None:
        tell_counts(writer.not_finite, writer.without_score, self._scoring.model.analysis)
        names = ", ".join([*tree.scores, *(name for name in tree.types() if name not in tree.scores)])
        print(f"{self._given.output}:{self._given.output_tree}: {writer.events:,} entries, branches {names}")
        if self._bad:
            log.warning("bad files were left out: %d of %d", len(self._bad), files)
            for name, why in self._bad.items():
                log.warning("  %s", why if name in why else f"{name}: {why}")


def _name(location: Location) -> str:
    file, tree = location
    return file if tree is None else f"{file}:{tree}"
