"""Search, with engines whose every answer is known."""

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
    """Reads a number n and predicts n, n - 1, ..., 1 and the end, each with probability 0.7 of 4 symbols."""

    def __init__(self):
        self.asked = []

    def step(self, memory, state, symbols):
        assert len(memory.rows) == len(state.rows) == len(symbols)
        self.asked.append(symbols.tolist())
        probabilities = np.full((len(symbols), 4), 0.1)
        probabilities[np.arange(len(symbols)), state.rows] = 0.7
        attention = np.eye(4)[memory.rows]
        return StepOutput(np.log(probabilities), Rows(np.maximum(state.rows - 1, 0)), attention)


class Table:
    """Predicts by a table of probabilities of the next symbol (V,) after each symbol (V,), whatever was read."""

    def __init__(self, *rows):
        self.logs = np.log(np.array(rows))

    def step(self, memory, state, symbols):  # noqa: ARG002
        return StepOutput(self.logs[symbols], state)


class Eights:
    """Predicts eight times 1 and then the end, each with probability 0.98 of 3 symbols."""

    def step(self, memory, state, symbols):  # noqa: ARG002
        probabilities = np.full((len(symbols), 3), 0.01)
        probabilities[np.arange(len(symbols)), (state.rows < 8).astype(int)] = 0.98
        return StepOutput(np.log(probabilities), Rows(state.rows + 1))


class Numbers:
    """A codec for small integers: 0 starts and, if `ends`, ends every output."""

    start = 0

    def __init__(self, limit, *, ends=True):
        self.limit, self.fixed_length, self.forbidden = limit, not ends, [] if ends else [0]

    def is_complete(self, symbols):
        return (symbols == 0) & (not self.fixed_length)

    def max_steps(self, _source_steps):
        return self.limit


def read(numbers, *, counting_up=False):
    """Sources of one number each; the state of `Eights` counts from 0."""
    numbers = np.array(numbers)
    return Encoded(Rows(numbers), Rows(numbers * 0 if counting_up else numbers), len(numbers), 4)


def search(numbers, *, ends=True, limit=9):
    model = Countdown()
    return greedy(model, read(numbers), Numbers(limit, ends=ends)), model.asked


def test_answers_and_their_log_probabilities():
    answers, _ = search([3, 1, 0])
    assert [answer.symbols for answer in answers] == [[3, 2, 1, 0], [1, 0], [0]]
    assert [answer.attended for answer in answers] == [[3, 3, 3, 3], [1, 1], [0]]
    np.testing.assert_allclose([answer.log_probability for answer in answers], np.log(0.7) * np.array([4, 2, 1]))
    assert all(answer.complete for answer in answers)


def test_answered_rows_leave_the_batch():
    _, asked = search([3, 1, 0])
    assert asked == [[0, 0, 0], [3, 1], [2], [1]]


def test_never_an_endless_answer():
    answers, _ = search([3, 1], limit=2)
    assert [(answer.symbols, answer.complete) for answer in answers] == [([3, 2], False), ([1, 0], True)]
    np.testing.assert_allclose([answer.log_probability for answer in answers], np.log(0.7) * np.array([2, 2]))


def test_without_an_end_all_have_the_same_length():
    answers, _ = search([3, 1], ends=False, limit=3)
    assert [answer.symbols for answer in answers] == [[3, 2, 1], [1, 1, 1]]  # never 0
    assert all(answer.complete for answer in answers)
    expected = [3 * np.log(0.7), np.log(0.7 * 0.1 * 0.1)]
    np.testing.assert_allclose([answer.log_probability for answer in answers], expected)


GARDEN_PATH = Table([0.0001, 0.5999, 0.4], [0.1, 0.5, 0.4], [0.998, 0.001, 0.001])


def test_a_beam_finds_what_greedy_search_misses():
    """The more probable first symbol, 1, leads nowhere; after 2 the end is nearly certain."""
    [first] = greedy(GARDEN_PATH, read([0]), Numbers(6))
    [answers] = beam(GARDEN_PATH, read([0]), Numbers(6), width=2)
    assert answers[0].symbols == [2, 0]
    assert answers[0].log_probability == pytest.approx(np.log(0.4 * 0.998))
    assert answers[0].log_probability > first.log_probability


