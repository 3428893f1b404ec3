"""The report as a self-contained HTML page."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

STYLE = """
:root { color-scheme: light dark;
  --ink: #1b1f24; --paper: #ffffff; --line: #d4d9df; --shade: #f3f5f7; --link: #0b5cad; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e7eb; --paper: #15181c; --line: #3a4149; --shade: #1f242a; --link: #7ab8f5 }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.6 system-ui, "Noto Sans", "Hiragino Sans", "Noto Sans CJK JP", sans-serif; }
main { max-width: 62rem; margin: 0 auto; }
h1 { font-size: 1.9rem; line-height: 1.25; }
h2 { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { margin-top: 2.2rem; } a { color: var(--link); }
code { background: var(--shade); padding: .1em .3em; border-radius: 4px; font-size: .92em; overflow-wrap: anywhere; }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .93rem; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { background: var(--shade); vertical-align: bottom; white-space: normal; min-width: 5.5rem; }
th:first-child, td:first-child { text-align: left; }
img { display: block; max-width: 100%; height: auto; margin: 1.2rem 0; padding: .6rem; background: #fff;
  border-radius: 8px; border: 1px solid var(--line); }
"""


def page(markdown: str, pictures: Mapping[str, bytes]) -> str:
    """Render Markdown as an HTML page.

    Args:
        markdown: may contain tables, and images by file name.
        pictures: file name -> SVG, embedded in the page.
    """
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")

    def embed(match: re.Match[str]) -> str:
        picture = pictures.get(match[1])
        return match[0] if picture is None else f'src="data:image/svg+xml;base64,{base64.b64encode(picture).decode()}"'

    body = re.sub(r'src="([^"]+)"', embed, body)
    title = re.search(r"<h1>(.*?)</h1>", body)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title[1] if title else 'henkan'}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
