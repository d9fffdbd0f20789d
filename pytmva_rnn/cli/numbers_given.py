"""Numbers among a command's arguments."""

from __future__ import annotations

import argparse

__all__ = ["positive_number", "whole_number"]


def whole_number(text: str) -> int:
    """A whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def positive_number(text: str) -> int:
    """A whole number from 1 on."""
    if whole_number(text) == 0:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return int(text)
