"""The scores of each file in a file of its own, on whatever workers there are: `evaluate --folder`."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.cli.joined_scores import SKIPPED
from pytmva_rnn.cli.program import USER_ERROR
from pytmva_rnn.cli.progress_bar import progress_bar
from pytmva_rnn.data import Source
from pytmva_rnn.distributed import score_files
from pytmva_rnn.errors import DataError, first_line
from pytmva_rnn.interruption import Interruption

__all__ = ["evaluate_each", "read_shard"]

_SECONDS = 30
"""That a scheduler has to answer."""


def evaluate_each(given: argparse.Namespace, files: list[str]) -> int:
    """Score each file into one of its own; returns the exit code."""
    shard = None if given.shard is None else read_shard(given.shard)
    source = Source(tuple(files), given.tree, friends=tuple(given.friend))
    with ExitStack() as stack:
        executor = None if given.dask is None else stack.enter_context(_client(given.dask))
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
            retries=given.retries,
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


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """A client of dask's scheduler, by its address or the file that it has written."""
    distributed = extras.distributed()
    where = _address_in(Path(address)) if address.endswith(".json") else address
    if not re.search(r":[0-9]{1,5}/?$", where):
        raise DataError(f"--dask {address}: needed is tcp://host:8786, or the .json file that a scheduler writes")
    try:
        client = distributed.Client(where, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise DataError(f"--dask {address}: no scheduler answers there ({first_line(error)})") from error
    with client:
        yield client


def _address_in(path: Path) -> str:
    """The address in a file that a scheduler has written."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["address"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"--dask {path}: that is no file of a dask scheduler, which tells its address") from error
