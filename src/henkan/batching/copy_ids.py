"""Copy ids: the target ids of source symbols, for models that copy them (`ModelConfig.copy`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences, Tokenized, Tokenizer
from henkan.text.vocabulary import Vocabulary

NEVER, IMPOSSIBLE = -1, -2
"""Copy ids of what cannot be copied. NEVER: padding, and symbols that no target shows, which are feature tags and the
separator of target symbols. IMPOSSIBLE: other symbols that cannot be target symbols.
"""


@dataclass(frozen=True)
class CopyIds:
    """The copy ids of n sources, with V target symbols.

    The copy id of a source symbol is the id of the same symbol in the target vocabulary. If the target vocabulary lacks
    it, the copy id is V + the first position of the symbol in the source (see `henkan.model.codec.TargetCodec.decode`),
    so that equal symbols have equal copy ids.

    Attributes:
        ids: the copy ids of each source.
        symbols: number of target symbols (V).
    """

    ids: Sequences
    symbols: int

    @classmethod
    def of(cls, sources: Tokenized, tokenizer: Tokenizer, target: Vocabulary) -> CopyIds:
        """Compute the copy ids of sources.

        Args:
            sources: the symbols of the sources as the model reads them.
            tokenizer: the tokenizer of the sources.
            target: the target vocabulary.
        """
        (flat, offsets), V = (sources.sequences.flat, sources.sequences.offsets), len(target)
        id_of = np.array([_id_of(symbol, tokenizer, target) for symbol in sources.symbols], np.int32)
        ids = id_of[flat]
        others = np.flatnonzero(ids == V)
        rows = np.searchsorted(offsets, others, side="right") - 1
        keys = rows * len(id_of) + flat[others]
        _, first, group = np.unique(keys, return_index=True, return_inverse=True)
        ids[others] += (others - offsets[rows])[first][group].astype(np.int32)
        return cls(Sequences(ids, offsets), V)

    def take(self, rows: Array) -> CopyIds:
        """Return those of the given rows."""
        return CopyIds(self.ids.take(rows), self.symbols)

    def padded(self, rows: Array, *, reverse: bool) -> Array:
        """Return those of the given rows as a padded array (S, N); see `Sequences.padded`."""
        ids, valid = self.ids.padded(rows, reverse=reverse)
        return np.where(valid, ids, NEVER)


def _id_of(symbol: str, tokenizer: Tokenizer, target: Vocabulary) -> int:
    if tokenizer.is_tag(symbol):
        return NEVER
    if not target.tokenizer.is_symbol(symbol):
        return NEVER if symbol == target.tokenizer.separator else IMPOSSIBLE
    return target.id_of(symbol) if target.knows(symbol) else len(target)


def hide_symbols(unknown: Array, copy_ids: Array, targets: Array, symbols: int) -> Array:
    """Treat symbols of N training pairs as in a prediction: an unknown source symbol can only be copied.

    If a source symbol is read as the unknown symbol, then so are its other occurrences in this source, and its copy id
    and the target symbols that equal it become an id above those of the target vocabulary.

    Args:
        unknown: (S, N) mask of the source symbols that are replaced by the unknown symbol.
        copy_ids: (S, N), changed in place.
        targets: (T, N) ids of the symbols to predict, changed in place.
        symbols: number of target symbols (V).

    Returns:
        (S, N) mask of all source symbols to replace.
    """
    columns = np.arange(copy_ids.shape[1])
    new_ids = np.zeros((len(columns), symbols), np.intp)  # of each target symbol in each pair; 0: unchanged
    at = np.nonzero(unknown & (copy_ids >= 0) & (copy_ids < symbols))
    new_ids[at[1], copy_ids[at]] = symbols + at[0]
    hidden = unknown.copy()
    for array in (copy_ids, targets):
        known = (array >= 0) & (array < symbols)
        new = np.where(known, new_ids[columns, np.where(known, array, 0)], 0)
        np.copyto(array, new, where=new > 0)
        if array is copy_ids:
            hidden |= new > 0
    return hidden


def copies_of(symbols: Sequence[str], tokenizer: Tokenizer, target: Vocabulary) -> dict[str, int]:
    """Return the copy ids of the symbols of one source that the target vocabulary lacks."""
    V = len(target)
    return {
        symbol: V + position
        for position, symbol in reversed([*enumerate(symbols)])
        if _id_of(symbol, tokenizer, target) == V
    }
