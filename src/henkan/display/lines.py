"""Lines on standard error, and a status line below them on a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text


class StatusLines:
    """Prints lines on standard error. On a terminal, the last line is a status that is replaced. A context manager.

    Args:
        quiet: print nothing.
        shared: whether other processes write to the same terminal, where status lines would overwrite each other.
    """

    def __init__(self, *, quiet: bool, shared: bool = False) -> None:
        self.quiet, self.shared = quiet, shared
        self.console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self.live: Live | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal and not (self.quiet or self.shared):
            # What a callback prints must not break the live lines, but belongs to standard output if that is a file.
            redirect = sys.stdout is not None and sys.stdout.isatty()
            self.live = Live(console=self.console, transient=True, auto_refresh=False, redirect_stdout=redirect)
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()

    def print(self, text: str) -> None:
        """Print a line."""
        if not self.quiet:
            self.console.print(Text(text))

    def status(self, text: str) -> None:
        """Replace the status."""
        if self.live is not None:
            self.live.update(Text(text), refresh=True)
