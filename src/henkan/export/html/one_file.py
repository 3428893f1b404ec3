"""A page of `henkan/web/` with everything that it needs in one HTML file.

By its Content-Security-Policy, the browser runs only the script of the page, and opens no connection.
"""

from __future__ import annotations

import posixpath
import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from henkan._version import __version__

STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+\.css)" />')
ICON = re.compile(r'(<link rel="icon" href=")[^"]+(")')
START = re.compile(r'<script type="module" src="[^"]+"[^>]*></script>')
COMMENT_OR_INDENT = re.compile(r"/\*.*?\*/|^\s+", re.M | re.S)
POLICY = (
    "default-src 'none'; script-src {script} 'wasm-unsafe-eval'; worker-src blob:; style-src {styles}; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def one_file(page: str, script: str, blocks: dict[str, tuple[str, str]], *, folder: str = "") -> str:
    """Put styles, icon and scripts into a page.

    Args:
        page: its HTML, which refers to its styles and starts with a module.
        script: what to run instead of the module.
        blocks: data: id of the element -> media type and content, which must not contain `</script`.
        folder: folder of the page in `henkan/web/`, to which its references are relative.

    Returns:
        the HTML of the file.
    """
    contents = {href: _style(posixpath.normpath(posixpath.join(folder, href))) for href in STYLE.findall(page)}
    policy = POLICY.format(script=_hash(script), styles=" ".join(map(_hash, contents.values())))
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}" />\n    '
        f'<meta name="generator" content="henkan {__version__}" />\n    <title>'
    )
    icon = f"data:image/svg+xml;base64,{b64encode(read_file('icon.svg').encode()).decode()}"
    end = [f'<script id="{id}" type="{kind}">{content}</script>' for id, (kind, content) in blocks.items()]
    page = START.sub("", STYLE.sub(lambda found: f"<style>{contents[found[1]]}</style>", page))
    page = ICON.sub(rf"\g<1>{icon}\g<2>", page).replace("<title>", head, 1)
    return page.replace("</body>", "".join(f"{part}\n" for part in [*end, f"<script>{script}</script>"]) + "</body>")


def read_file(name: str) -> str:
    """A text file of `henkan/web/`."""
    return (files("henkan") / "web" / name).read_text("utf-8")


def _style(name: str) -> str:
    """A style sheet, without comments and indentation."""
    return COMMENT_OR_INDENT.sub("", read_file(name))


def _hash(content: str) -> str:
    """The source expression of a script or style in a Content-Security-Policy."""
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
