"""Rules for the search of a model, from a constraint and the sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from henkan.batching.copy_ids import IMPOSSIBLE, NEVER, CopyIds
from henkan.errors import SettingsError
from henkan.inference.constraint import Constraint
from henkan.inference.pair_encoder import PairEncoder
from henkan.model.rules import OutputRules
from henkan.text.arrays import Array
from henkan.text.automaton import UNREACHABLE, Automaton
from henkan.text.tokenizer import tokenize

NOT_ALLOWED = -1
MAX_AUTOMATA = 16  # that are kept; sources with other symbols to copy need others


class Constrained:
    """Turns constraints into rules for the search of a model.

    Args:
        pairs: the vocabularies, the codec, and what the model can do.
    """

    def __init__(self, pairs: PairEncoder) -> None:
        self.pairs = pairs
        self._constraint: Constraint | None = None
        self._automata: dict[tuple[str, ...], Automaton] = {}  # of this constraint, by the symbols that are copied
        self._listed: tuple[Constraint, tuple[str, ...]] | None = None

    def rules(self, constraint: Constraint, texts: Sequence[str]) -> Callable[[Array], OutputRules]:
        """Return a function that gives the rules for some of the texts, by their positions (n,).

        Raises:
            SettingsError: if the constraint has a pattern that cannot be compiled, or allows nothing at all.
        """
        codec, copying = self.pairs.codec, self.pairs.capabilities.copying
        symbols: list[Array] = [np.empty(0, int)] * len(texts)
        others: tuple[str, ...] = ()
        if copying:
            symbols, others = self._source_symbols(texts, constraint)
        automaton, uncopied = self._automaton(constraint, others), self._automaton(constraint, ())
        writes = codec.writes.copy()
        if codec.fixed_length:
            writes[list(codec.forbidden)] = NOT_ALLOWED

        def of_rows(rows: Array) -> OutputRules:
            each = [symbols[row] for row in rows.tolist()]
            lengths = np.array([len(one) for one in each], int)
            copied = np.full((len(each), int(lengths.max(initial=0))), NOT_ALLOWED)
            for row, one in enumerate(each):
                copied[row, : len(one)] = one
            moves_in_all = lengths if codec.moves is not None else np.zeros_like(lengths)
            return OutputRules(automaton, uncopied, writes, codec.moves, codec.end, copied, moves_in_all)

        return of_rows

    def _automaton(self, constraint: Constraint, others: tuple[str, ...]) -> Automaton:
        """The automaton of a constraint; those of the last constraint are kept."""
        if self._constraint != constraint:
            self._constraint, self._automata = constraint, {}
        automata = self._automata
        if others not in automata:
            vocabulary, reverse = self.pairs.target_vocabulary, self.pairs.codec.reverse
            found = constraint.automaton(vocabulary, others, reverse=reverse)
            if found.remaining[0] == UNREACHABLE and not self.pairs.capabilities.copying:
                raise SettingsError(
                    "the constraints allow no prediction that this model can write; allow others, made of symbols of "
                    "the training targets"
                )
            if len(automata) > MAX_AUTOMATA:
                automata.clear()
            automata[others] = found
        return automata[others]

    def _copied_only(self, constraint: Constraint, unknown: set[str]) -> tuple[str, ...]:
        """The symbols that can only be copied and that the constraint may allow.

        Those of a list do not depend on the sources, so its automaton is created once.

        Args:
            constraint: the constraint.
            unknown: symbols of the sources that the target vocabulary lacks.
        """
        if constraint.allow is None:
            return tuple(sorted(unknown))
        if self._listed is None or self._listed[0] != constraint:
            vocabulary = self.pairs.target_vocabulary
            listed = {symbol for text in constraint.allow for symbol in vocabulary.tokenizer.tokenize(text)}
            self._listed = constraint, tuple(sorted(symbol for symbol in listed if not vocabulary.knows(symbol)))
        return self._listed[1]

    def _source_symbols(self, texts: Sequence[str], constraint: Constraint) -> tuple[list[Array], tuple[str, ...]]:
        """What copying writes at each position of each text, and the symbols that can only be copied.

        For a transducer, the positions are those of its pointer, and known symbols are copied too. For other models,
        they are those of `TargetCodec.decode`, and the others have -1.
        """
        source, V = self.pairs.source_vocabulary, len(self.pairs.target_vocabulary)
        tokenizer, pointer = source.tokenizer, self.pairs.codec.moves is not None
        tokenized = tokenize(list(texts), tokenizer)
        copy_ids = CopyIds.of(tokenized, tokenizer, self.pairs.target_vocabulary).ids
        flat, names = tokenized.sequences.flat, tokenized.symbols
        written = copy_ids.flat.astype(int)
        lacking = np.flatnonzero(written >= V).tolist()
        others = self._copied_only(constraint, {names[flat[place]] for place in lacking})
        numbers = {name: number for number, name in enumerate(others, start=V)}
        for place in lacking:
            written[place] = numbers.get(names[flat[place]], IMPOSSIBLE)
        tags = np.array([tokenizer.is_tag(name) and source.knows(name) for name in names], bool)
        found = []
        for start, end in pairwise(copy_ids.offsets.tolist()):
            one = written[start:end]
            if pointer:
                one = np.where(one == NEVER, 0, np.maximum(one, NOT_ALLOWED))
                last_tag = np.flatnonzero(tags[flat[start:end]])
                one = one[int(last_tag[-1]) + 1 if len(last_tag) else 0 :]
                one = one[::-1] if self.pairs.codec.reverse else one
            else:
                one = np.where(one >= V, one, NOT_ALLOWED)
            found.append(one)
        return found, others
