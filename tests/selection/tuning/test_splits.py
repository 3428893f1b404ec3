"""Division into training and validation sets."""

from dataclasses import replace

import pytest

from henkan.config import ModelConfig
from henkan.selection.tuning.splits import FOLDS, MIN_SOURCES, Examples
from henkan.text.pairs import Pairs, hold_out

FEW = Pairs([f"w{n}" for n in range(20)] * 2, [f"t{n}" for n in range(40)])
MANY = Pairs([str(n) for n in range(MIN_SOURCES)], [str(n) for n in range(MIN_SOURCES)])
MODEL = ModelConfig()


def test_given_validation_set_is_used_for_every_seed():
    dev = Pairs(["a"], ["b"])
    examples = Examples(FEW, dev, MODEL)
    assert examples.folds == 0
    assert examples.splits(0) == examples.splits(5) == [(FEW, dev)]
    assert examples.split(5) == (FEW, dev)


def test_few_sources_are_divided_into_folds():
    examples = Examples(FEW, None, MODEL)
    assert examples.folds == FOLDS
    splits = examples.splits(3)
    validated = [source for _, validation in splits for source in validation.sources]
    assert sorted(validated) == sorted(FEW.sources)
    for train, validation in splits:
        assert len(train) + len(validation) == len(FEW)
        assert not {*train.sources} & {*validation.sources}
    others = [{*validation.sources} for _, validation in examples.splits(4)]
    assert others != [{*validation.sources} for _, validation in splits]


def test_many_sources_are_divided_as_train_does():
    examples = Examples(MANY, None, MODEL)
    assert examples.folds == 0
    [(train, validation)] = examples.splits(7)
    expected = hold_out(MANY, 7)
    assert (list(train.sources), list(validation.sources)) == tuple(list(each.sources) for each in expected)
    few = Examples(FEW, None, MODEL).split(7)[1]
    assert list(few.sources) == list(hold_out(FEW, 7)[1].sources)


@pytest.mark.parametrize(("case", "folds"), [("keep", 0), ("lower", FOLDS)])
def test_sources_are_counted_as_the_model_reads_them(case, folds):
    words = [f"{letter}{n}" for n in range(MIN_SOURCES // 2) for letter in "aA"]
    assert Examples(Pairs(words, words), None, replace(MODEL, source_case=case)).folds == folds
