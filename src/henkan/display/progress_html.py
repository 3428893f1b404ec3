"""A training run as HTML, for notebooks, and as a line of text for programs that show no HTML."""

from __future__ import annotations

from collections.abc import Sequence

from henkan.display.durations import clock
from henkan.display.event_text import sizes
from henkan.display.learning_curve import learning_curve
from henkan.display.run_state import RunState
from henkan.drawing import html
from henkan.evaluation.report import EXAMPLE_HEADER

Example = tuple[str, str, str, str]
"""O or X, source, target and prediction."""


def progress_html(state: RunState, examples: Sequence[Example] = ()) -> str:
    """Show a training run.

    Args:
        state: the run.
        examples: current predictions for some pairs of the validation set.
    """
    planned = None if state.started is None or state.ended else state.started.epochs
    colour = html.RED if state.failed else html.GREEN if state.ended else html.BLUE
    return html.card(
        f'<div class="henkan-title">{html.text(_title(state))}</div>',
        f'<div class="henkan-faint">{html.text(sizes(state.started))}</div>' if state.started else "",
        html.bar(1.0 if state.ended and not state.failed else state.share, colour),
        html.facts(_facts(state)),
        learning_curve(state.curves, planned),
        _examples(examples, state),
        *(f'<div class="henkan-faint">note: {html.text(note)}</div>' for note in state.notes),
    )


def progress_text(state: RunState) -> str:
    """Show a training run on one line."""
    return "  ".join([_title(state), *(f"{name} {value}" for name, value in _facts(state))])


def _title(state: RunState) -> str:
    if state.ended:
        return state.ended
    model = ""
    if state.started is not None and state.started.members > 1:
        model = f"model {state.started.member} of {state.started.members}"
    if state.started is not None and state.started.teacher:
        model += f"{', ' * bool(model)}which predicts targets of unlabelled sources"
    return ": ".join(part for part in ("Training", model, state.phase) if part)


def _facts(state: RunState) -> list[tuple[str, str]]:
    """Names and values of the numbers that change during the run."""
    started, step, curve = state.started, state.step, state.curve
    rows = []
    if started is not None:
        rows.append(("epoch", f"{state.epoch}/{started.epochs}"))
    if step is not None:
        rows.append(("loss", f"{step.loss:.3g}"))
    if curve.exact_matches and curve.exact_matches[-1] is not None:
        rows.append(("exact match", f"{curve.exact_matches[-1]:.2%}"))
    if curve.kept is not None and curve.best is not None:
        rows.append((f"best, in epoch {curve.epochs[curve.kept]}", f"{curve.best:.2%}"))
    if step is not None:
        rows.append(("pairs per second", f"{step.pairs / max(step.seconds, 1e-9):,.0f}"))
    left = state.seconds_left
    if state.ended:
        several = started is not None and started.members > 1
        if state.exact_match is not None and several:
            rows.append(("exact match of all models", f"{state.exact_match:.2%}"))
        rows.append(("time", clock(state.seconds)))
    elif left is not None:
        rows.append(("time left", clock(left)))
    return rows


def _examples(examples: Sequence[Example], state: RunState) -> str:
    if not examples:
        return ""
    rows = []
    for mark, *strings in examples:
        colour = html.GREEN if mark == "O" else html.RED
        rows.append([f'<b style="color:{colour}">{mark}</b>', *map(html.string, strings)])
    several = state.started is not None and state.started.members > 1
    of = f" of model {state.started.member}" if several and state.started else ""
    return html.table([*EXAMPLE_HEADER[:-1], EXAMPLE_HEADER[-1] + of], rows)
