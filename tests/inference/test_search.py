"""Greedy search, beam search and scoring on engines with known probabilities."""

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import pytest

from henkan.engine.base import Encoded, StepOutput
from henkan.inference.search import beam, greedy, score, trace
from models import SOURCES, small_model


@dataclass(frozen=True)
class Rows:
    rows: np.ndarray

    def take(self, rows):
        return Rows(self.rows[rows])


class Countdown:
    """Reads a number n and predicts n, n - 1, ..., 1 and the end, each with probability 0.7 out of 4 symbols."""

    def __init__(self):
        self.inputs = []

    def step(self, memory, state, symbols):
        assert len(memory.rows) == len(state.rows) == len(symbols)
        self.inputs.append(symbols.tolist())
        probabilities = np.full((len(symbols), 4), 0.1)
        probabilities[np.arange(len(symbols)), state.rows] = 0.7
        attention = np.eye(4)[memory.rows]
        return StepOutput(np.log(probabilities), Rows(np.maximum(state.rows - 1, 0)), attention)


class Table:
    """Predicts from a table (V, V) of probabilities, with a row for each previous symbol; ignores the source."""

    def __init__(self, *rows):
        self.logs = np.log(np.array(rows))

    def step(self, memory, state, symbols):  # noqa: ARG002
        return StepOutput(self.logs[symbols], state)


class Eights:
    """Predicts eight times 1 and then the end, each with probability 0.98 out of 3 symbols."""

    def step(self, memory, state, symbols):  # noqa: ARG002
        probabilities = np.full((len(symbols), 3), 0.01)
        probabilities[np.arange(len(symbols)), (state.rows < 8).astype(int)] = 0.98
        return StepOutput(np.log(probabilities), Rows(state.rows + 1))


class IntegerCodec:
    """A codec for small integers: 0 starts every output and, if `ends`, also ends it."""

    start = 0

    def __init__(self, limit, *, ends=True):
        self.limit, self.fixed_length, self.forbidden = limit, not ends, [] if ends else [0]

    def is_complete(self, symbols):
        return (symbols == 0) & (not self.fixed_length)

    def max_steps(self, _source_steps):
        return self.limit


def encode(numbers, *, counting_up=False):
    """Encode sources of one number each; with `counting_up`, the state starts at 0 as `Eights` requires."""
    numbers = np.array(numbers)
    return Encoded(Rows(numbers), Rows(numbers * 0 if counting_up else numbers), len(numbers), 4)


def search(numbers, *, ends=True, limit=9):
    model = Countdown()
    return greedy(model, encode(numbers), IntegerCodec(limit, ends=ends)), model.inputs


def test_greedy_search_outputs_and_log_probabilities():
    hypotheses, _ = search([3, 1, 0])
    assert [hypothesis.symbols for hypothesis in hypotheses] == [[3, 2, 1, 0], [1, 0], [0]]
    assert [hypothesis.attended for hypothesis in hypotheses] == [[3, 3, 3, 3], [1, 1], [0]]
    np.testing.assert_allclose(
        [hypothesis.log_probability for hypothesis in hypotheses], np.log(0.7) * np.array([4, 2, 1])
    )
    assert all(hypothesis.complete for hypothesis in hypotheses)


def test_finished_rows_leave_the_batch():
    _, inputs = search([3, 1, 0])
    assert inputs == [[0, 0, 0], [3, 1], [2], [1]]


def test_outputs_are_cut_off_at_the_maximum_length():
    hypotheses, _ = search([3, 1], limit=2)
    assert [(hypothesis.symbols, hypothesis.complete) for hypothesis in hypotheses] == [([3, 2], False), ([1, 0], True)]
    np.testing.assert_allclose(
        [hypothesis.log_probability for hypothesis in hypotheses], np.log(0.7) * np.array([2, 2])
    )


def test_outputs_without_an_end_have_a_fixed_length():
    hypotheses, _ = search([3, 1], ends=False, limit=3)
    assert [hypothesis.symbols for hypothesis in hypotheses] == [[3, 2, 1], [1, 1, 1]]  # never 0
    assert all(hypothesis.complete for hypothesis in hypotheses)
    expected = [3 * np.log(0.7), np.log(0.7 * 0.1 * 0.1)]
    np.testing.assert_allclose([hypothesis.log_probability for hypothesis in hypotheses], expected)


GARDEN_PATH = Table([0.0001, 0.5999, 0.4], [0.1, 0.5, 0.4], [0.998, 0.001, 0.001])


def test_beam_search_finds_a_better_output_than_greedy_search():
    """The more probable first symbol, 1, leads to improbable outputs; after 2, the end is nearly certain."""
    [first] = greedy(GARDEN_PATH, encode([0]), IntegerCodec(6))
    [hypotheses] = beam(GARDEN_PATH, encode([0]), IntegerCodec(6), width=2)
    assert hypotheses[0].symbols == [2, 0]
    assert hypotheses[0].log_probability == pytest.approx(np.log(0.4 * 0.998))
    assert hypotheses[0].log_probability > first.log_probability


