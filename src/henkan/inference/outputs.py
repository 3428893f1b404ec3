"""The outputs of a model for sources: search, and one output for each target.

A transducer can write a string with different actions. The probability of a string is that of its canonical output, the
one that the codec encodes the string as (`henkan.model.codec.TargetCodec.encode`), so that predictions, scores of given
targets and confidences agree. A search may find another output; it is then replaced by the canonical one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from henkan.batching.copy_ids import CopyIds
from henkan.engine.base import Encoded, Predictor
from henkan.inference.search import Hypothesis, beam, greedy, rank, score
from henkan.model.codec import TargetCodec
from henkan.model.rules import OutputRules


class SourceIds(NamedTuple):
    """N sources.

    Attributes:
        ids: ids of each source.
        copy_ids: their copy ids; None if they have no unknown symbols, or the codec does not need them.
    """

    ids: Sequence[Sequence[int]]
    copy_ids: CopyIds | None = None

    def of_rows(self, rows: Sequence[int]) -> SourceIds:
        """Select sources, which may be repeated."""
        copy_ids = None if self.copy_ids is None else self.copy_ids.take(np.array(rows, int))
        return SourceIds([self.ids[row] for row in rows], copy_ids)


def find_outputs(
    model: Predictor,
    encoded: Encoded,
    codec: TargetCodec,
    sources: SourceIds,
    *,
    width: int = 1,
    temperatures: Sequence[float] = (),
    rules: OutputRules | None = None,
) -> Iterable[Sequence[Hypothesis]]:
    """Search for the best outputs.

    Args:
        model: the model.
        encoded: N encoded sources.
        codec: the target codec of the model.
        sources: the sources.
        width: beam width; 1 is greedy search.
        temperatures: temperatures at which to compute the log-probability in addition; see `search.score`.
        rules: what the outputs may write; see `search.greedy_outputs`.

    Returns:
        for each source, in the same order, up to `width` distinct outputs, best first.
    """
    found: Iterable[Sequence[Hypothesis]]
    if width == 1:
        found = ((each,) for each in greedy(model, encoded, codec, temperatures=temperatures, rules=rules))
    else:
        found = beam(model, encoded, codec, width=width, temperatures=temperatures, rules=rules)
    if rules is not None and rules.uncopied is not rules.automaton:
        found = _searched_again(model, encoded, codec, found, width=width, temperatures=temperatures, rules=rules)
    return _canonical(model, encoded, codec, sources, found, temperatures) if codec.ambiguous else found


def _searched_again(
    model: Predictor,
    encoded: Encoded,
    codec: TargetCodec,
    found: Iterable[Sequence[Hypothesis]],
    *,
    width: int,
    temperatures: Sequence[float],
    rules: OutputRules,
) -> list[Sequence[Hypothesis]]:
    """Repeat the search for sources without a result, without the symbols that can only be copied.

    A search may choose a symbol after which only another copy is allowed, which the rest of the source does not have.
    """
    outputs = list(found)
    rows = np.array([row for row, each in enumerate(outputs) if each[0].log_probability == -np.inf], int)
    if len(rows):
        part = Encoded(encoded.memory.take(rows), encoded.state.take(rows), len(rows), encoded.steps)
        others = rules.without_copies(rows)
        if width == 1:
            again = [[each] for each in greedy(model, part, codec, temperatures=temperatures, rules=others)]
        else:
            again = beam(model, part, codec, width=width, temperatures=temperatures, rules=others)
        for row, each in zip(rows.tolist(), again, strict=True):
            outputs[row] = each
    return outputs


def _canonical(
    model: Predictor,
    encoded: Encoded,
    codec: TargetCodec,
    sources: SourceIds,
    found: Iterable[Sequence[Hypothesis]],
    temperatures: Sequence[float],
) -> list[list[Hypothesis]]:
    """Replace outputs by the canonical outputs of their strings. An output that was cut off stays as it is."""
    outputs = [list(each) for each in found]
    places = [(n, k) for n, each in enumerate(outputs) for k, output in enumerate(each) if output.complete]
    symbols = [outputs[n][k].symbols for n, k in places]
    ids, copy_ids = sources.of_rows([n for n, _ in places])
    wanted = codec.canonical(ids, symbols, copy_ids)
    changed = [number for number, given in enumerate(symbols) if list(given) != list(wanted[number])]
    if changed:
        rows = np.array([places[number][0] for number in changed])
        part = Encoded(encoded.memory.take(rows), encoded.state.take(rows), len(rows), encoded.steps)
        given = [wanted[number] for number in changed]
        [logs, *calibrated] = score(model, part, codec, given, temperatures=[1.0, *temperatures]).tolist()
        for column, number in enumerate(changed):
            n, k = places[number]
            numbers = [each[column] for each in calibrated]
            outputs[n][k] = outputs[n][k]._replace(
                symbols=given[column], log_probability=logs[column], calibrated=numbers
            )
    return [_distinct(each) for each in outputs]


def _distinct(outputs: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Return the outputs without repetitions, best first."""
    distinct = {tuple(output.symbols): output for output in outputs}
    return sorted(distinct.values(), key=rank)
