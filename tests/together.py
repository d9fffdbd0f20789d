"""Communicators like those of MPI, whose processes are threads of this one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

__all__ = ["ThreadCommunicator", "together"]


class ThreadCommunicator:
    """What `pytmva_rnn.training.ranks.Communicator` asks for."""

    def __init__(self, number: int, count: int, shared: dict[str, Any]) -> None:
        self._number = number
        self._count = count
        self._shared = shared

    def Get_rank(self) -> int:
        return self._number

    def Get_size(self) -> int:
        return self._count

    def allgather(self, sendobj: Any) -> list[Any]:
        self._shared["values"][self._number] = sendobj
        self._shared["barrier"].wait()
        values = list(self._shared["values"])
        self._shared["barrier"].wait()
        return values

    def gather(self, sendobj: Any, root: int = 0) -> list[Any] | None:
        values = self.allgather(sendobj)
        return values if self._number == root else None

    def bcast(self, obj: Any, root: int = 0) -> Any:
        return self.allgather(obj)[root]

    def Allreduce(self, sendbuf: Any, recvbuf: Any) -> None:
        recvbuf[...] = np.sum(self.allgather(np.array(sendbuf)), axis=0)


def together(count: int, call: Callable[[int, ThreadCommunicator], Any]) -> list[Any]:
    """Call a function in several threads at once, each with its number and communicator; an error ends all."""
    shared = {"values": [None] * count, "barrier": threading.Barrier(count, timeout=60)}

    def one(number: int) -> Any:
        try:
            return call(number, ThreadCommunicator(number, count, shared))
        except BaseException:
            shared["barrier"].abort()
            raise

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(one, number) for number in range(count)]
    errors = [error for future in futures if (error := future.exception()) is not None]
    first = [error for error in errors if not isinstance(error, threading.BrokenBarrierError)]
    if errors:
        raise (first or errors)[0]
    return [future.result() for future in futures]
