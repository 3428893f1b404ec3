"""Comparison of models as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from henkan.drawing.tables import aligned, shortened
from henkan.evaluation.report import percent_interval
from henkan.text.counts import counted
from henkan.text.escaping import escape

if TYPE_CHECKING:
    from henkan.evaluation.breakdown import Breakdown
    from henkan.evaluation.comparison import Comparison, Difference, Disagreement

COLUMNS = 80
NAME_CELLS = 12
TEXT_CELLS = 17
"""Width of names and strings, so that the tables for two models fit into 80 columns."""

SHOWN = 5
"""Number of sources that are shown for each combination of right and wrong models."""


def comparison_lines(result: Comparison) -> Iterator[str]:
    """Yield all results: rates, differences, breakdowns, examples and, at the end, the conclusions."""
    names = short_names(result.names)
    yield f"{source_count(result)}{f' of {result.data}' if result.data else ''}"
    yield ""
    yield from _rate_lines(result, names)
    yield ""
    yield from _difference_lines(result, names)
    yield ""
    for rights, count in outcomes(result):
        yield f"{count:>8,}  {outcome_text(rights, names)}"
    for breakdown in result.breakdowns:
        yield ""
        yield from _breakdown_lines(breakdown, names)
    yield from _example_lines(result, names)
    yield ""
    for line in conclusions(result, names):
        kept = line.replace("p < ", "p\xa0<\xa0").replace("p = ", "p\xa0=\xa0")  # on one line
        yield from (each.replace("\xa0", " ") for each in wrap(kept, COLUMNS))


def source_count(result: Comparison) -> str:
    """Return the number of sources, in words."""
    return counted(result.total, "distinct source")


def conclusions(result: Comparison, names: Sequence[str]) -> list[str]:
    """Return what the comparison shows, in sentences with these names of the models."""
    lines = []
    for exact, symbol in zip(result.exact_match_differences, result.symbol_error_rate_differences, strict=True):
        first, second = names[exact.first], names[exact.second]
        if exact.shown:
            better, other = (second, first) if exact.value > 0 else (first, second)
            lines.append(f"{better} is better than {other}: +{_distance(exact)}, {p_text(exact.p)}.")
        else:
            points = (
                f"{100 * exact.value:+.1f} points ({100 * exact.interval.low:+.1f} to {100 * exact.interval.high:+.1f})"
            )
            lines.append(
                f"No difference in exact match is shown between {first} and {second}: {points}, {p_text(exact.p)}."
            )
        if symbol.shown:
            lower, higher = (second, first) if symbol.value < 0 else (first, second)
            than = f" than {higher}" if len(names) > 2 else ""
            points = f"{100 * -abs(symbol.value):.1f} points ({_limits(symbol, -1)})"
            lines.append(f"{lower} makes fewer symbol errors{than}: {points}, {p_text(symbol.p)}.")
    if len(result.exact_match_differences) > 1:
        lines.append(
            f"p-values are corrected for {counted(len(result.exact_match_differences), 'pair')} of models (Holm)."
        )
    if not result.same_symbols:
        lines.append("The models split targets into different symbols, so symbol error rates are in characters.")
    return lines


def outcomes(result: Comparison) -> list[tuple[tuple[bool, ...], int]]:
    """Return which models are right and on how many sources: first all of them, at the end none."""
    return sorted(result.outcomes.items(), key=lambda each: (-sum(each[0]), [not right for right in each[0]]))


def outcome_text(rights: Sequence[bool], names: Sequence[str]) -> str:
    """Return which models are right, in words."""
    if all(rights):
        return "both right" if len(rights) == 2 else "all right"
    if not any(rights):
        return "both wrong" if len(rights) == 2 else "all wrong"
    return f"only {' and '.join(name for name, right in zip(names, rights, strict=True) if right)} right"


def p_text(p: float) -> str:
    """Return a p-value, as in `p = 0.012`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def short_names(names: Sequence[str], cells: int = NAME_CELLS) -> list[str]:
    """Return names of at most `cells` cells, which are still different; letters if that is impossible."""
    found = [shortened(escape(name), cells) for name in names]
    return found if len(set(found)) == len(found) else [f"model {chr(ord('A') + row)}" for row in range(len(names))]


