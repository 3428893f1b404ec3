"""The pages of the book: snippets print the output shown, the code shown exists, and translations are complete."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from snippets import FENCED, matches, run, snippets
from sources import find

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in (DOCS / "en").glob("*.md"))
CHAPTERS = [name for name in PAGES if name[0].isdigit()]

FORMULA = re.compile(r"\$\$.+?\$\$", re.DOTALL)
WITHIN = re.compile(r"(?<!\$)\$([^$\n]+)\$(?!\$)")
PICTURE = re.compile(r"!\[.+?\]\(([^)]+)\)")
FENCED_OR_BARE = re.compile(r"^```(\S*)()\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)#]+)\)")


def page(language, name):
    return (DOCS / language / name).read_text(encoding="utf-8")


def prose(text):
    return FENCED.sub("", text)


def test_there_are_nine_chapters():
    assert [name[0] for name in CHAPTERS] == list("123456789")
    assert sorted(path.name for path in (DOCS / "ja").glob("*.md")) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_snippets_print_the_output_shown(name):
    """Both languages have the same snippets, as tested below, so those of one are enough."""
    found = list(snippets(page("en", name)))
    assert bool(found) == (name in CHAPTERS)
    for snippet, printed in zip(found, run(found), strict=True):
        assert matches(snippet, printed), f"{snippet.code}\nprints\n{printed}\nand not\n{snippet.output}"


@pytest.mark.parametrize("name", PAGES)
def test_translations_have_the_same_code_formulas_and_structure(name):
    english, japanese = page("en", name), page("ja", name)
    for pattern in (FENCED, FORMULA):
        assert pattern.findall(english) == pattern.findall(japanese)
    assert {*WITHIN.findall(prose(english))} == {*WITHIN.findall(prose(japanese))}
    links, pictures = LINK.findall(prose(english)), PICTURE.findall(english)
    assert sorted(links) == sorted(LINK.findall(prose(japanese)))
    assert [picture.replace(".en.", ".ja.") for picture in pictures] == PICTURE.findall(japanese)
    for pattern in (r"^#+ ", r"^\|", r"`[^`\n]+`"):  # headings, rows of tables, names in the text
        assert len(re.findall(pattern, prose(english), re.MULTILINE)) == len(
            re.findall(pattern, prose(japanese), re.MULTILINE)
        ), pattern


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("name", CHAPTERS)
def test_chapters_have_a_formula_code_and_a_reproducible_picture(language, name):
    text = page(language, name)
    assert FORMULA.search(text)
    assert "```{code-of} " in text
    assert PICTURE.search(text)
    assert re.search(r"^    python docs/pictures/make.py \w+$", text, re.MULTILINE)
    for picture in PICTURE.findall(text):
        tree = ElementTree.parse(DOCS / language / picture)
        assert len(list(tree.iter("{http://www.w3.org/2000/svg}text"))) > 5


@pytest.mark.parametrize("name", CHAPTERS)
def test_code_shown_exists_and_compiles(name):
    shown = [block[2] for block in FENCED.finditer(page("en", name)) if block[1] == "{code-of}"]
    for each in shown:
        found = find(each)
        assert found.text.startswith(("def ", "class ", "@"))
        assert '"""' not in found.text
        compile(found.text, each, "exec")


def test_code_is_shown_without_its_docstring(tmp_path):
    folder = tmp_path / "henkan"
    folder.mkdir()
    (folder / "some.py").write_text(
        'class A:\n    def f(self):\n        """Says nothing.\n\n        At all.\n        """\n\n        return 1\n'
    )
    found = find("henkan.some.A.f", tmp_path)
    assert (found.path, found.line, found.text) == ("henkan/some.py", 2, "def f(self):\n    return 1\n")
    for missing in ("henkan.some.B", "henkan.other.f", "henkan.some.A.g"):
        with pytest.raises(LookupError):
            find(missing, tmp_path)


def names(text):
    """Yield the names in the page about the book with the modules that it says contain them."""
    for row in text.splitlines():
        if row.startswith("| `"):
            ours = row.split("|")[2]
            modules = re.findall(r"`(henkan\.[\w.]+)`", ours)
            for name in re.findall(r"`(?!henkan|attention=|bidirectional=)(\w+)[^`]*`", ours):
                yield name, modules
            yield from ((None, [module]) for module in modules)


def test_names_in_the_page_about_the_book_exist():
    src = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    listed = list(names(page("en", "book.md")))
    assert len(listed) > 30
    for name, modules in listed:
        if name is not None:
            assert re.search(rf"^(def|class) {name}\b", src, re.MULTILINE), name
        for module in modules:
            path = ROOT.joinpath("src", *module.split("."))
            last = module.rpartition(".")[2]
            exists = path.is_dir() or path.with_suffix(".py").is_file()
            assert exists or re.search(rf"^(def|class) {last}\b", src, re.MULTILINE), module


@pytest.mark.parametrize("readme", ["README.md", "README.ja.md"])
def test_links_in_readmes_lead_to_files(readme):
    text = (ROOT / readme).read_text(encoding="utf-8")
    for link in LINK.findall(prose(text)):
        assert (ROOT / link).exists(), link


def test_readmes_have_the_same_commands_figures_and_structure():
    """Comments in code are translated and therefore not compared."""
    english, japanese = ((ROOT / each).read_text(encoding="utf-8") for each in ("README.md", "README.ja.md"))
    assert "(README.ja.md)" in english.split("\n\n")[1]
    assert "(README.md)" in japanese.split("\n\n")[1]

    def skeleton(text):
        code = [re.sub(r"\s*#.*", "", block[3]) for block in FENCED_OR_BARE.finditer(text)]
        lines = [len(re.findall(start, text, re.MULTILINE)) for start in (r"^## ", r"^\|", r"^- ")]
        return code, lines, sorted(re.findall(r"\d+\.\d+ %", text))

    assert skeleton(english) == skeleton(japanese)
    assert PICTURE.findall(english) == PICTURE.findall(japanese)


@pytest.mark.parametrize("name", ["ids", "lstm", "learning", "attention", "transducer"])
def test_pictures_match_the_code_that_draws_them(name, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(sys, "path", [str(DOCS / "pictures"), *sys.path])
    from make import draw

    draw(name, tmp_path)
    for language in ("en", "ja"):
        drawn, saved = (folder / f"{name}.{language}.svg" for folder in (tmp_path, DOCS / "pictures"))
        assert words(drawn) == words(saved)


def words(picture):
    """Return the texts of a picture except numbers."""
    texts = ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}text")
    return [text for text in ("".join(each.itertext()) for each in texts) if text and not text[-1].isdigit()]
