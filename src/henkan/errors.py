"""What can go wrong, in words that tell the user what to do next.

Every error that a user can cause is a `HenkanError` whose message is one clear sentence. The command line
prints that sentence and exits with status 2; a program catches the kind it cares about.
"""

from __future__ import annotations

LONGEST_SHOWN = 80


class HenkanError(Exception):
    """Any error that the user of henkan can mend; its message is one sentence that says how."""


class DataError(HenkanError):
    """A file of pairs, or a list of strings, that cannot be used as it is."""


class SettingsError(HenkanError, ValueError):
    """A setting, or a combination of settings, that is impossible."""


class ModelFolderError(HenkanError):
    """A folder that cannot be read or written as a saved model."""


class CheckpointError(HenkanError):
    """A training that cannot be kept, or not be gone on with."""


class EngineError(HenkanError):
    """The machinery of an engine has failed: another process, or what PyTorch was asked for."""


class Interrupted(Exception):  # noqa: N818  (it is no error, as KeyboardInterrupt is none)
    """A training was stopped by a signal, and kept.

    Attributes:
        signal: its number.
    """

    def __init__(self, sentence: str, signal: int) -> None:
        super().__init__(sentence)
        self.signal = signal


class NotFittedError(HenkanError):
    """A model was asked before it was trained."""


class UnanswerableError(HenkanError, ValueError):
    """A source that this model cannot read: it holds an unknown symbol, or is too long to be filled.

    Attributes:
        text: the source, as it was given.
        index: its position among the sources that were given together, from 0.
        reason: why it cannot be answered, without naming the text.
    """

    def __init__(self, text: str, index: int, reason: str) -> None:
        self.text = text
        self.index = index
        self.reason = reason
        shown = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."
        super().__init__(f"{reason} in {shown!r}")

    def __reduce__(self) -> tuple[type[UnanswerableError], tuple[str, int, str]]:
        """Made again from its parts, not from its message: so it comes back whole from another process."""
        return type(self), (self.text, self.index, self.reason)
