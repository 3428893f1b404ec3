"""The command `henkan`. User errors print one sentence and exit with status 2, without a traceback."""

from __future__ import annotations

import io
import os
import sys
import traceback
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

import click

from henkan import __version__
from henkan.cli.remedies import sentence
from henkan.engine.choice import launched_by_torchrun, process_rank
from henkan.errors import HenkanError, Interrupted

COMMANDS = {
    "inspect": ("henkan.cli.inspect", "inspect", "Check a file of pairs before training, or describe a model."),
    "train": ("henkan.cli.train", "train", "Train a model on a task or a file of pairs."),
    "tune": ("henkan.cli.tune", "tune", "Search for the settings that suit your pairs."),
    "predict": ("henkan.cli.predict", "predict", "Convert strings with a saved model."),
    "evaluate": ("henkan.cli.evaluate", "evaluate", "Evaluate a saved model."),
    "compare": ("henkan.cli.compare", "compare", "Compare saved models on the same pairs."),
    "explain": ("henkan.cli.explain", "explain", "Explain a prediction symbol by symbol."),
    "serve": ("henkan.cli.serve", "serve", "Answer requests over HTTP with saved models."),
    "score": ("henkan.cli.score", "score", "Score pairs by log-probability, or find likely label errors."),
    "curve": ("henkan.cli.curve", "curve", "Estimate what more pairs would bring."),
    "next": ("henkan.cli.next", "next_command", "Choose the words to label next."),
    "distil": ("henkan.cli.distil", "distil", "Train a small model to predict as an ensemble does."),
    "combine": ("henkan.cli.combine", "combine", "Combine saved models into one ensemble."),
    "lexicon": ("henkan.cli.lexicon", "lexicon", "Add to, show or reduce the lexicon stored in a model."),
    "export": ("henkan.cli.export", "export", "Export a saved model for other programs and for browsers."),
    "generate": ("henkan.cli.generate", "generate", "Generate pairs for a task."),
    "tasks": ("henkan.cli.generate", "tasks", "List the built-in tasks."),
    "play": ("henkan.cli.play", "play", "Watch a model learn to add, in the browser."),
    "reproduce": (
        "henkan_experiments.command",
        "reproduce_command",
        "Repeat the article's experiment and write a report.",
    ),
}
"""Name of a command -> module and function, imported when the command is called, and help in a line; in the order of
`--help`, which imports none of them."""


class Commands(click.Group):
    """Imports a command only when it is called, so that `predict` does not wait for the imports of `train`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of the commands, in the order of `--help`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command with the given name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, function, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name; if there is none, suggest the most similar."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            close = get_close_matches(name, COMMANDS, 1)
            hint = f"did you mean {close[0]}?" if close else f"the commands are {', '.join(COMMANDS)}"
            ctx.fail(f"there is no command {name!r}; {hint}")
        return super().resolve_command(ctx, args)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="henkan", message="%(prog)s %(version)s")
def cli() -> None:
    """Train and use small sequence-to-sequence models that convert strings to strings.

    \b
    henkan train addition                  train a model that adds numbers
    henkan predict models/addition 58+77   convert a string with it
    henkan train names.tsv                 train on your own pairs: source TAB target

    Run `henkan COMMAND --help` for the options of a command.
    """


def main() -> None:
    """Run the command line and exit: 0 success, 2 user error, 130 interrupted (SIGINT), 143 terminated (SIGTERM)."""
    _prepare_streams()
    try:
        status = cli(standalone_mode=False)
        sys.stdout.flush()
    except HenkanError as error:
        _fail(sentence(error, _options(), resumed=_resumes()), 2)
    except click.ClickException as error:
        error.show()
        _exit(error.exit_code if error.exit_code != 1 else 2)
    except Interrupted as stop:
        if process_rank() > 0:  # process 0 reports it
            _exit(128 + stop.signal)
        _fail(sentence(stop), 128 + stop.signal)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", 130)
    except MemoryError:
        _fail("not enough memory; free memory, use fewer or shorter texts, or train a smaller model", 2)
    except BrokenPipeError:  # the program that reads the output has exited
        _discard_output()
        sys.exit(1)
    except OSError as error:
        _discard_output()
        name = f"{error.filename}: " if error.filename else ""
        _fail(f"{name}{error.strerror or error}; check path, permissions and free disk space", 2)
    except Exception:  # a bug in henkan
        if not launched_by_torchrun():
            raise
        traceback.print_exc()
        _exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _options() -> set[str]:
    """Return the names of the options of the command in use."""
    command: click.Command | None = cli
    for word in sys.argv[1:]:
        if isinstance(command, click.Group) and not word.startswith("-"):
            command = command.get_command(click.Context(command), word)
    return set() if command is None else {option for each in command.params for option in each.opts}


def _resumes() -> bool:
    """Whether the command resumes a training run."""
    return any(word.partition("=")[0] == "--resume" for word in sys.argv[1:])


def _prepare_streams() -> None:
    """Replace closed streams, and write UTF-8 unless a terminal has another encoding."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding = sys.stdout.encoding if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def _discard_output() -> None:
    """Discard buffered output that could not be written; Python would try again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(reason: str, status: int) -> NoReturn:
    rank = process_rank()
    click.echo(f"henkan{f' (process {rank})' if rank else ''}: {reason}", err=True)
    _exit(status)


def _exit(status: int) -> NoReturn:
    """Exit with a status other than 0.

    Two kinds of exit skip Python's cleanup. A process started by torchrun would wait in it for the other processes
    while they wait for this one, so that torchrun would never notice the failure. After a signal, CPython can replace
    the status by its own: it does so if a KeyboardInterrupt has passed through `exec` of a string (generated code).
    """
    if launched_by_torchrun() or status > 128:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
