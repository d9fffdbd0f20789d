"""Optional packages: the only place that imports them, and the error that says how to install one that is missing."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from pytmva_rnn.errors import MissingExtraError
from pytmva_rnn.first_imports import importing
from pytmva_rnn.interruption import Held

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "aiohttp",
    "dask_awkward",
    "distributed",
    "fsspec_xrootd",
    "h5py",
    "hist",
    "matplotlib",
    "mpi4py",
    "mplhep",
    "numba_cuda",
    "onnx",
    "onnxruntime",
    "optuna",
    "pandas",
    "root",
    "safetensors",
    "scipy",
    "skhep_testdata",
    "sklearn",
    "tomlkit",
    "torch",
]


_PATIENCE = 10.0
"""Seconds that others' imports are waited for: this one may stand in a module that one of them waits for."""


def _optional(module: str, *, package: str, extra: str, purpose: str) -> ModuleType:
    """Import `module` and return the package that it is in, or say which extra of pytmva_rnn brings `package`.

    An installed package that fails inside its own import raises its own error: reinstalling would not mend it. Signals
    wait for the import: in its middle a package in C++ may print them as errors of its own, or be left half done.
    """
    top = module.partition(".")[0]
    try:
        with Held():
            alone = importing.acquire(timeout=_PATIENCE)
            try:
                importlib.import_module(module)
                return importlib.import_module(top)
            finally:
                if alone:
                    importing.release()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        message = f"{package}, needed {purpose}, is not installed; install it with {install_command(extra)}"
        raise MissingExtraError(message, name=top) from error


def aiohttp() -> ModuleType:
    """Return the `aiohttp` package, with which fsspec reads what is on web servers.

    Raises
    ------
    MissingExtraError
        If aiohttp is not installed.
    """
    return _optional("aiohttp", package="aiohttp", extra="http", purpose="for files on web servers (http, https)")


def dask_awkward() -> ModuleType:
    """Return the `dask_awkward` package.

    Raises
    ------
    MissingExtraError
        If dask-awkward is not installed.
    """
    return _optional("dask_awkward", package="dask-awkward", extra="coffea", purpose="for arrays that dask computes")


def distributed() -> ModuleType:
    """Return the `distributed` package, dask's scheduler of many machines.

    Raises
    ------
    MissingExtraError
        If dask.distributed is not installed.
    """
    return _optional("distributed", package="dask.distributed", extra="dask", purpose="to score with dask's workers")


def fsspec_xrootd() -> ModuleType:
    """Return the `fsspec_xrootd` package, with which fsspec reads what is on XRootD servers.

    Raises
    ------
    MissingExtraError
        If fsspec-xrootd is not installed.
    """
    return _optional(
        "fsspec_xrootd", package="fsspec-xrootd", extra="xrootd", purpose="for files on XRootD servers (root://)"
    )


def h5py() -> ModuleType:
    """Return the `h5py` package.

    Raises
    ------
    MissingExtraError
        If h5py is not installed.
    """
    return _optional("h5py", package="h5py", extra="keras", purpose="for Keras' files")


def hist() -> ModuleType:
    """Return the `hist` package.

    Raises
    ------
    MissingExtraError
        If hist is not installed.
    """
    return _optional("hist", package="hist", extra="report", purpose="for histograms that others can draw and add")


def install_command(extra: str) -> str:
    """How to install what an extra brings: for a checkout of the sources by its path, which pip takes as well."""
    checkout = Path(__file__).parents[1]
    return f'pip install "{checkout if (checkout / "pyproject.toml").is_file() else "pytmva_rnn"}[{extra}]"'


def matplotlib() -> ModuleType:
    """Return the `matplotlib` package with `matplotlib.figure` loaded.

    Plots are drawn on a `matplotlib.figure.Figure`, which needs no display and leaves pyplot's global state alone.

    Raises
    ------
    MissingExtraError
        If Matplotlib is not installed.
    """
    return _optional("matplotlib.figure", package="Matplotlib", extra="plot", purpose="for plots")


def mpi4py() -> ModuleType:
    """Return the `mpi4py` package with `mpi4py.MPI` loaded, which starts MPI.

    Raises
    ------
    MissingExtraError
        If mpi4py is not installed.
    """
    return _optional("mpi4py.MPI", package="mpi4py", extra="mpi", purpose="to train in several processes")


