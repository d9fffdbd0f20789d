"""Lorentz vectors, as TLorentzVector and ROOT::Math::LorentzVector store them, and what their methods give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.formula.values import Value, from_awkward
from pytmva_rnn.packages import ak

__all__ = ["METHODS", "LorentzVectors"]

Floats = NDArray[np.float64]
_FAR = 10e10
"""What TVector3 gives as the pseudorapidity along the axis."""


class LorentzVectors:
    """What is asked for of many vectors, each made when it is needed.

    Parameters
    ----------
    vectors : awkward array
        Of objects, one an event or lists of them.

    Raises
    ------
    ValueError
        If these are no vectors.
    """

    def __init__(self, vectors: Any) -> None:
        self._members = _stored(vectors)
        self._read: dict[str, Value] = {}
        forms = (("fX", "fY", "fZ"), ("fPt", "fEta", "fPhi"))
        self._places = next((form for form in forms if all(name in self._members for name in form)), None)
        self._energy = next((name for name in ("fE", "fT", "fM") if name in self._members), None)

    def method(self, name: str) -> Value:
        """What a method gives for each vector.

        Raises
        ------
        ValueError
            If these are no Lorentz vectors, and it is one of those only.
        """
        if self._places is None or (self._energy is None and name not in _SPATIAL):
            listed = ", ".join(self._members) or "none"
            raise ValueError(f"no Lorentz vectors (members: {listed}), so there is no method {name}()")
        return Value(np.asarray(METHODS[name](self), np.float64), self._value(self._places[0]).offsets)

    def _value(self, member: str) -> Value:
        if member not in self._read:
            found = from_awkward(self._members[member])
            self._read[member] = replace(found, content=found.content.astype(np.float64, copy=False))
        return self._read[member]

    def _stored(self, member: str) -> Floats:
        return self._value(member).content

    @property
    def _is_cartesian(self) -> bool:
        return self._places is not None and self._places[0] == "fX"

    @property
    def px(self) -> Floats:
        return self._stored("fX") if self._is_cartesian else np.asarray(self.pt * np.cos(self.phi))

    @property
    def py(self) -> Floats:
        return self._stored("fY") if self._is_cartesian else np.asarray(self.pt * np.sin(self.phi))

    @property
    def pz(self) -> Floats:
        if self._is_cartesian:
            return self._stored("fZ")
        return np.where(self.pt > 0, self.pt * np.sinh(self.eta), self.eta)

    @cached_property
    def pt(self) -> Floats:
        if not self._is_cartesian:
            return self._stored("fPt")
        return np.asarray(np.sqrt(self.px * self.px + self.py * self.py))

    @property
    def phi(self) -> Floats:
        if not self._is_cartesian:
            return self._stored("fPhi")
        return np.where((self.px == 0) & (self.py == 0), 0.0, np.arctan2(self.py, self.px))

    @property
    def eta(self) -> Floats:
        if not self._is_cartesian:
            return self._stored("fEta")
        along = np.where(self.pz == 0, 0.0, np.copysign(_FAR, self.pz))
        return np.where(self.pt > 0, np.arcsinh(self.pz / self.pt), along)

    @property
    def p2(self) -> Floats:
        return np.asarray(self.pt * self.pt + self.pz * self.pz)

    @property
    def e(self) -> Floats:
        if self._energy != "fM":
            return self._stored(str(self._energy))
        mass = self._stored("fM")
        return np.asarray(np.sqrt(np.maximum(self.p2 + np.copysign(mass * mass, mass), 0.0)))

    @property
    def m2(self) -> Floats:
        if self._energy == "fM":
            mass = self._stored("fM")
            return np.asarray(np.copysign(mass * mass, mass))
        energy = self.e
        return np.asarray(energy * energy - self.p2)

    @property
    def m(self) -> Floats:
        return self._stored("fM") if self._energy == "fM" else self.signed_root(self.m2)

    def signed_root(self, square: Any) -> Floats:
        return np.asarray(np.copysign(np.sqrt(np.abs(square)), square))


def _cos_theta(v: LorentzVectors) -> Any:
    p = np.sqrt(v.p2)
    return np.where(p == 0, 1.0, v.pz / p)


def _et(v: LorentzVectors) -> Any:
    return np.where(v.pt == 0, 0.0, v.e * v.pt / np.sqrt(v.p2))


def _mt(v: LorentzVectors) -> Any:
    return v.signed_root(v.m2 + v.pt * v.pt)


def _beta(v: LorentzVectors) -> Any:
    return np.sqrt(v.p2) / v.e


_FORMS: tuple[tuple[str, Callable[[LorentzVectors], Any]], ...] = (
    ("Pt pt Perp", lambda v: v.pt),
    ("Perp2 perp2 Pt2", lambda v: v.pt * v.pt),
    ("Eta eta PseudoRapidity", lambda v: v.eta),
    ("Phi phi", lambda v: v.phi),
    ("M mass Mag", lambda v: v.m),
    ("M2 mass2 Mag2", lambda v: v.m2),
    ("E energy Energy T t", lambda v: v.e),
    ("Px px X x", lambda v: v.px),
    ("Py py Y y", lambda v: v.py),
    ("Pz pz Z z", lambda v: v.pz),
    ("P", lambda v: np.sqrt(v.p2)),
    ("P2", lambda v: v.p2),
    ("Et", _et),
    ("Mt", _mt),
    ("Theta theta", lambda v: np.where(v.p2 == 0, 0.0, np.arctan2(v.pt, v.pz))),
    ("CosTheta", _cos_theta),
    ("Rapidity", lambda v: 0.5 * np.log((v.e + v.pz) / (v.e - v.pz))),
    ("Beta", _beta),
    ("Gamma", lambda v: 1 / np.sqrt(1 - _beta(v) ** 2)),
)
METHODS: Mapping[str, Callable[[LorentzVectors], Any]] = {
    name: function for names, function in _FORMS for name in names.split()
}
"""Every method by name, those of both kinds of vectors."""

_SPATIAL = frozenset(
    [
        "Pt",
        "pt",
        "Perp",
        "Perp2",
        "Eta",
        "eta",
        "PseudoRapidity",
        "Phi",
        "phi",
        "X",
        "x",
        "Px",
        "Y",
        "y",
        "Py",
        "Z",
        "z",
        "Pz",
        "Theta",
        "theta",
        "CosTheta",
    ]
)
"""Methods that vectors of three components have too."""


def _stored(vectors: Any) -> dict[str, Any]:
    """The members that are numbers, by their own names."""
    found: dict[str, Any] = {}
    for field in ak.fields(vectors):
        inner = vectors[field]
        if ak.fields(inner):
            found |= _stored(inner)
        else:
            found[field.rpartition(".")[2]] = inner
    return found
