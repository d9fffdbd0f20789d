"""Compiling: where nothing can be kept, what users are told, Ctrl-C, and arrays of every flavour."""

from __future__ import annotations

import importlib.util
import linecache
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import llvmlite.binding
import numba
import numpy as np
import pytest

import pytmva_rnn
from pytmva_rnn import interruption
from pytmva_rnn.compile import by_numba, cache, compilation, kernel, numba_settings, operation, readable, waiting
from pytmva_rnn.compile import places as cache_places
from pytmva_rnn.compile.by_numba import NumbaCache
from pytmva_rnn.data.padding import pad
from pytmva_rnn.kernels.cpu import engine as cpu_engine
from pytmva_rnn.kernels.cpu.engine import Engine
from pytmva_rnn.options import TrainingPhase
from pytmva_rnn.trandom import TRandom3, shuffle
from tests.reference import FOLDER, Case
from tests.test_kernels_cpu import Net

DENSE = "dense_activations"


def double(x: Any) -> Any:
    return x + x


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled code is kept, with nothing told to users yet."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(waiting, "_told", set())
    return tmp_path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is compiled, and not read from disk."""
    compiled: list[Any] = []
    save = NumbaCache.save_overload

    def noted(self: NumbaCache, signature: Any, data: Any) -> None:
        compiled.append(signature)
        save(self, signature, data)

    monkeypatch.setattr(NumbaCache, "save_overload", noted)
    return compiled


@pytest.fixture
def nothing_new(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on nothing may be compiled, nor read from disk, for arguments of another kind."""

    def refuse(self: NumbaCache, signature: Any, context: Any) -> None:
        raise AssertionError(f"{self._function.__name__} is compiled for {signature}")

    def refuse_all() -> None:
        monkeypatch.setattr(NumbaCache, "load_overload", refuse)
        monkeypatch.setattr(cache.CodeCache, "_read", refuse)

    return refuse_all


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_what_was_compiled_is_kept(folder: Path, counted: list[Any]) -> None:
    assert [kernel(double)(2), kernel(double)(2.5), kernel(double)(3)] == [4, 5.0, 6]
    assert len(counted) == 2
    assert len(list(folder.rglob("*.nbc"))) == 2


