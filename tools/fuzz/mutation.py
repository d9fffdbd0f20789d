"""Inputs broken at random: bytes for all formats, structure for XML."""

from __future__ import annotations

import random
import re

__all__ = ["NUMBERS", "broken_bytes", "broken_text", "broken_xml"]

NUMBERS = (
    "0",
    "-1",
    "1",
    "2",
    "3",
    "7",
    "100",
    "1e6",
    "10**6",
    "1000000",
    "2147483647",
    "2147483648",
    "-2147483649",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "1000000000000",
    "1e30",
    "1e308",
    "1e309",
    "-1e400",
    "nan",
    "inf",
    "-inf",
    "NaN",
    "INF",
    "0x10",
    "1_000",
    "1e",
    "1.",
    ".5",
    "+",
    "-",
    "00012",
    "1e-320",
    "3.4e38",
    "۳",
    "٣",
    "½",
    "9" * 30,
    "1" * 5000,
    "1" * 5000 + "x",
    "",
)
"""Where sizes, counts and numbers stand: edges of types, what is no number, and what takes long to find that out."""

_STRINGS = (
    "",
    " ",
    "\t",
    "\n",
    "\x00",
    "\x1b[2J",
    "\u202e",
    "\ud800",
    "é",
    "x" * 3000,
    "(" * 300,
    "[" * 300,
    "{x}",
    "%s",
    "..",
    "/",
    "#",
)


def broken_bytes(random: random.Random, data: bytes) -> bytes:
    """A few bits flipped, bytes changed, pieces doubled, moved or cut off."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        if not changed:
            break
        place = random.randrange(len(changed))
        match random.randrange(7):
            case 0 | 1 | 2:
                changed[place] ^= 1 << random.randrange(8)
            case 3:
                changed[place] = random.choice((0, 0xFF, 0x7F, 0x80, random.randrange(256)))
            case 4:
                width = random.choice((2, 4, 8))
                value = random.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, random.getrandbits(64)))
                changed[place : place + width] = value.to_bytes(8, random.choice(("big", "little")))[:width]
            case 5:
                del changed[place:]
            case 6:
                piece = changed[place : place + random.randrange(1, 64)]
                other = random.randrange(len(changed))
                changed[other:other] = piece
    return bytes(changed)


def broken_text(random: random.Random, text: str, words: tuple[str, ...]) -> str:
    """A few characters or words changed, doubled, moved, and numbers that are none."""
    for _ in range(random.choice((1, 1, 2, 3))):
        place = random.randrange(len(text) + 1)
        match random.randrange(7):
            case 0:
                text = text[:place] + random.choice(words) + text[place:]
            case 1:
                text = text[:place] + text[place + random.randrange(1, 9) :]
            case 2:
                text = text[:place] + random.choice(_STRINGS) + text[place:]
            case 3:
                end = place + random.randrange(1, 30)
                text = text[:end] + text[place:end] * random.choice((1, 1, 1, 50)) + text[end:]
            case 4 | 5:
                found = list(re.finditer(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", text))
                if found:
                    number = random.choice(found)
                    text = text[: number.start()] + random.choice(NUMBERS) + text[number.end() :]
            case 6:
                text = text[:place] + chr(random.randrange(1, 0x250)) + text[place + 1 :]
    return text


_MARKUP = (
    '<!DOCTYPE a [<!ENTITY b "c">]>',
    '<!DOCTYPE a [<!ENTITY b "cccccccccc"><!ENTITY d "&b;&b;&b;&b;&b;&b;"><!ENTITY e "&d;&d;&d;&d;&d;&d;">]>',
    '<!DOCTYPE a SYSTEM "file:///dev/zero">',
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>',
    '<?xml version="1.0" encoding="UTF-16"?>',
    '<?xml version="1.1"?>',
    '<?xml-stylesheet href="file:///dev/zero"?>',
    '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/dev/zero"/>',
    "<!-- a -- b -->",
    "<!--" + "-" * 1000,
    "<![CDATA[ 1 2 ]]>",
    "<![CDATA[",
    "]]>",
    "&b;",
    "&e;",
    "&#0;",
    "&#x10FFFF;",
    '<a xmlns="b">',
    "<a:b/>",
    "<a>" * 1000,
    "<a>" * 200 + "</a>" * 200,
    "</a>",
    "<",
)
"""What XML has beside nodes, and what leads out of the file or makes much of little."""

_TAG = re.compile(r"<[^<>]*>")
_VALUE = re.compile(r'"[^"]*"')


def broken_xml(random: random.Random, text: str, words: tuple[str, ...]) -> str:
    """Nodes doubled, left out and exchanged, attributes and numbers changed; now and then any text, or other markup."""
    for _ in range(random.choice((1, 1, 2, 4))):
        tags = list(_TAG.finditer(text))
        if not tags or random.random() < 0.15:
            text = broken_text(random, text, words)
            continue
        tag = random.choice(tags)
        match random.randrange(7):
            case 0 | 1 | 2:
                values = list(_VALUE.finditer(tag[0]))
                if values:
                    value = random.choice(values)
                    new = random.choice((*NUMBERS, *words)).replace("&", "&amp;").replace("<", "&lt;").replace('"', "")
                    at = tag.start() + value.start()
                    text = f'{text[:at]}"{new}"{text[tag.start() + value.end() :]}'
            case 3:
                text = text[: tag.start()] + text[tag.end() :]
            case 4:
                text = text[: tag.end()] + tag[0] * random.choice((1, 1, 2, 200)) + text[tag.end() :]
            case 5:
                other = random.choice(tags)
                text = text[: tag.start()] + other[0] + text[tag.end() :]
            case 6:
                place = random.choice((0, tag.start(), tag.end()))
                text = text[:place] + random.choice(_MARKUP) + text[place:]
    return text
