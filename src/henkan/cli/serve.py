"""`henkan serve`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from henkan.cli.options import PATH, Command, engine_options, pop_engine
from henkan.errors import DataError
from henkan.serve import Limits, ServeSettings, check_installed, check_limit

TOKEN_VARIABLE = "HENKAN_TOKEN"  # noqa: S105  (a name)

LIMITS = {
    "max_texts": ("texts", "Number of texts in a request; more are answered with 413."),
    "max_length": ("length", "Characters of a text; longer ones are answered with 413."),
    "max_body": ("body", "Bytes of the body of a request; larger ones are answered with 413."),
    "max_beam": ("beam", "Beam width of a request."),
    "max_work": (
        "work",
        "Work of a request: characters of the texts, and 16 for each text, times the beam width; more is answered with "
        "413.",
    ),
    "max_queue": ("queue", "Queued work, counted in the same way, from which on requests are answered with 429."),
    "max_allowed": ("allowed", "Number of allowed predictions in a request (`allow`)."),
    "max_pattern": ("pattern_length", "Characters of a pattern in a request."),
    "max_states": ("pattern_states", "States of the automaton of a pattern in a request."),
    "max_connections": ("connections", "Open connections; requests on further ones are answered with 503."),
    "request_timeout": ("request_seconds", "Seconds within which a request must arrive; then it is answered with 408."),
    "idle_timeout": ("idle_seconds", "Seconds after which a connection without requests is closed."),
    "grace": ("grace_seconds", "Seconds that an open connection has for one more request when the server stops."),
}
"""Option -> attribute of `Limits`, and help."""


def limit_options(command: Command) -> Command:
    """Add the options for the limits."""
    defaults = {each.name: each.default for each in fields(Limits)}
    for name, (attribute, text) in reversed(LIMITS.items()):
        default: Any = defaults[attribute]
        command = _limit(f"--{name.replace('_', '-')}", default, text)(command)
    return command


def _limit(name: str, default: float, text: str) -> Callable[[Command], Command]:
    return click.option(name, type=type(default), metavar="N", default=default, show_default=True, help=text)


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=PATH)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="HOST",
              help="Address to listen on. The default takes connections from this machine alone; 0.0.0.0 from all.",
              )  # fmt: skip
@click.option("--port", type=int, default=8000, show_default=True, metavar="N", help="Port; 0 is any free one.")
@click.option("--workers", type=int, default=1, show_default=True, metavar="N",
              help="Number of processes, each with its own copy of the models, its own queue, and HENKAN_THREADS "
              "threads.",
              )  # fmt: skip
@click.option("--reload", is_flag=True,
              help="Load a model again when it is replaced. A damaged one is reported, and the old one remains.",
              )  # fmt: skip
@click.option("--lexicon", type=PATH, metavar="FILE",
              help="Look each text up in FILE before a model predicts, as in `henkan predict`, then in the lexicon of "
              "the model.",
              )  # fmt: skip
@click.option("--token-file", type=PATH, metavar="FILE",
              help="Answer only requests with the bearer token in FILE; others get 401. The environment variable "
              "HENKAN_TOKEN does the same.",
              )  # fmt: skip
@click.option("--allow-origin", multiple=True, metavar="ORIGIN",
              help="Allow pages of this origin, such as https://example.org, to send requests (CORS). May be repeated.",
              )  # fmt: skip
@click.option("--access-log", is_flag=True, help="Log every request.")
@limit_options
@engine_options
def serve(models: tuple[Path, ...], token_file: Path | None, **options: Any) -> int:
    """Answer requests over HTTP with each saved MODEL. Needs henkan[serve].

    \b
    henkan serve models/dates
    henkan serve models/dates models/names --port 8080 --workers 2
    curl http://127.0.0.1:8000/v1/convert -H 'Content-Type: application/json' -d '{"texts": ["august 3, 1987"]}'

    The name of a model in requests is that of its folder; the first one is the default. Requests that arrive at the
    same time are converted together.

    \b
    /            a page to try the models
    /v1/convert  texts to predictions, with the options and the fields of `henkan predict --json`
    /v1/explain  as `henkan explain --json`
    /v1/models   the models and the limits
    /docs        all requests and answers; /openapi.json is the schema
    /healthz, /readyz, /metrics   for supervision; the metrics are those of Prometheus

    Ctrl-C and SIGTERM stop the server after it has answered the requests on all connections that were established;
    the exit status is then 0. A second signal stops it at once.
    """
    check_installed()
    for name, (attribute, _) in LIMITS.items():
        check_limit(attribute, options[name], name)
    limits = Limits(**{attribute: options.pop(name) for name, (attribute, _) in LIMITS.items()})
    engine = pop_engine(options)
    settings = ServeSettings(models, token=_token(token_file), limits=limits, engine=engine, **options)
    from henkan.serve.process import run

    return run(settings)


def _token(path: Path | None) -> str | None:
    """The token of requests, from a file or the environment.

    Raises:
        DataError: if it cannot be read, or is no token.
    """
    if path is None:
        found, place = os.environ.get(TOKEN_VARIABLE), TOKEN_VARIABLE
    else:
        place = str(path)
        try:
            found = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise DataError(f"{path}: cannot be read ({reason}); choose another --token-file") from None
    if found is not None and (not found or not found.isascii() or not found.isprintable() or " " in found):
        raise DataError(f"{place} has no token; give printable ASCII characters without spaces")
    return found
