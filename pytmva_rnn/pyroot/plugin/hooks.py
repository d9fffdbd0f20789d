"""What TMVA's C++ asks of Python: to check options, to train, to write a network as a C++ class."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pytmva_rnn.description import Analysis, Variable
from pytmva_rnn.errors import OptionError
from pytmva_rnn.export.cpp.header import generate
from pytmva_rnn.model import Model
from pytmva_rnn.options import MethodOptions, parse_options
from pytmva_rnn.options.evaluable import evaluable
from pytmva_rnn.options.layout import build_layers
from pytmva_rnn.pyroot.plugin.border import HOOK, Answer, Request
from pytmva_rnn.training import Result, train
from pytmva_rnn.training.obeyed_options import check_obeyed
from pytmva_rnn.weightfile.reading import with_network
from pytmva_rnn.weightfile.writing import network_node

__all__ = ["HOOKS", "results"]

results: dict[str, Result] = {}
"""What the last training of each title gave."""

log = logging.getLogger("pytmva_rnn")

_ANALYSES: tuple[Analysis, ...] = ("Classification", "Regression", "Multiclass")
"""In the order of TMVA's numbers."""

_answered: list[Any] = []
"""What the last answer points to."""


class _Process:
    number = os.getpid()


def _check(request: Request, answer: Answer) -> None:
    """Refuse options that could not be trained with."""
    _options(request)


def _options(request: Request) -> MethodOptions:
    options = evaluable(parse_options(_text(request.options)))
    check_obeyed(options)
    if request.outputs:
        shape = options.input_shape(request.variables)
        for layer in build_layers(options.layout, shape, request.variables, request.outputs):
            if layer.remembers:
                raise OptionError(
                    f"{layer.layout()}: with RememberState an event's score depends on the events before it, and TMVA "
                    "asks for them in any order; give 0 for it"
                )
    return options


def _train(request: Request, answer: Answer) -> None:
    title, analysis, n = _text(request.title), _ANALYSES[request.analysis], request.events
    regression = analysis == "Regression"
    X = np.ctypeslib.as_array(request.x, (n, request.variables))
    y = np.ctypeslib.as_array(request.y, (n, request.outputs if regression else 1))
    with _told_to_tmva(request):
        result = train(
            X,
            y if regression else y[:, 0],
            _options(request),
            analysis=analysis.lower(),
            sample_weight=np.ctypeslib.as_array(request.weights, (n,)),
            classes=[str(number) for number in range(request.outputs)] if analysis == "Multiclass" else None,
            title=title,
            progress=False,
        )
        if result.interrupted:
            log.warning("the training of %s was ended by a signal; its best weights so far are kept", title)
    results[title] = result
    rows = np.array([row[:3] for row in result.history], np.float64).reshape(-1, 3)
    xml = network_node(result.model).encode()
    answer.xml = xml
    answer.history = rows.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    answer.rows = len(rows)
    _answered[:] = [xml, rows]


def _write_class(request: Request, answer: Answer) -> None:
    """The header of the network of a `<Weights>` node; variables and transformations are TMVA's."""
    analysis = _ANALYSES[request.analysis]
    names = [f"x{number}" for number in range(max(request.variables, request.outputs))]
    variables = tuple(Variable(name, name, name, internal=name) for name in names)
    given = Model(
        layers=(),
        variables=variables[: request.variables],
        input_layout=(1, 1, request.variables),
        batch_layout=(0, 0, 0),
        title=_text(request.title),
        analysis=analysis,
        targets=variables[: request.outputs] if analysis == "Regression" else (),
        classes=tuple(names[: request.outputs]) if analysis == "Multiclass" else ("Signal", "Background"),
    )
    model = with_network(given, request.xml or b"")
    name = f"pytmva_rnn_{hashlib.sha256(generate(model, 'Network').encode()).hexdigest()[:16]}"
    source = generate(model, name).encode()
    answer.source, answer.name = source, name.encode()
    _answered[:] = [source, answer.name]


class _Lines(logging.Handler):
    """Log messages as lines of TMVA's log, from the method that trains."""

    _LEVELS = ((logging.ERROR, 5), (logging.WARNING, 4), (logging.INFO, 3), (logging.NOTSET, 1))

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._request = request

    def emit(self, record: logging.LogRecord) -> None:
        level = next(number for least, number in self._LEVELS if record.levelno >= least)
        self._request.log(self._request.method, level, _bytes(self.format(record)))


@contextmanager
def _told_to_tmva(request: Request) -> Iterator[None]:
    before, handler = (log.level, log.propagate), _Lines(request)
    log.addHandler(handler)
    log.propagate = False
    if not log.isEnabledFor(logging.INFO):
        log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = before[1]
        log.setLevel(before[0])


def _text(given: bytes) -> str:
    """Of any bytes: C++ has no encoding."""
    return given.decode(errors="backslashreplace")


def _bytes(text: str) -> bytes:
    """Of any text, such as one that names a file with odd bytes."""
    return text.encode(errors="backslashreplace")


def _guarded(work: Callable[[Request, Answer], None]) -> Callable[[Any, Any], int]:
    """No exception may pass through C: its text does."""

    def hook(request: Any, answer: Any) -> int:
        try:
            _enter_process()
            work(request.contents, answer.contents)
        except BaseException as error:  # KeyboardInterrupt too
            log.debug("%s", traceback.format_exc())
            problem = _bytes(str(error) or type(error).__name__)
            answer.contents.problem = problem
            _answered[:] = [problem]
            return 0
        return 1

    return hook


def _enter_process() -> None:
    """Let Python know of a fork that was not its own, as of TMVA's CrossValidation with several processes.

    Threads of the process before do not exist in this one: what asks `os.register_at_fork` to be told goes without.
    """
    if os.getpid() != _Process.number:
        _Process.number = os.getpid()
        ctypes.pythonapi.PyOS_AfterFork_Child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: setattr(_Process, "number", os.getpid()))

HOOKS = tuple(HOOK(_guarded(work)) for work in (_check, _train, _write_class))
"""In the order of the header's `set_hooks`."""
