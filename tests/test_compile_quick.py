"""Operations that are compiled without Numba's front end: the same numbers, and what is left to Numba."""

from __future__ import annotations

import importlib
import inspect
import math
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn.compile import Operation, array_at, call, decorators, entry, helper, operation
from pytmva_rnn.compile.quick import Refused, emitted_module, machine_code, python_sources
from pytmva_rnn.kernels import cpu
from pytmva_rnn.kernels.cpu.layers import lstm
from pytmva_rnn.transformations import interpreter
from tests.reference import FOLDER

PAIR = np.dtype([("n", np.int64), ("address", np.int64), ("x", np.float64)])
LIMIT = np.float32(3.5)
CHOICES = (2, 5)

quick_compiler = pytest.mark.skipif(
    not hasattr(llvmlite.binding, "create_pass_builder"), reason="Numba compiles everything with this llvmlite"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def operations() -> Iterator[Operation]:
    """All that the CPU's backend and the transformations have."""
    for found in pkgutil.walk_packages(cpu.__path__, f"{cpu.__name__}."):
        for value in vars(importlib.import_module(found.name)).values():
            if isinstance(value, Operation) and value.function.__module__ == found.name:
                yield value
    yield from (*interpreter.FUNCTIONS.values(), interpreter.run, interpreter.scale_only)


def test_numba_is_left_none_of_our_own() -> None:
    found = list(operations())
    assert len(found) > 50
    for each in found:
        emitted_module(each.function, "any")


@helper
def clipped(x: Any, low: Any) -> Any:
    if math.isnan(x):
        return 0.0
    return low if x < low else x


@helper
def both(k: int, n: int = 3) -> Any:
    return k // n, k % n


def numbers(pair_address: int, result_address: int) -> None:
    """Of everything something."""
    pair = array_at(pair_address, 1, PAIR)[0]
    n = pair.n
    x, out = array_at(pair.address, (n, 2), np.float32), array_at(result_address, 200, np.float64)
    single = array_at(result_address + 1600, 40, np.float32)
    k = 0
    total = np.float32(0)
    for i in range(n):
        row = x[i]
        a, b = row[0], x[i, 1]
        total += a * b
        out[k] = a * b + 1
        out[k + 1] = np.float64(a) * b - a / b
        out[k + 2] = clipped(np.float64(a), -0.5) + (i - 2) // 3 + (i - 2) % 3 + (2 - i) // -3
        single[i] = (1 - a) * b if i in CHOICES or (a > 0 and not b > LIMIT) else a
        quotient, rest = both(i)
        out[k + 3] = quotient * 10 + rest + (1 if 0 < i < 4 else 0) + (i & 5)
        out[k + 4] = math.exp(-abs(a)) + math.log1p(abs(pair.x)) + math.tanh(b) + np.sqrt(abs(np.float64(b)))
        out[k + 5] = max(a, 0.25, pair.x) - min(i, 3) + np.float64(a) ** 3 + pair.x**i + pair.x ** (-i)
        bits = np.uint64(i) * np.uint64(0x9E3779B97F4A7C15)
        bits ^= bits >> np.uint64(29)
        out[k + 6] = np.float64(bits) + np.int64(b * 7)
        k += 7
        if i == 6:
            continue
        out[k - 1] += 0.5
    while k > 100:
        k -= 7
    out[190] = total
    out[191] = k
    for j in range(n - 1, -1, -2):
        out[192] = out[192] * 3 + j
    pair.n, pair.x = n + 1, pair.x / n
    array_at(pair_address, 2, PAIR)[1] = pair
    single[20:] if False else None


def by_numba(function: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Operation:
    """The same as an operation of Numba's."""

    def refuse(_: object) -> int:
        raise Refused("for a test")

    found = operation(function)
    with monkeypatch.context() as patch:
        patch.setattr(decorators, "address_of", refuse)
        found.address  # noqa: B018
    return found


def run_numbers(compiled: Operation) -> tuple[bytes, bytes]:
    x = np.random.default_rng(1).normal(size=(9, 2)).astype(np.float32)
    x[4, 0] = np.nan
    pair, result = np.zeros(2, PAIR), np.zeros(300)
    pair[0] = (len(x), x.ctypes.data, 1.25)
    compiled(pair.ctypes.data, result.ctypes.data)
    assert pair["n"].tolist() == [10, 10]
    assert np.isfinite(result).all() != np.isnan(result).any()
    return pair["x"].tobytes(), result.tobytes()


@pytest.mark.slow
def test_numbers_are_those_of_numba(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_numbers(operation(numbers)) == run_numbers(by_numba(numbers, monkeypatch))


def add_one(address: int, n: int) -> None:
    values = array_at(address, n, np.float64)
    for k in range(n):
        values[k] += 1


def add_one_in_numpy(address: int, n: int) -> None:
    values = array_at(address, n, np.float64)
    values[:] = values + 1


def another_array(address: int, n: int) -> None:
    values = array_at(address, n, np.float64)
    for _ in range(2):
        values = array_at(address, n, np.float64)
        values[0] += 1


def one_after_another(address: int, n: int) -> None:
    x = 1.0
    x = np.float32(0.1)
    array_at(address, n, np.float64)[0] = x


def from_the_end(address: int, n: int) -> None:
    array_at(address, n, np.float64)[-1] = 0


def one_of_two(address: int, n: int) -> None:
    array_at(address, n, np.float64)[0] = n or 3


def answers_half(address: int, n: int) -> float:
    return 0.5


def calls_what_is_not_there(address: int, n: int) -> None:
    unknown(address)  # type: ignore[name-defined]  # noqa: F821


@helper
def twice_what_is_positive(x: Any) -> Any:
    if x > 0:
        return 2 * x


def sometimes_nothing(address: int, n: int) -> None:
    array_at(address, n, np.int64)[0] = twice_what_is_positive(n)


def sometimes_an_answer(address: int, n: int) -> Any:
    if n > 0:
        return n


def too_large_for_a_sign(address: int, n: int) -> None:
    array_at(address, n, np.float64)[0] = n * 0x9E3779B97F4A7C15


LAST, LARGEST = np.int64(-1), 2**70


def too_large(address: int, n: int) -> None:
    array_at(address, n, np.int64)[0] = n * LARGEST


def the_last(address: int, n: int) -> None:
    array_at(address, n, np.float64)[LAST] = 0


def half_an_address(address: int, n: int) -> None:
    call(address, (0.5, n))


def looks_where_python_does_not(address: int, n: int) -> None:
    if 0 <= n < array_at(address, n, np.int64)[n]:
        array_at(address, n, np.int64)[0] = 0


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (add_one_in_numpy, "no number"),
        (another_array, "values means different things"),
        (one_after_another, "float64 and float32 under one name"),
        (from_the_end, "does not count from the start"),
        (one_of_two, "n or 3"),
        (answers_half, "returns something else than an integer"),
        (calls_what_is_not_there, "unknown means nothing"),
        (sometimes_nothing, "twice_what_is_positive returns a value in some cases only"),
        (sometimes_an_answer, "returns a value in some cases only"),
        (too_large_for_a_sign, "unsigned and other numbers together"),
        (too_large, "in 64 bits"),
        (the_last, "does not count from the start"),
        (half_an_address, "float64 as int64"),
        (looks_where_python_does_not, "0 <= n <"),
        (lambda address, n: None, "no source"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_may_mean_something_else_is_refused(function: Callable[..., None], why: str) -> None:
    with pytest.raises(Refused, match=why):
        emitted_module(function, "any")


@helper
def sign_of(n: int) -> int:
    if n > 0:
        return 1
    elif n < 0:
        return -1
    else:
        return 0


@helper
def first_of_two(n: int) -> int:
    for each in (5, 6):
        if n:
            return each
        else:
            return 7
    return 8


def returns_early(address: int, n: int) -> None:
    values = array_at(address, 3, np.int64)
    values[0], values[1], values[2] = sign_of(-n), first_of_two(n), first_of_two(n - n)


def test_helpers_may_return_early(folder: Path) -> None:
    values = np.zeros(3, np.int64)
    emitted_module(returns_early, "any")
    operation(returns_early)(values.ctypes.data, 3)
    assert values.tolist() == [-1, 5, 7]


def test_a_source_that_was_changed_is_not_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "import numpy as np\nfrom pytmva_rnn.compile import array_at\n\n\ndef put(address, n):\n    {}\n"
    path = tmp_path / "changed_later.py"
    path.write_text(source.format("array_at(address, n, np.int64)[0] = 1"))
    monkeypatch.syspath_prepend(tmp_path)
    put = importlib.import_module("changed_later").put
    path.write_text(source.format("array_at(address, n, np.int64)[0] = 2"))
    with pytest.raises(Refused, match="no source of put"):
        emitted_module(put, "any")


def test_a_function_is_found_in_its_own_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    defined = python_sources._defined

    def noted(code: Any, source: str) -> Any:
        looked.append(source.strip())
        return defined(code, source)

    def within(address: int, n: int) -> None:
        array_at(address, n, np.float64)[0] = 1

    monkeypatch.setattr(python_sources, "_defined", noted)
    python_sources._definition.cache_clear()
    assert python_sources.definition(sign_of.py_func).lineno == sign_of.py_func.__code__.co_firstlineno + 1
    assert looked == [inspect.getsource(sign_of.py_func).strip()]
    # what stands in another function is found in the whole file
    assert python_sources.definition(within).lineno == within.__code__.co_firstlineno
    assert len(looked[-1]) > 10_000


def test_an_equation_is_emitted_once() -> None:
    # each sigmoid and tanh divides once
    for forward in (lstm.forward, lstm.forward_training):
        assert str(emitted_module(forward.function, "any")).count(" fdiv ") == 5
    text = {each: str(emitted_module(each.function, "any")) for each in (lstm.forward, lstm.forward_training)}
    # what only the backward pass needs is not compiled for scores
    assert text[lstm.forward_training].count(" store <") - text[lstm.forward].count(" store <") == 5


def test_code_is_kept_for_the_sources_that_were_imported() -> None:
    program = "from pytmva_rnn.compile import cache; print(cache._sources.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert int(done.stdout) == 1


def test_code_is_not_kept_for_values_around_a_function(folder: Path) -> None:
    def of(number: int) -> Operation:
        def put(address: int, n: int) -> None:
            array_at(address, n, np.float64)[0] = number

        return operation(put)

    found = []
    for number in (4, 5):
        values = np.zeros(3)
        of(number)(values.ctypes.data, 3)
        found.append(values[0])
    assert found == [4, 5]


def test_what_goes_wrong_in_the_quick_compiler_is_left_to_numba(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_code, "emitted_module", None)
    assert added(operation(add_one)) == [1, 2, 3]


def added(compiled: Operation) -> list[float]:
    values: NDArray[np.float64] = np.arange(3.0)
    compiled(values.ctypes.data, 3)
    return values.tolist()


def test_python_does_not_call_what_emits_instructions() -> None:
    with pytest.raises(NotImplementedError, match="array_at is for compiled code"):
        array_at(0, 1, np.int64)


@pytest.mark.slow
def test_what_is_refused_numba_compiles(folder: Path) -> None:
    assert added(operation(add_one_in_numpy)) == [1, 2, 3]


@quick_compiler
def test_code_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert added(operation(add_one)) == [1, 2, 3]
    assert len(list(folder.rglob("*.nbc"))) == 1
    monkeypatch.setattr(machine_code, "_code", None)
    assert added(operation(add_one)) == [1, 2, 3]


def test_code_for_another_processor_is_not_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert added(operation(add_one)) == [1, 2, 3]
    monkeypatch.setattr(numba.config, "CPU_FEATURES", "")
    monkeypatch.setattr(numba.config, "CPU_NAME", "generic")
    assert added(operation(add_one)) == [1, 2, 3]
    assert len(list(folder.rglob("*.nbc"))) == 2


def test_a_function_that_the_process_lacks_ends_nothing() -> None:
    with pytest.raises(Refused, match="this process has no function no_such_function"):
        machine_code._loaded("any", ["no_such_function"], b"")


def weighted(x: NDArray[np.float32], table: NDArray[Any], factor: float, n: int) -> Any:
    total = 0.0
    for i in range(n):
        for j in range(x.shape[1]):
            total += factor * x[i, j] * np.sign(x[i, j])
        total += table[i].n
        table[i].n = table.strides[0] + x.strides[0]
    return total


@pytest.mark.slow
def test_python_calls_with_arrays(folder: Path) -> None:
    x = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    x[1] = 0
    compiled, (table, expected) = entry(weighted), np.zeros((2, 4), PAIR)
    table["n"] = expected["n"] = [5, 6, 7, 8]
    assert compiled(x, table, 0.5, 4) == numba.njit(weighted)(x, expected, 0.5, 4)
    np.testing.assert_array_equal(table, expected)
    table["n"] = expected["n"] = [5, 6, 7, 8]
    # others than are known are Numba's
    assert compiled(x[:, ::2], table, 0.5, 4) == numba.njit(weighted)(x[:, ::2], expected, 0.5, 4)


def clear(values: NDArray[np.float64]) -> None:
    for k in range(len(values)):
        values[k] = 0


def test_what_must_not_be_written_to_stays(folder: Path) -> None:
    values = np.ones(3)
    compiled = entry(clear)
    compiled(values)
    assert values.tolist() == [0, 0, 0]
    kept = np.ones(3)
    kept.flags.writeable = False
    with pytest.raises(numba.TypingError, match="readonly"):
        compiled(kept)
    assert kept.tolist() == [1, 1, 1]


@pytest.mark.slow
def test_how_much_numba_compiles(tmp_path: Path) -> None:
    """A first score needs none of it, which takes ten times as long."""
    program = f"""
import numpy as np, pytmva_rnn
from numba.core import event
data = np.load({str(FOLDER / "lstm_last" / "data.npz")!r})
model = pytmva_rnn.read_weights({str(FOLDER / "lstm_last" / "weights.xml")!r})
with event.install_recorder("numba:compile") as recorder:
    scores = model.predict(data["X"])
assert np.abs(scores - data["scores"][:, 0]).max() < 2e-6
print(len([1 for _, each in recorder.buffer if each.is_start]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) == 0, done.stderr
