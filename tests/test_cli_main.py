"""What all commands have in common: help, exit codes, messages."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from argparse import Namespace
from pathlib import Path

import pytest

import pytmva_rnn
from pytmva_rnn import cli
from pytmva_rnn.cli import COMMANDS, main
from pytmva_rnn.cli import inspect_command as inspect
from pytmva_rnn.errors import TMVAError

PACKAGE = str(Path(pytmva_rnn.__file__).parents[1])


def called(monkeypatch: pytest.MonkeyPatch, what: object) -> int:
    """Run `inspect` with another function in its place."""
    monkeypatch.setattr(inspect, "run", what)
    return main(["inspect", "x"])


def test_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytmva_rnn", "--version"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": PACKAGE},
        check=True,
    )
    assert done.stdout == f"pytmva-rnn {pytmva_rnn.__version__}\n"


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_has_examples(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    assert stopped.value.code == 0
    assert "examples:\n  pytmva-rnn " in capsys.readouterr().out


def test_help_and_mistakes_come_at_once() -> None:
    """Without what takes most of a second to import."""
    code = (
        "import sys; from pytmva_rnn.cli import main\n"
        "for arguments in (['--help'], ['--version'], ['trian']):\n"
        "    try: main(arguments)\n"
        "    except SystemExit: pass\n"
        "assert not {'numpy', 'numba', 'uproot', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": PACKAGE})


def test_ctrl_c_while_a_command_is_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "import_module", interrupted)
    assert main(["inspect", "x"]) == 130
    assert capsys.readouterr().err == "pytmva-rnn: interrupted\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required: COMMAND"),
        (["trian"], "invalid choice: 'trian'"),
        (["train"], "arguments are required: CONFIG.toml"),
        (["train", "c.toml", "--seed=-1"], "'-1' is not a whole number from 0 on"),
        (["train", "c.toml", "--threads=0"], "at least 1 is needed"),
        (["train", "c.toml", "--backend=tpu"], "invalid choice: 'tpu'"),
        (["evaluate", "w.xml", "a.root"], "one of the arguments -o/--output --folder is required"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", [["train"], ["inspect"], ["evaluate", "-o", "s.root", "a.root"]])
def test_a_file_that_is_not_there(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "none.xml")
    assert main([command[0], path, *command[1:]]) == 1
    assert capsys.readouterr().err == f"pytmva-rnn: error: {path}: No such file or directory\n"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (TMVAError("what is wrong"), 1, "pytmva-rnn: error: what is wrong\n"),
        (OSError(28, "No space left on device", "a.tmp", None, "a.xml"), 1, "pytmva-rnn: error: a.xml: No space left"),
        (OSError("bare"), 1, "pytmva-rnn: error: bare\n"),
        (KeyboardInterrupt(), 130, "pytmva-rnn: interrupted\n"),
    ],
)
def test_errors_are_one_line(
    error: BaseException,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def failing(_: Namespace) -> int:
        raise error

    assert called(monkeypatch, failing) == code
    assert capsys.readouterr().err.startswith(message)


def test_an_interrupt_inside_numba(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def failing(_: Namespace) -> int:
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()

    assert called(monkeypatch, failing) == 130
    assert capsys.readouterr().err == "pytmva-rnn: interrupted\n"


@pytest.mark.parametrize("defect", [ZeroDivisionError, SystemError])
def test_what_is_a_defect_is_not_hidden(defect: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: Namespace) -> int:
        raise defect

    with pytest.raises(defect):
        called(monkeypatch, failing)


@pytest.mark.filterwarnings("default::UserWarning")
def test_logs_and_warnings_are_plain_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def telling(_: Namespace) -> int:
        logging.getLogger("pytmva_rnn").info("epoch %d", 1)
        logging.getLogger("pytmva_rnn").warning("too %s", "large")
        warnings.warn("given twice", stacklevel=1)
        return 0

    before = logging.getLogger("pytmva_rnn").handlers.copy()
    assert called(monkeypatch, telling) == 0
    shown = capsys.readouterr()
    assert shown.out == "epoch 1\n"
    assert shown.err == "pytmva-rnn: warning: too large\npytmva-rnn: warning: given twice\n"
    assert logging.getLogger("pytmva_rnn").handlers == before


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_pipe_that_is_closed(tmp_path: Path) -> None:
    code = (
        "import sys; from pytmva_rnn.cli import inspect_command, main\n"
        "inspect_command.run = lambda _: print('line\\n' * 200_000) or 0\n"
        "sys.exit(main(['inspect', 'x']))"
    )
    (tmp_path / "c.py").write_text(code)
    done = subprocess.run(
        f"'{sys.executable}' c.py | head -n 1",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": PACKAGE},
        check=True,
    )
    assert (done.stdout, done.stderr) == ("line\n", "")
