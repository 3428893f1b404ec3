"""Greedy search, with an engine whose every answer is known."""

from dataclasses import dataclass

import numpy as np

from henkan.batch import Sources
from henkan.decoding import greedy
from henkan.engine.base import StepOutput


@dataclass(frozen=True)
class Rows:
    rows: np.ndarray

    def take(self, rows):
        return Rows(self.rows[rows])


class Countdown:
    """Reads a number n and writes n, n - 1, ..., 1 and the end, each with probability 0.7 of 4 symbols."""

    def __init__(self):
        self.asked = []

    def encode(self, sources, *, many):  # noqa: ARG002
        return Rows(sources.ids[0]), Rows(sources.ids[0])

    def step(self, memory, state, symbols):
        assert len(memory.rows) == len(state.rows) == len(symbols)
        self.asked.append(symbols.tolist())
        probabilities = np.full((len(symbols), 4), 0.1)
        probabilities[np.arange(len(symbols)), state.rows] = 0.7
        return StepOutput(np.log(probabilities), Rows(np.maximum(state.rows - 1, 0)))


def search(numbers, *, ends=True, longest=9):
    engine = Countdown()
    sources = Sources(np.array([numbers]), np.array([len(numbers)]))
    return (*greedy(engine, sources, boundary=0, ends=ends, longest=longest), engine.asked)


def test_answers_and_their_log_probabilities():
    answers, scores, _ = search([3, 1, 0])
    assert answers == [[3, 2, 1], [1], []]
    np.testing.assert_allclose(scores, np.log(0.7) * np.array([4, 2, 1]))


def test_answered_rows_leave_the_batch():
    *_, asked = search([3, 1, 0])
    assert asked == [[0, 0, 0], [3, 1], [2], [1]]


def test_never_an_endless_answer():
    answers, scores, _ = search([3, 1], longest=2)
    assert answers == [[3, 2], [1]]
    np.testing.assert_allclose(scores, np.log(0.7) * np.array([2, 2]))


def test_without_an_end_all_have_the_same_length():
    answers, scores, _ = search([3, 1], ends=False, longest=3)
    assert answers == [[3, 2, 1], [1, 0, 0]]
    np.testing.assert_allclose(scores, np.log(0.7) * np.array([3, 3]))
