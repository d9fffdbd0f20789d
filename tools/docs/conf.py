"""What Sphinx builds the site with; `python tools/docs` gathers its pages."""

from __future__ import annotations

from pytmva_rnn import __version__

project = "pytmva_rnn"
author = "The pytmva_rnn developers"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx", "sphinx.ext.napoleon"]
root_doc = "index"
default_role = "code"
html_theme = "furo"
html_title = f"pytmva_rnn {version}"
html_copy_source = False

# Pages link to headings of one another as they do where their repository shows them.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings tell them, with shapes
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
# Attributes of one name that several classes have: none of them is linked to.
suppress_warnings = ["ref.python"]

# Names of others, as they are listed in inventories.txt: no build needs a network.
intersphinx_mapping = {
    name: (address, f"inventories/{name}.inv")
    for name, address in {
        "python": "https://docs.python.org/3/",
        "numpy": "https://numpy.org/doc/stable/",
    }.items()
}
