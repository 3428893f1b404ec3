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
    """

    def __init__(self, pairs: Iterable[tuple[str, str]], normalize: Callable[[str], str]) -> None:
        self._normalize = normalize
        self._targets: dict[str, dict[str, None]] = {}
        for source, target in pairs:
            self._targets.setdefault(normalize(source), {})[target] = None

    @classmethod
    def of(cls, entries: Mapping[str, str | Sequence[str]], normalize: Callable[[str], str]) -> Lexicon:
        """Create a lexicon from a mapping of each source to a target or several targets.

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
        return cls(pairs, normalize)

    def __len__(self) -> int:
        return len(self._targets)

    def targets(self, text: str) -> Sequence[str]:
        """The targets of a text, without repetitions; none if the text is not in the lexicon."""
        return [*self._targets.get(self._normalize(text), ())]
