"""Rules for the search of a model, from a constraint and the sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock

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
MAX_AUTOMATA = 16  # of a constraint that are kept; sources with other symbols to copy need others
MAX_CONSTRAINTS = 16  # that are kept
MAX_KEPT = 5_000_000  # transitions of all automata that are kept, of 16 bytes each


@dataclass
class _Compiled:
    """What is known of a constraint.

    Attributes:
        automata: the symbols that can only be copied -> the automaton.
        listed: those of the allowed predictions, if there is a list and they are known.
    """

    constraint: Constraint
    automata: dict[tuple[str, ...], Automaton] = field(default_factory=dict)
    listed: tuple[str, ...] | None = None

    @property
    def size(self) -> int:
        """Number of transitions."""
        return sum(len(each.symbols) for each in [*self.automata.values()])


class Constrained:
    """Turns constraints into rules for the search of a model. Several threads may use it at once.

    Args:
        pairs: the vocabularies, the codec, and what the model can do.
    """

    def __init__(self, pairs: PairEncoder) -> None:
        self.pairs = pairs
        self._kept: list[_Compiled] = []  # the last one was used last
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Constrained], tuple[PairEncoder]]:
        """A copy keeps no automata, and has a lock of its own."""
        return Constrained, (self.pairs,)

    def prepare(self, constraint: Constraint) -> None:
        """Create the automaton of a constraint now, so that a prediction need not wait for it.

        Raises:
            SettingsError: as `rules`.
        """
        self._automaton(constraint, ())
        if constraint.allow is not None and self.pairs.capabilities.copying:
            self._automaton(constraint, self._copied_only(constraint, set()))

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

        def of_rows(rows: Array) -> OutputRules:
            each = [symbols[row] for row in rows.tolist()]
            lengths = np.array([len(one) for one in each], int)
            copied = np.full((len(each), int(lengths.max(initial=0))), NOT_ALLOWED)
            for row, one in enumerate(each):
                copied[row, : len(one)] = one
            moves_in_all = lengths if codec.moves is not None else np.zeros_like(lengths)
            return OutputRules(automaton, uncopied, codec.writes, codec.moves, codec.end, copied, moves_in_all)

        return of_rows

    def _compiled(self, constraint: Constraint) -> _Compiled:
        """What is known of a constraint. Those that were used last are kept."""
        with self._lock:
            place = next((k for k, each in enumerate(self._kept) if each.constraint == constraint), None)
            found = _Compiled(constraint) if place is None else self._kept.pop(place)
            self._kept.append(found)
            while len(self._kept) > 1 and (
                len(self._kept) > MAX_CONSTRAINTS or sum(each.size for each in self._kept) > MAX_KEPT
            ):
                self._kept.pop(0)
        return found

    def _automaton(self, constraint: Constraint, others: tuple[str, ...]) -> Automaton:
        """The automaton of a constraint."""
        compiled = self._compiled(constraint)
        found = compiled.automata.get(others)
        if found is None:  # no other thread waits for this one
            vocabulary, reverse = self.pairs.target_vocabulary, self.pairs.codec.reverse
            found = constraint.automaton(vocabulary, others, reverse=reverse)
            if found.remaining[0] == UNREACHABLE and not self.pairs.capabilities.copying:
                raise SettingsError(
                    "the constraints allow no prediction that this model can write; allow others, made of symbols of "
                    "the training targets"
                )
            with self._lock:
                if len(compiled.automata) >= MAX_AUTOMATA:
                    compiled.automata.clear()
                compiled.automata[others] = found
        return found

    def _copied_only(self, constraint: Constraint, unknown: set[str]) -> tuple[str, ...]:
        """The symbols that can only be copied and that the constraint may allow.

        Those of a list do not depend on the sources, so its automaton is created once.

        Args:
            constraint: the constraint.
            unknown: symbols of the sources that the target vocabulary lacks.
        """
        if constraint.allow is None:
            return tuple(sorted(unknown))
        compiled = self._compiled(constraint)
        if compiled.listed is None:
            vocabulary = self.pairs.target_vocabulary
            listed = {symbol for text in constraint.allow for symbol in vocabulary.tokenizer.tokenize(text)}
            compiled.listed = tuple(sorted(symbol for symbol in listed if not vocabulary.knows(symbol)))
        return compiled.listed

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
