"""Files on other machines: a web server on this one, with what such servers do."""

from __future__ import annotations

import http.server
import logging
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from pytmva_rnn import Recipe, Source, load
from pytmva_rnn.data import event_cache
from pytmva_rnn.errors import DataError, MissingExtraError
from pytmva_rnn.formula import remote_files
from tests.streamed import limited, write_events

RECIPE = Recipe.from_dict({"variables": ["y", "u"]})


class Handler(http.server.BaseHTTPRequestHandler):
    """Gives parts of files, as servers of data do."""

    folder: ClassVar[Path]
    failures: ClassVar[int] = 0
    ranges: ClassVar[bool] = True
    tag: ClassVar[str] = "one"
    asked: ClassVar[list[str]] = []
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(False)

    def do_GET(self) -> None:
        self._answer(True)

    def _answer(self, whole: bool) -> None:
        self.asked.append(self.path)
        path = self.folder / self.path.strip("/")
        if Handler.failures:
            Handler.failures -= 1
            self._send(503, b"", {})
            return
        if not path.is_file():
            self._send(404, b"", {})
            return
        content, code, more = path.read_bytes(), 200, {}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted and self.ranges:
            start, stop = int(wanted[1]), int(wanted[2] or len(content) - 1) + 1
            more = {"Content-Range": f"bytes {start}-{min(stop, len(content)) - 1}/{len(content)}"}
            content, code = content[start:stop], 206
        self._send(code, content, {"Accept-Ranges": "bytes", "ETag": f'"{self.tag}"', **more}, whole)

    def _send(self, code: int, content: bytes, headers: dict[str, str], whole: bool = True) -> None:
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if whole:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("events")
    write_events(folder)
    (folder / "text.root").write_text("no ROOT file at all")
    return folder


@pytest.fixture
def url(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server of the files."""
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(remote_files, "WAITS", (0.0, 0.0, 0.0))
    for name, value in {"folder": files, "failures": 0, "ranges": True, "tag": "one", "asked": []}.items():
        setattr(Handler, name, value)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def sources(place: object) -> dict[str, Source]:
    return {name: Source((f"{place}/a.root:{tree}",)) for name, tree in (("Signal", "sgn"), ("Background", "bkg"))}


def test_events_are_those_of_the_file(url: str, files: Path) -> None:
    np.testing.assert_array_equal(load(RECIPE, sources(url)).X, load(RECIPE, sources(files)).X)


def test_what_fails_on_the_way_is_tried_again(url: str, caplog: pytest.LogCaptureFixture) -> None:
    Handler.failures = 3
    with caplog.at_level(logging.WARNING):
        assert len(load(RECIPE, sources(url))) == 1200
    assert caplog.text.count("trying again") == 3
    assert "503" in caplog.text


def test_in_the_end_it_is_an_error(url: str) -> None:
    Handler.failures = 99
    with pytest.raises(DataError, match=r"http://.*a\.root.*503"):
        load(RECIPE, sources(url))
    assert len(Handler.asked) == 4


def test_what_is_not_there_is_not_asked_for_again(url: str) -> None:
    with pytest.raises(DataError, match=r"none\.root"):
        load(RECIPE, {"Signal": Source((f"{url}/none.root:t",)), "b": Source((f"{url}/none.root:t",))})
    assert len(Handler.asked) == 1


def test_what_is_not_there_is_told_within_a_limit_too(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limit = limited(monkeypatch, tmp_path, 10**9)
    for place, reason in ((f"{url}/none", "FileNotFoundError"), ("no-such://host", "Protocol not known: no-such")):
        with pytest.raises(DataError, match=rf"{place}/a\.root: cannot be read: .*{reason}"):
            load(RECIPE, sources(place), memory=limit)


@pytest.mark.parametrize(("number", "tries"), [(3011, 1), (3010, 1), (3012, 4)])
def test_what_xrootd_tells_for_good(number: int, tries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_files, "WAITS", (0.0, 0.0, 0.0))
    monkeypatch.setitem(remote_files._PACKAGES, "root", lambda: sys)
    calls = []

    def read() -> None:
        calls.append(1)
        raise OSError(f"File did not open properly: [ERROR] Server responded with an error: [{number}] Unable to open")

    with pytest.raises(OSError, match="Unable to open"):
        remote_files.patiently("root://host//a.root", read)
    assert len(calls) == tries


def test_what_is_no_root_file(url: str) -> None:
    with pytest.raises(DataError, match=r"text\.root is not a ROOT file"):
        load(RECIPE, {"Signal": Source((f"{url}/text.root:t",)), "b": Source((f"{url}/text.root:t",))})


def test_a_server_of_whole_files_alone_is_refused(url: str) -> None:
    Handler.ranges = False
    with pytest.raises(DataError, match=r"gives the whole file where a part is asked for \(HTTP Range\)"):
        load(RECIPE, sources(url))


@pytest.mark.slow
def test_the_cache_knows_versions_of_remote_files(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = limited(monkeypatch, tmp_path, 10**9)
    first = load(RECIPE, sources(url), memory=limit)
    (kept,) = event_cache.cached_events()
    Handler.asked.clear()
    again = load(RECIPE, sources(url), memory=limit)
    np.testing.assert_array_equal(first.X, again.X)
    assert len(Handler.asked) <= 2  # what version it is
    Handler.tag = "two"
    load(RECIPE, sources(url), memory=limit)
    assert {each.folder for each in event_cache.cached_events()} > {kept.folder}


@pytest.mark.parametrize(
    ("scheme", "package", "extra"), [("http", "aiohttp", "http"), ("root", "fsspec_xrootd", "xrootd")]
)
def test_what_is_missing_to_read_a_url(scheme: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"pip install .*\[{extra}\]"):
        load(RECIPE, sources(f"{scheme}://nowhere.invalid/x"))
