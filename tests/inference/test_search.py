"""Search, with engines whose every answer is known."""

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import pytest

from henkan.batching.batch import Sources
from henkan.engine.base import StepOutput
from henkan.inference.search import Bounds, beam, greedy, score
from models import SOURCES, small_model


@dataclass(frozen=True)
class Rows:
    rows: np.ndarray

    def take(self, rows):
        return Rows(self.rows[rows])


class Countdown:
    """Reads a number n and writes n, n - 1, ..., 1 and the end, each with probability 0.7 of 4 symbols."""

    def __init__(self):
        self.asked = []

    def encode(self, sources, *, many=False):  # noqa: ARG002
        return Rows(sources.ids[0]), Rows(sources.ids[0])

    def step(self, memory, state, symbols):
        assert len(memory.rows) == len(state.rows) == len(symbols)
        self.asked.append(symbols.tolist())
        probabilities = np.full((len(symbols), 4), 0.1)
        probabilities[np.arange(len(symbols)), state.rows] = 0.7
        attention = np.eye(4)[memory.rows]
        return StepOutput(np.log(probabilities), Rows(np.maximum(state.rows - 1, 0)), attention)


class Table:
    """Writes by a table of probabilities of the next symbol (V,) after each symbol (V,), whatever was read."""

    def __init__(self, *rows):
        self.logs = np.log(np.array(rows))

    def encode(self, sources, *, many=False):  # noqa: ARG002
        return Rows(sources.ids[0]), Rows(sources.ids[0])

    def step(self, memory, state, symbols):  # noqa: ARG002
        return StepOutput(self.logs[symbols], state)


class Eights:
    """Writes eight times 1 and then the end, each with probability 0.98 of 3 symbols."""

    def encode(self, sources, *, many=False):  # noqa: ARG002
        return Rows(sources.ids[0]), Rows(np.zeros(len(sources.ids[0]), int))

    def step(self, memory, state, symbols):  # noqa: ARG002
        probabilities = np.full((len(symbols), 3), 0.01)
        probabilities[np.arange(len(symbols)), (state.rows < 8).astype(int)] = 0.98
        return StepOutput(np.log(probabilities), Rows(state.rows + 1))


def sources(numbers):
    return Sources(np.array([numbers]), np.array([len(numbers)]))


def search(numbers, *, ends=True, longest=9):
    engine = Countdown()
    answers = greedy(engine, sources(numbers), Bounds(0, ends, longest))
    return answers, engine.asked


def test_answers_and_their_log_probabilities():
    answers, _ = search([3, 1, 0])
    assert [answer.ids for answer in answers] == [[3, 2, 1], [1], []]
    assert [answer.looked_at for answer in answers] == [[3, 3, 3], [1], []]
    np.testing.assert_allclose([answer.log_probability for answer in answers], np.log(0.7) * np.array([4, 2, 1]))
    assert all(answer.ended for answer in answers)


def test_answered_rows_leave_the_batch():
    _, asked = search([3, 1, 0])
    assert asked == [[0, 0, 0], [3, 1], [2], [1]]


def test_never_an_endless_answer():
    answers, _ = search([3, 1], longest=2)
    assert [(answer.ids, answer.ended) for answer in answers] == [([3, 2], False), ([1], True)]
    np.testing.assert_allclose([answer.log_probability for answer in answers], np.log(0.7) * np.array([2, 2]))


def test_without_an_end_all_have_the_same_length():
    answers, _ = search([3, 1], ends=False, longest=3)
    assert [(answer.ids, answer.ended) for answer in answers] == [([3, 2, 1], True), ([1, 1, 1], True)]  # never 0
    expected = [3 * np.log(0.7), np.log(0.7 * 0.1 * 0.1)]
    np.testing.assert_allclose([answer.log_probability for answer in answers], expected)


GARDEN_PATH = Table([0.0001, 0.5999, 0.4], [0.1, 0.5, 0.4], [0.998, 0.001, 0.001])


