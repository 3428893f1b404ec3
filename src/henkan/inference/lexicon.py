"""A lexicon: known sources and their targets, which are looked up before a model predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from henkan.errors import DataError
from henkan.text.string_lists import string_list

FROM_LEXICON, FROM_MODEL = "lexicon", "model"
"""Where a prediction comes from; see `henkan.inference.conversion.Conversion`."""


class Lexicon:
    """Known sources and their targets.

    Args:
        pairs: sources with targets. A source may occur several times; its first target is the prediction.
        normalize: converts a source to the form that is looked up, such as `Tokenizer.normalize`.
        otherwise: lexicon for the sources that are not in this one, with the same `normalize`; None: none.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]],
        normalize: Callable[[str], str],
        otherwise: Lexicon | None = None,
    ) -> None:
        self._normalize, self._otherwise = normalize, otherwise
        # Most sources have one target, and a dictionary for each of them would take several times the memory.
        self._targets: dict[str, str | dict[str, None]] = {}
        for source, target in pairs:
            key = normalize(source)
            known = self._targets.setdefault(key, target)
            if isinstance(known, dict):
                known[target] = None
            elif known != target:
                self._targets[key] = {known: None, target: None}

    def __len__(self) -> int:
        """The number of sources, without those of `otherwise`."""
        return len(self._targets)

    def targets(self, text: str) -> Sequence[str]:
        """The targets of a text, without repetitions; none if the text is not in the lexicon."""
        return self._found(self._normalize(text))

    def _found(self, key: str) -> Sequence[str]:
        known = self._targets.get(key)
        if known is None:
            return [] if self._otherwise is None else self._otherwise._found(key)
        return [known] if isinstance(known, str) else [*known]


def entries_to_pairs(entries: Mapping[str, str | Sequence[str]]) -> list[tuple[str, str]]:
    """Return the pairs of a dictionary of each source and a target or several targets.

    Raises:
        DataError: if it is not a mapping, or a source or target is not a string.
    """
    if not isinstance(entries, Mapping):
        raise DataError(f"lexicon is {entries!r:.80}; give a dictionary of sources and targets")
    sources = string_list(list(entries), "lexicon")
    pairs = []
    for source, targets in zip(sources, entries.values(), strict=True):
        several = [targets] if isinstance(targets, str) else string_list(targets, f"lexicon[{source!r}]")
        pairs += [(source, target) for target in several]
    return pairs
