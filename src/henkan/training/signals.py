"""Deferred handling of SIGINT (Ctrl-C) and SIGTERM."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Context manager that records signals, for the main thread only.

    Until `defer` is called, a signal raises KeyboardInterrupt, because there is no progress to save. After that, the
    first signal is only recorded, and the previous handlers are restored for the second one. Ignored signals, as under
    nohup, stay ignored.

    Attributes:
        signal: number of the received signal, or None.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        self._previous = {
            number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)
        }
        self._handle(self._raise)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def defer(self) -> None:
        """Record the next signal instead of raising KeyboardInterrupt."""
        if self.signal is None:
            self._handle(self._record)

    def _handle(self, handler: Any) -> None:
        for number in self._previous:
            signal.signal(number, handler)

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _raise(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        self._restore()
        raise KeyboardInterrupt

    def _record(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        self._restore()
        # print is not safe in a signal handler.
        os.write(2, b"\nstopping after this batch; press Ctrl-C again to stop immediately\n")
