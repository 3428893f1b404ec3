"""Sphinx extension for the site: code included by name, mathematics without JavaScript, pages in two languages.

Pages with the same name in `docs/en` and `docs/ja` are translations of each other and are linked. The user interface
(menus, buttons) of a page is in its language, and its menu lists the pages in that language and the reference.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar
from xml.etree.ElementTree import Element, tostring
from xml.sax.saxutils import escape, unescape

from docutils import nodes
from docutils.parsers.rst import directives
from latex2mathml.converter import convert_to_element
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from henkan.export.html.playground import build_playground
from sources import find

LANGUAGES = {"en": "English", "ja": "日本語"}

# Language -> title of the embedded playground, and the link to the whole.
PLAYGROUND = {
    "en": ("A network that learns to add", "Open the whole playground"),
    "ja": ("足し算を学ぶネットワーク", "プレイグラウンド全体を開く"),
}

# MathML elements with scripts beside -> those with scripts below and above.
LIMITS = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}

# Translations of the user interface; Sphinx itself supports only one language per site.
JAPANESE = {
    "Back to top": "先頭へ戻る",
    "Home": "ホーム",
    "Next": "次へ",
    "On this page": "このページの内容",
    "Previous": "前へ",
    "Search": "検索",
    "Skip to content": "本文へ移動",
}


class CodeOf(SphinxDirective):
    """Directive that shows the source of a function or class in `src`, by its full name, without its docstring."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return a code block with the file as its caption."""
        try:
            shown = find(self.arguments[0])
        except LookupError as error:
            raise self.error(str(error)) from None
        self.env.note_dependency(str((self.env.srcdir / ".." / "src" / shown.path).resolve()))
        code = nodes.literal_block(shown.text, shown.text, language="python")
        caption = nodes.caption("", "", nodes.literal("", f"src/{shown.path}"))
        return [nodes.container("", caption, code, literal_block=True, classes=["literal-block-wrapper"])]


class Playground(SphinxDirective):
    """Directive that embeds a view of the playground, which trains a model in the page.

    Its argument is the view, and `choices` are settings as in the address of the playground. A browser loads it only
    when it comes near.
    """

    required_arguments = 1
    option_spec: ClassVar = {"choices": directives.unchanged, "height": directives.positive_int}

    def run(self) -> list[nodes.Node]:
        """Return the frame, and a link to the whole playground."""
        language = self.env.docname.partition("/")[0]
        title, link = PLAYGROUND[language]
        page = "../" * self.env.docname.count("/") + "playground.html"
        choices = escape("".join(f"&{each}" for each in self.options.get("choices", "").split()))
        address = f"{page}?view={self.arguments[0]}&amp;lang={language}{choices}"
        html = (
            f'<figure class="playground"><iframe src="{address}" title="{title}" loading="lazy" '
            f'height="{self.options.get("height", 760)}"></iframe>'
            f'<figcaption><a href="{page}?lang={language}{choices}">{link}</a></figcaption></figure>'
        )
        return [nodes.raw("", html, format="html")]


def write_playground(app: Sphinx, failure: Exception | None) -> None:
    """Write the page that `Playground` embeds."""
    if failure is None and app.builder.format == "html":
        (Path(app.outdir) / "playground.html").write_bytes(build_playground(docs=""))


def visit_math(translator: HTML5Translator, node: nodes.math) -> None:
    """Write inline mathematics as MathML, which browsers render without scripts."""
    translator.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def visit_displaymath(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write displayed mathematics as MathML."""
    translator.body.append(f'<div class="equation">{mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


def mathml(tex: str, display: str) -> str:
    """Convert a TeX formula to MathML; `display` is "block" or "inline"."""
    element = convert_to_element(tex.replace("{aligned}", "{align*}"), display=display)
    for each in element.iter():  # limits of sums: below and above; browsers move them beside inline sums
        if each.tag in LIMITS and each[0].text == "&#x02211;":
            each.tag = LIMITS[each.tag]
        if each.text == "&#x02299;":  # elementwise product, which Firefox would enlarge like a sum
            each.set("largeop", "false")
    for each in [*element.iter()]:
        _group_matrices(each)
    return unescape(tostring(element, encoding="unicode"))


def _group_matrices(row: Element) -> None:
    """Group each matrix with its brackets in an mrow; otherwise Firefox does not stretch the brackets."""
    for place in reversed(range(len(row) - 2)):
        first, _, last = parts = row[place : place + 3]
        if [part.tag for part in parts] != ["mo", "mtable", "mo"] or len(row) == 3:
            continue
        first.attrib.update(form="prefix", stretchy="true")
        last.attrib.update(form="postfix", stretchy="true")
        group = Element("mrow")
        group.extend(parts)
        row[place : place + 3] = [group]


def set_language(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: nodes.document | None
) -> None:
    """Set the language of a page from its folder and link its translations."""
    folder, _, rest = page.partition("/")
    language = folder if folder in LANGUAGES else "en"
    context["language"] = language
    for code, name in LANGUAGES.items():
        if folder in LANGUAGES and code != language and f"{code}/{rest}" in app.env.all_docs:
            address = context["pathto"](f"{code}/{rest}")
            link = f'<a class="language" lang="{code}" hreflang="{code}" href="{address}">{name}</a>'
            context["body"] = f"{link}\n{context['body']}"
    if language == "ja":
        context["_"] = context["gettext"] = lambda text: JAPANESE.get(text, text)
    tree = context.get("furo_navigation_tree")
    if tree and folder in LANGUAGES:
        sections = re.split(r'(?=<p class="caption")', tree)
        others = [name for code, name in LANGUAGES.items() if code != language]
        context["furo_navigation_tree"] = "".join(
            section.replace(">Reference<", ">資料（英語）<") if language == "ja" else section
            for section in sections
            if not any(f">{name}<" in section for name in others)
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.add_directive("code-of", CodeOf)
    app.add_directive("playground", Playground)
    app.connect("build-finished", write_playground)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    app.connect("html-page-context", set_language, priority=900)  # after the theme has built its menu
    return {"parallel_read_safe": True, "parallel_write_safe": True}