def test_a_damaged_file_is_compiled_again(folder: Path, counted: list[Any]) -> None:
    assert kernel(double)(2) == 4
    (file,) = folder.rglob("*.nbc")
    content = bytearray(file.read_bytes())
    for damaged in (
        content[:100],
        content[:-1],
        content[: len(content) // 2] + b"?" + content[len(content) // 2 + 1 :],
    ):
        file.write_bytes(damaged)
        assert kernel(double)(2) == 4
    assert len(counted) == 4
    assert kernel(double)(2) == 4
    assert len(counted) == 4


def test_other_sources_compile_again(folder: Path, counted: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel(double)(2) == 4
    monkeypatch.setattr(cache, "_sources", lambda: "others")
    assert kernel(double)(2) == 4
    assert len(counted) == 2


def test_two_processes_that_keep_something_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba's index would have one of the two, under a name that both have used."""
    files = [cache._Files(folder, "double", "stamp") for _ in range(3)]
    replace = os.replace

    def other_first(source: str, target: str) -> None:
        monkeypatch.setattr(os, "replace", replace)
        files[1].save("for floats", "floats")
        replace(source, target)

    monkeypatch.setattr(os, "replace", other_first)
    files[0].save("for integers", "integers")
    assert [files[2].load(key) for key in ("for integers", "for floats")] == ["integers", "floats"]


@pytest.fixture
def not_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the sources cannot be written."""
    left = [each for each in cache_places.PLACES if each is not cache_places._beside]
    monkeypatch.setattr(cache_places, "PLACES", left)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)


@pytest.mark.usefixtures("not_beside")
def test_where_no_folder_can_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = folder / "file"
    file.touch()
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(file / "below"))
    monkeypatch.setenv("HOME", str(file / "below"))
    assert [kernel(double)(2), kernel(double)(2.5)] == [4, 5.0]
    (warning,) = warnings_in(caplog)
    assert "NUMBA_CACHE_DIR" in warning
    assert "5 s to a minute each time" in warning


@pytest.mark.usefixtures("not_beside")
def test_a_filled_folder_that_can_only_be_read(
    folder: Path, counted: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert kernel(double)(2) == 4
    before = sorted(folder.rglob("*"))

    def refused(**_: Any) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(cache_places, "tempfile", SimpleNamespace(TemporaryFile=refused))
    monkeypatch.setenv("HOME", str(folder / "none"))
    assert kernel(double)(2) == 4
    assert len(counted) == 1
    assert warnings_in(caplog) == []
    assert kernel(double)(2.5) == 5.0
    (warning,) = warnings_in(caplog)
    assert "can only be read, and holds other code" in warning
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == [path for path in before if path.is_file()]


@pytest.mark.skipif(os.name != "posix", reason="accounts are those of POSIX")
@pytest.mark.usefixtures("not_beside")
def test_where_there_is_no_home_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Numba would make one called ~ in the current folder."""

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.delenv("HOME")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    assert kernel(double)(2) == 4
    assert len(warnings_in(caplog)) == 1
    assert not list(folder.iterdir())


def test_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device", target)

    monkeypatch.setattr(os, "replace", full)
    assert [kernel(double)(2), kernel(double)(2.5)] == [4, 5.0]
    assert not [path for path in folder.rglob("*") if path.is_file()]
    (warning,) = warnings_in(caplog)
    assert "No space left on device" in warning
    assert "NUMBA_CACHE_DIR" in warning


def copy_package(folder: Path) -> None:
    """Put the package into a folder, without the compiled code that may lie beside its sources."""
    package = Path(pytmva_rnn.__file__).parent
    shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))


def complaints(folder: Path, first: str = "", **environment: str) -> list[str]:
    """Score in a process of its own, from a folder with the package; what it says that names NUMBA_CACHE_DIR."""
    program = (
        f"{first}\nimport numpy as np, pytmva_rnn\n"
        f"data = np.load({str(FOLDER / DENSE / 'data.npz')!r})\n"
        f"scores = pytmva_rnn.read_weights({str(FOLDER / DENSE / 'weights.xml')!r}).predict(data['X'])\n"
        "assert np.abs(scores - data['scores'][:, 0]).max() < 2e-6\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stderr.splitlines() if "NUMBA_CACHE_DIR" in line]


def numba_place(function: Any) -> tuple[Path, str]:
    """Numba's folder for a function, and the beginning of its files' names."""
    found = numba.core.caching.CompileResultCacheImpl(function)
    return Path(found.locator.get_cache_path()), found.filename_base


@pytest.mark.parametrize("chosen", [True, False])
@pytest.mark.parametrize("caches", [True, False])
def test_folders_are_those_of_numba(
    chosen: bool, caches: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(function: Any) -> tuple[Path, str]:
        return next(filter(cache_places.can_be_written, cache_places.folders(function))), stem(function)

    stem = cache_places.file_stem
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "chosen") if chosen else "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if caches:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    else:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert found(double) == numba_place(double)
    # where the folder of the sources cannot be written
    source = tmp_path / "package" / "doubling.py"
    source.parent.mkdir()
    source.write_text("def double(x):\n    return x + x\n")
    (source.parent / "__pycache__").touch()
    monkeypatch.syspath_prepend(source.parent)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    ours = importlib.import_module("doubling").double
    assert found(ours) == numba_place(ours)
    assert tmp_path in found(ours)[0].parents
    monkeypatch.delitem(sys.modules, "doubling")
    # and in an archive, for which Numba takes the user's
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(source, "doubling.py")
    monkeypatch.syspath_prepend(archive)
    ours = importlib.import_module("doubling").double
    monkeypatch.delitem(sys.modules, "doubling")
    if hasattr(numba.core.caching, "ZipCacheLocator"):  # which older versions have not
        assert found(ours) == numba_place(ours)
    assert cache_places.source_stamp(ours) != cache_places.source_stamp(double)
    assert kernel(ours)(2) == 4
    assert list(found(ours)[0].glob("*.nbc"))


def test_the_folder_of_a_notebook_is_that_of_numba(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IPython", "IPython.paths"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setattr(sys.modules["IPython.paths"], "get_ipython_cache_dir", lambda: str(tmp_path), raising=False)
    source = "def double(x):\n    return x + x\n"
    name = "<ipython-input-1-0123456789ab>"
    monkeypatch.setitem(linecache.cache, name, (len(source), None, source.splitlines(True), name))
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, name, "exec"), names)
    ours = names["double"]
    assert next(iter(cache_places.folders(ours))) == numba_place(ours)[0]
    assert kernel(ours)(2) == 4
    assert len(list(tmp_path.rglob("*.nbc"))) == 1


