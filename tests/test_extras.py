from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from pytmva_rnn import extras
from pytmva_rnn.errors import MissingExtraError, TMVAError


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("dask_awkward", "dask-awkward", "coffea"),
        ("distributed", "dask.distributed", "dask"),
        ("h5py", "h5py", "keras"),
        ("matplotlib", "Matplotlib", "plot"),
        ("mpi4py", "mpi4py", "mpi"),
        ("numba_cuda", "numba-cuda", "cuda"),
        ("pandas", "pandas", "pandas"),
        ("safetensors", "safetensors", "safetensors"),
        ("optuna", "Optuna", "tune"),
        ("scipy", "SciPy", "special"),
        ("sklearn", "scikit-learn", "sklearn"),
        ("skhep_testdata", "scikit-hep-testdata", "examples"),
        ("tomlkit", "TOML Kit", "tune"),
    ],
)
def test_missing_package_names_the_command_that_installs_it(
    name: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for loaded in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError) as caught:
        getattr(extras, name)()
    assert package in str(caught.value)
    assert str(caught.value).endswith(f"install it with {extras.install_command(extra)}")
    assert caught.value.name == name
    assert isinstance(caught.value, TMVAError)
    assert isinstance(caught.value, ImportError)


def test_the_command_is_right_for_a_checkout_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, expected in (("site-packages", "pytmva_rnn"), ("checkout", str(tmp_path / "checkout"))):
        monkeypatch.setattr(extras, "__file__", str(tmp_path / folder / "pytmva_rnn" / "extras.py"))
        (tmp_path / folder).mkdir()
        if folder == "checkout":
            (tmp_path / folder / "pyproject.toml").write_text("")
        assert extras.install_command("plot") == f'pip install "{expected}[plot]"'


def test_package_broken_inside_raises_its_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "skhep_testdata.py").write_text("import a_module_that_nobody_has\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "skhep_testdata", raising=False)
    with pytest.raises(ModuleNotFoundError) as caught:
        extras.skhep_testdata()
    assert caught.value.name == "a_module_that_nobody_has"
    assert not isinstance(caught.value, MissingExtraError)


@pytest.mark.usefixtures("interruptible")
def test_signals_wait_for_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import signal\nsignal.raise_signal(signal.SIGINT)\nwhole = True\n"
    (tmp_path / "half_done.py").write_text(program, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        extras._optional("half_done", package="half_done", extra="plot", purpose="for nothing")
    assert sys.modules.pop("half_done").whole


def test_matplotlib_draws_without_a_display(tmp_path: Path) -> None:
    figure = extras.matplotlib().figure.Figure()
    figure.add_subplot().plot([0, 1], [0, 1])
    figure.savefig(tmp_path / "line.png")
    assert (tmp_path / "line.png").read_bytes().startswith(b"\x89PNG")


def test_testdata_carries_the_real_jets() -> None:
    testdata = extras.skhep_testdata()
    assert isinstance(testdata, ModuleType)
    assert Path(testdata.data_path("uproot-issue96.root")).is_file()
