from itertools import product

import numpy as np
import pytest

from henkan.text.automaton import UNREACHABLE, automaton, automaton_of_list

LISTS = [[], [[]], [[1]], [[1, 2], [1, 2, 3], [2], [1, 2]], [[], [3, 3, 3], [3]], [[2, 1], [1, 2], [2], [2, 1, 3]]]


def accepts(rules, string):
    """Whether an automaton accepts a string."""
    state = 0
    for symbol in string:
        state = rules.after(np.array([state]), 5)[0, symbol]
        if state < 0:
            return False
    return rules.remaining[state] == 0


@pytest.mark.parametrize("strings", LISTS)
def test_a_list_accepts_its_strings_alone(strings):
    rules = automaton_of_list(strings)
    for length in range(5):
        for string in product((1, 2, 3), repeat=length):
            assert accepts(rules, string) == (list(string) in strings)


def test_remaining_is_the_number_of_symbols_to_the_nearest_end():
    rules = automaton_of_list([[1, 2, 3], [1, 4], [2]])
    after_1 = rules.after(np.array([0]), 5)[0, 1]
    assert (rules.remaining[0], rules.remaining[after_1]) == (1, 1)
    assert automaton_of_list([]).remaining[0] == UNREACHABLE


def test_a_dead_end_is_never_entered():
    rules = automaton([{1: 1, 2: 2}, {1: 0}, {1: 3}, {1: 3}], [1])
    assert rules.after(np.array([0]), 3)[0].tolist() == [-1, 1, -1]
    assert rules.remaining.tolist() == [1, 0, UNREACHABLE, UNREACHABLE]


def test_states_are_followed_together():
    rules = automaton([{1: 1}, {2: 0, 1: 1}], [0])
    assert rules.after(np.array([1, 0, 1]), 4).tolist() == [[-1, 1, 0, -1], [-1, 1, -1, -1], [-1, 1, 0, -1]]
