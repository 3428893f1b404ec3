from itertools import product
from math import isnan

import pytest

from henkan.config import make_configs
from henkan.engine.numpy import NumpyEngines
from henkan.errors import DataError, SettingsError
from henkan.evaluation.label_errors import find_label_errors
from henkan.text.pairs import Pairs
from henkan.training.prepared import TrainingJob
from henkan.training.trainer import Trainer

CONFIGS = make_configs({"epochs": 60, "batch_size": 8, "hidden_size": 32, "embedding_size": 8}, recipe="modern")


def train(_fold, pairs):
    return Trainer(NumpyEngines()).fit(pairs, None, TrainingJob(*CONFIGS)).converter


def test_typing_errors_come_first(words):
    sources = [*words[0], *("".join(letters) for letters in product("abc", repeat=4))]
    targets = [source.upper() for source in sources]
    wrong = {"abc": "ABB", "cabb": "CAB", "bb": "BBB"}
    data = Pairs(sources, [wrong.get(source, target) for source, target in zip(sources, targets, strict=True)])
    folds = []

    def train_and_note(fold, pairs):
        folds.append(fold)
        return train(fold, pairs)

    found = find_label_errors(data, train_and_note, folds=3)
    assert sorted(suspect.source for suspect in found) == sorted(sources)
    assert {suspect.source for suspect in found[:3]} == set(wrong)
    assert [suspect.margin for suspect in found] == sorted(suspect.margin for suspect in found)
    assert all(suspect.answer == suspect.source.upper() for suspect in found[:3])
    assert folds == [1, 2, 3]


def test_a_target_that_cannot_be_written_is_the_most_suspicious(words):
    data = Pairs([*words[0], "abcb"], [*words[1], "ABCß"])
    first = find_label_errors(data, train, folds=2)[0]
    assert (first.source, first.margin) == ("abcb", float("-inf"))


def test_rows_of_one_source_are_asked_together():
    """Or a model would have seen the answer."""
    data = Pairs(["ab", "ba", "ab"], ["x", "y", "x"])
    found = find_label_errors(data, train, folds=2)
    assert [suspect.margin for suspect in found] == [float("-inf")] * 3


def test_what_could_not_be_read_comes_last(words):
    found = find_label_errors(Pairs([*words[0], "q"], [*words[1], "A"]), train, folds=2)
    assert (found[-1].source, found[-1].answer) == ("q", "")
    assert isnan(found[-1].margin)


def test_too_few_rows_or_folds():
    with pytest.raises(DataError, match="too few for 3 folds; pass more pairs or fewer folds"):
        find_label_errors(Pairs(["a", "b", "a"], ["x", "y", "x"]), train, folds=3)
    with pytest.raises(SettingsError, match="folds must be"):
        find_label_errors(Pairs(["a", "b"], ["x", "y"]), train, folds=1)
