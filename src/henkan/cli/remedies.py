"""What to do about an error, in terms of the command line's options."""

from __future__ import annotations

from collections.abc import Mapping

from henkan.errors import REMEDIES, HenkanError, Message

OPTIONS: Mapping[str, str] = {
    **REMEDIES,
    "another_checkpoint": "choose another --out",
    "another_folder": "choose another --out",
    "another_rejects_file": "choose another --rejects",
    "cpu_or_auto_device": "choose --device cpu, or auto",
    "exact_or_bf16_precision": "choose --precision float32 or bf16",
    "exact_precision": "choose --precision float32",
    "fewer_folds": "give more pairs, or fewer --folds",
    "fix_line_or_columns": "fix the line, or give another --delimiter or other --columns",
    "fix_line_or_layout": "fix the line, or give another --delimiter or --columns, or leave such lines out with "
    "--rejects FILE",
    "force_or_another_folder": "replace it with --force, or choose another --out",
    "load_a_model": "name a folder that `henkan train` wrote",
    "no_validation_set": "give more pairs, or train without a validation set (--dev none)",
    "normalize": "give --{side}-normalization NFC",
    "not_deterministic": "leave --deterministic out",
    "only_torch_with_torchrun": "leave --engine numpy out, or run henkan without torchrun",
    "other_unknown": "choose another --unknown",
    "restart": "train anew with --force",
    "resume": "resume with --resume {folder}",
    "resume_with_torchrun": "start torchrun again with --resume",
    "same_pairs_or_restart": "give the same again, or train anew with another --out",
    "same_setting_or_restart": "leave it out, or train anew with another --out",
    "saliency": "leave --by out, or choose --by saliency",
    "skip_lines": "fix the line, or leave such lines out with --rejects FILE",
    "strip": "--strip takes it off",
    "wait_or_another_checkpoint": "wait for it, or choose another --out",
}
"""Key of a remedy -> what to do; those that do not depend on the interface are the library's own."""


def sentence(error: HenkanError | Message) -> str:
    """An error, or another message, as the command line says it."""
    message = error.message if isinstance(error, HenkanError) else error
    return message.phrased(OPTIONS)
