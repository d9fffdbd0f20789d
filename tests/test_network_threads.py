"""Threads and start-up of the CPU backend."""

from __future__ import annotations

import copy
import dataclasses
import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import llvmlite.binding
import numpy as np
import pytest

from pytmva_rnn.compile import operation
from pytmva_rnn.errors import OptionError
from pytmva_rnn.kernels.cpu import engine
from pytmva_rnn.kernels.cpu.machine import concurrency
from pytmva_rnn.kernels.cpu.machine.atomic import add, now, pause
from pytmva_rnn.network import Network, keeping, threads
from pytmva_rnn.network.threads import VARIABLE, Turn, asked_threads, forks
from pytmva_rnn.options import TrainingPhase
from tests.reference import FOLDER, Case
from tests.test_compile_quick import quick_compiler
from tests.test_kernels_cpu import Net

SMALL = "RNN|3|4|5|0|0,LINEAR"
LARGE = "LSTM|64|30|20|0|0,LINEAR"


def test_the_argument_comes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "3")
    assert asked_threads(None) == 3
    assert asked_threads(2) == 2
    monkeypatch.delenv(VARIABLE)
    assert asked_threads(None) is None


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²"])
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(OptionError, match=rf"{VARIABLE} is '{text}'.*number of threads"):
        Case("lstm_last").model.predict(np.zeros((1, 30)))


