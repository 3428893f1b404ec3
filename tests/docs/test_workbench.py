"""The commands on the page about the workbench print what the page shows."""

import re
from pathlib import Path

import pytest

from snippets import NUMBER, run, snippets

PAGE = (Path(__file__).parents[2] / "docs" / "workbench.md").read_text(encoding="utf-8")


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def rates(text):
    """The exact matches of the two models."""
    return [float(each) for each in re.findall(r"^(?:eight|twelve) +([\d.]+)%", text, re.MULTILINE)]


@pytest.mark.long
def test_comparison_is_as_shown():
    """The same tables and the same conclusion. Counts vary with the rounding of the machine that trains the models."""
    shown = list(snippets(section("Compare models")))
    assert [each.code.split()[1] for each in shown] == ["train", "train", "compare"]
    printed = run(shown)[-1]
    assert rates(printed) == pytest.approx(rates(shown[-1].output), abs=3)
    headings = [line.split() for line in shown[-1].output.splitlines() if re.match(r" *[a-z].*exact|source|conf", line)]
    assert [line for line in headings if line not in [each.split() for each in printed.splitlines()]] == []
    assert [NUMBER.sub("0", line) for line in printed.splitlines()[-2:]] == [
        NUMBER.sub("0", line) for line in shown[-1].output.splitlines()[-2:]
    ]
