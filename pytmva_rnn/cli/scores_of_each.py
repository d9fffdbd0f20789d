"""The scores of each file in a file of its own, on whatever workers there are: `evaluate --folder`."""

from __future__ import annotations

import argparse
import re
from contextlib import ExitStack

from pytmva_rnn.cli.dask_client import dask_client
from pytmva_rnn.cli.joined_scores import SKIPPED
from pytmva_rnn.cli.program import USER_ERROR
from pytmva_rnn.cli.progress_bar import progress_bar
from pytmva_rnn.data import Source
from pytmva_rnn.distributed import RETRIES, score_files
from pytmva_rnn.errors import DataError
from pytmva_rnn.interruption import Interruption

__all__ = ["evaluate_each", "read_shard"]


def evaluate_each(given: argparse.Namespace, files: list[str]) -> int:
    """Score each file into one of its own; returns the exit code."""
    shard = None if given.shard is None else read_shard(given.shard)
    source = Source(tuple(files), given.tree, friends=tuple(given.friend))
    with ExitStack() as stack:
        executor = None if given.dask is None else stack.enter_context(dask_client(given.dask))
        interruption = stack.enter_context(Interruption())
        advance = stack.enter_context(progress_bar("scoring files"))
        result = score_files(
            given.weights,
            source,
            given.folder,
            executor,
            workers=given.workers,
            branch=given.branch,
            output_tree=given.output_tree,
            keep=given.keep,
            spectators=given.spectators,
            backend=given.backend,
            shard=shard,
            retries=RETRIES if given.retries is None else given.retries,
            force=given.force,
            progress=lambda _, count: advance(1, count),
            check=interruption.check,
        )
    print(f"{given.folder}: {result.summary()}")
    if result.failed:
        return SKIPPED if len(result.failed) < len(result) else USER_ERROR
    return 0


def read_shard(text: str) -> tuple[int, int]:
    """Which part of how many `3/50` stands for.

    Raises
    ------
    DataError
        For anything else.
    """
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if found is None:
        raise DataError(f"--shard {text}: which part of how many is needed, from 1/50 to 50/50")
    return int(found[1]), int(found[2])
