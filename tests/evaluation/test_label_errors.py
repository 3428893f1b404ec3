from itertools import product
from math import isnan

import pytest

from henkan.engine.numpy import NumpyEngines
from henkan.errors import DataError, SettingsError
from henkan.evaluation.label_errors import find_label_errors
from henkan.recipes import make_configs
from henkan.text.pairs import Pairs
from henkan.training.job import TrainingJob
from henkan.training.trainer import Trainer

CONFIGS = make_configs({"epochs": 60, "batch_size": 8, "hidden_size": 32, "embedding_size": 8}, recipe="modern")


def train(_fold, pairs):
    return Trainer(NumpyEngines()).fit(pairs, None, TrainingJob.single(*CONFIGS)).converter


def test_wrong_targets_come_first(words):
    sources = [*words[0], *("".join(letters) for letters in product("abc", repeat=4))]
    targets = [source.upper() for source in sources]
    wrong_targets = {"abc": "ABB", "cabb": "CAB", "bb": "BBB"}
    pairs = Pairs(sources, [wrong_targets.get(source, target) for source, target in zip(sources, targets, strict=True)])
    folds = []

    def train_and_record_fold(fold, training_pairs):
        folds.append(fold)
        return train(fold, training_pairs)

    suspects = find_label_errors(pairs, train_and_record_fold, folds=3)
    assert sorted(suspect.source for suspect in suspects) == sorted(sources)
    assert {suspect.source for suspect in suspects[:3]} == set(wrong_targets)
    assert [suspect.margin for suspect in suspects] == sorted(suspect.margin for suspect in suspects)
    assert all(suspect.answer == suspect.source.upper() for suspect in suspects[:3])
    assert folds == [1, 2, 3]


def test_target_with_an_unknown_symbol_is_the_most_suspicious(words):
    pairs = Pairs([*words[0], "abcb"], [*words[1], "ABCß"])
    first = find_label_errors(pairs, train, folds=2)[0]
    assert (first.source, first.margin) == ("abcb", float("-inf"))


def test_rows_with_the_same_source_are_in_the_same_fold():
    """Otherwise the model would be trained on a source that it is evaluated on."""
    pairs = Pairs(["ab", "ba", "ab"], ["x", "y", "x"])
    suspects = find_label_errors(pairs, train, folds=2)
    assert [suspect.margin for suspect in suspects] == [float("-inf")] * 3


def test_sources_with_unknown_symbols_come_last(words):
    suspects = find_label_errors(Pairs([*words[0], "q"], [*words[1], "A"]), train, folds=2)
    assert (suspects[-1].source, suspects[-1].answer) == ("q", "")
    assert isnan(suspects[-1].margin)


def test_too_few_rows_or_folds_are_rejected():
    with pytest.raises(DataError, match="too few for 3 folds; pass more pairs or fewer folds"):
        find_label_errors(Pairs(["a", "b", "a"], ["x", "y", "x"]), train, folds=3)
    with pytest.raises(SettingsError, match="folds must be"):
        find_label_errors(Pairs(["a", "b"], ["x", "y"]), train, folds=1)
