"""The remedies of errors, worded for the command line."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from shlex import quote

from henkan.errors import HenkanError, Interrupted, Message

OPTIONS: Mapping[str, str] = {
    "another_checkpoint": "choose another --out",
    "another_folder": "choose another --out",
    "another_format": "choose another with --format if this is wrong",
    "another_rejects_file": "choose another --rejects",
    "check_disk_and_resume": "check permissions and free disk space, then resume with --resume {folder}",
    "check_disk_and_run_again": "check permissions and free disk space, then run the same command again",
    "choose_architecture": "choose one of these",
    "columns": "choose the columns of source and target with --columns",
    "cpu_or_auto_device": "choose --device cpu or --device auto",
    "csv": "read the file with --format csv",
    "divide_percentage": "divide a percentage by 100",
    "exact_or_bf16_precision": "choose --precision float32 or --precision bf16",
    "exact_precision": "choose --precision float32",
    "fewer_folds": "give more pairs or fewer --folds",
    "fewer_jobs": "run the same command again to continue, with fewer --jobs",
    "fewer_processes": "start torchrun with --nproc-per-node {processes}",
    "fix_line_or_format": "{fix}, choose another --format, or skip such lines with --rejects FILE",
    "fix_line_or_layout": "choose other --columns, another --delimiter or another --format, fix the line, or skip "
    "such lines with --rejects FILE",
    "force_or_another_folder": "replace it with --force, or choose another --out",
    "install_torch": "pip install 'henkan[torch]'",
    "install_tune": "pip install 'henkan[tune]'",
    "lexicon": "remove them or, if this is a pronunciation lexicon, use --format lexicon without --columns and "
    "--delimiter",
    "load_a_model": "give a folder written by `henkan train`",
    "more_minutes": "use --minutes {minutes} or more",
    "name_columns": "name all of them, as in --columns {columns}, to choose others or to omit this note",
    "name_dev": "give one with --dev FILE",
    "name_encoding": "name its encoding, as in --encoding {encoding}",
    "name_encoding_of_lines": "name its encoding, as in --encoding {encoding}, or skip such lines with --rejects FILE",
    "name_features": "name their column, as in --columns source,target,features",
    "no_validation_set": "give more pairs, or train without a validation set (--dev none)",
    "normalize": "use --{side}-normalization NFC",
    "not_deterministic": "omit --deterministic",
    "omit_ensemble": "omit --ensemble",
    "omit_setting": "omit this option",
    "omit_unknown_rate": "omit --unknown-rate",
    "only_torch_with_torchrun": "omit --engine numpy, or run henkan without torchrun",
    "other_encoding": "choose another --encoding",
    "other_encoding_of_lines": "choose another --encoding, or skip such lines with --rejects FILE",
    "other_unknown": "choose --unknown use, skip or error",
    "other_version": "resume with that version, or start over with --force instead of --resume",
    "read_as_lexicon": "if the line is a word and its phones, use --format lexicon without --columns and --delimiter; "
    "otherwise choose other --columns or another --delimiter, or skip such lines with --rejects FILE",
    "read_as_lexicon_if_phones": "if they are phones, use --format lexicon without --columns and --delimiter",
    "register_architecture": "import the module that registers it, or upgrade henkan",
    "restart": "start over with --force instead of --resume",
    "resumable_folder": "give the output folder of an interrupted training run",
    "resume": "resume with --resume {folder}",
    "resume_run": "resume it with `henkan train --resume {folder}`",
    "resume_search": "resume it with --resume {folder}, or start another search with another --out",
    "resume_with_torchrun": "run torchrun again with --resume to continue from the last checkpoint",
    "retrain_or_restore": "restore the file from a backup, or train the model again",
    "run_again": "run the same command again to resume",
    "saliency": "omit --by, or choose --by saliency",
    "same_data_or_restart": "give the same data again, or start a new run with another --out",
    "same_setting_or_restart": "omit the option to keep the earlier value, or start a new run with another --out",
    "separate_symbols": "use --{side}-symbols ' '",
    "several_predictions": "choose --beam 5 --nbest 5, for example",
    "skip_lines": "{fix}, or skip such lines with --rejects FILE",
    "source_case": "use --source-case {case} to read both cases",
    "strip": "remove it with --strip",
    "tag_separator": "use --tag-separator '{separator}'",
    "training_targets": "use only symbols of its training targets",
    "wait_or_another_checkpoint": "wait until it ends, or choose another --out",
    "wider_beam": "choose a wider --beam",
}
"""Key of a remedy -> what to do, in terms of the command line."""


WITHOUT_OPTION: Mapping[str, str] = {
    "columns": "correct the file",
    "csv": "remove them",
    "fewer_folds": "give more pairs",
    "lexicon": "remove them",
    "other_version": "use that version, or delete the folder and run the same command again",
    "restart": "delete the folder and run the same command again",
    "strip": "remove it from the file",
    "wait_or_another_checkpoint": "wait until it ends",
}
"""Key of a remedy -> what to do if an option of the remedy above cannot be used."""

RESUMED: Mapping[str, str] = {
    "another_checkpoint": "move other files out of it, check its permissions, and resume again",
    "name_features": "omit the option to keep the earlier value",
    "no_validation_set": "give the same pairs again",
    "wait_or_another_checkpoint": "wait until it ends",
}
"""Key of a remedy -> what to do if a run is resumed, because its folder and its pairs cannot be changed."""

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
COMMAND = re.compile("`[^`]*`")  # a complete command, whose options may be others
OTHER_PROGRAMS = {"--nproc-per-node"}


def sentence(
    error: HenkanError | Interrupted | Message, options: Collection[str] | None = None, *, resumed: bool = False
) -> str:
    """Return the sentence that the command line prints for an error or other message.

    Args:
        error: the error or message.
        options: names of the command's options, such as `--out`: advice that names another option is replaced or left
            out. None: any option may be named.
        resumed: whether the command resumes a run.
    """
    message = error if isinstance(error, Message) else error.message
    if "folder" in message.values:  # the advice is to be copied to a shell
        message = replace(message, values={**message.values, "folder": quote(str(message.values["folder"]))})
    text, argument = message.phrased({**OPTIONS, **RESUMED} if resumed else OPTIONS), message.argument
    advice = text.removeprefix(message.problem)
    own = COMMAND.sub("", advice)
    if options is not None and not {*OPTION.findall(own)} - OTHER_PROGRAMS <= {*options}:
        text = message.phrased(WITHOUT_OPTION) if message.remedy in WITHOUT_OPTION else message.problem
    option = "" if argument is None else f"--{argument.replace('_', '-')}"
    if argument is None or (options is not None and option not in options):
        return text
    return f"{option}{text.removeprefix(argument)}"
