"""Lorentz vectors, as TLorentzVector and ROOT::Math::LorentzVector store them, and what their methods give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.formula.values import Value, from_awkward
from pytmva_rnn.packages import ak

__all__ = ["METHODS", "method"]

Floats = NDArray[np.float64]
_FAR = 10e10
"""What TVector3 gives as the pseudorapidity along the axis."""


class _Components:
    """px, py, pz and E of many vectors."""

    def __init__(self, stored: Mapping[str, Floats]) -> None:
        self._stored = stored
        if "fPt" in stored:
            self.pt, self.phi, self.eta = stored["fPt"], stored["fPhi"], stored["fEta"]
            self.px, self.py = self.pt * np.cos(self.phi), self.pt * np.sin(self.phi)
            self.pz = np.where(self.pt > 0, self.pt * np.sinh(self.eta), self.eta)
        else:
            self.px, self.py, self.pz = stored["fX"], stored["fY"], stored["fZ"]
            self.pt = np.sqrt(self.px * self.px + self.py * self.py)
            self.phi = np.where((self.px == 0) & (self.py == 0), 0.0, np.arctan2(self.py, self.px))
            along = np.where(self.pz == 0, 0.0, np.copysign(_FAR, self.pz))
            self.eta = np.where(self.pt > 0, np.arcsinh(self.pz / self.pt), along)

    @property
    def p2(self) -> Floats:
        return np.asarray(self.pt * self.pt + self.pz * self.pz)

    @property
    def e(self) -> Floats:
        for name in ("fE", "fT"):
            if name in self._stored:
                return self._stored[name]
        mass = self._stored["fM"]
        return np.asarray(np.sqrt(np.maximum(self.p2 + np.copysign(mass * mass, mass), 0.0)))

    @property
    def m2(self) -> Floats:
        if "fM" in self._stored:
            mass = self._stored["fM"]
            return np.asarray(np.copysign(mass * mass, mass))
        energy = self.e
        return np.asarray(energy * energy - self.p2)

    def signed_root(self, square: Any) -> Floats:
        return np.asarray(np.copysign(np.sqrt(np.abs(square)), square))


def _cos_theta(v: _Components) -> Any:
    p = np.sqrt(v.p2)
    return np.where(p == 0, 1.0, v.pz / p)


def _et(v: _Components) -> Any:
    return np.where(v.pt == 0, 0.0, v.e * v.pt / np.sqrt(v.p2))


def _mt(v: _Components) -> Any:
    return v.signed_root(v.m2 + v.pt * v.pt)


def _beta(v: _Components) -> Any:
    return np.sqrt(v.p2) / v.e


_FORMS: tuple[tuple[str, Callable[[_Components], Any]], ...] = (
    ("Pt pt Perp", lambda v: v.pt),
    ("Perp2 perp2 Pt2", lambda v: v.pt * v.pt),
    ("Eta eta PseudoRapidity", lambda v: v.eta),
    ("Phi phi", lambda v: v.phi),
    ("M mass Mag", lambda v: v._stored["fM"] if "fM" in v._stored else v.signed_root(v.m2)),
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
METHODS: Mapping[str, Callable[[_Components], Any]] = {
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


def method(vectors: Any, name: str) -> Value:
    """What a method gives for each vector of an awkward array.

    Raises
    ------
    ValueError
        If these are no Lorentz vectors.
    """
    stored = _stored(vectors)
    places = next((p for p in (("fX", "fY", "fZ"), ("fPt", "fEta", "fPhi")) if all(x in stored for x in p)), None)
    energy = next((name for name in ("fE", "fT", "fM") if name in stored), None)
    if places is None or (energy is None and name not in _SPATIAL):
        raise ValueError(f"no Lorentz vectors (members: {', '.join(stored) or 'none'}), so there is no method {name}()")
    read = {member: from_awkward(stored[member]) for member in (*places, energy) if member is not None}
    components = _Components({member: value.content.astype(np.float64) for member, value in read.items()})
    return Value(np.asarray(METHODS[name](components), np.float64), read[places[0]].offsets)


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
