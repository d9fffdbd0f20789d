"""The rules of the house that no linter knows: each name stands once, and nothing is imported in a circle."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.slow  # all files of the package are parsed

ROOT = Path(__file__).parents[1]
PACKAGE = "pytmva_rnn"
BACKENDS = [(PACKAGE, "kernels", backend) for backend in ("reference", "cpu", "cuda")]
"""Their files have the same names in each."""
OPTIONAL = {
    "ROOT",
    "coffea",
    "dask",
    "dask_awkward",
    "distributed",
    "h5py",
    "keras",
    "matplotlib",
    "mpi4py",
    "numba_cuda",
    "onnx",
    "onnxruntime",
    "optuna",
    "pandas",
    "safetensors",
    "scipy",
    "skhep_testdata",
    "sklearn",
    "tomlkit",
    "torch",
}
"""Packages of extras, which `extras` alone imports."""
FILES = {
    path.relative_to(ROOT).with_suffix("").parts: path
    for path in sorted((ROOT / PACKAGE).rglob("*.py"))
    if path.name != "__main__.py"
}


@cache
def nodes() -> dict[tuple[str, ...], list[ast.AST]]:
    """Read and walked by the first test, not where tests are only collected."""
    return {parts: list(ast.walk(ast.parse(path.read_text(encoding="utf-8")))) for parts, path in FILES.items()}


def dotted(parts: tuple[str, ...]) -> str:
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(parts) for parts in FILES}


def package_of(parts: tuple[str, ...]) -> str:
    return ".".join(parts[:-1])


@cache
def imports(parts: tuple[str, ...]) -> list[tuple[str, str]]:
    """Module and name of each import of the package's own, those in functions too, but not those for types alone."""
    return list(_imports(nodes()[parts]))


def _imports(found: list[ast.AST]) -> Iterator[tuple[str, str]]:
    typing = {id(node) for block in found if is_for_types(block) for node in ast.walk(block)}
    for node in found:
        if id(node) in typing:
            continue
        if isinstance(node, ast.Import):
            yield from (
                name.rpartition(".")[::2]
                for name in (alias.name for alias in node.names)
                if name.split(".")[0] == PACKAGE
            )
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module and node.module.split(".")[0] == PACKAGE:
                yield from ((node.module, alias.name) for alias in node.names)


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def test_a_module_name_stands_once() -> None:
    homes: dict[str, list[str]] = {}
    for parts in FILES:
        if parts[-1] != "__init__" and parts[:3] not in BACKENDS:
            homes.setdefault(parts[-1], []).append(dotted(parts))
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_a_class_name_stands_once() -> None:
    homes: dict[str, list[str]] = {}
    for parts, found in nodes().items():
        for node in found:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(dotted(parts))
    # what all backends call by one name, and the protocol of it
    del homes["Engine"]
    assert {name: each for name, each in homes.items() if len(each) > 1} == {}


def test_private_names_stay_in_their_package() -> None:
    crossing = [
        f"{dotted(parts)}: {module}.{name}"
        for parts in FILES
        for module, name in imports(parts)
        if any(word.startswith("_") for word in (*module.split("."), name))
        and module != f"{PACKAGE}._version"
        and package_of(parts) != (module if f"{module}.{name}" in MODULES else module.rpartition(".")[0])
    ]
    assert crossing == []


def test_nothing_is_imported_in_a_circle() -> None:
    graph = {
        dotted(parts): {
            f"{module}.{name}" if f"{module}.{name}" in MODULES else module for module, name in imports(parts)
        }
        for parts in FILES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.fixture(scope="module")
def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return found


def test_the_contracts_name_modules_that_exist(contracts: list[dict[str, Any]]) -> None:
    named: set[str] = set()
    for contract in contracts:
        for key in ("modules", "source_modules", "forbidden_modules", "containers"):
            named |= {name for name in contract.get(key, []) if name.split(".")[0] == PACKAGE}
        named |= {
            f"{container}.{name.strip()}"
            for container in contract.get("containers", [])
            for layer in contract.get("layers", [])
            for name in layer.split("|")
        }
    assert named
    assert named - MODULES == set()


def test_compiled_code_widens_by_name() -> None:
    """In compiled code float() leaves a float32 what it is; np.float64() does not."""
    compiled = {"kernel", "helper", "inlined", "operation", "device"}
    found = [
        f"{dotted(parts)}, line {node.lineno}"
        for parts, within in nodes().items()
        for function in within
        if isinstance(function, ast.FunctionDef)
        and compiled & {each.id for each in function.decorator_list if isinstance(each, ast.Name)}
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
    ]
    assert not found


def test_optional_packages_are_imported_in_one_place() -> None:
    found = []
    for parts, within in nodes().items():
        for node in within:
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            found += [f"{dotted(parts)}: {name}" for name in names if name.partition(".")[0] in OPTIONAL]
    assert found == []
