"""Text -> nodes, in ROOT's grammar.

The order of operators is TTreeFormula's, which is C's but for three: `<<` and `>>` bind more tightly than `+` and `%`,
`%` less tightly than `*` and `/` (`7%4*2` is `7%(4*2)`), and these three group from the right. `^` is a power and
groups from the left; a leading sign belongs to the whole term that follows it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from pytmva_rnn.errors import DataError, shown_text
from pytmva_rnn.formula.tree import (
    Binary,
    Conditional,
    FunctionCall,
    Index,
    MapEntry,
    Member,
    Method,
    Name,
    Number,
    Term,
    Text,
    Unary,
    written,
)
from pytmva_rnn.packages import lark

__all__ = ["COMPARISONS", "MAX_DEPTH", "complaint", "parse"]

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")

MAX_LENGTH = 20_000
MAX_DEPTH = 200

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What most formulas are, nothing but a name: the grammar takes twenty times as long."""

_HINTED = 500
"""Characters before and behind the place of an error that hints look at: they take the square of that in time."""

_TYPES = (
    r"int|long\s+long|long|short|char|bool|double|float|U?Int_t|U?Long64_t|U?Long_t|U?Short_t|Bool_t|Double_t|Float_t"
)
_GRAMMAR = r"""
?start: conditional
?conditional: either | either "?" conditional ":" conditional
?either: both | either "||" both -> binary
?both: bits_or | both "&&" bits_or -> binary
?bits_or: bits_and | bits_or "|" bits_and -> binary
?bits_and: comparison | bits_and "&" comparison -> binary
?comparison: sum | comparison COMPARE sum -> compare
?sum: signed | sum SIGN signed -> binary
?signed: remainder | SIGN signed -> unary
?remainder: right_shift | right_shift "%" remainder -> binary
?right_shift: left_shift | left_shift SHIFT_RIGHT right_shift -> binary
?left_shift: product | product SHIFT_LEFT left_shift -> binary
?product: power | product "*" factor -> binary | product "/" factor -> binary
?factor: power | SIGN factor -> unary
?power: prefix | power POWER exponent -> binary
?exponent: prefix | SIGN exponent -> unary
?prefix: postfix | "!" prefix -> unary | CAST prefix -> cast
?postfix: atom
    | postfix "." NAME -> member
    | postfix "." NAME "(" ")" -> method
    | postfix "[" "]" -> every
    | postfix "[" conditional "]" -> index
    | postfix "{" NUMBER "}" -> entry
    | postfix "{" TEXT "}" -> entry
?atom: NUMBER -> number
    | TEXT -> text
    | NAME -> name
    | QUOTED -> name
    | SPECIAL -> call
    | (NAME | QUALIFIED | SPECIAL) "(" [conditional ("," conditional)*] ")" -> call
    | "@" NAME "." NAME "(" ")" -> size
    | "(" conditional ")" -> group

COMPARE: "==" | "!=" | "<=" | ">=" | "<" | ">"
SHIFT_LEFT.2: "<<"
SHIFT_RIGHT.2: ">>"
SIGN: "+" | "-"
POWER: "**" | "^"
CAST.3: /\(\s*(?:unsigned\s+)?(?:TYPES)\s*\)(?=\s*(?:[\w.(`!@]|[^\x00-\x7f]))/
NUMBER.2: /(?:0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![\w.])/
TEXT: /"[^"]*"/
QUOTED: /`[^`]+`/
SPECIAL.2: /[A-Za-z]+\$/
QUALIFIED.2: /[A-Za-z_]\w*(?:::[A-Za-z_]\w*)+/
NAME: /(?:[^\W\d]|[^\x00-\x7f\s])(?:\w|[^\x00-\x7f\s])*/
%ignore /\s+/
""".replace("TYPES", _TYPES)

_HINTS = (
    (r"[\w)\]]\s+if\b.*\belse\b", "write `condition ? a : b`"),
    (r"\b(?:and|or|not)\b", "write `&&` for `and`, `||` for `or`, `!x` for `not x`"),
    (r"//", "write `floor(x / y)` for `x // y`"),
    (r"~", "write `!x` for `~x`"),
    (r"(?<![=!<>])=(?!=)", "write `==` to compare"),
    (r"'", "a text stands in double quotes"),
    (r"\[[^\]]*[:,]", "an element is taken by one number, e.g. x[0], of a matrix x[0][1]"),
    (r"^[^?]*[^:?]:[^:]", "this is several formulas, separated by colons, where one is needed"),
    (r"\{", "a name in braces must be listed in for_each; an entry of a map is taken by its key, e.g. weights{1}"),
    (r"%\s*-|<<\s*-|>>\s*-|!\s*-", "a sign after this operator stands in parentheses, as in ROOT: x % (-3)"),
)


