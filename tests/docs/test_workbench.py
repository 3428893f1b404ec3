"""The examples of the page about the workbench print what is shown."""

import re
from pathlib import Path

import pytest

from snippets import NUMBER, matches, run, snippets

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


def rates(text):
    """The exact matches of the two models."""
    return [float(each) for each in re.findall(r"^(?:eight|twelve) +([\d.]+)%", text, re.MULTILINE)]


@pytest.mark.long
def test_comparison_is_as_shown():
    """The same tables and the same conclusion. Counts vary with the rounding of the machine that trains the models."""
    shown = list(snippets(SECTIONS["Compare models"]))
    assert [each.code.split()[1] for each in shown] == ["train", "train", "compare"]
    printed = run(shown)[-1]
    assert rates(printed) == pytest.approx(rates(shown[-1].output), abs=3)
    headings = [line.split() for line in shown[-1].output.splitlines() if re.match(r" *[a-z].*exact|source|conf", line)]
    assert [line for line in headings if line not in [each.split() for each in printed.splitlines()]] == []
    assert [NUMBER.sub("0", line) for line in printed.splitlines()[-2:]] == [
        NUMBER.sub("0", line) for line in shown[-1].output.splitlines()[-2:]
    ]
