"""The examples of the page for contributors print what is shown, and it names what exists."""

import re
import sys
from pathlib import Path

import pytest

from henkan.cli.main import COMMANDS
from henkan.model import architecture
from snippets import matches, run, snippets

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
EXTENSIONS = [title for title in SECTIONS if title.startswith("Add a")]


@pytest.fixture
def _registries(monkeypatch):
    """Restores what the examples register."""
    monkeypatch.setattr(architecture, "REGISTRY", dict(architecture.REGISTRY))
    yield
    COMMANDS.pop("symbols", None)
    sys.modules.pop("henkan.cli.symbols", None)


@pytest.mark.parametrize("title", EXTENSIONS)
@pytest.mark.usefixtures("_registries")
def test_examples_print_what_is_shown(title):
    """Each section can be run without the others."""
    [snippet] = snippets(SECTIONS[title])
    [printed] = run([snippet])
    assert snippet.output
    assert matches(snippet, printed), f"prints\n{printed}\nand not\n{snippet.output}"


@pytest.mark.parametrize("page", ["development.md", "design.md"])
def test_files_that_are_named_exist(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:src|tests|docs|benchmarks|fuzz)/[\w/.-]*)`", text))
    assert named
    for path in sorted(named):
        assert (ROOT / path).exists() or "NAME" in path, path
    for module in re.findall(r"`([\w/]+\.py)`", text):
        assert any(ROOT.glob(f"src/**/{module}")) or (ROOT / module).exists() or "NAME" in module, module


@pytest.mark.parametrize("page", ["development.md", "design.md"])
def test_test_functions_that_are_named_exist(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert set(re.findall(r"`(test_\w+)`", text)) <= set(re.findall(r"^def (test_\w+)\(", tests, re.MULTILINE))


def test_every_file_is_named_in_the_row_of_its_package():
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (?:`(?=\w+/))?([\w ]+?)(?:/`)? \|(.*)$", text, re.MULTILINE))
    package = ROOT / "src" / "henkan"
    for path in sorted(package.rglob("*.py")):
        folder = path.relative_to(package).parts[0] if path.parent != package else "flat modules"
        assert path.name == "__init__.py" or f"`{path.name}`" in rows[folder], path


@pytest.mark.parametrize("page", ["development.md", "design.md"])
def test_targets_of_make_exist(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make ([a-z][\w-]*)", text)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_extension_names_its_tests():
    assert len(EXTENSIONS) == 5
    for title in EXTENSIONS:
        assert "Picked up automatically:" in SECTIONS[title]
        assert "| file | change |" in SECTIONS[title]
