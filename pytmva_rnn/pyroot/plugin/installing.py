"""`install`: the method in TMVA's tables."""

from __future__ import annotations

import ctypes
from functools import cache

from pytmva_rnn import extras
from pytmva_rnn.errors import BackendError
from pytmva_rnn.pyroot.compiled import compile_once
from pytmva_rnn.pyroot.needed_tmva import needed_tmva
from pytmva_rnn.pyroot.plugin.hooks import HOOKS
from pytmva_rnn.pyroot.plugin.method_header import plugin_header

__all__ = ["install"]


def install(replace_dl: bool = False) -> None:
    """Make `PyTMVARNN` a method of this process' TMVA: `factory.BookMethod(loader, "PyTMVARNN", "LSTM", options)`.

    Its options, their defaults and its weight files, named `DL::title`, are those of MethodDL. TMVA makes the
    transformations and gives events and weights, pytmva_rnn trains, and C++ evaluates: in the Factory, in TMVA::Reader
    and beside TMVA's other methods. May be called again.

    Parameters
    ----------
    replace_dl : bool
        Let `DL` mean pytmva_rnn too, in BookMethod and in the Reader, although TMVA has its own. Where it has none,
        `DL` always does.

    Raises
    ------
    MissingExtraError
        If ROOT is not installed, or has no TMVA.
    DataError
        If the header does not compile in this ROOT.
    BackendError
        If TMVA does not take the method.
    """
    _compile()
    if not extras.root().pytmva_rnn.install(replace_dl):
        raise BackendError("TMVA::ClassifierFactory did not take the method PyTMVARNN or DL")


@cache
def _compile() -> None:
    root = extras.root()
    tmva = needed_tmva("MethodBase")
    is_class = int(hasattr(tmva.Types, "Instance"))
    compile_once(
        f"#define PYTMVA_RNN_TYPES_IS_CLASS {is_class}\n{plugin_header()}",
        f"the TMVA of this ROOT, {root.__version__}, is not as expected",
    )
    root.pytmva_rnn.set_hooks(*(ctypes.cast(hook, ctypes.c_void_p).value for hook in HOOKS))