def complaint(text: str, message: str, position: int | None = None) -> DataError:
    """An error that shows the formula and marks the place in it."""
    shown = text if len(text) <= 160 else text[:157] + "..."
    words = f"expression {shown!r}: {message}"
    if position is not None:
        start = max(0, position - 60)
        line = shown_text(text[start : start + 120])
        words += f"\n  {'...' if start else ''}{line}\n  {' ' * (position - start + (3 if start else 0))}^"
    return DataError(words)


def parse(text: str) -> Term:
    """The nodes of a formula; which functions there are is not looked at.

    Raises
    ------
    DataError
        If it cannot be understood, marking the place, or is longer or deeper than `MAX_LENGTH` and `MAX_DEPTH`.
    """
    if len(text) > MAX_LENGTH:
        raise complaint(text, f"has {len(text)} characters; more than {MAX_LENGTH} are not read")
    if _PLAIN.fullmatch(text):
        return Name(text, span=(0, len(text)), depth=1)
    try:
        return _parser().parse(text)  # type: ignore[return-value]
    except _Refused as refused:
        raise complaint(text, str(refused), refused.position) from None
    except lark.exceptions.UnexpectedInput as error:
        token = getattr(error, "token", None)
        position = error.pos_in_stream if token is None else token.start_pos
        if token is not None and token.type == "$END":
            position = len(text)
        place = position or 0
        beside = text[max(0, place - _HINTED) : place + _HINTED]
        hint = next((f"; {advice}" for pattern, advice in _HINTS if re.search(pattern, beside)), "")
        what = "something is missing at the end" if position == len(text) else "not from here on"
        raise complaint(text, f"not understood, {what}{hint}", position) from None


class _Refused(Exception):
    """What the grammar takes and the language does not."""

    def __init__(self, message: str, position: int) -> None:
        self.position = position
        super().__init__(message)


if TYPE_CHECKING:
    _Part = Term | lark.Token


def _span(parts: list[_Part]) -> tuple[int, int]:
    first, last = parts[0], parts[-1]
    return (
        first.span[0] if isinstance(first, Term) else int(first.start_pos or 0),
        last.span[1] if isinstance(last, Term) else int(last.end_pos or 0),
    )


def _built(node: Term, parts: list[_Part]) -> Term:
    span = _span(parts)
    depth = 1 + max((part.depth for part in parts if isinstance(part, Term)), default=0)
    if depth > MAX_DEPTH:
        raise _Refused(f"is nested more than {MAX_DEPTH} levels deep, or has a longer chain of operators", span[0])
    return replace(node, span=span, depth=depth)


