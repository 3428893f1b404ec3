"""Errors, and what to do about them.

Every error that a user can cause is a `HenkanError`: one sentence that says what is wrong and, after a semicolon, what
to do. The library does not know how the user calls it, so an error carries the key of its remedy. `REMEDIES` phrases
it for Python; `henkan.cli.remedies` phrases it with the options of the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_SHOWN = 80

REMEDIES: Mapping[str, str] = {
    "another_checkpoint": "choose another checkpoint folder",
    "another_folder": "choose another folder",
    "another_rejects_file": "choose another file for the rejected lines",
    "cpu_or_auto_device": 'choose device="cpu" or device="auto"',
    "exact_or_bf16_precision": 'choose precision="float32" or precision="bf16"',
    "exact_precision": 'choose precision="float32"',
    "fewer_folds": "give more pairs or fewer folds",
    "fewer_processes": "start torchrun with --nproc-per-node {processes}",
    "fix_line_or_columns": "fix the line, or pass another delimiter or other columns",
    "fix_line_or_layout": "fix the line, or pass another delimiter or columns",
    "force_or_another_folder": "pass force=True to replace it, or choose another folder",
    "install_torch": "pip install 'henkan[torch]'",
    "load_a_model": "name a folder that was written by save",
    "no_validation_set": "give more pairs, or train without a validation set",
    "normalize": 'set {side}_normalization="NFC"',
    "not_deterministic": "leave deterministic out",
    "only_torch_with_torchrun": 'leave engine="numpy" out, or start the script without torchrun',
    "other_unknown": "choose another value for unknown",
    "register_architecture": "import the module that registers it, or upgrade henkan",
    "restart": "choose another checkpoint folder, or delete this one",
    "resume": "call fit again with the same checkpoint folder",
    "resume_with_torchrun": "start torchrun again; fit resumes from the checkpoint",
    "same_pairs_or_restart": "pass the same pairs again, or choose another checkpoint folder",
    "same_setting_or_restart": "pass the same settings again, or choose another checkpoint folder",
    "saliency": 'leave by out, or pass by="saliency"',
    "skip_lines": "fix the line, or pass rejects to leave such lines out",
    "strip": "pass strip=True to remove it",
    "wait_or_another_checkpoint": "wait for it, or choose another checkpoint folder",
}
"""Key of a remedy -> what to do, in terms of the Python API."""


@dataclass(frozen=True)
class Message:
    """What is wrong, and the key of what to do about it.

    Attributes:
        problem: a clause without a full stop.
        remedy: a key of `REMEDIES`, or None if the problem says enough.
        values: what the remedy's text names.
    """

    problem: str
    remedy: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def phrased(self, remedies: Mapping[str, str]) -> str:
        """The sentence, with the remedy as `remedies` has it."""
        if self.remedy is None:
            return self.problem
        return f"{self.problem}; {remedies[self.remedy].format(**self.values)}"

    def __str__(self) -> str:
        return self.phrased(REMEDIES)


class HenkanError(Exception):
    """Any error that a user of henkan can cause and fix.

    Args:
        problem: what is wrong, as a clause without a full stop.
        remedy: a key of `REMEDIES`, or None if the problem says what to do.
        values: what the remedy's text names.

    Attributes:
        message: the same, as a `Message`.
    """

    def __init__(self, problem: str, remedy: str | None = None, **values: Any) -> None:
        super().__init__(problem)
        self.message = Message(problem, remedy, values)

    def __str__(self) -> str:
        return str(self.message)


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