def skhep_testdata() -> ModuleType:
    """Return the `skhep_testdata` package, whose `data_path(name)` is the path of a sample ROOT file.

    Raises
    ------
    MissingExtraError
        If scikit-hep-testdata is not installed.
    """
    return _optional(
        "skhep_testdata", package="scikit-hep-testdata", extra="examples", purpose="for the data of the examples"
    )


def numba_cuda() -> ModuleType:
    """Return the `numba_cuda` package, which compiles Python for NVIDIA's GPUs.

    Raises
    ------
    MissingExtraError
        If numba-cuda is not installed.
    """
    return _optional("numba_cuda", package="numba-cuda", extra="cuda", purpose="to compute on a GPU")


def mplhep() -> ModuleType:
    """Return the `mplhep` package, the styles of experiments.

    Raises
    ------
    MissingExtraError
        If mplhep is not installed.
    """
    return _optional("mplhep", package="mplhep", extra="report", purpose="for the styles of experiments")


def onnx() -> ModuleType:
    """Return the `onnx` package with `onnx.reference` loaded, its own evaluator.

    Raises
    ------
    MissingExtraError
        If ONNX is not installed.
    """
    return _optional("onnx.reference", package="ONNX", extra="onnx", purpose="for ONNX files")


def onnxruntime() -> ModuleType:
    """Return the `onnxruntime` package.

    Raises
    ------
    MissingExtraError
        If ONNX Runtime is not installed.
    """
    return _optional("onnxruntime", package="ONNX Runtime", extra="onnx", purpose="to run ONNX files")


def optuna() -> ModuleType:
    """Return the `optuna` package.

    Raises
    ------
    MissingExtraError
        If Optuna is not installed.
    """
    return _optional("optuna", package="Optuna", extra="tune", purpose="to search options")


def pandas() -> ModuleType:
    """Return the `pandas` package.

    Raises
    ------
    MissingExtraError
        If pandas is not installed.
    """
    return _optional("pandas", package="pandas", extra="pandas", purpose="for DataFrames")


def root() -> ModuleType:
    """Return the `ROOT` package, PyROOT.

    ROOT's pip package warns that it is an alpha when it is imported; where warnings are errors, that would leave Python
    with a half-imported ROOT.

    Raises
    ------
    MissingExtraError
        If ROOT is not installed.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*This distribution of ROOT is in alpha stage")
        return _optional("ROOT", package="ROOT", extra="root", purpose="for RDataFrame, PyROOT's trees and C++ TMVA")


def safetensors() -> ModuleType:
    """Return the `safetensors` package with `safetensors.numpy` loaded.

    Raises
    ------
    MissingExtraError
        If safetensors is not installed.
    """
    return _optional("safetensors.numpy", package="safetensors", extra="safetensors", purpose="for .safetensors files")


def scipy() -> ModuleType:
    """Return the `scipy` package with `scipy.special` loaded.

    Raises
    ------
    MissingExtraError
        If SciPy is not installed.
    """
    return _optional(
        "scipy.special", package="SciPy", extra="special", purpose="for special functions of TMath in formulas"
    )


def sklearn() -> ModuleType:
    """Return the `sklearn` package with what estimators are made of.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed, or before 1.6.
    """
    modules = ("base", "exceptions", "model_selection", "utils.class_weight", "utils.multiclass", "utils.validation")
    for module in modules:
        package = _optional(f"sklearn.{module}", package="scikit-learn", extra="sklearn", purpose="for its estimators")
    if not hasattr(package.utils.validation, "validate_data"):
        raise MissingExtraError(
            f"scikit-learn {package.__version__} is too old, 1.6 is needed; "
            f"install it with {install_command('sklearn')}",
            name="sklearn",
        )
    return package


def tomlkit() -> ModuleType:
    """Return the `tomlkit` package.

    Raises
    ------
    MissingExtraError
        If TOML Kit is not installed.
    """
    return _optional("tomlkit", package="TOML Kit", extra="tune", purpose="to write configurations")


def torch() -> ModuleType:
    """Return the `torch` package.

    Raises
    ------
    MissingExtraError
        If PyTorch is not installed.
    """
    return _optional("torch", package="PyTorch", extra="torch", purpose="for its networks")
