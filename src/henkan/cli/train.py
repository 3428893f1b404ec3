"""`henkan train`."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Any

import click

from henkan.cli.data_arguments import check_file, task_or_file
from henkan.cli.options import PATH, pop_engine
from henkan.cli.recipes import recipe_tables
from henkan.cli.run_options import check_resume_options, options_given
from henkan.cli.task_names import unambiguous
from henkan.cli.training_data import data_name
from henkan.cli.training_options import training_options
from henkan.cli.training_run import RunArguments, start_or_resume
from henkan.engine.choice import process_rank
from henkan.storage.model_folder import CHECKPOINT, is_model


@click.command(epilog=recipe_tables())
@click.argument("data", metavar="[TASK_OR_FILE]", required=False, callback=unambiguous)
@click.option(
    "--out",
    type=PATH,
    metavar="DIR",
    help="Folder for the model.  [default: models/NAME, named after the task or file]",
)
@click.option(
    "--resume",
    type=PATH,
    metavar="DIR",
    help="Resume an interrupted training run from its folder DIR. It keeps its pairs and its model and training "
    "settings; other values are an error.",
)
@click.option(
    "--from",
    "start",
    type=PATH,
    metavar="MODEL",
    help="Start from the weights of a saved model. New symbols are added to its vocabularies. Its lexicon is kept only "
    "with --keep-lexicon, which adds the entries after the pairs of the file.",
)
@training_options
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
    henkan train sums.txt --delimiter _ --strip       lines such as 16+75  _91

    If a file has the name of a task, as in addition, write ./addition for the file or task:addition for the task.

    A file is UTF-8 text with one pair per line: source TAB target. Pronunciation lexicons (`hello HH AH L OW`), CSV and
    JSON Lines are detected, see --format. Use --delimiter, --columns, --strip and --encoding for other
    layouts. An invalid line is an error; use --rejects to skip such lines.

    Progress is written to standard error, the result to standard output.

    Ctrl-C or SIGTERM stops the run after the current batch and saves a checkpoint. Resume it with --resume DIR: the
    model will be the same, bit for bit, as without the interruption. After a crash, the run resumes from the last
    checkpoint. A second Ctrl-C quits at once.

    With several processes, as in `torchrun --nproc-per-node 2 -m henkan train names.tsv`, each batch is divided among
    the processes, and --engine auto is torch. Batch size and learning rate have the same meaning as with one process.
    """
    given, engine = options_given(), pop_engine(options)
    if resume is not None:
        check_resume_options(given)
        if not (resume / CHECKPOINT / "plan.json").exists() and is_model(resume):
            if process_rank() == 0:
                click.echo(
                    f"the training run in {resume} is complete; to train the model further, use --from "
                    f"{quote(str(resume))}"
                )
            return
    elif data is None:
        raise click.UsageError(
            "name a task or a file of pairs, or resume an interrupted training run with --resume DIR"
        )
    else:
        task_or_file(data)  # a missing file is an error before the folder of its model exists
        if options["dev"] not in (None, "none"):
            check_file(options["dev"])
    folder = resume or out or Path("models") / data_name(str(data))
    arguments = RunArguments(data, folder, engine, checkpoint_every, quiet, None if resume is None else given)
    start_or_resume(arguments, options).execute(force=force)
