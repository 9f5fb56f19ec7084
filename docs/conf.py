"""Sphinx's settings: `make docs` builds the pages into docs/_build."""

from __future__ import annotations

from importlib.metadata import version as installed

project = "lockblame"
author = "The lockblame maintainers"
copyright = author
version = release = installed("lockblame")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "lockblame"
html_static_path: list[str] = []
html_extra_path = ["reference/report.schema.json", "reference/bisection.schema.json"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
default_role = "code"  # single backticks in docstrings
smartquotes = False  # BASE...HEAD and "installed" are to be typed as they stand
