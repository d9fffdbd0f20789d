"""The workers of a dask scheduler, for the commands that can use them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError, first_line

__all__ = ["dask_client"]

_SECONDS = 30
"""That a scheduler has to answer."""


@contextmanager
def dask_client(address: str) -> Iterator[Any]:
    """A client of dask's scheduler.

    Parameters
    ----------
    address : str
        `tcp://host:8786`, or the JSON file that the scheduler has written.

    Raises
    ------
    DataError
        If none answers there.
    MissingExtraError
        If dask.distributed is not installed.
    """
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
