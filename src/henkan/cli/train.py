"""`henkan train`."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from shlex import quote
from shutil import which
from typing import Any

import click

from henkan import fitting
from henkan.cli.evaluate import exact_match_line, show_exact_match, show_questions
from henkan.cli.options import PATH, layout_options, model_options, symbol_options
from henkan.config import RECIPES, ModelConfig, TrainingConfig, make_configs
from henkan.fitting import DataSource
from henkan.text.audit import audit
from henkan.text.pairs import Columns, Pairs, hold_out, read_pairs
from henkan.text.tasks import TASKS, Task, task_or_file


def _recipes() -> str:
    """What each recipe sets, for the help; the modern one is what the others differ from."""
    own = {**asdict(ModelConfig()), **asdict(TrainingConfig())}
    texts = []
    for name, what in RECIPE_NAMES.items():
        settings = {setting: RECIPES[name].get(setting, default) for setting, default in own.items()}
        settings["epochs" if settings["epochs"] is None else "updates"] = 0  # the one follows from the other
        shown = [_setting(setting, settings[setting]) for setting in SHOWN_SETTINGS]
        texts.append(f"{name}: {what}. {', '.join(filter(None, shown))}.")
    return "\n\n".join(["The recipes:", *texts])


def _setting(name: str, value: Any) -> str:
    """One setting in words; nothing for what is switched off."""
    words = name.replace("_", " ")
    if isinstance(value, bool):
        return words if value else ""
    if value is None:
        return f"{words} by the number of pairs"
    return f"{words} {value}" if value else ""


RECIPE_NAMES = {
    "words": "for a file of words and what becomes of them",
    "modern": "for a task; the article's model, learned fast",
    "book": "that of the book's chapter 7, with strings filled with spaces",
}
SHOWN_SETTINGS = (
    "reverse", "peeky", "attention", "bidirectional", "embedding_size", "hidden_size", "epochs", "updates",
    "batch_size", "learning_rate", "schedule", "weight_decay", "dropout", "embedding_dropout", "unknown_rate",
)  # fmt: skip


@click.command(short_help="Train a model on a task or a file of pairs.", epilog=_recipes())
@click.argument("data", metavar="TASK_OR_FILE")
@click.option(
    "--dev",
    metavar="FILE|none",
    help="Pairs to measure on after every epoch; `none` trains on everything.  [default: a tenth of the data, "
    "drawn by the seed, is held out of training]",
)
@click.option("--out", type=PATH, metavar="DIR", help="Where the model goes.  [default: models/NAME]")
@click.option("--force", is_flag=True, help="Replace a model that stands there.")
@click.option(
    "--recipe",
    type=click.Choice(list(RECIPES)),
    help="Where the settings not given come from; see below.  [default: words for a file, modern for a task]",
)
@click.option(
    "--ensemble",
    type=int,
    default=1,
    show_default=True,
    help="Train so many models, with the seed and those that follow it; they answer together.",
)
@model_options
@symbol_options
@layout_options
@click.option("--quiet", is_flag=True, help="Show no progress, and print the exact match alone.")
def train(
    data: str,
    dev: str | None,
    out: Path | None,
    force: bool,
    recipe: str | None,
    delimiter: str,
    strip: bool,
    columns: Columns,
    ensemble: int,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train a model on a task (`henkan tasks` lists them) or on a file of pairs, and save it.

    \b
    henkan train addition
    henkan train names.tsv --dev names.dev.tsv --out models/names

    A file is UTF-8 with one pair a line, source TAB target; --delimiter and --strip let other layouts in
    (`16+75  _91  ` is --delimiter _ --strip). A line that is not a pair is an error: nothing is passed over.

    Progress goes to standard error, the result to standard output. Ctrl-C stops without saving.
    """
    from henkan.artefact import check_place
    from henkan.cli.display import Display
    from henkan.pictures import learning_curve

    given = {name: value for name, value in settings.items() if value is not None}
    defaults = TASKS[data].settings if data in TASKS else None
    if columns.features is not None:
        given["features"] = True
    model, training = make_configs(given, recipe=recipe, defaults=defaults)
    layout = {"delimiter": delimiter, "strip": strip, "columns": columns}
    pairs, held_out, source = _read(data, dev, training.seed, model, **layout)
    folder = out or Path("models") / source.name
    check_place(folder, force=force)

    if not quiet:
        _say_what_was_found(pairs, held_out, dev, model)
    with Display(held_out, quiet=quiet) as display:
        fitted = fitting.fit(pairs, held_out, model, training, data=source, members=ensemble, report=display)
    picture = learning_curve(fitted.artefact.metrics)
    fitted.save(folder, force=force, pictures={} if picture is None else {"learning_curve.png": picture})

    if fitted.held_out is not None and quiet:
        click.echo(exact_match_line(fitted.held_out))
    elif fitted.held_out is not None:
        show_questions(fitted.held_out)
        show_exact_match(fitted.held_out)
    if not quiet:
        metrics = fitted.artefact.metrics
        seconds = sum(epoch["seconds"] for each in metrics.get("members", [metrics]) for epoch in each["epochs"])
        click.echo(f"trained in {seconds:.1f} s; the model is in {folder}")
        if picture is None:
            click.echo(
                "note: no learning curve was drawn, for matplotlib is not installed (the extra `plot` brings it)",
                err=True,
            )
        question = quote(pairs.sources[0])
        click.echo(f"ask it:  {_program()} predict {quote(str(folder))} {'-- ' * question.startswith('-')}{question}")


def _read(
    data: str, dev: str | None, seed: int, model: ModelConfig, **layout: Any
) -> tuple[Pairs, Pairs | None, DataSource]:
    """Training pairs, held-out pairs, and where they came from."""
    found = task_or_file(data)
    if isinstance(found, Task):
        name, task, pairs = found.name, True, found.generate(seed=seed)
    else:
        name, task, pairs = found.stem, False, read_pairs(found, **layout)

    source = DataSource(name=name, task=task, pairs=len(pairs), seed=seed, held_out="tenth")
    if dev is None:
        return (*hold_out(pairs, seed, normalize=fitting.cuttings(model)[0].normalize), source)
    if dev == "none":
        return pairs, None, replace(source, held_out="none")
    return pairs, read_pairs(Path(dev), **layout), replace(source, held_out="file")


def _say_what_was_found(pairs: Pairs, held_out: Pairs | None, dev: str | None, model: ModelConfig) -> None:
    """The data's audit, as one line and its warnings."""
    source, target = fitting.cuttings(model)
    others = {} if held_out is None else {dev or "the part held out": held_out}
    found = audit(pairs, others, source=source, target=target)
    click.echo(found.summary(), err=True)
    for warning in found.warnings():
        click.echo(f"warning: {warning}", err=True)


def _program() -> str:
    """How this program is called here: by its name where the shell would find it, else as it was called."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m henkan"
    found = which("henkan")
    return "henkan" if found is not None and called.exists() and called.samefile(found) else quote(str(called))
