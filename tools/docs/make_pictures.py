"""Makes the pictures of README and pages anew: those of the tutorial by its training, and the drawings.

    pip install ".[examples]" && python tools/docs/make_pictures.py

They are kept in `examples/pictures`, since a training takes longer than the site. What it writes depends on nothing
but the checkout, the version of Matplotlib, and the last digits of a training.
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drawings import DRAWINGS, colours
from lxml import etree

from pytmva_rnn import ReportOptions, load_config, make_report, train
from pytmva_rnn.files import atomic_path
from pytmva_rnn.report.page.themed_svg import Letters, themed_svg
from pytmva_rnn.report.panels.catalogue import panels_of

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "pictures"
SHOWN = ("history", "scores", "roc")
"""Of the report's panels; the first page has them side by side."""
_WIDTH, _MARGIN = 560, 8.0
_NAMESPACES: Any = {None: "http://www.w3.org/2000/svg"}


def training_pictures() -> dict[str, str]:
    """Those of a training of the quark and gluon jets, by file name."""
    config = load_config(ROOT / "examples" / "quark_gluon.toml")
    parts = config.divide()
    result = train(parts.training, config.method.options, title=config.method.title)
    report = make_report(result.model, parts.test, parts.training, ReportOptions(checksums=False))
    panels = {panel.name: panel for panel in panels_of(report)}
    pictures = {}
    for name in SHOWN:
        letters = Letters()
        pictures[f"quark_gluon_{name}.svg"] = _standing_alone([themed_svg(panels[name], letters)], letters)
    letters = Letters()
    pictures["quark_gluon.svg"] = _standing_alone([themed_svg(panels[name], letters) for name in SHOWN], letters)
    return pictures


def _standing_alone(pictures: list[Any], letters: Letters) -> str:
    """An SVG with colours and letters of its own, of pictures side by side."""
    sizes = [[float(number) for number in picture.get("viewBox").split()[2:]] for picture in pictures]
    height = max(high for _, high in sizes) + 2 * _MARGIN
    width = sum(wide + _MARGIN for wide, _ in sizes) + _MARGIN
    shown = _WIDTH * len(pictures)
    root: Any = etree.Element("{http://www.w3.org/2000/svg}svg", nsmap=_NAMESPACES)
    root.set("viewBox", f"0 0 {width:g} {height:g}")
    root.set("width", f"{shown}")
    root.set("height", f"{shown * height / width:.0f}")
    root.set("role", "img")
    root.set("aria-label", " ".join(picture.get("aria-label") for picture in pictures))
    etree.SubElement(root, "style").text = f"\n{colours()}\n"
    etree.SubElement(root, "rect", width="100%", height="100%", rx="6", fill="var(--surface)")
    root.extend(copy.deepcopy(shapes) for shapes in letters.svg())
    left = _MARGIN
    for picture, (wide, high) in zip(pictures, sizes, strict=True):
        for name, value in {"x": left, "y": _MARGIN, "width": wide, "height": high}.items():
            picture.set(name, f"{value:g}")
        for attribute in ("role", "aria-label"):
            picture.attrib.pop(attribute)
        root.append(picture)
        left += wide + _MARGIN
    return str(etree.tostring(root, encoding="unicode")) + "\n"


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    drawings = {name: draw() for name, draw in DRAWINGS.items()}
    for name, picture in {**drawings, **training_pictures()}.items():
        with atomic_path(FOLDER / name) as temporary:
            Path(temporary).write_text(picture, encoding="utf-8")
        print(f"{len(picture) / 1000:7.1f} kB  {FOLDER / name}")


if __name__ == "__main__":
    main()
