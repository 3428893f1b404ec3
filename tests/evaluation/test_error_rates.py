"""Figures against what a person counts."""

from itertools import product

import numpy as np
import pytest

from henkan.engine.base import SingleProcess
from henkan.evaluation.error_rates import NOTHING, Evaluation, evaluate
from henkan.evaluation.evaluation_set import Counts, EvaluationSet
from henkan.evaluation.references import References
from henkan.inference.conversion import Conversion
from henkan.text.pairs import Pairs
from henkan.text.tokenizer import Tokenizer
from henkan.training import validation
from henkan.training.validation import Validator, evaluate_and_calibrate
from models import SOURCES, TARGETS, encoded, small_model


def asked(*triples, **options):
    """An evaluation of (source, target, answer or None for unanswerable)."""
    conversions = [
        Conversion(source, answer, -0.1) if answer is not None else Conversion(source, None, None, "unknown symbol")
        for source, _, answer in triples
    ]
    sources, targets = [source for source, _, _ in triples], [target for _, target, _ in triples]
    return Evaluation(conversions, References(sources, targets, **options))


def test_exact_match_counts_unanswerable_sources_as_wrong():
    result = asked(("a", "A", "A"), ("b", "B", "b"), ("?", "", None), ("", "", ""))
    counts = result.counts
    assert (counts.total, counts.correct, counts.unanswerable, result.exact_match) == (4, 2, 1, 0.5)
    assert [each.right for each in counts.first] == [True, False, False, True]
    assert result.word_error_rate == 0.5


def test_no_pairs_at_all():
    result = Evaluation([], References([], []))
    assert (result.exact_match, result.word_error_rate, result.symbol_error_rate) == (0, 0, 0)
    assert result.confusions() == []


@pytest.mark.parametrize(
    ("target", "answer", "rate"),
    [
        ("abc", "", 1),
        ("abc", None, 1),
        ("", "ab", 2),
        ("kitten", "sitting", 3 / 6),
        ("abc", "abc", 0),
        ("ab", "ba", 1),
    ],
)
def test_symbol_error_rate(target, answer, rate):
    assert asked(("s", target, answer)).symbol_error_rate == rate


def test_symbol_error_rate_is_over_all_symbols_and_not_a_mean_of_rates():
    assert asked(("s", "abcdefgh", "abcdefgh"), ("t", "ab", "")).symbol_error_rate == 2 / 10


def test_symbols_are_what_the_separator_makes_of_a_string():
    result = asked(("s", "k aː t", "k a t"), target_tokenizer=Tokenizer(" "))
    assert result.symbol_error_rate == 1 / 3
    assert result.confusions() == [("aː", "a", 1)]


def test_a_source_with_several_targets_accepts_each():
    result = asked(("read", "r i d", "r i d"), ("read", "r ɛ d", "r i d"), target_tokenizer=Tokenizer(" "))
    assert (result.counts.correct, result.exact_match, result.symbol_error_rate) == (2, 1, 0)
    result = asked(("read", "ri:d", "rEd"), ("read", "rɛd", "rEd"))
    assert result.symbol_error_rate == 2 / 6  # each time against the nearer


def test_confusions_the_commonest_first():
    result = asked(("1", "abc", "axc"), ("2", "b", "x"), ("3", "ab", "a"), ("4", "a", "aa"))
    assert result.confusions() == [("b", "x", 2), ("b", NOTHING, 1), (NOTHING, "a", 1)]


def test_exact_match_by_the_length_of_the_source():
    result = asked(("k a", "x", "x"), ("k", "y", "z"), ("o", "y", "y"), source_tokenizer=Tokenizer(" "))
    assert result.by_length() == {1: (1, 2), 2: (1, 1)}


class Echo:
    """A converter whose vocabularies are a model's, and whose answers a test's."""

    def __init__(self, converter, answers):
        self.source_vocabulary, self.target_vocabulary = converter.source_vocabulary, converter.target_vocabulary
        self.answers, self.asked = answers, []

    def convert(self, texts, _request=None, *, among=None):
        self.asked.append((len(texts), among))
        return [
            Conversion(text, self.answers[text], -0.1) if text in self.answers else Conversion(text, None, None, "?")
            for text in texts
        ]

    def convert_calibrated(self, texts, temperatures=(), *, among=None):
        return self.convert(texts, among=among), np.zeros((len(temperatures), len(texts)))


@pytest.mark.parametrize("collide", [False, True])
@pytest.mark.parametrize("fill", [False, True])
def test_questions_in_parts_are_judged_as_all_at_once(monkeypatch, fill, collide):
    """Every pair of three sources and four targets, some of them several times; one source has no answer."""
    generator = np.random.default_rng(0)
    converter, _ = small_model(fill=fill)
    all_pairs = [pair for pair in product(("1", "2", "12", "?"), ("3", "4 ", "46", "")) if generator.random() < 0.6]
    drawn = [all_pairs[row] for row in generator.integers(len(all_pairs), size=100)]
    pairs = Pairs([source for source, _ in drawn], [target for _, target in drawn])
    echo = Echo(converter, {"1": "46", "2": "4", "12": "5"})
    if collide:  # of which a hash has a few in a few thousand million
        monkeypatch.setattr(References, "_hash", lambda _self, source, _target: len(source))
    questions, counts = EvaluationSet(pairs, converter.source_vocabulary, converter.target_vocabulary), Counts()
    for start in range(0, 100, 7):
        counts.add(questions.predict(echo, slice(start, start + 7))[0])
    assert set(echo.asked) == {(7, 100), (2, 100)}
    wanted = evaluate(echo, pairs).counts
    assert counts == wanted
    assert (0 < counts.correct < 100, counts.unanswerable) == (True, pairs.sources.count("?"))


def test_an_examination_in_parts_measures_the_same(monkeypatch):
    """And there is a pause after every part."""
    converter, _ = small_model(dtype=np.float32)
    pairs = Pairs([*SOURCES * 5, "?", "1"], [*TARGETS * 5, "3", "?"])
    questions = EvaluationSet(pairs, converter.source_vocabulary, converter.target_vocabulary)

    def measured(at_once):
        monkeypatch.setattr(validation, "CHUNK_SIZE", at_once)
        pauses = []
        held_out = Validator(converter.model, converter, questions, SingleProcess(), lambda: pauses.append(1))
        numbers = held_out.exact_match(), held_out.loss()
        counts = evaluate_and_calibrate(converter, questions, SingleProcess(), lambda: pauses.append(1))
        return [*numbers, counts.exact_match, converter.temperature], len(pauses)

    monkeypatch.setattr(validation, "BATCH_SIZE", 4)
    whole, pauses = measured(1000)
    assert pauses == 3
    parts, pauses = measured(8)
    assert pauses == 4 + 4 + 4
    assert parts == pytest.approx(whole, rel=1e-6)
    batches = [encoded(converter, SOURCES, TARGETS).batch(np.arange(6))]
    assert whole[1] == pytest.approx(converter.model.loss(batches[0]), rel=1e-5)
