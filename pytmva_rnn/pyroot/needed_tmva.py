"""The running ROOT's TMVA, or the error that says how to come by one."""

from __future__ import annotations

from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.errors import MissingExtraError

__all__ = ["needed_tmva"]


def needed_tmva(part: str) -> Any:
    """The namespace TMVA of the running ROOT.

    Parameters
    ----------
    part : str
        A class that it must have.

    Raises
    ------
    MissingExtraError
        If ROOT is not installed, or has no TMVA.
    """
    root = extras.root()
    if not hasattr(root, "TMVA") or not hasattr(root.TMVA, part):
        raise MissingExtraError(
            f"this ROOT, {root.__version__}, has no TMVA (the pip package has none); install one that has, e.g. with "
            "conda install -c conda-forge root",
            name="ROOT",
        )
    return root.TMVA
