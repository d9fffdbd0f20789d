"""Compiling: where nothing can be kept, what users are told, Ctrl-C, and arrays of every flavour."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest

from pytmva_rnn.compile import cache, kernel, waiting
from pytmva_rnn.compile.cache import CodeCache


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
    save = CodeCache.save_overload

    def noted(self: CodeCache, signature: Any, data: Any) -> None:
        compiled.append(signature)
        save(self, signature, data)

    monkeypatch.setattr(CodeCache, "save_overload", noted)
    return compiled


@pytest.fixture
def nothing_new(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on nothing may be compiled, nor read from disk for a new flavour of arguments."""

    def refuse(self: CodeCache, signature: Any, context: Any) -> None:
        raise AssertionError(f"{self._function.__name__} is compiled for {signature}")

    return lambda: monkeypatch.setattr(CodeCache, "load_overload", refuse)


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
    files = [cache._Files(str(folder), "double", "stamp") for _ in range(3)]
    replace = os.replace

    def other_first(source: str, target: str) -> None:
        monkeypatch.setattr(os, "replace", replace)
        files[1].save("for floats", "floats")
        replace(source, target)

    monkeypatch.setattr(os, "replace", other_first)
    files[0].save("for integers", "integers")
    assert [files[2].load(key) for key in ("for integers", "for floats")] == ["integers", "floats"]


def test_where_no_folder_can_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache.CompileResultCacheImpl, "_locator_classes", [])
    assert [kernel(double)(2), kernel(double)(2.5)] == [4, 5.0]
    (warning,) = warnings_in(caplog)
    assert "NUMBA_CACHE_DIR" in warning
    assert "15 to 90 s each time" in warning


def test_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device", target)

    monkeypatch.setattr(os, "replace", full)
    assert [kernel(double)(2), kernel(double)(2.5)] == [4, 5.0]
    assert not [path for path in folder.rglob("*") if path.is_file()]
    (warning,) = warnings_in(caplog)
    assert "No space left on device" in warning
    assert "NUMBA_CACHE_DIR" in warning