def _distance(difference: Difference) -> str:
    """Return the absolute difference in percentage points, with its interval in the same direction."""
    return f"{100 * abs(difference.value):.1f} points ({_limits(difference, 1)})"


def _limits(difference: Difference, sign: int) -> str:
    """Return the limits of a difference in percentage points, in the direction in which it has this sign."""
    limits = [100 * limit for limit in difference.interval]
    if difference.value * sign < 0:
        limits = [-limit for limit in reversed(limits)]
    return f"{limits[0]:.1f} to {limits[1]:.1f}"


def count_notes(result: Comparison, names: Sequence[str]) -> Iterator[str]:
    """Yield for each model the numbers of sources that it could not predict as usual, if there are any."""
    for name, each in zip(names, result.evaluations, strict=True):
        counts = each.counts
        kinds = {
            "with symbols not in training": counts.unknown,
            "outside the training data in other ways": counts.outside,
            "cut off at the length limit": counts.cut_off,
            "not converted": counts.unanswerable,
            "from the lexicon": counts.from_lexicon,
        }
        found = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
        if found:
            yield f"{name}: {found}"


def _rate_lines(result: Comparison, names: Sequence[str]) -> Iterator[str]:
    if tuple(names) != tuple(result.names):
        room = COLUMNS - NAME_CELLS - 2
        yield from aligned(
            [(name, shortened(escape(long), room)) for name, long in zip(names, result.names, strict=True)]
        )
        yield ""
    rows = [("", "exact match", "95 % interval", "symbol errors", "95 % interval")]
    for name, each in zip(names, result.evaluations, strict=True):
        exact, symbol = each.intervals.exact_match, each.intervals.symbol_error_rate
        intervals = percent_interval(exact, 1), percent_interval(symbol, 1)
        rows.append((name, f"{each.exact_match:.2%}", intervals[0], f"{each.symbol_error_rate:.2%}", intervals[1]))
    yield from aligned(rows, right=(1, 3))
    yield from count_notes(result, names)


def _difference_lines(result: Comparison, names: Sequence[str]) -> Iterator[str]:
    """Yield the differences in both measures, in one table."""
    rows = [("difference", "", "points", "95 % interval", "p")]
    for exact, symbol in zip(result.exact_match_differences, result.symbol_error_rate_differences, strict=True):
        for measure, each in (("exact match", exact), ("symbol errors", symbol)):
            low, high = 100 * each.interval.low, 100 * each.interval.high
            p = p_text(each.p).removeprefix("p ").removeprefix("= ")
            models = "" if each is symbol else f"{names[each.second]} - {names[each.first]}"
            rows.append((models, measure, f"{100 * each.value:+.2f}", f"{low:+.2f} to {high:+.2f}", p))
    yield from aligned(rows, right=(2, 4))


def _breakdown_lines(breakdown: Breakdown, names: Sequence[str]) -> Iterator[str]:
    same = all(len(set(each.totals)) == 1 for each in breakdown.groups)
    rows = [(breakdown.heading, *(["sources"] if same else []), *names)]
    for each in breakdown.groups:
        cells = []
        for rate, total in zip(each.rates, each.totals, strict=True):
            share = "-" if rate is None else f"{rate:.1%}"
            cells.append(share if same or rate is None else f"{share} of {total:,}")
        rows.append((each.label, *([f"{each.totals[0]:,}"] if same else []), *cells))
    yield from aligned(rows, right=range(1, len(rows[0])))


def _example_lines(result: Comparison, names: Sequence[str]) -> Iterator[str]:
    """Yield the first sources that only some of the models get right."""
    found: dict[tuple[bool, ...], list[Disagreement]] = {}
    for each in result.disagreements:
        if each.is_about_correctness:
            found.setdefault(each.right, []).append(each)
    for rights, examples in sorted(found.items(), reverse=True):
        rows = [("source", "target", *names)]
        for each in examples[:SHOWN]:
            targets = each.predictions[rights.index(True)].target
            texts = [each.source, targets, *(one.conversion.prediction or "" for one in each.predictions)]
            rows.append(tuple(shortened(escape(text), TEXT_CELLS) for text in texts))
        count = f", {SHOWN} of {len(examples):,}" if len(examples) > SHOWN else ""
        yield ""
        yield f"{outcome_text(rights, names)}{count}:"
        yield from aligned(rows)
