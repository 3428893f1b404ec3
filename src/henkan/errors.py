"""Errors and their remedies.

Every error that a user can cause is a `HenkanError`: one sentence that says what is wrong and, after a semicolon, what
to do. The same error can occur in Python and on the command line, where the remedy is worded differently, so an error
has the key of its remedy. `REMEDIES` has the text for Python, `henkan.cli.remedies` that for the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_SHOWN = 80

REMEDIES: Mapping[str, str] = {
    "another_checkpoint": "choose another checkpoint folder",
    "another_folder": "choose another folder",
    "another_format": "pass another format if this is wrong",
    "another_rejects_file": "choose another file for the skipped lines",
    "check_disk_and_resume": "check permissions and free disk space, then call fit again with the same checkpoint "
    "folder to resume",
    "check_disk_and_run_again": "check permissions and free disk space, then run the same command again",
    "choose_architecture": "choose one of these, or import the module that registers it",
    "columns": "pass the columns that have source and target",
    "cpu_or_auto_device": 'pass device="cpu" or device="auto"',
    "csv": 'read the file with format="csv"',
    "divide_percentage": "divide a percentage by 100",
    "exact_or_bf16_precision": 'pass precision="float32" or precision="bf16"',
    "exact_precision": 'pass precision="float32"',
    "fewer_folds": "pass more pairs or fewer folds",
    "fewer_jobs": "call it again with fewer jobs",
    "fewer_processes": "start torchrun with --nproc-per-node {processes}",
    "fix_line_or_format": "{fix}, pass another format, or pass rejects to skip such lines",
    "fix_line_or_layout": "pass other columns, another delimiter or another format, fix the line, or pass rejects to "
    "skip such lines",
    "force_or_another_folder": "pass force=True to replace it, or choose another folder",
    "install_torch": "pip install 'henkan[torch]'",
    "install_tune": "pip install 'henkan[tune]'",
    "lexicon": 'remove them or, if this is a pronunciation lexicon, pass format="lexicon" without columns and '
    "delimiter",
    "load_a_model": "pass a folder that was written by save",
    "more_minutes": "pass minutes={minutes} or more",
    "name_columns": "pass columns that name all of them to choose others or to omit this note",
    "name_dev": "pass dev=(sources, targets)",
    "name_encoding": 'pass its encoding, as in encoding="{encoding}"',
    "name_encoding_of_lines": 'pass its encoding, as in encoding="{encoding}", or pass rejects to skip such lines',
    "name_features": "pass features=True, and sources such as 'walk\\tV;PST'",
    "no_validation_set": "pass more pairs, or train without a validation set",
    "normalize": 'pass {side}_normalization="NFC"',
    "not_deterministic": "omit deterministic=True",
    "omit_ensemble": "omit ensemble",
    "omit_setting": "omit this setting",
    "omit_unknown_rate": "omit unknown_rate",
    "only_torch_with_torchrun": 'omit engine="numpy", or start the script without torchrun',
    "other_encoding": "pass another encoding",
    "other_encoding_of_lines": "pass another encoding, or pass rejects to skip such lines",
    "other_unknown": 'pass unknown="use", "skip" or "error"',
    "other_version": "resume with that version, or choose another checkpoint folder",
    "read_as_lexicon": 'if the line is a word and its phones, pass format="lexicon" without columns and delimiter; '
    "otherwise pass other columns or another delimiter, or pass rejects to skip such lines",
    "read_as_lexicon_if_phones": 'if they are phones, pass format="lexicon" without columns and delimiter',
    "register_architecture": "import the module that registers it, or upgrade henkan",
    "restart": "choose another checkpoint folder, or delete this one",
    "resumable_folder": "pass the checkpoint folder of an interrupted training run",
    "resume": "call fit again with the same checkpoint folder to resume",
    "resume_run": "complete the run first, or pass the folder of a complete model",
    "resume_search": "resume it with the same settings, or choose another folder",
    "resume_with_torchrun": "start the script with torchrun again; fit resumes from the last checkpoint",
    "retrain_or_restore": "restore the file from a backup, or train the model again",
    "run_again": "run the same command again to resume",
    "saliency": 'omit by, or pass by="saliency"',
    "same_data_or_restart": "pass the same data again, or choose another checkpoint folder",
    "same_setting_or_restart": "pass the same value, or choose another checkpoint folder",
    "separate_symbols": 'pass {side}_symbols=" "',
    "several_predictions": "pass nbest and beam, such as nbest=5 and beam=5",
    "skip_lines": "{fix}, or pass rejects to skip such lines",
    "source_case": 'pass source_case="{case}" to read both cases',
    "strip": "pass strip=True to remove it",
    "tag_separator": 'pass tag_separator="{separator}"',
    "training_targets": "use only symbols of its training targets",
    "wait_or_another_checkpoint": "wait until it ends, or choose another checkpoint folder",
    "wider_beam": "pass a wider beam",
}
"""Key of a remedy -> what to do, in terms of the Python API."""


@dataclass(frozen=True)
class Message:
    """A problem and the key of its remedy.

    Attributes:
        problem: what is wrong, as a clause without a full stop.
        remedy: a key of `REMEDIES`, or None if the problem implies it.
        values: values for the placeholders in the remedy's text.
        argument: the argument with which the problem starts, or None. The command line shows its option instead.
    """

    problem: str
    remedy: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    argument: str | None = None

    def phrased(self, remedies: Mapping[str, str]) -> str:
        """Return the complete sentence, with the remedy's text from `remedies`."""
        if self.remedy is None:
            return self.problem
        return f"{self.problem}; {remedies[self.remedy].format(**self.values)}"

    def __str__(self) -> str:
        return self.phrased(REMEDIES)