def test_small_work_takes_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "available_threads", lambda: 4)
    small, large = Net(SMALL, (5, 1, 4), 1).engine(engine.Engine), Net(LARGE, (20, 1, 30), 1).engine(engine.Engine)
    assert small._threads_for(100, 3) == 1
    assert large._threads_for(1000, 3) == 4
    assert large._threads_for(engine.LANES + 8, 3) == 2  # as many as there are blocks
    asked = Net(SMALL, (5, 1, 4), 1).engine(engine.Engine, threads=3)
    assert asked._threads_for(100, 3) == min(3, -(-100 // engine.LANES))


def test_the_import_compiles_nothing() -> None:
    program = "import sys, pytmva_rnn; assert not {'numba', 'lxml', 'uproot', 'awkward', 'rich'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@quick_compiler
def test_a_first_score_does_without_numba() -> None:
    """Its import would take longer than all else."""
    program = f"""
import sys, numpy as np, pytmva_rnn
for case in ("reference/lstm_last", "reference/gru_after_last", "reference/rnn_last", "reader/chain_N_P_U"):
    data = np.load(f"{FOLDER.parent}/{{case}}/data.npz")
    model = pytmva_rnn.read_weights(f"{FOLDER.parent}/{{case}}/weights.xml")
    scores = model.predict(data["X"])
    assert np.abs(scores - data["scores"].reshape(scores.shape)).max() < 2e-6
    assert abs(model.predict_one(data["X"][0]) - scores[0]) < 2e-6
assert not {{"numba", "uproot", "awkward", "rich"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_waits_for_the_import_of_numba() -> None:
    """Nobody would end it in the forked process, which could never import it then."""
    program = """
import os, sys, threading
from pytmva_rnn.compile import kernel

@kernel
def tripled(x):
    return 3 * x

def forked():
    child = os.fork()
    if child == 0:
        os._exit(int(tripled(2.5) != 7.5))
    return os.waitpid(child, 0)[1]

thread = threading.Thread(target=tripled, args=(2,))
assert "numba" not in sys.modules
thread.start()
while "numba" not in sys.modules:
    pass
assert [forked() for _ in range(3)] == [0, 0, 0]
thread.join()
assert forked() == 0
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_waits_for_a_call_of_llvm() -> None:
    """A thread that frees what it compiled holds LLVM's lock, at any moment."""
    begun, ended = threading.Event(), threading.Event()

    def long() -> None:
        with llvmlite.binding.ffi.lib._lock:
            begun.set()
            time.sleep(0.2)
            ended.set()

    thread = threading.Thread(target=long)
    thread.start()
    assert begun.wait(60)
    process = os.fork()
    if not process:
        os._exit(0 if ended.is_set() else 1)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


@pytest.mark.slow
@quick_compiler
def test_a_training_does_without_numba() -> None:
    program = """
import sys, numpy as np, pytmva_rnn
X = np.random.default_rng(1).normal(size=(200, 4)); y = X[:, 0] > 0
strategy = "BatchSize=40,MaxEpochs=1,TestRepetitions=1,Regularization=L2"
layout = "InputLayout=2|2:VarTransform=N,G,D,P,U:Layout=GRU|2|2|2|0|0,LINEAR"
pytmva_rnn.train(X, y, f"{layout}:TrainingStrategy={strategy}", threads=1, progress=False)
assert not {"numba", "uproot", "awkward", "fsspec", "lark", "rich", "email.message"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.thorough
def test_processes_that_start_at_once(tmp_path: Path) -> None:
    """They compile side by side into one cache, and a later one takes from there what they left."""
    program = (
        "import numpy as np, pytmva_rnn; from pathlib import Path; folder = Path({folder!r});"
        "data = np.load(folder / 'data.npz'); model = pytmva_rnn.read_weights(folder / 'weights.xml');"
        "assert np.abs(model.predict(data['X']) - data['scores'][:, 0]).max() < 2e-6"
    ).format(folder=str(FOLDER / "rnn_last"))
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    running = [subprocess.Popen([sys.executable, "-c", program], env=environment) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


@pytest.mark.thorough
def test_a_cache_that_several_programs_filled(tmp_path: Path) -> None:
    """What one program compiled with the help of what another had left serves a third.

    The same training gives the same weights to the bit, whether its code was compiled now or before.
    """
    folder = str(FOLDER / "lstm_last")
    begin = f"import numpy as np, pytmva_rnn; data = np.load({folder + '/data.npz'!r}); X, y = data['X'], data['y'];"
    training = (
        "import hashlib; result = pytmva_rnn.train(X, y, 'InputLayout=6|5:Layout=LSTM|32|5|6|0|0,LINEAR:RandomSeed=1:"
        "TrainingStrategy=MaxEpochs=10,TestRepetitions=1,BatchSize=20,LearningRate=1e-2', threads=1);"
        "weights = [w.tobytes() for layer in result.model.layers for w in layer.weights.values()];"
        "print(hashlib.sha256(b''.join(weights)).hexdigest())"
    )
    scoring = f"pytmva_rnn.read_weights({folder + '/weights.xml'!r}).predict(X)"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def run(program: str) -> str:
        command = [sys.executable, "-c", begin + program]
        return subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout

    compiled = run(training)
    assert len(compiled) == 65
    assert run(scoring) == run(scoring) == ""
    assert run(training) == compiled


@operation
def count_part(job, part):
    """Add one to the part's number of a job, which is the address of int64."""
    add(job + 8 * part, 1)


@pytest.mark.parametrize("rest", [0.0, 0.003])
def test_a_crew_does_each_part_once(rest: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Helpers that still look for work, and helpers that sleep."""
    monkeypatch.setattr(concurrency, "available_threads", lambda: 4)
    monkeypatch.setattr(concurrency._process, "idle", [])
    monkeypatch.setattr(concurrency._process, "helpers", set())
    counts, expected = np.zeros(9, np.int64), np.zeros(9, np.int64)
    for number in range(300 if rest == 0 else 30):
        parts = 2 + number % 8
        with concurrency.running(parts) as crew:
            assert crew
            concurrency.share(crew, count_part.address, counts.ctypes.data, parts)
        expected[:parts] += 1
        np.testing.assert_array_equal(counts, expected)
        time.sleep(rest)
    (kept,) = concurrency._process.idle
    used = kept.crew
    assert (used.address, len(used._threads)) == (crew, 3)
    used.end()
    assert not any(thread.is_alive() for thread in used._threads)


@operation
def wait_for_part(job, part):
    """Part 0 waits until another part has been done, which the caller alone would never do."""
    if part:
        add(job, 1)
    while now(job) == 0:
        pause()


def test_a_sleeping_helper_is_woken() -> None:
    if concurrency.available_threads() < 2:
        pytest.skip("there is one core only")
    job = np.zeros(1, np.int64)
    with concurrency.running(2) as crew:
        for _ in range(20):
            time.sleep(0.002)
            job[0] = 0
            concurrency.share(crew, wait_for_part.address, job.ctypes.data, 2)


def test_callers_at_once_have_a_crew_each_while_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "available_threads", lambda: 2)
    monkeypatch.setattr(concurrency._process, "idle", [])
    monkeypatch.setattr(concurrency._process, "helpers", set())
    with ExitStack() as stack:
        crews = [stack.enter_context(concurrency.running(2)) for _ in range(5)]
        assert len(set(crews[:4])) == 4
        assert all(crews[:4])
        assert (crews[4], stack.enter_context(concurrency.running(1))) == (0, 0)
    assert len(concurrency._process.idle) == 5
    with concurrency.running(2) as again:
        assert again in crews
    # here their threads are still there, and need what they look at
    before = [kept.crew for kept in concurrency._process.idle]
    concurrency._after_fork()
    with concurrency.running(2) as other:
        assert other not in (0, *crews)
    for crew in before:
        crew.end()
    concurrency._end_all()
    assert not concurrency._process.idle


def test_where_no_thread_can_be_started_a_caller_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    locks: set[int] = set()
    monkeypatch.setattr(concurrency, "available_threads", lambda: 2)
    monkeypatch.setattr(concurrency._process, "idle", [])
    with monkeypatch.context() as none_left:
        none_left.setattr(threading.Thread, "start", start)
        for _ in range(2):
            with concurrency.running(2) as crew:
                assert crew == 0
            locks.add(concurrency._process.idle[0].crew._locks[1, 0])
        assert len(locks) == 1  # they are never freed
    with concurrency.running(2) as crew:
        assert crew
    concurrency._end_all()


def test_what_runs_on_the_thread_of_its_caller_does_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """As greenlets do, which gevent and eventlet have in place of threads: the caller would wait for ever."""
    counts = np.zeros(2, np.int64)
    monkeypatch.setattr(concurrency, "available_threads", lambda: 2)
    monkeypatch.setattr(concurrency._process, "idle", [])
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.run)
    with concurrency.running(2) as crew:
        concurrency.share(crew, count_part.address, counts.ctypes.data, 2)
    assert counts.tolist() == [1, 1]
    concurrency._process.idle[0].crew.dismiss()


def test_a_crew_lives_as_long_as_its_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C may come while nobody else has it, and they look at it still."""

    def hire(self: concurrency.Crew, helpers: int) -> bool:
        assert plain(self, helpers)
        crews.append(weakref.ref(self))
        raise KeyboardInterrupt

    crews: list[weakref.ref[concurrency.Crew]] = []
    monkeypatch.setattr(concurrency, "available_threads", lambda: 2)
    monkeypatch.setattr(concurrency._process, "idle", [])
    monkeypatch.setattr(concurrency._process, "helpers", set())
    plain = concurrency.Crew.hire
    monkeypatch.setattr(concurrency.Crew, "hire", hire)
    with pytest.raises(KeyboardInterrupt), concurrency.running(2):
        pass
    gc.collect()
    concurrency._end_all()
    assert not concurrency._process.idle
    gc.collect()
    assert crews[0]() is None


def ctrl_c_at(number: int, counted: Callable[[FrameType, str], bool], action: Callable[[], object]) -> bool:
    """Press Ctrl-C in an action, at a number among the moments that count; whether there were as many."""
    before, come, left = sys.gettrace(), False, number

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal come, left
        if counted(frame, event):
            come, left = left == 0, left - 1
            if come:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    with suppress(KeyboardInterrupt):
        action()
    sys.settrace(before)
    return come


def test_ctrl_c_at_any_moment_loses_no_crew(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that came while a caller took or gave back a crew left its threads asleep for ever, and it hired others."""
    monkeypatch.setattr(concurrency, "available_threads", lambda: 2)
    monkeypatch.setattr(concurrency._process, "idle", [])
    monkeypatch.setattr(concurrency._process, "helpers", set())
    others, counts = set(threading.enumerate()), np.zeros(2, np.int64)

    def counted(frame: FrameType, _: str) -> bool:
        # Python tells nobody of what comes in the end of an object
        return frame.f_code.co_filename == concurrency.__file__ and frame.f_code.co_name != "__del__"

    def run() -> None:
        with concurrency.running(2):
            pass

    come, passed = True, 0
    while come:
        if passed % 2:  # with new threads, and with those that are there
            concurrency._end_all()
        come = ctrl_c_at(passed // 2, counted, run) or passed % 2 == 0
        passed += 1
        with concurrency.running(2) as crew:
            assert crew
            concurrency.share(crew, count_part.address, counts.ctypes.data, 2)
        assert len(concurrency._process.idle) == 1
        (helper,) = concurrency._process.idle[0].crew._threads
        assert concurrency._process.helpers == {helper}
    assert passed > 40
    assert counts.tolist() == [passed, passed]
    concurrency._end_all()
    for thread in set(threading.enumerate()) - others:
        if thread.ident is not None:  # else it was never started
            thread.join(60.0)
            assert not thread.is_alive()


@pytest.mark.parametrize("layout", ["LSTM|5|3|4|0|0,LINEAR", "LSTM|5|3|4|0|0,BNORM,LINEAR"])
def test_without_threads_the_sums_are_the_same(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(layout, (4, 1, 3), 5 * engine.LANES)

    def results() -> list[bytes]:
        used = net.engine(engine.Engine, threads=3, settings=TrainingPhase(learning_rate=0.1))
        losses = [used.loss(*net.batch), used.step(*net.batch, np.arange(len(net.X)), 0)]
        arrays = [used.outputs(net.X), *[w for each in used.weights() for w in each.values()]]
        return [np.asarray(each).tobytes() for each in (losses, *arrays)]

    asked: list[int] = []
    plain = concurrency.running.__enter__
    monkeypatch.setattr(concurrency.running, "__enter__", lambda self: asked.append(1) or plain(self))
    small = results()
    assert not asked  # the work of several is not worth their while, and one does it
    monkeypatch.setattr(engine, "_LEAST_WORK", 1)
    expected = results()
    assert asked
    assert small == expected
    monkeypatch.setattr(concurrency, "available_threads", lambda: 1)
    monkeypatch.setattr(concurrency._process, "idle", [])
    assert results() == expected


def test_a_lock_that_a_thread_held_is_free_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = Turn()
    with turn.lock:
        monkeypatch.setattr(threads._Forks, "count", forks())
        threads._after_fork()
        with turn.lock:
            pass


def test_ctrl_c_at_any_moment_leaves_a_network_that_scores() -> None:
    """One that came when its lock had just been acquired left it so, and the next call waited for ever."""
    network, X = Network(Case("lstm_last").model, threads=1), np.zeros((1, 30), np.float32)
    expected = network.predict(X)
    package = str(Path(keeping.__file__).parent)

    def counted(frame: FrameType, event: str) -> bool:
        return event in ("call", "return") and frame.f_code.co_filename.startswith(package)

    come, passed = True, 0
    while come:
        come = ctrl_c_at(passed, counted, lambda: network.predict(X))
        assert not network._turn.lock.locked()
        passed += 1
    assert passed > 10
    np.testing.assert_array_equal(network.predict(X), expected)


def test_a_model_keeps_its_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    model = dataclasses.replace(Case("lstm_last").model)
    made: list[str] = []
    monkeypatch.setattr(keeping, "Network", lambda *of, threads: made.append(of[1]) or Network(*of))
    X = np.zeros((3, 30))
    for backend in ("reference", "cpu", "reference", "cpu"):
        model.predict(X, backend=backend)
    assert made == ["reference", "cpu"]
    copy.copy(model).predict(X)
    assert made == ["reference", "cpu", "cpu"]
    monkeypatch.setenv(VARIABLE, "1")
    model.predict(X)
    assert len(made) == 4
