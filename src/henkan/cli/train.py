"""`henkan train`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from shlex import quote
from shutil import which
from signal import SIGINT
from typing import Any

import click

from henkan.cli.data_arguments import task_or_file
from henkan.cli.display import exact_match_line, show_exact_match, show_questions
from henkan.cli.options import (
    PATH,
    engine_options,
    layout_options,
    model_options,
    pop_engine,
    recipe_defaults,
    symbol_options,
    value_text,
)
from henkan.cli.remedies import sentence
from henkan.cli.run_options import (
    LAYOUT,
    Run,
    kept_start,
    new_run,
    old_engine,
    old_run,
    options_given,
    refuse_beside_resume,
)
from henkan.config import RECIPE_HELP, EngineConfig, ModelConfig, TrainingConfig
from henkan.engine.base import RESTARTS, Engines, ProcessGroup
from henkan.engine.choice import choose_engines, member_of_a_team
from henkan.errors import CheckpointError, DataError, HenkanError, Interrupted, SettingsError
from henkan.storage.model_folder import CHECKPOINT, check_place, is_model
from henkan.storage.plots import learning_curve
from henkan.text.audit import audit
from henkan.text.data_source import DataSource
from henkan.text.pairs import Columns, Pairs, hold_out
from henkan.text.reading import read_pairs
from henkan.text.tasks import TASKS, Task
from henkan.text.tokenizer import cuttings
from henkan.training.checkpoint import SECONDS_BETWEEN, Checkpoints, Onlooker
from henkan.training.events import Event, Started
from henkan.training.fit import fit
from henkan.training.fitted_model import FittedModel
from henkan.training.signals import Interruption
from henkan.training.state import MOST_SETBACKS


def _recipes() -> str:
    """The recipes and the settings in which they differ, as a table for the help."""
    rows = [("", *RECIPE_HELP)]
    for setting in (*fields(ModelConfig), *fields(TrainingConfig)):
        values = recipe_defaults(setting)
        if len(set(values.values())) > 1:
            texts = (value_text(setting, value) for value in values.values())
            rows.append((setting.name.replace("_", " "), *texts))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ("   ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    longest = max(map(len, RECIPE_HELP))
    about = (f"{name.ljust(longest)}   {what}" for name, what in RECIPE_HELP.items())
    notes = (
        "By data size: small batches and a high dropout rate for few pairs. From updates: as many epochs as give about "
        "that number of updates. A task may have defaults of its own."
    )
    return "\n".join(["Recipes:", "", "\b", *about, "", "\b", *table, "", notes])


@click.command(short_help="Train a model on a task or a file of pairs.", epilog=_recipes())
@click.argument("data", metavar="[TASK_OR_FILE]", required=False)
@click.option(
    "--dev",
    metavar="FILE|none",
    help="Validation set, evaluated after every epoch; `none` trains on all pairs without validation.  [default: a "
    "random tenth of the pairs]",
)
@click.option("--out", type=PATH, metavar="DIR", help="Folder for the model.  [default: models/NAME]")
@click.option("--force", is_flag=True, help="Replace an existing model or an interrupted run.")
@click.option("--resume", type=PATH, metavar="DIR", help="Resume an interrupted run from DIR.")
@click.option(
    "--from",
    "start",
    type=PATH,
    metavar="MODEL",
    help="Start from the weights of a saved model; new symbols are added to its vocabularies.",
)
@click.option(
    "--checkpoint-every",
    type=float,
    default=SECONDS_BETWEEN,
    show_default=True,
    metavar="SECONDS",
    help="Time between checkpoints within an epoch. There is also one after every epoch.",
)
@click.option(
    "--recipe",
    type=click.Choice(list(RECIPE_HELP)),
    help="Preset for all settings that are not given; see below.  [default: words for a file, modern for a task]",
)
@click.option(
    "--ensemble",
    type=int,
    help="Number of models to train, with consecutive seeds, and to combine as an ensemble.  [default: 1]",
)
@model_options
@symbol_options
@layout_options
@engine_options
@click.option("--quiet", is_flag=True, help="Show no progress; print only the exact match.")
def train(
    data: str | None,
    out: Path | None,
    force: bool,
    resume: Path | None,
    checkpoint_every: float,
    quiet: bool,
    **options: Any,
) -> None:
    """Train a model on a task (`henkan tasks` lists them) or on a file of pairs, and save it.

    \b
    henkan train addition
    henkan train names.tsv --dev names.dev.tsv --out models/names
    henkan train --resume models/names
    henkan train more.tsv --from models/names --out models/more

    A file is UTF-8 text with one pair per line: source TAB target. Use --delimiter, --columns and --strip for other
    layouts (`--delimiter _ --strip` for lines such as `16+75  _91  `). An invalid line is an error; to skip such lines,
    use --rejects.

    Progress is written to standard error, the result to standard output.

    Ctrl-C or SIGTERM stops the run after the current batch and saves a checkpoint. Resume it with --resume DIR; the
    model is the same, bit for bit, as that of an uninterrupted run. After a crash, the run resumes from the last
    checkpoint. A second Ctrl-C quits at once.

    With several processes, as in `torchrun --nproc-per-node 2 -m henkan train names.tsv`, each batch is divided among
    them. Batch size and learning rate have the same meaning as with one process.
    """
    interruption, given, engine = Interruption(), options_given(), pop_engine(options)
    if resume is not None:
        refuse_beside_resume(given)
        if not (resume / CHECKPOINT / "plan.json").exists() and is_model(resume):
            if member_of_a_team() == 0:
                click.echo(f"the training of {resume} is finished; train on from it with --from {resume}")
            return
        engine = old_engine(engine, Checkpoints(resume, resume=True).plan(), given, resume)
    elif data is None:
        raise click.UsageError("name a task or a file of pairs to train on, or --resume a training that was stopped")
    folder = resume or out or Path("models") / _name(str(data))
    engines = choose_engines(engine, together=True)
    group = engines.group
    leads, quiet = group.rank == 0, quiet or group.rank > 0
    checkpoints = (Checkpoints if leads else Onlooker)(
        folder,
        every=checkpoint_every,
        stop=lambda: group.max(interruption.signal or 0) or None,
        resume=resume is not None or _is_restart(folder, group),
    )
    if checkpoints.resume:
        run = old_run(data, checkpoints.plan(), given if resume is not None else set(), engines)
    else:
        run = new_run(str(data), options)
        run.options["command"] = sys.argv[1:]
    run.options["engine"] = asdict(engine)
    try:
        with interruption, ExitStack() as open_folder:
            with _told_to(group):
                if leads and not checkpoints.resume:
                    check_place(folder, force=force)
                open_folder.enter_context(checkpoints.held())
                if leads and checkpoints.begun and not (checkpoints.resume or force):
                    raise CheckpointError(
                        f"{folder}: a training was stopped there; go on with --resume {folder}, or train anew with "
                        "--force"
                    )
            if checkpoints.resume and checkpoints.plan()["started from a model"]:
                run = replace(run, start=kept_start(checkpoints))
            checkpoints.options = run.options
            fitted, question = _train(run, checkpoints, engines, interruption, quiet=quiet)
            if not leads:
                return
            picture = learning_curve(fitted.artefact.metrics)
            fitted.save(folder, force=True, pictures={} if picture is None else {"learning_curve.png": picture})
            checkpoints.finish()
    except KeyboardInterrupt:
        number = interruption.signal or SIGINT
        if checkpoints.begun:
            raise checkpoints.interrupted(number) from None
        raise Interrupted("stopped before the training had begun; there is nothing to go on with", number) from None
    _say_what_came_out(fitted, folder, question, pictured=picture is not None, quiet=quiet)


@contextmanager
def _told_to(group: ProcessGroup) -> Iterator[None]:
    """Have the others leave without a word where the leader may not begin, for it says why."""
    try:
        yield
    except HenkanError:
        group.broadcast(0)
        raise
    if not group.broadcast(1):
        raise SystemExit(2)


def _is_restart(folder: Path, group: ProcessGroup) -> bool:
    """Whether torchrun has started us again, to go on with a training that this command began, and a member had died.

    Only the machine of the one that died may count the restart.
    """
    restarts = os.environ.get(RESTARTS, "0")
    restarted, begun = group.max(int(restarts) if restarts.isdecimal() else 0) > 0, False
    if restarted and group.rank == 0 and Checkpoints(folder).begun:
        begun = Checkpoints(folder).plan()["options"].get("command") == sys.argv[1:]
    return bool(group.broadcast(begun))


def _train(
    run: Run, checkpoints: Checkpoints, engines: Engines, interruption: Interruption, *, quiet: bool
) -> tuple[FittedModel, str]:
    """Read the pairs and train on them; the model, and a question to ask it."""
    from henkan.cli.progress import Display

    def tell(event: Event) -> None:
        if isinstance(event, Started):
            interruption.notice()
        display(event)

    if run.data is not None:
        _check_whether_moved(run, checkpoints.shown)
    pairs, held_out, source = _read(run, quiet=quiet)
    if not quiet:
        _say_who_trains(run, engines, len(pairs))
        _say_what_was_found(pairs, held_out, run.options["dev"], run.model)
    with Display(held_out, quiet=quiet) as display:
        fitted = fit(
            pairs,
            held_out,
            run.model,
            run.training,
            data=run.data or source,
            members=run.ensemble,
            report=tell,
            start=run.start,
            checkpoints=checkpoints,
            engines=engines,
        )
    return fitted, pairs.sources[0]


def _say_what_came_out(fitted: FittedModel, folder: Path, question: str, *, pictured: bool, quiet: bool) -> None:
    metrics = fitted.artefact.metrics
    histories = metrics.get("members", [metrics])
    if fitted.held_out is not None and quiet:
        click.echo(exact_match_line(fitted.held_out))
    elif fitted.held_out is not None:
        show_questions(fitted.held_out)
        show_exact_match(fitted.held_out)
    if not quiet:
        seconds = sum(epoch["seconds"] for each in histories for epoch in each["epochs"])
        click.echo(f"trained in {seconds:.1f} s; the model is in {folder}")
        if not pictured:
            click.echo(
                "note: no learning curve was drawn, for matplotlib is not installed (the extra `plot` brings it)",
                err=True,
            )
        asked = quote(question)
        click.echo(f"ask it:  {_program()} predict {quote(str(folder))} {'-- ' * asked.startswith('-')}{asked}")
    if any(each.get("setbacks", 0) > MOST_SETBACKS for each in histories):
        raise SettingsError(
            f"training went astray {MOST_SETBACKS + 1} times and was ended; the model of its last good state is in "
            f"{folder}: train again with a smaller learning rate than {fitted.artefact.training.learning_rate:g}"
        )


def _name(data: str) -> str:
    """What a model of these data is called."""
    return data if data in TASKS else Path(data).stem


def _read(run: Run, *, quiet: bool) -> tuple[Pairs, Pairs | None, DataSource]:
    """Training pairs, held-out pairs, and where they came from."""
    from henkan.cli.progress import show_reading

    data, dev, seed = _place(run, "data"), run.options["dev"], run.training.seed
    layout = {name: run.options[name] for name in LAYOUT} | {"columns": Columns(**run.options["columns"])}
    layout |= {"rejects": run.rejects, "progress": None if quiet else show_reading}
    found = task_or_file(data)
    task = isinstance(found, Task)
    pairs = found.generate(seed=seed) if isinstance(found, Task) else read_pairs(found, **layout)

    source = DataSource(name=_name(data), task=task, pairs=len(pairs), seed=seed, held_out="tenth")
    if dev is None:
        return (*hold_out(pairs, seed, normalize=cuttings(run.model)[0].normalize), source)
    if dev == "none":
        return pairs, None, replace(source, held_out="none")
    return pairs, read_pairs(Path(_place(run, "dev")), **layout), replace(source, held_out="file")


def _check_whether_moved(run: Run, folder: Path) -> None:
    """Say how to go on with a training whose data are not where they were."""
    hints = {"data": f"train NEW_PLACE --resume {folder}", "dev": f"train --resume {folder} --dev NEW_PLACE"}
    for name, hint in hints.items():
        if run.options[name] not in (None, "none", *TASKS) and not os.path.exists(_place(run, name)):
            raise DataError(
                f"{_place(run, name)}: the pairs of this training are no longer there; if they have moved, go on with "
                f"`henkan {hint}`"
            )


def _place(run: Run, name: str) -> str:
    """A file as it was named, seen from where we are: a training may be resumed in another folder."""
    named, folder = str(run.options[name]), run.options["folder"]
    return named if named in TASKS or folder == os.getcwd() else os.path.join(folder, named)


def _say_who_trains(run: Run, engines: Engines, pairs: int) -> None:
    """The engine, where it is not the usual one, and how several processes share a batch."""
    if run.options["engine"] != asdict(EngineConfig()) or engines.group.size > 1:
        click.echo(engines.describe(), err=True)
    if engines.group.size > 1:
        sized = run.training.sized(pairs)
        click.echo(
            f"{engines.group.size} processes share each batch of {sized.batch_size}; the learning rate of "
            f"{sized.learning_rate:g} is that of the whole batch, as for one process",
            err=True,
        )


def _say_what_was_found(pairs: Pairs, held_out: Pairs | None, dev: str | None, model: ModelConfig) -> None:
    """The data's audit, as one line and its warnings."""
    source, target = cuttings(model)
    others = {} if held_out is None else {dev or "the part held out": held_out}
    found = audit(pairs, others, source=source, target=target)
    click.echo(found.summary(), err=True)
    for warning in found.warnings():
        click.echo(f"warning: {sentence(warning)}", err=True)


def _program() -> str:
    """How this program is called here: by its name where the shell would find it, else as it was called."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m henkan"
    found = which("henkan")
    return "henkan" if found is not None and called.exists() and called.samefile(found) else quote(str(called))