def test_a_beam_finds_what_greed_misses():
    """The likelier first symbol, 1, leads nowhere; after 2 the end is nearly certain."""
    bounds = Bounds(0, True, 6)
    [greedy_answer] = greedy(GARDEN_PATH, sources([0]), bounds)
    [answers] = beam(GARDEN_PATH, sources([0]), bounds, width=2)
    assert answers[0].ids == [2]
    assert answers[0].log_probability == pytest.approx(np.log(0.4 * 0.998))
    assert answers[0].log_probability > greedy_answer.log_probability


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_a_wide_beam_is_exhaustive(power):
    """Every answer of at most three symbols, ranked by a person's formula."""
    engine, longest = Table([0.2, 0.5, 0.3], [0.3, 0.1, 0.6], [0.25, 0.7, 0.05]), 3
    table = {}
    for length in range(longest):
        for ids in product((1, 2), repeat=length):
            path = [0, *ids, 0]
            logs = sum(engine.logs[a, b] for a, b in pairwise(path))
            table[ids] = logs / (length + 1) ** power
    best = sorted(table, key=table.get, reverse=True)
    answers = beam(engine, sources([0, 0]), Bounds(0, True, longest), width=40, length_power=power)
    for each in answers:
        ended = [answer for answer in each if answer.ended]
        assert [tuple(answer.ids) for answer in ended] == best
        assert [a.log_probability / (len(a.ids) + 1) ** power for a in ended] == pytest.approx(
            sorted(table.values())[::-1]
        )
        assert {len(answer.ids) for answer in each if not answer.ended} == {3}


def test_short_answers_that_hardly_count_do_not_end_the_search():
    """At every step the end is among the three best, with next to no probability; the answer has eight symbols."""
    for power in (0.0, 1.0):
        [answers] = beam(Eights(), sources([0]), Bounds(0, True, 20), width=3, length_power=power)
        assert answers[0].ids == [1] * 8
        assert answers[0].log_probability == pytest.approx(9 * np.log(0.98))


def test_a_beam_of_one_is_greedy_search():
    numbers = [3, 2, 1, 0]
    one = [each[0] for each in beam(Countdown(), sources(numbers), Bounds(0, True, 9), width=1)]
    other, _ = search(numbers)
    assert [(a.ids, a.looked_at, a.ended) for a in one] == [(a.ids, a.looked_at, a.ended) for a in other]
    assert [a.log_probability for a in one] == pytest.approx([a.log_probability for a in other])


@pytest.mark.parametrize(
    "settings", [{}, {"attention": True, "bidirectional": True, "layers": 2}, {"fill": True}], ids=str
)
def test_beams_of_a_real_model(settings):
    """Each answer has the probability that the model gives it; answers differ; more beams find no worse ones."""
    converter, batch = small_model(**settings)
    bounds = converter.bounds
    narrow = beam(converter.engine, batch.sources, bounds, width=2, length_power=0)
    wide = beam(converter.engine, batch.sources, bounds, width=6, length_power=0)
    assert len(wide) == len(SOURCES)
    for few, several in zip(narrow, wide, strict=True):
        assert several[0].log_probability >= few[0].log_probability - 1e-9
        assert len({tuple(answer.ids) for answer in several}) == len(several) == 6
    for k in range(6):
        answers = [each[k] for each in wide]
        kept = [n for n, answer in enumerate(answers) if answer.ended]
        [scores] = score(converter.engine, batch.sources, [answer.ids for answer in answers], bounds)
        np.testing.assert_allclose([answers[n].log_probability for n in kept], scores[kept], rtol=1e-10)


def test_scores_of_given_answers():
    bounds = Bounds(0, True, 6)
    answers = [[1, 2], [], [2, 2, 2]]
    [scores] = score(GARDEN_PATH, sources([0, 0, 0]), answers, bounds)
    np.testing.assert_allclose(np.exp(scores), [0.5999 * 0.4 * 0.998, 0.0001, 0.4 * 0.001 * 0.001 * 0.998])


def test_a_higher_temperature_makes_probabilities_more_alike():
    bounds = Bounds(0, True, 6)
    scores = score(GARDEN_PATH, sources([0]), [[2]], bounds, temperatures=[1, 2, 1e6])
    roots = np.sqrt([[0.0001, 0.5999, 0.4], [0.998, 0.001, 0.001]])
    halves = roots / roots.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(scores[:, 0]), [0.4 * 0.998, halves[0, 2] * halves[1, 0], 1 / 9], rtol=1e-5)
