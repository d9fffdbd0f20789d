"""How the cost of a network grows with its sizes, with batches, events and threads, beside what it must cost."""

from __future__ import annotations

from bench.sweep.axes import AXES
from bench.sweep.growth import Curve, Point, cliffs, fit

__all__ = ["AXES", "Curve", "Point", "cliffs", "fit"]
