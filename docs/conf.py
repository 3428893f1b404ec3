"""Sphinx configuration for `make docs`. Neither the build nor the built site loads anything from the network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "building"))

project = "henkan"
copyright = "The henkan founders"
author = "The henkan founders"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_parser", "site_parts", "api"]
exclude_patterns = ["building", "models"]
html_theme = "furo"
html_title = "henkan 変換"
html_static_path = ["building/static"]
html_css_files = ["henkan.css"]
html_js_files = ["playground.js"]
html_math_renderer = "mathml"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
highlight_language = "none"
nitpicky = True

# API reference. Docstrings are in Google style; text in single backticks is code, linked where the name is documented.
default_role = "py:obj"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_maximum_signature_line_length = 90
python_use_unqualified_type_names = True
