"""The lexicon that is stored with a model: merge entries, and change the lexicon of a model folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from henkan.storage.lexicon_file import SavedLexicon
from henkan.storage.model_folder import check_exists, read_manifest
from henkan.storage.save_model import manifest_bytes, replace_lexicon
from henkan.training.checkpoint_folder import CheckpointFolder
from henkan.training.fitted_model import FittedModel, load_model

Place = Literal["last", "first", "replace"]
"""Where new targets of a source go: after the targets that it has, before them, or in their place."""

Entries = Iterable[tuple[str, str]]


@dataclass
class Merge:
    """The result of adding entries to a lexicon.

    Attributes:
        lexicon: the new lexicon; None if it has no entries.
        added: number of entries that it did not have before.
        known: number of entries that it had already.
        further: number of sources that it had already and that have got a new target.
        removed: number of entries that were replaced.
    """

    lexicon: SavedLexicon | None = None
    added: int = 0
    known: int = 0
    further: int = 0
    removed: int = 0


def merge(old: Entries, new: Entries, normalize: Callable[[str], str], place: Place = "last") -> Merge:
    """Add entries to those of a lexicon. Sources that are equal after `normalize` are one source.

    Args:
        old, new: sources with targets.
        normalize: normalization of sources.
        place: where the new targets of a source go that is in both.

    Raises:
        DataError: if there are too many entries.
    """
    entries, given = _by_source(old, normalize), _by_source(new, normalize)
    result = Merge()
    for key, (source, targets) in given.items():
        spelling, before = entries.get(key, (source, {}))
        added = sum(target not in before for target in targets)
        result.added += added
        result.known += len(targets) - added
        result.further += bool(before) and added > 0
        if place == "replace":
            result.removed += sum(target not in targets for target in before)
            entries[key] = spelling, targets
        else:
            entries[key] = spelling, {**targets, **before} if place == "first" else {**before, **targets}
    result.lexicon = SavedLexicon.of((source, target) for source, targets in entries.values() for target in targets)
    return result


def _by_source(pairs: Entries, normalize: Callable[[str], str]) -> dict[str, tuple[str, dict[str, None]]]:
    """Return normalized source -> the source as it was first given, and its targets in order."""
    entries: dict[str, tuple[str, dict[str, None]]] = {}
    for source, target in pairs:
        entries.setdefault(normalize(source), (source, {}))[1][target] = None
    return entries


def without(old: Entries, sources: Sequence[str], normalize: Callable[[str], str]) -> SavedLexicon | None:
    """Return a lexicon without the entries of some sources; None if there are no others."""
    removed = set(map(normalize, sources))
    return SavedLexicon.of(pair for pair in old if normalize(pair[0]) not in removed)


def entries_of(fitted: FittedModel) -> Entries:
    """Yield the entries of a model's lexicon.

    Raises:
        ModelFolderError: if the lexicon is damaged.
    """
    return iter(()) if fitted.saved.lexicon is None else fitted.saved.lexicon.pairs()


def change_lexicon(
    folder: Path, change: Callable[[FittedModel], SavedLexicon | None]
) -> tuple[SavedLexicon | None, SavedLexicon | None]:
    """Change the lexicon of a model folder. A reader sees the old lexicon or the new one.

    The folder is locked against training runs and other changes of its lexicon.

    Args:
        folder: the model folder.
        change: returns the new lexicon of the model.

    Returns:
        the lexicon before and after the change.

    Raises:
        ModelFolderError: if the folder is not a model, is damaged, or cannot be written.
        CheckpointError: if another process is training the model or changing its lexicon.
    """
    check_exists(folder)
    read_manifest(folder)  # a folder that is not a model is refused before anything is created in it
    with CheckpointFolder(folder).held(doing="changing the lexicon of"):
        manifest = manifest_bytes(folder)
        fitted = load_model(folder)
        before, after = fitted.saved.lexicon, change(fitted)
        if after != before:
            replace_lexicon(replace(fitted.saved, lexicon=after), folder, manifest)
    return before, after
