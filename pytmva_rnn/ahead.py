"""Reading what comes next while what came before is in use."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["read_ahead"]

P = TypeVar("P")
T = TypeVar("T")


def read_ahead(read: Callable[[P], T], pieces: Sequence[P]) -> Iterator[T]:
    """What `read` gives of each piece, in their order; another thread reads the next one meanwhile.

    An error of `read` is raised where its piece would come. Where this ends early, what is being read is waited for.
    """
    if len(pieces) < 2:
        for piece in pieces:
            yield read(piece)
        return
    coming: deque[Future[T]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as thread:
        try:
            for piece in pieces:
                coming.append(thread.submit(read, piece))
                if len(coming) > 1:
                    yield coming.popleft().result()
            yield coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()