class _Builder:
    """Makes the nodes while the text is parsed, so that nothing here goes as deep as the text does.

    Lark calls a rule's method with the parts, as it calls one of a `lark.Transformer`.
    """

    def number(self, parts: list[Any]) -> Term:
        return _built(_number(parts[0]), parts)

    def text(self, parts: list[Any]) -> Term:
        return _built(Text(str(parts[0])[1:-1]), parts)

    def name(self, parts: list[Any]) -> Term:
        return _built(Name(str(parts[0]).strip("`")), parts)

    def group(self, parts: list[Any]) -> Term:
        made = _built(parts[1], parts)
        return replace(made, grouped=True) if isinstance(made, Binary) else made

    def member(self, parts: list[Any]) -> Term:
        return _built(_outside(parts[0], lambda base: Member(base, str(parts[2]))), parts)

    def method(self, parts: list[Any]) -> Term:
        return _built(_method(parts[0], str(parts[2])), parts)

    def size(self, parts: list[Any]) -> Term:
        if parts[3] != "size":
            raise _Refused(f"@{parts[1]} has a size only: @{parts[1]}.size()", _span(parts)[0])
        return _built(Method(Name(str(parts[1])), "@size"), parts)

    def every(self, parts: list[Any]) -> Term:
        return _built(_indexed(parts[0], None), parts)

    def index(self, parts: list[Any]) -> Term:
        return _built(_indexed(parts[0], parts[2]), parts)

    def entry(self, parts: list[Any]) -> Term:
        token = parts[2]
        key = str(token)[1:-1] if token.type == "TEXT" else _number(token).value
        if isinstance(key, float):
            raise _Refused("the key of a map is a whole number or a text in double quotes", token.start_pos)
        return _built(MapEntry(parts[0], key), parts)

    def call(self, parts: list[Any]) -> Term:
        return _built(FunctionCall(str(parts[0]), tuple(part for part in parts if isinstance(part, Term))), parts)

    def cast(self, parts: list[Any]) -> Term:
        kind = str(parts[0]).strip("() \t\n")
        whole = re.fullmatch(r"(?i)(?:unsigned\s+)?(?:int|long(?:\s+long)?|u?(?:int|long|long64)_t)", kind)
        if whole is None and not re.fullmatch(r"(?i)double(_t)?", kind):
            raise _Refused(f"a cast to {kind} is not supported; there are (int), (long) and (double)", _span(parts)[0])
        return _built(Unary("int" if whole else "+", parts[1]), parts)

    def unary(self, parts: list[Any]) -> Term:
        operator, operand = str(parts[0]), parts[1]
        if operator == "-" and isinstance(operand, Number):
            return _built(Number(-operand.value), parts)
        return _built(Unary(operator, operand), parts)

    def binary(self, parts: list[Any]) -> Term:
        operator = str(parts[1])
        return _built(Binary("^" if operator == "**" else operator, parts[0], parts[2]), parts)

    def compare(self, parts: list[Any]) -> Term:
        left = parts[0]
        if isinstance(left, Binary) and left.operator in COMPARISONS and not left.grouped:
            spelled = f"{written(left)} && {written(left.right)} {parts[1]} {written(parts[2])}"
            raise _Refused(
                f"comparisons cannot be chained, as ROOT would compare the truth value of the first; write `{spelled}`",
                parts[1].start_pos,
            )
        if parts[1] in ("<", ">") and (_bare_shift(left) or _bare_shift(parts[2])):
            spelled = written(Binary(str(parts[1]), left, parts[2]))
            raise _Refused(
                f"ROOT mistakes a shift beside {parts[1]}; write the shift in parentheses: `{spelled}`",
                parts[1].start_pos,
            )
        return self.binary(parts)

    def conditional(self, parts: list[Any]) -> Term:
        return _built(Conditional(parts[0], parts[2], parts[4]), parts)


def _bare_shift(node: Term) -> bool:
    """Whether there is a shift outside of parentheses."""
    if isinstance(node, Unary):
        return _bare_shift(node.operand)
    if not isinstance(node, Binary) or node.grouped:
        return False
    return node.operator in ("<<", ">>") or _bare_shift(node.left) or _bare_shift(node.right)


def _number(token: lark.Token) -> Number:
    text = str(token)
    digits = text.isdecimal()
    if len(text) > 400:
        raise _Refused(f"a number of {len(text)} characters", int(token.start_pos or 0))
    value = int(text, 16) if text[:2] in ("0x", "0X") else int(text) if digits else float(text)
    if isinstance(value, int) and value > 2**63 - 1:
        raise _Refused(
            "an integer that 64 bits do not hold; write it with a point or an exponent", token.start_pos or 0
        )
    if value == float("inf"):
        raise _Refused("a number that double precision does not hold", int(token.start_pos or 0))
    return Number(value)


def _outside(base: Term, made: Any) -> Term:
    """`made` of the base without its indices, and these outside: `tracks[0].fX` is `tracks.fX[0]`."""
    if isinstance(base, Index):
        return Index(made(base.base), base.indices)
    return made(base)  # type: ignore[no-any-return]


def _method(base: Term, name: str) -> Term:
    return Method(base, name) if name == "size" else _outside(base, lambda inner: Method(inner, name))


def _indexed(base: Term, index: Term | None) -> Term:
    if isinstance(index, Number) and (index.value < 0 or isinstance(index.value, float)):
        raise _Refused(f"there is no element [{index.value}]; the last one is x[Length$(x) - 1]", index.span[0])
    if isinstance(base, Index):
        return Index(base.base, (*base.indices, index))
    return Index(base, (index,))


@cache
def _parser() -> lark.Lark:
    builder: Any = _Builder()
    return lark.Lark(
        _GRAMMAR,
        parser="lalr",
        lexer="contextual",
        maybe_placeholders=False,
        keep_all_tokens=True,
        transformer=builder,
    )
