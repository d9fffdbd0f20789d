"""The grammar of tmva's option `VarTransform`: `N,D_Signal,P_AllClasses(x,y)`.

Source of the grammar: tmva's VariableTransform.cxx. Transformations are separated by `,` or `+`. Each is a name, then
`_` and a class if it is to be learned from that class alone, and in parentheses what it is applied to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pytmva_rnn.errors import OptionError

__all__ = ["TransformStep", "parse_var_transform"]

_IDENTITY = ("I", "IDENT", "IDENTITY")
_ALL_CLASSES = "ALLCLASSES"
_MOST = 1000


@dataclass(frozen=True)
class TransformStep:
    """One transformation of the chain.

    Attributes
    ----------
    name : str
        In upper case: `N`, `DECO` ...
    class_name : str, optional
        None for all classes together.
    selection : tuple of str
        Labels, or words such as `_V_`; empty if the transformation's own choice is meant.
    text, position : the transformation as it was written, and where in the option's value
    """

    name: str
    class_name: str | None
    selection: tuple[str, ...]
    text: str
    position: int

    @property
    def is_identity(self) -> bool:
        """Whether it leaves everything as it is."""
        return self.name in _IDENTITY


def parse_var_transform(text: str) -> tuple[TransformStep, ...]:
    """The transformations of an option's value, in order; none for `None`.

    Parameters
    ----------
    text : str

    Raises
    ------
    OptionError
        For parentheses that do not match, for a class or a selection without a name before it, and for more than a
        thousand transformations.
    """
    if text.strip().upper() in ("", "NONE"):
        return ()
    pieces = list(islice(_split(text, text, 0, ",+"), _MOST + 1))
    if len(pieces) > _MOST:
        raise OptionError(f"VarTransform: there are more than {_MOST:,} transformations", text, pieces[_MOST][0])
    return tuple(_step(text, start, piece) for start, piece in pieces)


def _split(whole: str, text: str, offset: int, separators: str) -> Iterator[tuple[int, str]]:
    """Pieces of `text`, which begins at `offset` of `whole`, and their places; no empty ones.

    Separators in parentheses do not count: a label may be a formula.
    """
    depth = start = 0
    for place, character in enumerate(text + separators[0]):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            raise OptionError("VarTransform: there is no ( before this )", whole, offset + place)
        if character in separators and (depth == 0 or place == len(text)):
            if depth:
                raise OptionError("VarTransform: this ( is never closed", whole, offset + text.index("(", start))
            piece = text[start:place]
            if piece.strip():
                yield offset + start + len(piece) - len(piece.lstrip()), piece.strip()
            start = place + 1


def _step(whole: str, start: int, text: str) -> TransformStep:
    selection: tuple[str, ...] = ()
    rest = text
    if "(" in text:
        opening, closing = text.index("("), text.rindex(")")
        inner = text[opening + 1 : closing]
        selection = tuple(item for _, item in _split(whole, inner, start + opening + 1, ","))
        if not selection:
            raise OptionError("VarTransform: nothing is selected between these parentheses", whole, start + opening)
        # the class may stand before the parentheses or behind them
        rest = text[:opening].rstrip() + text[closing + 1 :].lstrip()
    name, _, class_name = rest.partition("_")
    if not name.strip():
        raise OptionError(
            "VarTransform: the name of a transformation is missing; for example N, D, P, U or G", whole, start
        )
    named = class_name.strip()
    everything = named.upper() in ("", _ALL_CLASSES)
    return TransformStep(name.strip().upper(), None if everything else named, selection, text, start)
