"""Ctrl-C and SIGTERM, noticed instead of obeyed at once."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether somebody wants us to stop. For the main thread alone, in a `with` block.

    At first a signal raises KeyboardInterrupt, for there is nothing worth finishing; from `notice` on, the first one is
    noticed, and a second one does what it always did. A signal that is ignored, as under nohup, stays so.

    Attributes:
        signal: the number of the signal that has come, or None.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        self._before = {
            number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)
        }
        self._handle(self._end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._put_back()

    def notice(self) -> None:
        """From now on there is something to finish."""
        if self.signal is None:
            self._handle(self._note)

    def _handle(self, handler: Any) -> None:
        for number in self._before:
            signal.signal(number, handler)

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        self._put_back()
        raise KeyboardInterrupt

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        self._put_back()
        os.write(2, b"\nstopping after this batch; once more leaves at once\n")  # print is not for handlers