def test_wide_beam_is_exhaustive():
    """Every output of at most three symbols, ranked by log-probability per symbol."""
    model, limit = Table([0.2, 0.5, 0.3], [0.3, 0.1, 0.6], [0.25, 0.7, 0.05]), 3
    scores = {}
    for length in range(limit):
        for ids in product((1, 2), repeat=length):
            path = [0, *ids, 0]
            scores[str(path[1:])] = sum(model.logs[a, b] for a, b in pairwise(path)) / (length + 1)
    expected = sorted(scores, key=scores.get, reverse=True)
    for found in beam(model, encode([0, 0]), IntegerCodec(limit), width=40):
        complete = [hypothesis for hypothesis in found if hypothesis.complete]
        assert [str(hypothesis.symbols) for hypothesis in complete] == expected
        ranks = [hypothesis.log_probability / len(hypothesis.symbols) for hypothesis in complete]
        assert ranks == pytest.approx(sorted(scores.values())[::-1])
        assert {len(hypothesis.symbols) for hypothesis in found if not hypothesis.complete} == {3}


def test_improbable_short_outputs_do_not_end_beam_search():
    """The improbable end is among the best three symbols at every step; the best output has eight symbols."""
    [hypotheses] = beam(Eights(), encode([0], counting_up=True), IntegerCodec(20), width=3)
    assert hypotheses[0].symbols == [*[1] * 8, 0]
    assert hypotheses[0].log_probability == pytest.approx(9 * np.log(0.98))


def test_beam_width_one_equals_greedy_search():
    numbers = [3, 2, 1, 0]
    by_beam = [each[0] for each in beam(Countdown(), encode(numbers), IntegerCodec(9), width=1)]
    by_greedy_search, _ = search(numbers)
    assert [(each.symbols, each.attended, each.complete) for each in by_beam] == [
        (each.symbols, each.attended, each.complete) for each in by_greedy_search
    ]
    assert [each.log_probability for each in by_beam] == pytest.approx(
        [each.log_probability for each in by_greedy_search]
    )


@pytest.mark.parametrize(
    "settings", [{}, {"attention": True, "bidirectional": True, "layers": 2}, {"fill": True}], ids=str
)
def test_beam_search_with_a_real_model(settings):
    """Outputs have the scores of the model and are distinct; a wider beam does not find a worse best output."""
    converter, batch = small_model(**settings)
    model, codec, encoded = converter.model, converter.codec, converter.model.encode(batch.sources)
    temperatures = [0.5, 1.0, 2.0]
    narrow = beam(model, encoded, codec, width=2)
    wide = beam(model, encoded, codec, width=6, temperatures=temperatures)
    assert len(wide) == len(SOURCES)
    for narrow_hypotheses, wide_hypotheses in zip(narrow, wide, strict=True):
        ranks = [
            hypotheses[0].log_probability / len(hypotheses[0].symbols)
            for hypotheses in (wide_hypotheses, narrow_hypotheses)
        ]
        assert ranks[0] >= ranks[1] - 1e-9
        assert len({tuple(hypothesis.symbols) for hypothesis in wide_hypotheses}) == len(wide_hypotheses) == 6
    for k in range(6):
        hypotheses = [each[k] for each in wide]
        outputs = [hypothesis.symbols for hypothesis in hypotheses]
        scores = score(model, encoded, codec, outputs, temperatures=temperatures)
        np.testing.assert_allclose([hypothesis.log_probability for hypothesis in hypotheses], scores[1], rtol=1e-10)
        np.testing.assert_allclose(
            np.transpose([hypothesis.calibrated for hypothesis in hypotheses]), scores, rtol=1e-10
        )


def test_greedy_search_and_scoring_agree_at_every_temperature():
    converter, batch = small_model(attention=True)
    model, codec, encoded = converter.model, converter.codec, converter.model.encode(batch.sources)
    found = greedy(model, encoded, codec, temperatures=[1.0, 3.0])
    scores = score(model, encoded, codec, [hypothesis.symbols for hypothesis in found], temperatures=[1.0, 3.0])
    np.testing.assert_allclose(np.transpose([hypothesis.calibrated for hypothesis in found]), scores, rtol=1e-10)
    assert [hypothesis.calibrated[0] for hypothesis in found] == [hypothesis.log_probability for hypothesis in found]


def test_scores_of_given_outputs():
    outputs = [[1, 2, 0], [0], [2, 2, 2, 0]]
    [scores] = score(GARDEN_PATH, encode([0, 0, 0]), IntegerCodec(6), outputs)
    np.testing.assert_allclose(np.exp(scores), [0.5999 * 0.4 * 0.998, 0.0001, 0.4 * 0.001 * 0.001 * 0.998])


def test_trace_lists_the_rows_of_each_step():
    steps = list(trace(GARDEN_PATH, encode([0, 0]), IntegerCodec(6), [[1, 0], [2, 2, 0]]))
    assert [step.rows.tolist() for step in steps] == [[0, 1], [0, 1], [1]]
    assert [step.symbols.tolist() for step in steps] == [[1, 2], [0, 2], [0]]


def test_higher_temperature_flattens_probabilities():
    scores = score(GARDEN_PATH, encode([0]), IntegerCodec(6), [[2, 0]], temperatures=[1, 2, 1e6])
    roots = np.sqrt([[0.0001, 0.5999, 0.4], [0.998, 0.001, 0.001]])
    halves = roots / roots.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(scores[:, 0]), [0.4 * 0.998, halves[0, 2] * halves[1, 0], 1 / 9], rtol=1e-5)
