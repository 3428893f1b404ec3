"""`henkan play`."""

from __future__ import annotations

import webbrowser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from henkan.cli.options import PATH
from henkan.cli.output_file import check_output, write_output
from henkan.errors import SettingsError
from henkan.export.html.playground import build_playground

HOST = "127.0.0.1"


@click.command()
@click.option("--out", type=PATH, metavar="FILE",
              help="Write the page to FILE instead. It opens in a browser without a server and without a network.",
              )  # fmt: skip
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("--language", type=click.Choice(["en", "ja"]),
              help="Language of the page: English or Japanese. By default, it is that of the browser.",
              )  # fmt: skip
@click.option("--view", type=click.Choice(["training", "states", "answer", "gradient", "probe", "saliency"]),
              help="Show only this part of the page.",
              )  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, metavar="N",
              help="Port; 0 is any free one.",
              )  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Print the address of the page, and do not open it.")
def play(out: Path | None, force: bool, language: str | None, view: str | None, port: int, no_browser: bool) -> None:
    """Open a page in the browser in which a model learns to add.

    \b
    henkan play
    henkan play --language ja
    henkan play --out playground.html

    The page trains the encoder-decoder of chapter 7 of "Deep Learning from Scratch 2" in front of you. Pause it at any
    moment and look inside: at gates and states, step by step; at probabilities, gradients and saliency; and at where
    a carry is encoded. Change the settings, or train two models side by side.

    The page needs nothing but the browser. This command serves it to this machine until Ctrl-C.
    """
    if out is not None:
        if language or view or port or no_browser:
            raise SettingsError(
                "--language, --view, --port and --no-browser do not apply to a file; omit them, and add ?lang=ja or "
                "?view=states to the address of the file"
            )
        check_output(out, force)
        content = build_playground()
        write_output(out, content)
        click.echo(f"{out}: {len(content):,} bytes; open it in a browser")
        return
    query = "&".join(f"{name}={value}" for name, value in (("lang", language), ("view", view)) if value)
    _serve(build_playground(), port, f"?{query}" if query else "", not no_browser)


def _serve(page: bytes, port: int, query: str, browse: bool) -> None:
    try:
        server = ThreadingHTTPServer((HOST, port), _handler(page))
    except OSError as error:
        raise SettingsError(f"port {port} cannot be used ({error.strerror or error}); choose another --port") from None
    with server:
        address = f"http://{HOST}:{server.server_port}/{query}"
        click.echo(f"the playground is at {address}; Ctrl-C stops it", err=True)
        if browse and not webbrowser.open(address):
            click.echo("no browser could be started; open the address in one", err=True)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            return


def _handler(page: bytes) -> type[BaseHTTPRequestHandler]:
    """What answers requests: with the page at `/`, and with 404 elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(send=True)

        def do_HEAD(self) -> None:
            self._answer(send=False)

        def _answer(self, send: bool) -> None:
            found = self.path.partition("?")[0] == "/"
            content = page if found else b"there is no such page\n"
            self.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Type", "text/html; charset=utf-8" if found else "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if send:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Requests are not reported."""

    return Handler
