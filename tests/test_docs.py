"""The pages of the site that are made of the package."""

from __future__ import annotations

import json
import re
import zlib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "tools" / "docs"


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))


def test_the_reference_has_every_key_of_the_configuration() -> None:
    from reference_pages import configuration_reference

    page = configuration_reference()
    missing = []

    def look(part: object) -> None:
        for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
            if key == "properties":
                missing.extend(n for n in value if f"| `{n}` |" not in page and f"### [{n}]" not in page)
            look(value)

    schema = json.loads((ROOT / "schemas" / "pytmva-rnn.schema.json").read_text(encoding="utf-8"))
    # titles and units of variables stand in the reference of Column
    for name in ("variables", "spectators"):
        schema["properties"][name].pop("items")
    schema["properties"]["input"]["properties"].pop("targets")
    look(schema)
    assert not missing
    assert "### [method.options.TrainingStrategy]" in page
    assert page.count("### [additions.schedule]") == 3
    assert "| `LearningRate` | number or text | `1e-05` | Step size of the optimizer. |" in page


def test_inventories_are_what_sphinx_reads(tmp_path: Path) -> None:
    from reference_pages import inventories

    (tmp_path / "some.txt").write_text("# names\nnumpy py:class numpy.ndarray generated/numpy.ndarray.html\n")
    ((name, content),) = inventories(tmp_path / "some.txt").items()
    head, body = content.split(b"zlib.\n")
    assert name == "inventories/numpy.inv"
    assert head.startswith(b"# Sphinx inventory version 2\n# Project: numpy\n# Version: \n")
    assert zlib.decompress(body) == b"numpy.ndarray py:class 1 generated/numpy.ndarray.html -\n"


def test_continuous_integration_builds_the_site() -> None:
    assert "  step .ci/docs\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert 'python tools/docs "' in (ROOT / ".ci" / "docs").read_text(encoding="utf-8")


def test_pages_of_the_api_are_made_for_every_public_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import reference_pages

    monkeypatch.setattr(reference_pages, "MODULES", {"pytmva_rnn": "Most.", "pytmva_rnn.options": "Options."})
    pages = {name: text.decode() for name, text in reference_pages.api_pages().items()}
    assert set(pages) == {"api/index.rst", "api/pytmva_rnn.rst", "api/pytmva_rnn.options.rst"}
    assert ".. autofunction:: pytmva_rnn.train\n" in pages["api/pytmva_rnn.rst"]
    assert ".. autoclass:: pytmva_rnn.Model\n" in pages["api/pytmva_rnn.rst"]
    assert "- :obj:`SplitOptions <pytmva_rnn.SplitOptions>`" in pages["api/pytmva_rnn.options.rst"]


def test_drawings_are_those_of_the_package() -> None:
    """The pictures in the tree were made of what it has now: `python tools/docs/make_pictures.py`."""
    from drawings import DRAWINGS

    for name, draw in DRAWINGS.items():
        assert (ROOT / "examples" / "pictures" / name).read_text(encoding="utf-8") == draw()


def test_the_reference_follows_the_page_that_explains_the_configuration(tmp_path: Path) -> None:
    """And links to what stands elsewhere in the site lead there."""
    spec = spec_from_file_location("tools_docs_main", DOCS / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    built = module_from_spec(spec)
    spec.loader.exec_module(built)
    built.api_pages = dict
    built.gather(tmp_path)
    page = (tmp_path / "examples" / "configuration.md").read_text(encoding="utf-8")
    assert re.findall("^## .*$", page, re.MULTILINE) == ["## Reference"]
    assert "(../CONTRIBUTING.md#how-to-add-a-layer)" in (tmp_path / "examples" / "kernels.md").read_text(
        encoding="utf-8"
    )
    assert "(CONTRIBUTING.md)" in (tmp_path / "README.md").read_text(encoding="utf-8")
