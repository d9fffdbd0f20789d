"""pytmva_rnn as a method of TMVA: in the ROOT that is here with a stand-in of TMVA, and in a ROOT that has TMVA."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import extras, read_weights
from pytmva_rnn.cli import main
from pytmva_rnn.errors import MissingExtraError
from pytmva_rnn.pyroot import install, plugin_header
from pytmva_rnn.pyroot.plugin.border import Answer, Request
from pytmva_rnn.pyroot.plugin.hooks import HOOKS
from tests.cpp import available, output
from tests.reference import CASES, FOLDER, Case

REPOSITORY = Path(__file__).parents[1]
STANDIN = REPOSITORY / "tests" / "standin_tmva"
GENERATIONS = (622, 630, 642)
WARNINGS = ("-std=c++17", "-Wall", "-Wextra", "-Woverloaded-virtual", "-Werror")


@pytest.fixture(scope="module")
def ROOT() -> Any:
    try:
        return extras.root()
    except MissingExtraError as error:
        pytest.skip(f"ROOT is not installed: {error}")


def folder_of(root: Any, kind: str) -> str:
    return str(getattr(root.TROOT, f"Get{kind}Dir")())


def python(folder: Path, *arguments: str) -> str:
    """Run a script of this checkout in an empty folder."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def compiled(root: Any, source: Path, *flags: str) -> Path:
    """A program with the stand-in."""
    libraries = ("Core", "RIO", "XMLIO", "Hist", "Matrix", "MathCore", "Tree")
    link = [f"-L{folder_of(root, 'Lib')}", f"-Wl,-rpath,{folder_of(root, 'Lib')}", *(f"-l{name}" for name in libraries)]
    includes = [f"-I{STANDIN}", f"-I{source.parent}", "-isystem", folder_of(root, "Include")]
    program = source.parent / "program"
    command = [available("g++"), *WARNINGS, *flags, *includes, str(source)]
    command += [] if "-fsyntax-only" in flags else ["-o", str(program), *link]
    done = subprocess.run(command, cwd=source.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    return program


def numbers_of(told: str) -> dict[str, str]:
    """What the example prints, by its names, in which there may be colons too."""
    return dict(re.findall(r"^([^<\n]+): (\S+)$", told, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.parametrize("generation", GENERATIONS)
def test_in_a_factory_and_a_reader(generation: int, ROOT: Any, tmp_path: Path) -> None:
    if hasattr(ROOT, "TMVA"):
        pytest.skip("this ROOT has TMVA")
    told = python(tmp_path, str(REPOSITORY / "tests" / "plugin_session.py"), str(generation))
    assert told.splitlines()[-1] == "done"
    if generation != 630:
        return
    # the table of epochs, in TMVA's log
    assert re.search(r"<INFO> Classification_None :  Epoch \| Train Err\. \|", told)
    assert len(re.findall(r"<INFO> Classification_None : +\d+ \| +\d\.\d+ \|", told)) >= 3
    assert re.search(r"<ERROR> wrong : .*RememberState", told)
    # TMVA's standalone class
    (source,) = tmp_path.glob("Classification_None/weights/*.class.C")
    values = read_weights(tmp_path / "ours.weights.xml").predict(np.full((1, 8), 0.5, np.float32))
    program = f'#include "{source}"\n#include <cstdio>\nint main() {{ std::printf("%.9g", ReadClassification_None()'
    (tmp_path / "main.cxx").write_text(f"{program}.GetMvaValue__(std::vector<double>(8, 0.5))); }}\n")
    assert float(output(compiled(ROOT, tmp_path / "main.cxx"))) == pytest.approx(float(values[0]), abs=1e-6)
    # the example
    numbers = numbers_of(told)
    assert float(numbers["ROC integral"]) > 0.75
    assert float(numbers["largest difference between TMVA::Reader and Model.predict"]) < 2e-6


@pytest.mark.slow
@pytest.mark.parametrize("generation", GENERATIONS)
def test_header_compiles_without_warnings(generation: int, ROOT: Any, tmp_path: Path) -> None:
    (tmp_path / "PyTMVARNN.hxx").write_text(plugin_header(), encoding="utf-8")
    (tmp_path / "main.cxx").write_text('#include "PyTMVARNN.hxx"\nint main() { return !pytmva_rnn::install(true); }\n')
    types = f"-DPYTMVA_RNN_TYPES_IS_CLASS={int(generation < 642)}"
    compiled(ROOT, tmp_path / "main.cxx", "-fsyntax-only", f"-DTMVA_STANDIN_GENERATION={generation}", types)


@pytest.mark.slow
def test_program_reads_files_of_methoddl_without_python(ROOT: Any, tmp_path: Path) -> None:
    weights = REPOSITORY / "tests" / "data" / "reference" / "lstm_last" / "weights.xml"
    example = (REPOSITORY / "examples" / "cpp" / "plugin.cxx").read_text(encoding="utf-8")
    model = read_weights(weights)
    names = [variable.expression for variable in model.variables]
    listed = ", ".join(f'"{name}"' for name in names)
    program = example.replace("std::vector<float> x(18);", f"std::vector<float> x({len(names)});")
    program = program.replace('"x" + std::to_string(i)', f"std::vector<std::string>{{{listed}}}[i]")
    assert program != example
    assert main(["plugin", str(tmp_path / "PyTMVARNN.hxx")]) == 0
    (tmp_path / "plugin.cxx").write_text(program, encoding="utf-8")
    built = compiled(ROOT, tmp_path / "plugin.cxx", "-O1")
    done = subprocess.run([built, weights], capture_output=True, text=True, check=True)
    X = 0.25 * ((np.arange(len(names)) + np.arange(5)[:, np.newaxis]) % 7) - 0.75
    expected = model.predict(X.astype(np.float32))
    np.testing.assert_allclose([float(line) for line in done.stdout.split()], expected, rtol=1e-5)


@pytest.mark.slow
def test_program_reads_each_file_in_threads_and_refuses_what_is_wrong(ROOT: Any, tmp_path: Path) -> None:
    cases, lines = {}, []
    for name in CASES:
        case = Case(name)
        if case.model.transformations or case.model.remembers:
            continue
        cases[name], names = case, [variable.expression for variable in case.model.variables]
        events = case.data["X"][:50].reshape(-1, len(names)).astype(np.float32)
        np.concatenate([events, np.full((1, len(names)), np.nan, np.float32)]).tofile(tmp_path / f"{name}.x")
        weights = FOLDER / name / "weights.xml"
        lines.append(f"{name} {case.model.analysis} {weights} {len(names)} {' '.join(names)}\n")
    (tmp_path / "cases").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "PyTMVARNN.hxx").write_text(plugin_header(), encoding="utf-8")
    (tmp_path / "main.cxx").write_text((REPOSITORY / "tests" / "plugin_reader.cxx").read_text())
    told = output(compiled(ROOT, tmp_path / "main.cxx", "-O1", "-pthread"))
    assert [line for line in told.splitlines() if not line.startswith(("<", "SysError", "Error"))] == []
    for name, case in cases.items():
        found = np.fromfile(tmp_path / f"{name}.scores", np.float32).reshape(-1, case.model.outputs)
        events = np.fromfile(tmp_path / f"{name}.x", np.float32).reshape(-1, len(case.model.variables))
        expected = np.asarray(case.model.predict(events)).reshape(found.shape)
        np.testing.assert_allclose(found, expected, rtol=3e-6, atol=3e-6, err_msg=name)


def test_without_tmva_install_says_so(ROOT: Any) -> None:
    if hasattr(ROOT, "TMVA"):
        pytest.skip("this ROOT has TMVA")
    with pytest.raises(MissingExtraError, match=r"has no TMVA .* conda install -c conda-forge root"):
        install()


def test_what_is_wrong_passes_the_border_as_text() -> None:
    check = HOOKS[0]
    for options, done, problem in (
        (b"Layout=LINEAR", 1, None),
        (b"Layout=\xff", 0, rb"\xff"),
        (b"Layuot=1", 0, b"Layuot"),
    ):
        request, answer = Request(options=options, variables=3, outputs=1), Answer()
        assert check(ctypes.pointer(request), ctypes.pointer(answer)) == done
        assert problem is None if answer.problem is None else problem in answer.problem


def test_command_writes_the_header(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "PyTMVARNN.hxx"
    assert main(["plugin", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == plugin_header()
    assert main(["plugin", str(path)]) == 0  # its own is replaced
    path.write_text("int x;")
    assert main(["plugin", str(path)]) == 1
    assert path.read_text() == "int x;"
    assert main(["plugin", str(tmp_path / "header.txt")]) == 1
    assert "--force" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.tmva
@pytest.mark.parametrize("script", ["examples/tmva_plugin.py", "tests/plugin_in_tmva.py"])
def test_in_a_real_tmva(script: str, ROOT: Any, tmp_path: Path) -> None:
    """The example in TMVA's own Factory and Reader; then regression, classes, TMVA's files and CrossValidation."""
    if not hasattr(ROOT, "TMVA"):
        pytest.skip("this ROOT has no TMVA")
    told = python(tmp_path, str(REPOSITORY / script))
    if script.startswith("tests"):
        assert told.splitlines()[-1] == "done"
        return
    numbers = numbers_of(told)
    assert float(numbers["ROC integral"]) > 0.75
    # N is computed in float32 by TMVA, in double by pytmva_rnn
    assert float(numbers["largest difference between TMVA::Reader and Model.predict"]) < 1e-5
