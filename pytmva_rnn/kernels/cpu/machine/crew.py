"""A crew of threads that help a caller with the parts of a job, in compiled code.

Who comes first does a part, the caller too: where cores are taken by others, and a helper does not get to run, the
caller does all by itself and waits for nobody. It waits only for parts that others have begun. Who waits looks a
bounded number of times, for some ten microseconds, and then sleeps until it is woken: threads that went on looking
would take from the others, and from themselves, the time that the machine has for them.

A sleeper is woken through Python's own locks, which need no Python thread and are there on every system. It says that
it sleeps before it looks for the last time; who takes that word back has to release its lock, so that there is exactly
one release for each wait.
"""

from __future__ import annotations

from pytmva_rnn.compile import helper, inlined, operation
from pytmva_rnn.kernels.cpu.machine.atomic import add, exchange, now, pause
from pytmva_rnn.kernels.cpu.machine.intrinsics import call, record_at
from pytmva_rnn.kernels.cpu.machine.op import record_type

__all__ = ["CREW", "LINE", "MOST_PARTS", "SPINS", "share", "work"]

LINE = 64
"""Bytes of a cache line; each number that several threads change has one of its own."""

MOST_PARTS = 4096
"""Of a job."""

SPINS = 1000
"""Times to look before going to sleep: 20 to 50 microseconds."""

CREW = record_type(
    "share",  # address of the function of that name, which the caller calls
    "round",  # address of the number of the job, that changes with each; negative: helpers are to end
    "left",  # of the number of parts that are not done
    "offers",  # of 1 for each part that nobody has begun, else 0, a line each
    "sleepers",  # of 1 for the caller and for each helper that sleeps, else 0, a line each
    "locks",  # of the addresses of their locks, a line each
    "helpers",
    "acquire",  # addresses of Python's functions
    "release",
    "function",  # the job: what is called with it and the number of a part
    "job",
    "parts",
)


@inlined
def _line(address, number):
    return address + LINE * number


@helper
def _wake(crew, number):
    """Wake the caller, number 0, or a helper if it sleeps."""
    sleeper = _line(crew.sleepers, number)
    if now(sleeper) and exchange(sleeper, 0):
        call(crew.release, (now(_line(crew.locks, number)),))


@helper
def _sleep(crew, number, place, value):
    """Sleep until woken, unless the number at a place is no longer `value`; may end early."""
    sleeper = _line(crew.sleepers, number)
    exchange(sleeper, 1)
    if now(place) == value or not exchange(sleeper, 0):
        call(crew.acquire, (now(_line(crew.locks, number)), 1))


@helper
def _do_parts(crew, first):
    """Do parts that nobody has begun, from a number on."""
    # read before a part is taken it may be that of a job that is over: others do what is left out
    parts = crew.parts
    for k in range(parts):
        part = (first + k) % parts
        offer = _line(crew.offers, part)
        if now(offer) and exchange(offer, 0):
            # the job cannot end before this part is done
            call(crew.function, (crew.job, part))
            if add(crew.left, -1) == 1:
                _wake(crew, 0)


@helper
def _changed(place, value):
    """Look for a while whether the number at a place is no longer `value`."""
    for _ in range(SPINS):
        if now(place) != value:
            return True
        pause()
    return False


@operation
def work(crew_address, number):
    """What a helper does all its life."""
    crew = record_at(crew_address, CREW)
    seen = 0
    while seen >= 0:
        while not _changed(crew.round, seen):
            _sleep(crew, number, crew.round, seen)
        seen = now(crew.round)
        if seen >= 0:
            _do_parts(crew, number)


@operation
def share(crew_address, function, job, parts):
    """Have `function(job, part)` called for each part, by whoever comes; returns when all are done.

    Without parts the helpers are to end.
    """
    crew = record_at(crew_address, CREW)
    crew.function, crew.job, crew.parts = function, job, parts
    exchange(crew.left, parts)
    for part in range(parts):
        exchange(_line(crew.offers, part), 1)
    exchange(crew.round, now(crew.round) + 1 if parts else -1)
    for number in range(1, (min(parts, crew.helpers + 1) if parts else crew.helpers + 1)):
        _wake(crew, number)
    _do_parts(crew, 0)
    for _ in range(SPINS):
        if now(crew.left) == 0:
            return
        pause()
    left = now(crew.left)
    while left:
        _sleep(crew, 0, crew.left, left)
        left = now(crew.left)
