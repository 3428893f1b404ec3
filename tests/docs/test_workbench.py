"""The examples of the page about the workbench print what is shown."""

import re
from pathlib import Path

import pytest

from snippets import matches, run, snippets

PAGE = (Path(__file__).parents[2] / "docs" / "workbench.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
NEEDS = {"From Python": "sklearn"}
"""Section -> module that its last examples need."""


def check(found):
    for snippet, printed in zip(found, run(found), strict=True):
        assert matches(snippet, printed), f"{snippet.code}\nprints\n{printed}\nand not\n{snippet.output}"


def python_of(section):
    return [each for each in snippets(SECTIONS[section]) if each.kind == "python"]


@pytest.mark.parametrize("section", SECTIONS)
def test_examples_print_what_is_shown(section):
    """Those that need an optional package are left out here."""
    module = NEEDS.get(section, "?")
    check(
        [
            each
            for each in python_of(section)
            if f"import {module}" not in each.code and f"from {module}" not in each.code
        ]
    )


@pytest.mark.workbench
@pytest.mark.parametrize("section", NEEDS)
def test_examples_with_optional_packages_print_what_is_shown(section):
    pytest.importorskip(NEEDS[section])
    found = python_of(section)
    assert any(NEEDS[section] in each.code for each in found)
    check(found)