class HenkanError(Exception):
    """Base class of all errors that a user can cause and fix.

    Args:
        problem: what is wrong, as a clause without a full stop.
        remedy: a key of `REMEDIES`, or None if the problem implies it.
        argument: the argument with which the problem starts, or None.
        values: values for the placeholders in the remedy's text.

    Attributes:
        message: the problem and its remedy as a `Message`.
    """

    def __init__(self, problem: str, remedy: str | None = None, *, argument: str | None = None, **values: Any) -> None:
        super().__init__(problem)
        self.message = Message(problem, remedy, values, argument)

    def __str__(self) -> str:
        return str(self.message)


class DataError(HenkanError):
    """A pair file or list of strings is invalid."""


class SettingsError(HenkanError, ValueError):
    """A setting, or a combination of settings, is invalid."""


class ModelFolderError(HenkanError):
    """A model folder cannot be read or written."""


class CheckpointError(HenkanError):
    """A checkpoint cannot be written, read or resumed."""


class EngineError(HenkanError):
    """PyTorch, or another process of the same training run, has failed."""


class Interrupted(Exception):  # noqa: N818  (like KeyboardInterrupt, it is not an error)
    """A training run was stopped by a signal, and its progress was saved.

    Args:
        problem: what was interrupted, as a clause without a full stop.
        signal: the number of the signal.
        remedy: a key of `REMEDIES`, or None if there is nothing to resume.
        values: values for the placeholders in the remedy's text.

    Attributes:
        message: problem, remedy and values as a `Message`.
        signal: the number of the signal.
    """

    def __init__(self, problem: str, signal: int, remedy: str | None = None, **values: Any) -> None:
        super().__init__(problem, signal)
        self.message = Message(problem, remedy, values)
        self.signal = signal

    def __str__(self) -> str:
        return str(self.message)


class NotFittedError(HenkanError, ValueError, AttributeError):
    """A model is used before it is trained. It has these base classes in scikit-learn too."""


class UnanswerableError(HenkanError, ValueError):
    """The model cannot read a source: it has an unknown symbol, or is too long for the model or the memory.

    Attributes:
        text: the source.
        index: its position in the list of sources, from 0.
        reason: why the model cannot read it, without the text.
    """

    def __init__(self, text: str, index: int, reason: str, remedy: str | None = None) -> None:
        self.text = text
        self.index = index
        self.reason = reason
        shown = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."
        super().__init__(f"{reason} in {shown!r}", remedy)

    def __reduce__(self) -> tuple[type[UnanswerableError], tuple[str, int, str, str | None]]:
        """Pickle the attributes: the default would pickle the message, from which the error cannot be created."""
        return type(self), (self.text, self.index, self.reason, self.message.remedy)
