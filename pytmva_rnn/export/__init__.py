"""Models in other languages and formats."""

from __future__ import annotations
