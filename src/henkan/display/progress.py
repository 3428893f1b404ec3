"""Choose how the progress of a training run is shown."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Literal, Protocol, Self

from henkan.engine.choice import process_rank
from henkan.errors import SettingsError
from henkan.text.pairs import Pairs
from henkan.training.events import Event

Verbose = bool | Literal["auto"]


class ProgressDisplay(Protocol):
    """Shows a training run. Call it with every event, inside its `with` block."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def __call__(self, event: Event, /) -> None:
        """Show an event."""


def progress_display(validation: Pairs | None = None, *, verbose: Verbose = "auto") -> ProgressDisplay:
    """Return a display for a training run.

    In a Jupyter notebook, it is one output of the cell that is updated in place. On a terminal (standard error), it is
    a live display with a line for every epoch above it. Elsewhere, such as in a script whose output goes to a file, or
    in a worker process, it is a line for every epoch if `verbose` is True, and nothing if it is "auto".

    Args:
        validation: the validation set, or None. The display shows the current predictions for its first pairs.
        verbose: whether to show anything. "auto": in notebooks and on terminals, but not in worker processes, which
            share the terminal.

    Raises:
        SettingsError: if `verbose` has another value.
    """
    if verbose not in (True, False, "auto"):
        raise SettingsError(f'verbose must be True, False or "auto", not {verbose!r}', argument="verbose")
    if not verbose or process_rank() > 0:
        return NoDisplay()
    if verbose == "auto" and in_worker_process():
        return NoDisplay()
    if in_notebook():
        from henkan.display.notebook import NotebookDisplay

        return NotebookDisplay(validation)
    if sys.stderr is None or (verbose == "auto" and not sys.stderr.isatty()):
        return NoDisplay()
    from henkan.display.terminal import TerminalDisplay  # imports rich

    return TerminalDisplay(validation, quiet=False, shared=in_worker_process())


def in_worker_process() -> bool:
    """Whether another process of Python has started this one, as joblib does."""
    multiprocessing = sys.modules.get("multiprocessing.process")  # a worker process has imported it
    return multiprocessing is not None and multiprocessing.parent_process() is not None


def in_notebook() -> bool:
    """Whether this code runs in a Jupyter kernel, as in JupyterLab, VS Code and Colab.

    IPython is not imported: a notebook has done so already.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class NoDisplay:
    """Shows nothing."""

    def __enter__(self) -> NoDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def __call__(self, event: Event) -> None:
        """Ignore the event."""
