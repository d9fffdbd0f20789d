"""What the layers share."""

from __future__ import annotations
