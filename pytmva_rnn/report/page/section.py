"""A section of the page, before it is markup."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Section"]


@dataclass(frozen=True, eq=False)
class Section:
    """One section.

    Attributes
    ----------
    name : str
        What links name.
    title : str
    pictures : tuple of str
        Its pictures are those whose names begin with one of these, up to the first dash.
    texts : tuple of str
    content : list of element
        After the pictures.
    wide : bool
        Whether its tables need the whole width.
    """

    name: str
    title: str
    pictures: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    content: list[Any] = field(default_factory=list)
    wide: bool = False
