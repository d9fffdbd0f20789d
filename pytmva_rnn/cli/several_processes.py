"""`mpiexec -n 4 pytmva-rnn train ...`: the processes that MPI has started, of which the first speaks and writes."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.cli.program import INTERRUPTED, USER_ERROR, explained
from pytmva_rnn.errors import BackendError, TMVAError, first_line
from pytmva_rnn.interruption import signal_number
from pytmva_rnn.network.threads import asked_threads

__all__ = ["ending_together", "started_by_mpi", "threads_of_each"]

_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Variables by which launchers tell how many processes they have started."""

_PATIENCE = 1.0
"""Seconds in which the first process tells of an error that all have."""


def started_by_mpi() -> Any:
    """The communicator of the processes that MPI has started together; None for a process alone.

    Raises
    ------
    MissingExtraError
        If there are several, but mpi4py is not installed: each would train the same, and write the same files.
    BackendError
        If mpi4py is built for another MPI than the one that has started them.
    """
    told = max((int(os.environ[name]) for name in _SIZES if os.environ.get(name, "").isdecimal()), default=1)
    if told == 1 and "PMIX_RANK" not in os.environ:
        return None
    try:
        communicator = extras.mpi4py().MPI.COMM_WORLD
    except RuntimeError as error:
        remedy = 'install one, e.g. with "pip install mpich", or load the module of the cluster'
        raise BackendError(f"mpi4py finds no library of MPI ({first_line(error)}); {remedy}") from error
    if communicator.Get_size() == 1 and told > 1:
        raise BackendError(
            f"{told} processes were started together, but mpi4py knows of one: it belongs to another MPI than this "
            "mpiexec; install mpi4py for that MPI, or start them with its own mpiexec"
        )
    return communicator if communicator.Get_size() > 1 else None


def threads_of_each(asked: int | None, communicator: Any) -> int | None:
    """Threads of a process: what was asked for, or its part of the cores that those of one machine share."""
    given = asked_threads(asked)
    if given is not None or communicator is None:
        return given
    from pytmva_rnn.kernels.cpu.machine.concurrency import available_threads  # it brings LLVM

    beside = communicator.Split_type(extras.mpi4py().MPI.COMM_TYPE_SHARED)
    try:
        return max(1, available_threads() // int(beside.Get_size()))
    finally:
        beside.Free()


@contextmanager
def ending_together(communicator: Any) -> Iterator[None]:
    """Only the first process prints; an error of any is told, and ends all, since the others would wait for ever."""
    number, count = communicator.Get_rank(), communicator.Get_size()
    try:
        if number == 0:
            yield
            return
        logging.getLogger("pytmva_rnn").setLevel(logging.ERROR)
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            yield
    except BaseException as error:
        code, text = USER_ERROR, f"{type(error).__name__}: {error}"
        if isinstance(error, KeyboardInterrupt):
            code, text = INTERRUPTED - 2 + signal_number(error), "interrupted"
        elif isinstance(error, TMVAError | OSError):
            text = explained(error)
        if number:
            time.sleep(_PATIENCE)
        sys.stdout.flush()
        print(f"pytmva-rnn: error: process {number} of {count}: {text}; all processes end", file=sys.stderr, flush=True)
        communicator.Abort(code)
        raise
