"""The result of a search for settings, as JSON and as text."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from henkan.drawing.tables import aligned
from henkan.selection.tuning.space import Point, Space, key_of
from henkan.selection.tuning.tuning import Tuning, TuningResult
from henkan.training.fitted_model import FittedModel

SHOWN = 8


def changed_settings(space: Space, point: Point) -> dict[str, Any]:
    """Return the settings of a point that are not defaults, and the recipe, if the pairs chose it."""
    changed = {name: value for name, value in point.items() if value is not None}
    if space.wanted.known_recipe is None:
        changed = {"recipe": space.choice.recipe, **changed}
    return changed


def result_of(
    found: TuningResult, tuning: Tuning, settings: Mapping[str, Any], fitted: FittedModel, command: str, folder: Path
) -> dict[str, Any]:
    """Return the result as JSON values; exact match from 0 to 1.

    Args:
        found: what the search has found.
        tuning: the search.
        settings: settings of the model that are not defaults.
        fitted: the model.
        command: the command that trains it again.
        folder: its folder.
    """
    states, comparison = Counter(each.state for each in tuning.records), found.comparison
    default, candidate = key_of(tuning.space.default), key_of(found.candidate)
    return {
        "settings": dict(settings),
        "defaults_kept": key_of(found.point) == default,
        "candidate": changed_settings(tuning.space, found.candidate),
        "comparison": None
        if comparison is None
        else {
            "defaults": {"mean": comparison.means[0], "deviation": comparison.deviations[0]},
            "candidate": {"mean": comparison.means[1], "deviation": comparison.deviations[1]},
            "gain": comparison.gain,
            "standard_error": comparison.error,
            "interval": list(comparison.interval),
            "verdict": comparison.verdict,
        },
        "runs": [
            {
                "settings": "candidate" if key_of(run.point) == candidate and candidate != default else "defaults",
                "seed": run.seed,
                "exact_match": run.measured.exact_match,
                "seconds": run.measured.seconds,
            }
            for run in found.runs
        ],
        "trials": {name: states[name] for name in ("complete", "pruned", "failed")},
        "effects": [each._asdict() for each in found.effects],
        "folds": tuning.examples.folds,
        "seconds": tuning.budget.seconds,
        "seed": found.seed,
        "exact_match": None if fitted.held_out is None else fitted.held_out.exact_match,
        "folder": str(folder),
        "command": command,
        "working_directory": os.getcwd(),
    }


def show_result(result: Mapping[str, Any], *, as_json: bool, called_from: str, model_replaced: bool) -> None:
    """Print the result.

    Args:
        result: the result.
        as_json: print it as one JSON object.
        called_from: the working directory of the user.
        model_replaced: whether the model folder no longer has the model of the search.
    """
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    trials = result["trials"]
    click.echo(
        f"trials: {trials['complete']} complete, {trials['pruned']} pruned, {trials['failed']} failed; "
        f"{result['seconds'] / 60:.1f} minutes"
    )
    if any(each["trials"] for each in result["effects"]):
        _show_effects(result["effects"])
    _show_comparison(result)
    seed, folder, match = result["seed"], result["folder"], result["exact_match"]
    saved = f"no longer in {folder}" if model_replaced else f"saved in {folder}"
    click.echo(f"model with seed {seed} {saved}; exact match {match:.3%}")
    place = result["working_directory"]
    click.echo(f"the same model{'' if place == called_from else f', in {place}'}:  {result['command']}")


def _show_effects(effects: Any) -> None:
    """Print the estimated effects of settings."""
    click.echo("\nestimated effect of each setting, in points of exact match, from all trials:")
    rows = [("setting", "value", "effect", "error", "trials")]
    rows += [
        (
            each["setting"].replace("_", " "),
            _value(each["value"]),
            f"{100 * each['gain']:+.2f}",
            f"{100 * each['error']:.2f}",
            str(each["trials"]),
        )
        for each in effects[:SHOWN]
    ]
    click.echo("\n".join(aligned(rows, right=(2, 3, 4))))
    if len(effects) > SHOWN:
        click.echo(f"and {len(effects) - SHOWN} smaller ones (--json prints all)")


def _show_comparison(result: Mapping[str, Any]) -> None:
    """Print the comparison with the defaults, and what it means."""
    comparison = result["comparison"]
    if comparison is None:
        click.echo("\nno model with other settings could be trained and compared, so the defaults are kept")
        return
    seeds = len(result["runs"]) // 2
    click.echo(f"\nbest settings: {settings_text(result['candidate'])}")
    click.echo(f"exact match, mean of {seeds} seeds, and standard deviation:")
    rows = [
        (name, f"{comparison[key]['mean']:.2%}", f"{100 * comparison[key]['deviation']:.2f}")
        for name, key in (("  defaults", "defaults"), ("  best settings", "candidate"))
    ]
    click.echo("\n".join(aligned(rows, right=(1, 2))))
    low, high = (100 * each for each in comparison["interval"])
    interval = f"{100 * comparison['gain']:+.2f} points, 95 % interval {low:+.2f} to {high:+.2f}"
    conclusion = {
        "better": "more than chance explains",
        "worse": "worse than the defaults",
        "unclear": "may be chance",
    }[comparison["verdict"]]
    click.echo(f"difference: {interval}: {conclusion}")
    if result["defaults_kept"]:
        click.echo("the best settings are not better than the defaults, so the defaults are kept")
    else:
        click.echo(
            "the settings were chosen on this validation set, so the difference is optimistic; compare both models on "
            "a test set with `henkan compare`"
        )


def settings_text(settings: Mapping[str, Any]) -> str:
    """Format settings for one line."""
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in settings.items()) or "defaults"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
