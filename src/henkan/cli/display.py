"""Print evaluation results."""

from __future__ import annotations

from collections.abc import Iterable

import click

from henkan.evaluation.evaluation_set import Counts
from henkan.evaluation.report import count_lines, exact_match_line, example_lines


def show_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    click.echo("\n".join(lines))


def show_examples(result: Counts) -> None:
    """Print the first sources with O (correct) or X (wrong)."""
    show_lines(example_lines(result))


def show_exact_match(result: Counts) -> None:
    """Print exact match, preceded by the numbers of sources that are unlike the training data or were not predicted."""
    show_lines([*count_lines(result), exact_match_line(result)])
