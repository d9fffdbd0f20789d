"""Builds the site: README, examples, changelog, the configuration's and the API's reference, as HTML.

    pip install --group docs && python tools/docs FOLDER

The pages are those of the repository, which shows them too: README, changelog, and the Markdown of `examples`. What is
made of the package, the references, is added here. Every warning is an error: links within and between pages, headings
that they name, and docstrings are checked. Nothing is asked of a network.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from reference_pages import api_pages, configuration_reference, inventories

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CHANGELOG.md", "examples")
"""What is a page, or linked to from one; where it stands in the repository it stands in the site."""


def gather(folder: Path) -> None:
    """Put the sources of all pages into a folder."""
    for own in ("conf.py", "index.md"):
        shutil.copy(Path(__file__).parent / own, folder / own)
    for name in PAGES:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    # not in a folder whose name begins with a dot, which servers may hide
    shutil.copy(ROOT / ".github" / "CONTRIBUTING.md", folder)
    for page in (folder / "README.md", *(folder / "examples").glob("*.md")):
        page.write_text(page.read_text(encoding="utf-8").replace(".github/CONTRIBUTING.md", "CONTRIBUTING.md"), "utf-8")
    with (folder / "examples" / "configuration.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{configuration_reference()}")
    for made in (api_pages(), inventories(Path(__file__).parent / "inventories.txt")):
        for name, content in made.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)


def main() -> int:
    """Build, and give Sphinx's exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", type=Path, metavar="FOLDER", help="where the site is written")
    output = parser.parse_args().output
    build = import_module("sphinx.cmd.build").build_main
    with tempfile.TemporaryDirectory() as folder:
        gather(Path(folder))
        arguments = ["--fail-on-warning", "--keep-going", "--quiet", "--jobs=auto", "-d", f"{folder}/.doctrees"]
        return int(build([*arguments, folder, str(output)]))


if __name__ == "__main__":
    sys.exit(main())