def test_a_wide_beam_is_exhaustive():
    """Every output of at most three symbols, ranked by log-probability per symbol."""
    model, limit = Table([0.2, 0.5, 0.3], [0.3, 0.1, 0.6], [0.25, 0.7, 0.05]), 3
    table = {}
    for length in range(limit):
        for ids in product((1, 2), repeat=length):
            path = [0, *ids, 0]
            table[str(path[1:])] = sum(model.logs[a, b] for a, b in pairwise(path)) / (length + 1)
    best = sorted(table, key=table.get, reverse=True)
    for each in beam(model, read([0, 0]), Numbers(limit), width=40):
        complete = [answer for answer in each if answer.complete]
        assert [str(answer.symbols) for answer in complete] == best
        ranks = [answer.log_probability / len(answer.symbols) for answer in complete]
        assert ranks == pytest.approx(sorted(table.values())[::-1])
        assert {len(answer.symbols) for answer in each if not answer.complete} == {3}


def test_short_outputs_of_tiny_probability_do_not_end_the_search():
    """At every step the end is among the three best, with next to no probability; the best output has eight symbols."""
    [answers] = beam(Eights(), read([0], counting_up=True), Numbers(20), width=3)
    assert answers[0].symbols == [*[1] * 8, 0]
    assert answers[0].log_probability == pytest.approx(9 * np.log(0.98))


def test_a_beam_of_one_is_greedy_search():
    numbers = [3, 2, 1, 0]
    one = [each[0] for each in beam(Countdown(), read(numbers), Numbers(9), width=1)]
    other, _ = search(numbers)
    assert [(a.symbols, a.attended, a.complete) for a in one] == [(a.symbols, a.attended, a.complete) for a in other]
    assert [a.log_probability for a in one] == pytest.approx([a.log_probability for a in other])


@pytest.mark.parametrize(
    "settings", [{}, {"attention": True, "bidirectional": True, "layers": 2}, {"fill": True}], ids=str
)
def test_beams_of_a_real_model(settings):
    """Each output has the probability that the model gives it; outputs differ; wider beams find no worse ones."""
    converter, batch = small_model(**settings)
    model, codec, encoded = converter.model, converter.codec, converter.model.encode(batch.sources)
    temperatures = [0.5, 1.0, 2.0]
    narrow = beam(model, encoded, codec, width=2)
    wide = beam(model, encoded, codec, width=6, temperatures=temperatures)
    assert len(wide) == len(SOURCES)
    for few, several in zip(narrow, wide, strict=True):
        ranks = [answers[0].log_probability / len(answers[0].symbols) for answers in (several, few)]
        assert ranks[0] >= ranks[1] - 1e-9
        assert len({tuple(answer.symbols) for answer in several}) == len(several) == 6
    for k in range(6):
        answers = [each[k] for each in wide]
        outputs = [answer.symbols for answer in answers]
        scores = score(model, encoded, codec, outputs, temperatures=temperatures)
        np.testing.assert_allclose([answer.log_probability for answer in answers], scores[1], rtol=1e-10)
        np.testing.assert_allclose(np.transpose([answer.calibrated for answer in answers]), scores, rtol=1e-10)


def test_greedy_search_accumulates_at_every_temperature_what_scoring_finds():
    converter, batch = small_model(attention=True)
    model, codec, encoded = converter.model, converter.codec, converter.model.encode(batch.sources)
    found = greedy(model, encoded, codec, temperatures=[1.0, 3.0])
    scores = score(model, encoded, codec, [answer.symbols for answer in found], temperatures=[1.0, 3.0])
    np.testing.assert_allclose(np.transpose([answer.calibrated for answer in found]), scores, rtol=1e-10)
    assert [answer.calibrated[0] for answer in found] == [answer.log_probability for answer in found]


def test_scores_of_given_outputs():
    outputs = [[1, 2, 0], [0], [2, 2, 2, 0]]
    [scores] = score(GARDEN_PATH, read([0, 0, 0]), Numbers(6), outputs)
    np.testing.assert_allclose(np.exp(scores), [0.5999 * 0.4 * 0.998, 0.0001, 0.4 * 0.001 * 0.001 * 0.998])


def test_a_trace_says_who_reaches_each_step():
    steps = list(trace(GARDEN_PATH, read([0, 0]), Numbers(6), [[1, 0], [2, 2, 0]]))
    assert [step.rows.tolist() for step in steps] == [[0, 1], [0, 1], [1]]
    assert [step.symbols.tolist() for step in steps] == [[1, 2], [0, 2], [0]]


def test_a_higher_temperature_makes_probabilities_more_alike():
    scores = score(GARDEN_PATH, read([0]), Numbers(6), [[2, 0]], temperatures=[1, 2, 1e6])
    roots = np.sqrt([[0.0001, 0.5999, 0.4], [0.998, 0.001, 0.001]])
    halves = roots / roots.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(scores[:, 0]), [0.4 * 0.998, halves[0, 2] * halves[1, 0], 1 / 9], rtol=1e-5)
