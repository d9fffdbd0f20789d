from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points, metadata, version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import pytmva_rnn
from tests.conftest import pytest_cmdline_main

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_version_has_one_place(pyproject: dict[str, Any]) -> None:
    assert "version" not in pyproject["project"]
    assert pyproject["tool"]["hatch"]["version"]["path"] == "pytmva_rnn/_version.py"
    assigned = [
        path.name
        for path in (ROOT / "pytmva_rnn").rglob("*.py")
        if re.search(r"^__version__\s*(:.*)?=", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert assigned == ["_version.py"]


def test_installed_metadata_agrees() -> None:
    assert version("pytmva_rnn") == pytmva_rnn.__version__
    assert metadata("pytmva_rnn")["License-Expression"] == "BSD-3-Clause"
    assert metadata("pytmva_rnn")["Requires-Python"] == ">=3.10"


def test_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="pytmva-rnn")
    assert command.value == "pytmva_rnn.cli:main"
    assert callable(command.load())


def test_import_loads_no_optional_package() -> None:
    code = (
        "import sys, pytmva_rnn; "
        "heavy = {'ROOT', 'dask', 'matplotlib', 'onnx', 'optuna', 'skhep_testdata', 'sklearn', 'torch'}; "
        "print(*sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.split() == []


def test_package_is_typed() -> None:
    assert (Path(pytmva_rnn.__file__).parent / "py.typed").is_file()


def test_license_is_bsd_3_clause() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("BSD 3-Clause License")
    assert "the pytmva_rnn developers" in text


def test_test_extra_is_the_test_group(pyproject: dict[str, Any]) -> None:
    assert pyproject["project"]["optional-dependencies"]["test"] == pyproject["dependency-groups"]["test"]


def test_pre_commit_has_the_pinned_linters(pyproject: dict[str, Any]) -> None:
    pinned = dict(entry.split("==") for entry in pyproject["dependency-groups"]["lint"])
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    revisions = dict(re.findall(r"repo: \S+/([\w-]+)\n\s+rev: v(\S+)", hooks))
    assert f"lxml-stubs=={pinned.pop('lxml-stubs')}" in hooks
    packages = {"mirrors-mypy": "mypy", "ruff-pre-commit": "ruff", "zizmor-pre-commit": "zizmor"}
    assert {packages.get(name, name): revision for name, revision in revisions.items()} == pinned


def test_continuous_integration_runs_every_hook() -> None:
    commands = {
        "debug-statements": "debug-statement-hook",
        "import-linter": "lint-imports",
        "ruff-check": "ruff check",
        "ruff-format": "ruff format --check",
        "trailing-whitespace": "trailing-whitespace-fixer",
    }
    hooks = re.findall(r"- id: (\S+)", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    steps = re.findall(r"^step (.*)$", (ROOT / ".ci" / "lint").read_text(encoding="utf-8"), re.MULTILINE)
    for hook in hooks:
        assert [step for step in steps if f"{step} ".startswith(f"{commands.get(hook, hook)} ")], hook
    assert re.search(r"^step \.ci/lint$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("worker", [False, True])
@pytest.mark.parametrize(
    ("source", "asked", "taken"),
    [("TESTPATHS", "", "not thorough"), ("TESTPATHS", "thorough", "thorough"), ("ARGS", "", "")],
)
def test_the_whole_suite_leaves_thorough_tests_out(
    worker: bool, source: str, asked: str, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In processes too, which are given the arguments alone."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    if worker:
        monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    sources = pytest.Config.ArgsSource
    options = SimpleNamespace(usepdb=False, collectonly=False, capture="fd", numprocesses=None, markexpr=asked)
    config: Any = SimpleNamespace(option=options, ArgsSource=sources, args_source=sources[source])
    pytest_cmdline_main(config)
    assert options.markexpr == taken
