"""Ctrl-C and SIGTERM, noticed instead of obeyed at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether somebody wants us to stop.

    Attributes:
        signal: the number of the signal that has come, or None.
    """

    def __init__(self) -> None:
        self.signal: int | None = None

    @contextmanager
    def noticed(self) -> Iterator[Interruption]:
        """Notice the first signal; a second one does what it always did. For the main thread alone."""
        before = {number: signal.getsignal(number) for number in SIGNALS}

        def put_back() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        def notice(number: int, _frame: FrameType | None) -> None:
            self.signal = number
            put_back()
            os.write(2, b"\nstopping after this batch; once more leaves at once\n")  # print is not for handlers

        for number in SIGNALS:
            signal.signal(number, notice)
        try:
            yield self
        finally:
            put_back()
