"""How `make docs` makes a site of these pages. It loads nothing from the network, neither now nor when it is read."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "building"))

project = "henkan"
copyright = "The henkan founders"
author = "The henkan founders"
extensions = ["myst_parser", "site_parts"]
exclude_patterns = ["building", "models"]
html_theme = "furo"
html_title = "henkan 変換"
html_static_path = ["building/static"]
html_css_files = ["henkan.css"]
html_math_renderer = "mathml"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
highlight_language = "none"
nitpicky = True
