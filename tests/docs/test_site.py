"""The API reference is complete, the math font covers all formulas, and the pictures of the READMEs are up to date."""

import importlib
import re
import sys
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import pytest

SVG = "{http://www.w3.org/2000/svg}"
DOCS = Path(__file__).parents[2] / "docs"
DOCUMENTED = re.compile(r"^\.\. (?:auto(?:class|data|exception|function)|py:data):: ([\w.]+)$", re.MULTILINE)
MEMBERS = re.compile(r"^\.\. autoclass:: ([\w.]+)\n(?!   :members:)", re.MULTILINE)
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<!\$)\$([^$\n]+)\$(?!\$)", re.DOTALL)
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def documented():
    pages = (path.read_text(encoding="utf-8") for path in sorted((DOCS / "api").glob("*.md")))
    return [name for text in pages for name in DOCUMENTED.findall(text)]


@pytest.mark.parametrize("module", ["henkan", "henkan.nn"])
def test_reference_has_every_public_name(module):
    public = {f"{module}.{name}" for name in importlib.import_module(module).__all__}
    assert public <= {*documented()}


def test_reference_has_the_settings():
    assert {f"henkan.config.{name}Config" for name in ("Model", "Training", "Engine")} <= {*documented()}


def test_names_in_the_reference_are_unique_and_exist():
    names = documented()
    assert len(names) == len({*names})
    for name in names:
        module, _, last = name.rpartition(".")
        assert hasattr(importlib.import_module(module), last), name


def test_reference_shows_methods_of_all_classes_but_named_tuples():
    """Named tuples have only fields, which their docstrings describe."""
    for path in (DOCS / "api").glob("*.md"):
        for name in MEMBERS.findall(path.read_text(encoding="utf-8")):
            module, _, last = name.rpartition(".")
            assert issubclass(getattr(importlib.import_module(module), last), tuple), name


def test_math_font_has_all_characters_of_the_formulas():
    pytest.importorskip("latex2mathml")
    pytest.importorskip("sphinx")
    from math_font import FONT, RANGES
    from site_parts import mathml

    assert FONT.stat().st_size < 100_000
    assert (FONT.parent / "OFL.txt").is_file()
    assert f'url("fonts/{FONT.name}")' in (FONT.parents[1] / "henkan.css").read_text(encoding="utf-8")
    for path in DOCS.rglob("*.md"):
        for display, inline in FORMULA.findall(CODE.sub("", path.read_text(encoding="utf-8"))):
            formula = mathml(display or inline, "block" if display else "inline")
            text = re.sub(r"&#x(\w+);", lambda found: chr(int(found[1], 16)), re.sub(r"<[^>]+>", "", formula))
            missing = {each for each in text if not any(first <= ord(each) <= last for first, last in RANGES)}
            assert not missing, (path.name, display or inline, [unicodedata.name(each) for each in missing])


def test_limits_of_sums_are_below_the_sign():
    pytest.importorskip("latex2mathml")
    pytest.importorskip("sphinx")
    from site_parts import mathml

    assert "<munder><mo>&#x02211;</mo><mi>t</mi></munder>" in mathml(r"\sum_t x_t", "block")
    assert "<msub><mi>x</mi><mi>t</mi></msub>" in mathml(r"\sum_t x_t", "block")


def test_matrix_and_its_brackets_are_grouped_in_a_row():
    pytest.importorskip("latex2mathml")
    pytest.importorskip("sphinx")
    from site_parts import mathml

    formula = mathml(r"x \begin{pmatrix} a \\ b \end{pmatrix} + c", "block")
    assert '<mrow><mo form="prefix" stretchy="true">&#x00028;</mo><mtable>' in formula
    assert '</mtable><mo form="postfix" stretchy="true">&#x00029;</mo></mrow>' in formula


def documented_as(docstring, function):
    pytest.importorskip("sphinx")
    from api import split_entries

    lines = docstring.splitlines()
    split_entries(None, "function", "f", function, None, lines)
    return "\n".join(lines)


def test_every_argument_has_its_own_entry():
    docstring = """F.

Args:
    x: (N, D). W: (D, M), of `|b|`. Note: fine.
    b, c: of |W|,
        both.

Returns:
    y: z.
"""
    shown = documented_as(docstring, lambda x, W, b, c: (x, W, b, c))
    assert shown == (
        "F.\n\nArgs:\n    x: (N, D).\n    W: (D, M), of `|b|`. Note: fine.\n    b: of \\|W\\|, both.\n"
        "    c: of \\|W\\|, both.\n\nReturns:\n    : y: z.\n"
    )


@pytest.fixture
def demo(monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(sys, "path", [str(DOCS / "pictures"), *sys.path])
    return importlib.import_module("demo")


def texts(picture):
    """Return the lines of a terminal picture; texts with the same y coordinate are on one line."""
    lines, width = {}, 12.2
    for text in ElementTree.parse(picture).iter(f"{SVG}text"):
        before = lines.get(float(text.get("y")), "").ljust(round(float(text.get("x")) / width))
        lines[float(text.get("y"))] = before + text.text.replace("\N{NO-BREAK SPACE}", " ")
    return [line.rstrip() for _, line in sorted(lines.items())]


def test_terminal_picture_matches_the_readme(demo, tmp_path):
    demo.draw(tmp_path)
    for picture in (tmp_path, DOCS / "pictures"):
        assert texts(picture / "terminal.svg") == demo.output().splitlines()
    for name in ("terminal.svg", "front-learning.svg", "front-attention.svg"):
        assert (tmp_path / name).is_file()
        assert (DOCS / "pictures" / name).is_file()


@pytest.mark.parametrize("readme", ["README.md", "README.ja.md"])
def test_readmes_start_with_the_terminal_picture(readme):
    title, language, picture = (DOCS.parent / readme).read_text(encoding="utf-8").split("\n\n")[:3]
    assert title.startswith("# ")
    assert language.startswith("[")
    assert picture.startswith("![")
    assert picture.endswith("](docs/pictures/terminal.svg)")


@pytest.mark.parametrize("path", sorted((DOCS / "pictures").glob("*.svg")), ids=lambda path: path.name)
def test_pictures_are_self_contained(path):
    """Attributes and styles refer only to parts of the picture itself and to embedded data."""
    text = path.read_text(encoding="utf-8")
    assert "@font-face" not in text
    assert "@import" not in text
    assert not re.findall(r"""(?:href|src)=["'](?!#|data:)|url\(["']?(?!#)""", text)
