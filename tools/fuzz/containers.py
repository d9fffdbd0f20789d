"""Inputs broken within what would make them unreadable: an archive's checksums, a message's lengths."""

from __future__ import annotations

import io
import json
import random
import warnings
import zipfile
from contextlib import suppress
from typing import Any

from fuzz.mutation import broken_bytes, broken_text
from pytmva_rnn import extras

__all__ = ["broken_archive", "broken_json", "broken_onnx", "broken_safetensors"]

_WORDS = ("null", "true", "[]", "{}", '""', '"LSTM"', '"Dense"', "-1", "1e400", "{", "}", "[", "]", ",", ":", '"', "\\")
_INTEGERS = (0, 1, -1, 2, 3, 7, 100, 10**6, 2**31 - 1, 2**31, -(2**31), 2**40, 2**63 - 1, -(2**63))
_REALS = (0.0, -0.0, 1.0, -1.0, 1e-30, 1e30, 1e308, -1e308, float("nan"), float("inf"), float("-inf"))
_NAMES = ("", "x", "LSTM", "Gemm", "Relu", "float", "\x00", "a" * 3000, "\x1b[2J", "../x", "0", "ai.onnx", "axis", "é")


def broken_archive(random: random.Random, data: bytes) -> bytes:
    """A zip with another text or other bytes in a member, one member less, or of two names."""
    if random.random() < 0.2:
        return broken_bytes(random, data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:  # of one that is broken already
        return broken_bytes(random, data)
    if not members:
        return broken_bytes(random, data)
    place = random.randrange(len(members))
    name, content = members[place]
    match random.randrange(12):
        case 0:
            del members[place]
        case 1:
            members.append((random.choice((name, name.upper(), f"../{name}", "")), random.choice(members)[1]))
        case 2:
            members[place] = (name, content[:1] * 10_000_000 if random.random() < 0.1 else b"")
        case _:
            changed = broken_json(random, content) if name.endswith(".json") else broken_bytes(random, content)
            members[place] = (name, changed)
    written = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of two members of one name
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return written.getvalue()


def broken_json(random: random.Random, content: bytes) -> bytes:
    """Another value in a tree of JSON, or its text broken."""
    if random.random() < 0.3:
        return broken_text(random, content.decode("utf-8", "replace"), _WORDS).encode("utf-8", "surrogatepass")
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return broken_bytes(random, content)
    for _ in range(random.choice((1, 1, 2, 3))):
        _change(random, tree)
    return json.dumps(tree).encode("utf-8", "surrogatepass")


def _change(random: random.Random, tree: Any) -> None:
    """A value somewhere in lists and tables replaced by another, doubled, or left out."""
    while isinstance(tree, list | dict) and tree:
        key = random.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
        below = tree[key]
        if not (isinstance(below, list | dict) and below) or random.random() < 0.1:
            strange: tuple[Any, ...] = (
                *_INTEGERS,
                *_REALS,
                *_NAMES,
                None,
                True,
                [],
                {},
                [[]],
                "1" * 30,
                [1] * 40,
                {"a": {"a": {}}},
            )
            match random.randrange(8):
                case 0:
                    del tree[key]
                case 1 if isinstance(tree, list):
                    tree += [below] * random.choice((1, 2, 50))
                case 2 if isinstance(tree, dict):
                    tree[random.choice((*_NAMES, *tree))] = below
                case _:
                    tree[key] = random.choice(strange)
            return
        tree = below


def broken_safetensors(random: random.Random, data: bytes) -> bytes:
    """Another header, with its length put right."""
    size = int.from_bytes(data[:8], "little")
    if random.random() < 0.25 or len(data) < 9 or size > len(data) - 8:
        return broken_bytes(random, data)
    header, content = data[8 : 8 + size], data[8 + size :]
    if random.random() < 0.3:
        return data[: 8 + size] + broken_bytes(random, content)
    header = broken_json(random, header)
    return len(header).to_bytes(8, "little") + header + content


def broken_onnx(random: random.Random, data: bytes) -> bytes:
    """Another number, name or array somewhere in the model, a node doubled or left out."""
    if random.random() < 0.2:
        return broken_bytes(random, data)
    model = extras.onnx().ModelProto()
    try:
        model.ParseFromString(data)
    except Exception:  # protobuf's own
        return broken_bytes(random, data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        _change_message(random, model)
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def _change_message(random: random.Random, message: Any) -> None:
    while fields := message.ListFields():
        field, value = random.choice(fields)
        repeated = hasattr(value, "extend")
        is_message = field.type == field.TYPE_MESSAGE
        if not is_message:
            with suppress(ValueError, TypeError, OverflowError):  # of what the field cannot hold
                if not repeated:
                    setattr(message, field.name, _other(random, value))
                elif random.random() < 0.6:
                    place = random.randrange(len(value))
                    value[place] = _other(random, value[place])
                elif random.random() < 0.5:
                    del value[random.randrange(len(value))]
                else:
                    value.append(_other(random, value[0]))
            return
        if random.random() < 0.12:
            if not repeated:
                message.ClearField(field.name)
            elif random.random() < 0.5:
                del value[random.randrange(len(value))]
            else:
                value.add().CopyFrom(random.choice(value))
            return
        message = random.choice(value) if repeated else value


def _other(random: random.Random, value: Any) -> Any:
    if isinstance(value, str):
        return random.choice(_NAMES)
    if isinstance(value, bytes):
        return broken_bytes(random, value)
    if isinstance(value, float):
        return random.choice(_REALS)
    return random.choice((*_INTEGERS, value + 1, value - 1, value ^ 1 << random.randrange(6)))
