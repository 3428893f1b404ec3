"""The probe, which estimates the confidence outside the training data, from training to saved models."""

import json
from itertools import product

import numpy as np
import pytest

import henkan
from henkan import Conversion, Seq2Seq
from henkan.text.tokenizer import Tokenizer, tokenize
from henkan.training.atypical_rows import choose_atypical_rows

SETTINGS = {"recipe": "modern", "epochs": 40, "batch_size": 16, "hidden_size": 32, "embedding_size": 8}
WORDS = ["".join(letters) for length in range(1, 7) for letters in product("ab", repeat=length)]
LONGER = ["".join(letters) for length in (7, 9) for letters in product("ab", repeat=length)]


def choose(sources, *, unknown=False, features=False):
    sequences, symbols = tokenize(sources, Tokenizer(features=features))
    generator = np.random.default_rng(0)
    groups = choose_atypical_rows(sequences, symbols, features=features, unknown=unknown, generator=generator)
    return groups[-1] if groups else None


def kept_lengths(sources):
    return {len(word) for word, typical in zip(sources, choose(sources).typical, strict=True) if typical}


def test_the_two_largest_lengths_are_held_out_if_enough_pairs_remain():
    assert kept_lengths(WORDS * 2) == {1, 2, 3, 4}
    assert kept_lengths(WORDS) == {1, 2, 3, 4, 5}


def test_distance_is_the_relative_excess_over_the_longest_remaining_source():
    found = choose(WORDS * 2).distances["longer than in training"]
    distances = dict(zip(WORDS * 2, found.tolist(), strict=True))
    assert (distances["aaaaa"], distances["aaaaaa"]) == (0.25, 0.5)
    assert np.isnan(distances["aaaa"])


def test_longer_numbers_are_held_out_even_if_no_source_is_longer():
    found = choose([f"{a}+{b}" for a in range(10) for b in range(10)] + ["12+"] * 40)
    assert list(found.distances) == ["longer number than in training"]
    assert np.flatnonzero(~found.typical).tolist() == list(range(100, 140))


def test_rare_symbols_are_held_out_if_the_model_can_read_unknown_ones():
    sources = ["abc"] * 97 + ["abx", "aby", "axy"]
    assert choose(sources) is None
    found = choose(sources, unknown=True)
    assert found.distances["symbols not in training"][-3:].tolist() == [0, 0, 1]
    assert found.typical.sum() == 97
    assert found.held_out_ids.tolist() == [3, 4]


def test_each_probe_is_trained_without_some_tag_combinations_but_with_all_tags():
    sets = [f"{a};{b};{c}" for a in "VN" for b in ("SG", "PL") for c in ("1", "2", "3")]
    sources = [f"walk\t{tags}" for tags in sets for _ in range(20)]
    sequences, symbols = tokenize(sources, Tokenizer(features=True))
    groups = choose_atypical_rows(sequences, symbols, features=True, unknown=False, generator=np.random.default_rng(0))
    held_out = [{s for s, typical in zip(sources, group.typical, strict=True) if not typical} for group in groups]
    assert [len(each) for each in held_out] == [3, 3]  # a quarter of twelve
    assert not held_out[0] & held_out[1]
    for each in held_out:
        kept_tags = {tag for source in set(sources) - each for tag in source.split("\t")[1].split(";")}
        assert kept_tags == {"V", "N", "SG", "PL", "1", "2", "3"}


@pytest.mark.parametrize("sources", [["ab"] * 100, ["ab", "c"] * 10, []])
def test_nothing_is_held_out_of_equal_or_few_sources(sources):
    assert choose(sources) is None


@pytest.fixture(scope="module")
def model():
    """A model that writes words of up to six letters in capitals. It cannot do so for longer words."""
    pairs = [word for word in WORDS if word != "ab"] * 3
    return Seq2Seq(**SETTINGS).fit(pairs, [word.upper() for word in pairs], dev=(WORDS, [w.upper() for w in WORDS]))


def test_confidence_outside_is_that_of_the_accuracy(model):
    inside = model.convert(WORDS, confidence=True)
    assert not any(conversion.outside for conversion in inside)
    assert np.mean([conversion.confidence for conversion in inside]) > 0.9
    outside = model.convert(LONGER, confidence=True)
    assert all(conversion.outside == ["longer than in training"] for conversion in outside)
    for length in (7, 9):
        found = [each for each in outside if len(each.source) == length]
        accuracy = np.mean([each.prediction == each.source.upper() for each in found])
        assert np.mean([each.confidence for each in found]) == pytest.approx(accuracy, abs=0.12)
    assert np.mean([np.exp(each.log_probability) for each in found]) > accuracy + 0.5


def test_corrections_are_saved(model, tmp_path):
    model.save(tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert list(config["calibration"]["outside"]) == ["longer than in training"]
    assert henkan.load(tmp_path / "m").convert(LONGER, confidence=True) == model.convert(LONGER, confidence=True)


def test_abstaining_outside(model):
    given = []
    found = model.predict(["ab", LONGER[0]], abstain_outside=True, fallback=lambda text: given.append(text) or "?")
    assert (found, given) == (["AB", "?"], [LONGER[0]])
    [conversion] = model.convert([LONGER[0]], abstain_outside=True)
    assert conversion.abstained
    assert conversion.reason == "it is outside the training data (longer than in training)"


def test_blank_sources_get_no_prediction(model):
    assert model.predict(["", "ab"], fallback=str.title) == ["", "AB"]
    [conversion] = model.convert([""], confidence=True)
    assert conversion == Conversion("", None, None, "it is empty or has only whitespace", blank=True)


def test_blank_sources_are_answered_if_training_had_them():
    model = Seq2Seq(**{**SETTINGS, "epochs": 60}).fit([*WORDS, ""] * 2, [*WORDS, "x"] * 2)
    assert model.predict([""]) == ["x"]


def test_without_validation_set_or_estimate_the_confidence_outside_is_unknown():
    sources, targets = WORDS, [word.upper() for word in WORDS]
    for settings, dev in (({}, None), ({"calibrate_outside": False}, (sources[-9:], targets[-9:]))):
        model = Seq2Seq(**{**SETTINGS, "epochs": 40}, **settings).fit(sources, targets, dev=dev)
        [inside, outside] = model.convert(["ab", LONGER[0]], confidence=True)
        assert inside.confidence is not None
        assert outside.confidence is None
        [conversion] = model.convert([LONGER[0]], abstain_below=0.0)
        assert conversion.reason == "its confidence cannot be estimated"


def test_the_probe_does_not_change_the_weights_or_predictions(model):
    pairs = [word for word in WORDS if word != "ab"] * 3
    dev = (WORDS, [word.upper() for word in WORDS])
    other = Seq2Seq(**SETTINGS, calibrate_outside=False).fit(pairs, [word.upper() for word in pairs], dev=dev)
    assert other.convert(WORDS, confidence=True) == model.convert(WORDS, confidence=True)
