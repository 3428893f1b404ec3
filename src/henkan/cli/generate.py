"""`henkan generate` and `henkan tasks`."""

from __future__ import annotations

import sys

import click

from henkan.cli.options import SETTINGS, value_text
from henkan.cli.task_names import PREFIX
from henkan.config import SEED
from henkan.errors import SettingsError
from henkan.text.pairs import write_pairs
from henkan.text.tasks import TASKS, find_task


@click.command()
@click.argument("task", metavar="TASK")
@click.option("--count", type=int, metavar="N", help="Number of pairs.  [default: depends on the task]")
@click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="Random seed, 0 or more.")
def generate(task: str, count: int | None, seed: int) -> None:
    """Generate distinct pairs for a TASK and write them to standard output, one per line: source TAB target.

    \b
    henkan generate addition --count 50000 --seed 0 > addition.tsv

    Run `henkan tasks` to list the tasks.
    """
    if not SEED.accepts(seed):
        raise SettingsError(f"seed must be {SEED.text}, not {seed}", argument="seed")
    write_pairs(find_task(task.removeprefix(PREFIX)).generate(count, seed), sys.stdout.buffer)


@click.command()
def tasks() -> None:
    """List the built-in tasks."""
    for task in TASKS.values():
        source, target = task.example
        click.echo(f"{task.name}: {task.description}")
        click.echo(f"    {source} -> {target}    {task.count:,} pairs by default, {task.available:,} available")
        if task.settings:
            values = {each: task.settings[each.name] for each in SETTINGS if each.name in task.settings}
            settings = ", ".join(
                f"{each.name.replace('_', ' ')} {value_text(each, value)}" for each, value in values.items()
            )
            click.echo(f"    default settings: {settings}")
