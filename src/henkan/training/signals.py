"""Deferred handling of SIGINT (Ctrl-C) and SIGTERM."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from henkan.training.events import Event, Report, Started

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Context manager that records signals, for the main thread only.

    Args:
        numbers: the signals.

    Until `defer` is called, a signal raises KeyboardInterrupt, because there is no progress to save. After that, the
    first signal is only recorded, and the previous handlers are restored for the second one. Ignored signals, as under
    nohup, stay ignored.

    Attributes:
        signal: number of the received signal, or None.
    """

    def __init__(self, numbers: Sequence[int] = SIGNALS) -> None:
        self.numbers = numbers
        self.signal: int | None = None
        self._previous: dict[int, Any] = {}

    @classmethod
    def of_caller(cls) -> Interruption:
        """Create one for a function that is called from Python.

        It records only Ctrl-C, and only where Python would raise a KeyboardInterrupt: in the main thread, unless the
        caller handles the signal.
        """
        in_main_thread = threading.current_thread() is threading.main_thread()
        is_default = in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        return cls((signal.SIGINT,) if is_default else ())

    def deferring(self, report: Report | None) -> Report:
        """Return a callback that calls `report`, and records a KeyboardInterrupt that it raises.

        When training starts, signals are deferred.
        """

        def deferred(event: Event) -> None:
            if isinstance(event, Started):
                self.defer()
            try:
                if report is not None:
                    report(event)
            except KeyboardInterrupt:
                self.signal = signal.SIGINT

        return deferred

    def __enter__(self) -> Interruption:
        handlers = {number: signal.getsignal(number) for number in self.numbers}
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
        with suppress(OSError):  # Ctrl-C has also ended the program that reads standard error, such as tee
            # print is not safe in a signal handler.
            os.write(2, b"\nstopping after this batch; press Ctrl-C again to stop immediately\n")