def test_what_cannot_be_kept_is_compiled(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Any) -> bytes:
        raise TypeError("cannot pickle 'any' object")

    monkeypatch.setattr(by_numba, "_pickled", refused)
    assert kernel(double)(2) == 4
    (warning,) = warnings_in(caplog)
    assert warning.startswith("compiled code cannot be kept (double: cannot pickle 'any' object)")
    assert not waiting.compiling()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"NUMBA_CACHE_DIR": "kept"},
        {"NUMBA_CPU_NAME": "generic"},
        {"NUMBA_CPU_NAME": "sandybridge"},
        {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+fma"},
        {"NUMBA_ENABLE_AVX": "0", "NUMBA_NUM_THREADS": "1"},
    ],
)
def test_settings_are_those_of_numba(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("NUMBA_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # as it is where the environment is this
    spec = importlib.util.spec_from_file_location("settings_of_numba", numba.config.__file__)
    assert spec is not None
    assert spec.loader is not None
    config: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(config)
    monkeypatch.setattr(numba_settings, "_ENVIRONMENT", dict(os.environ))
    name = config.CPU_NAME or llvmlite.binding.get_host_cpu_name()

    def found() -> list[Any]:
        return [
            numba_settings.cache_folder(),
            numba_settings.processor_name(),
            numba_settings.processor_features(),
            numba_settings.most_threads(config.NUMBA_DEFAULT_NUM_THREADS),
            numba_settings.has_avx(name),
        ]

    expected = [config.CACHE_DIR, config.CPU_NAME, config.CPU_FEATURES, config.NUMBA_NUM_THREADS]
    expected.append(bool(config.ENABLE_AVX))
    monkeypatch.setitem(sys.modules, numba_settings._CONFIG, config)
    assert found() == expected  # of Numba itself
    monkeypatch.setitem(sys.modules, numba_settings._CONFIG, None)
    monkeypatch.setattr(numba_settings.importlib, "import_module", lambda _: config)
    assert found() == expected


def test_what_cannot_be_read_is_asked_of_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = numba.config.NUMBA_NUM_THREADS
    monkeypatch.delitem(sys.modules, numba_settings._CONFIG)
    monkeypatch.setattr(numba_settings.importlib, "import_module", lambda _: numba.config)
    monkeypatch.setattr(numba_settings, "_ENVIRONMENT", {"NUMBA_NUM_THREADS": "many"})
    assert numba_settings.most_threads(threads + 1) == threads
    monkeypatch.setattr(numba_settings, "_ENVIRONMENT", {})
    assert numba_settings.most_threads(threads + 1) == threads + 1
    monkeypatch.setattr(numba_settings, "_HAS_FILE", True)
    assert numba_settings.most_threads(threads + 1) == threads


@pytest.mark.slow
def test_an_installation_that_can_only_be_read(tmp_path: Path) -> None:
    """Nor can NUMBA_CACHE_DIR or the home folder be written, not even by root."""
    copy_package(tmp_path)
    for folder in [path for path in tmp_path.rglob("*") if path.is_dir()]:
        (folder / "__pycache__").touch()
    before = sorted(tmp_path.rglob("*"))
    nowhere = str(tmp_path / "pytmva_rnn" / "__pycache__" / "below")
    (complaint,) = complaints(tmp_path, HOME=nowhere, XDG_CACHE_HOME=nowhere, NUMBA_CACHE_DIR=nowhere)
    assert "compiled code cannot be kept" in complaint
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits are those of POSIX")
def test_a_disk_that_takes_nothing_more(tmp_path: Path) -> None:
    """A file may not become larger than a kilobyte: writing fails in the middle, as on a full disk."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    copy_package(tmp_path / "installed")
    kept = tmp_path / "kept"
    (complaint,) = complaints(tmp_path / "installed", limit, NUMBA_CACHE_DIR=str(kept))
    assert "compiled code cannot be kept" in complaint
    assert kept.is_dir()
    assert not [path for path in kept.rglob("*") if path.is_file()]


class Immediate:
    """A timer that does not wait."""

    def __init__(self, delay: float, function: Callable[..., None], arguments: list[Any]) -> None:
        self.start = lambda: function(*arguments)

    def cancel(self) -> None:
        pass


def test_where_numba_is_not_needed_less_is_announced(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(waiting.threading, "Timer", Immediate)
    monkeypatch.delitem(sys.modules, by_numba.__name__)
    with compilation("scoring"):
        assert operation(double).address
    (message,) = caplog.messages
    assert (
        message == "compiling the code for scoring; that takes 2 to 20 s, as busy as the machine is, but only this once"
    )


def test_each_use_is_announced_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(waiting.threading, "Timer", Immediate)
    for number, use in enumerate(("training", "training", "single events")):
        with compilation(use), compilation("what is within"):
            assert kernel(double)((2, 2.5, 2j)[number])
    expected = "that takes 5 s to a minute, as busy as the machine is, but only this once"
    assert caplog.messages == [f"compiling the code for {use}; {expected}" for use in ("training", "single events")]
    caplog.clear()
    waiting._told.clear()
    with compilation("training"):
        assert kernel(double)(3) == 6
    assert caplog.messages == []  # it was kept


@pytest.mark.slow
def test_every_compilation_has_a_use() -> None:
    """Whatever is compiled first, the message says what it is for."""
    program = """
import numpy as np, pytmva_rnn
from pytmva_rnn.compile import waiting
from pytmva_rnn.compile.by_numba import NumbaCache
from pytmva_rnn.data.padding import pad
from pytmva_rnn.network import Network
from pytmva_rnn.trandom import TRandom3, shuffle
load = NumbaCache.load_overload
def noted(self, signature, context):
    if not waiting._thread.use and not waiting._thread.depth:
        print(self._function.__module__, self._function.__name__)
    return load(self, signature, context)
NumbaCache.load_overload = noted
pad(np.zeros((1, 1, 1), np.float32), 0, np.ones(1, np.float32), np.array([0, 1]))
shuffle(np.arange(9), TRandom3(1))
TRandom3(1).gaus(9)
X = np.random.default_rng(1).normal(size=(200, 4)); y = X[:, 0] > 0
strategy = "BatchSize=40,MaxEpochs=1,TestRepetitions=1,Regularization=L2"
layout = "InputLayout=2|2:VarTransform=N,G,D,P,U:Layout=GRU|2|2|2|0|0,LINEAR"
model = pytmva_rnn.train(X, y, f"{layout}:TrainingStrategy={strategy}", threads=1).model
model.predict(X)
model.predict_one(X[0])
Network(model).loss_and_gradients(X, y)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_time_of_a_compilation_counts_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = kernel(double)

    def twice(x: Any) -> Any:
        return inner(inner(x))

    ticks = iter(range(1000))
    monkeypatch.setattr(waiting.time, "perf_counter", lambda: float(next(ticks)))
    before = waiting.seconds()
    assert kernel(twice)(1) == 4
    # reading in vain, compiling: from the first of its ticks to the last, whatever reads and compiles within
    assert waiting.seconds() - before == next(ticks) - 2


def test_where_there_are_no_more_threads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a function that is called at exit: nobody is told of the compilation."""

    def refused(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert kernel(double)(2) == 4


def compile_with_ctrl_c(times: int) -> None:
    """Compile a function, with Ctrl-C pressed some times meanwhile."""
    compiled = kernel(double)
    whole = numba.njit(double)._compiler.compile

    def pressed(*arguments: Any) -> Any:
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        return whole(*arguments)

    compiled.dispatcher._compiler.compile = waiting.watched(pressed)
    compiled(2)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_waits_for_the_compilation(folder: Path, caplog: pytest.LogCaptureFixture, counted: list[Any]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        compile_with_ctrl_c(1)
    assert warnings_in(caplog) == ["stopping as soon as the compilation is done; Ctrl-C once more stops at once"]
    assert signal.getsignal(signal.SIGINT) is before
    assert kernel(double)(2) == 4
    assert len(counted) == 1  # what was compiled has been kept


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_twice_does_not_wait(folder: Path, counted: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "_SAME", -1.0)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        compile_with_ctrl_c(2)
    assert not counted
    assert not waiting.compiling()
    assert signal.getsignal(signal.SIGINT) is before


def flavours(array: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """The same numbers in every way in which an array may lie in memory."""
    read_only = array.copy()
    read_only.flags.writeable = False
    unaligned = np.frombuffer(b"?" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)
    return {
        "writable": array.copy(),
        "read-only": read_only,
        "Fortran": np.asfortranarray(array),
        "strided": np.repeat(array, 2, axis=-1)[..., ::2],
        "backwards": array[..., ::-1].copy()[..., ::-1],
        "unaligned": unaligned,
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        "of a subclass": array.view(np.memmap),
        "wider": array.astype(np.float64 if array.dtype.kind == "f" else array.dtype),
    }


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
@pytest.mark.parametrize("shape", [(), (0,), (6,), (1, 6), (6, 1), (3, 4, 2)])
def test_readable_has_one_flavour(shape: tuple[int, ...], dtype: Any) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    kinds = set()
    for name, each in flavours(array).items() if shape else {"writable": array, "read-only": array[()]}.items():
        found = readable(np.asarray(each), dtype)
        kinds.add(numba.typeof(found))
        np.testing.assert_array_equal(found, array, err_msg=name)
        if name in ("writable", "read-only"):
            assert np.shares_memory(found, each) or not array.size or not shape
    assert len(kinds) == 1


def test_no_flavour_of_events_compiles_anew(nothing_new: Callable[[], None]) -> None:
    case = Case(DENSE)
    model, X = case.model, case.data["X"].astype(np.float32)
    expected, one = model.predict(X), model.predict_one(X[0])
    shape = model.event_shape
    nothing_new()
    for name, each in flavours(X).items():
        np.testing.assert_array_equal(model.predict(each), expected, err_msg=name)
        np.testing.assert_array_equal(model.predict(each.reshape(len(X), *shape)), expected, err_msg=name)
    for name, each in flavours(X[0]).items():
        assert model.predict_one(each) == one, name
        assert model.predict_one(each.reshape(shape)) == one, name
    assert model.predict_one(X[0].tolist()) == one


def test_a_prepared_training_compiles_nothing(nothing_new: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_engine, "_LEAST_WORK", 1)  # so that two threads share what one would do
    net = Net("DENSE|4|TANH,LINEAR", (1, 1, 3), 70)
    settings = TrainingPhase(learning_rate=1e-2, regularization="L2", weight_decay=0.1)

    def trained(prepare: bool, threads: int, *batch: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        engine = net.engine(Engine, settings=settings, threads=threads)
        if prepare:
            engine.prepare(64)
        events = np.repeat(np.arange(64), 2)[::2]
        engine.loss(*batch)
        engine.step(*batch, events, 1)
        engine.epoch(*batch, events[np.newaxis], np.array([2]), lambda: None)
        engine.penalty()
        shuffle(events, TRandom3(1))
        engine.outputs(batch[0])
        return [array for layer in engine.weights() for array in layer.values()]

    expected = trained(False, 1, *net.batch)
    for threads in (1, 2):
        trained(True, threads, *net.batch)
    nothing_new()
    for names in zip(*(flavours(part) for part in net.batch), strict=True):
        batch = [flavours(part)[name] for part, name in zip(net.batch, names, strict=True)]
        for found, wanted in zip(trained(True, 1, *batch), expected, strict=True):
            np.testing.assert_array_equal(found, wanted, err_msg=names[0])
    trained(True, 2, *net.batch)


def test_no_shape_of_sequences_compiles_anew(nothing_new: Callable[[], None]) -> None:
    flat, offsets = np.arange(6, dtype=np.float32), np.array([0, 2, 6])
    pad(np.zeros((2, 3, 2), np.float32), 1, flat, offsets)
    nothing_new()
    for shape in ((2, 3, 1), (2, 1, 2), (2, 3, 2)):
        for each, places in zip(flavours(flat).values(), flavours(offsets).values(), strict=True):
            X = np.zeros(shape, np.float32)
            pad(X, shape[2] - 1, each, places)
            assert X[1, :, -1].tolist() == [2, 3, 4][: shape[1]]


def test_sources_in_an_archive(tmp_path: Path) -> None:
    """They are found there, and code that is kept belongs to all of them as it does elsewhere."""
    archive, package = tmp_path / "all.zip", Path(pytmva_rnn.__file__).parent
    program = """
from pytmva_rnn.compile.cache import _sources
from pytmva_rnn.compile.quick.python_sources import definition
from pytmva_rnn.kernels.cpu.machine.op import input_row
print(definition(input_row.py_func).name, _sources())
"""
    said = []
    for changed in ("", "# another line\n"):
        with zipfile.ZipFile(archive, "w") as file:
            for path in package.rglob("*.py"):
                text = path.read_text(encoding="utf-8") + (changed if path.name == "lanes.py" else "")
                file.writestr(str(path.relative_to(package.parent)), text)
        environment = {**os.environ, "PYTHONPATH": str(archive)}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        said.append(done.stdout.split())
    assert said[0][0] == said[1][0] == "input_row"
    assert said[0][1] == cache._sources()
    assert said[1][1] != said[0][1]


def test_who_compiles_may_wait_for_the_import_of_numba() -> None:
    """A thread that has Numba's lock meets a function of ours while another one imports what tells Numba of them."""
    program = """
import sys, threading
from numba.core.compiler_lock import global_compiler_lock
from pytmva_rnn.compile.quick import numba_side

with global_compiler_lock:
    other = threading.Thread(target=numba_side)
    other.start()
    while "pytmva_rnn.compile.by_numba" not in sys.modules:
        pass
    numba_side()
other.join()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


def test_a_program_that_has_numba_compile_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """From some time on: then it gives functions as they are, which have nothing that we need."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    with pytest.raises(RuntimeError, match="NUMBA_DISABLE_JIT is set"):
        kernel(double)(1)


@pytest.mark.slow
def test_without_compiling_there_is_nothing_to_run() -> None:
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    program = "from pytmva_rnn import read_weights"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].startswith("RuntimeError: NUMBA_DISABLE_JIT is set")
