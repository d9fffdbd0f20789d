"""The structures that pass between TMVA's C++ and Python; the header's part `method` has the same."""

from __future__ import annotations

import ctypes

__all__ = ["HOOK", "LOG", "Answer", "Request"]

LOG = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)


class Request(ctypes.Structure):
    """What is to be checked, trained, or written as a class."""

    title: bytes
    options: bytes
    analysis: int
    variables: int
    outputs: int
    events: int
    xml: bytes | None
    method: int

    _fields_ = (
        ("title", ctypes.c_char_p),
        ("options", ctypes.c_char_p),
        ("analysis", ctypes.c_int),
        ("variables", ctypes.c_size_t),
        ("outputs", ctypes.c_size_t),
        ("events", ctypes.c_size_t),
        ("x", ctypes.POINTER(ctypes.c_float)),
        ("y", ctypes.POINTER(ctypes.c_float)),
        ("weights", ctypes.POINTER(ctypes.c_double)),
        ("xml", ctypes.c_char_p),
        ("log", LOG),
        ("method", ctypes.c_void_p),
    )


class Answer(ctypes.Structure):
    """What Python says to it."""

    _fields_ = (
        ("xml", ctypes.c_char_p),
        ("source", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("history", ctypes.POINTER(ctypes.c_double)),
        ("rows", ctypes.c_size_t),
        ("problem", ctypes.c_char_p),
    )


HOOK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Request), ctypes.POINTER(Answer))
