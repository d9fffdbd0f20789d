"""What only this backend needs: how it compiles, its memory, and the building blocks of its layers."""

from __future__ import annotations
