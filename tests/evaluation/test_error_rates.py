"""Error rates and counts match values counted by hand."""

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


def evaluation_of(*triples, **options):
    """Evaluate (source, target, prediction) triples; a prediction of None marks an unanswerable source."""
    conversions = [
        Conversion(source, prediction, -0.1)
        if prediction is not None
        else Conversion(source, None, None, "unknown symbol")
        for source, _, prediction in triples
    ]
    sources, targets = [source for source, _, _ in triples], [target for _, target, _ in triples]
    return Evaluation(conversions, References(sources, targets, **options))


def test_exact_match_counts_unanswerable_sources_as_wrong():
    result = evaluation_of(("a", "A", "A"), ("b", "B", "b"), ("?", "", None), ("", "", ""))
    counts = result.counts
    assert (counts.total, counts.correct, counts.unanswerable, result.exact_match) == (4, 2, 1, 0.5)
    assert [each.right for each in counts.first] == [True, False, False, True]
    assert result.word_error_rate == 0.5


def test_evaluation_without_pairs():
    result = Evaluation([], References([], []))
    assert (result.exact_match, result.word_error_rate, result.symbol_error_rate) == (0, 0, 0)
    assert result.confusions() == []


@pytest.mark.parametrize(
    ("target", "prediction", "rate"),
    [
        ("abc", "", 1),
        ("abc", None, 1),
        ("", "ab", 2),
        ("kitten", "sitting", 3 / 6),
        ("abc", "abc", 0),
        ("ab", "ba", 1),
    ],
)
def test_symbol_error_rate(target, prediction, rate):
    assert evaluation_of(("s", target, prediction)).symbol_error_rate == rate


def test_symbol_error_rate_is_over_all_symbols_and_not_a_mean_over_pairs():
    assert evaluation_of(("s", "abcdefgh", "abcdefgh"), ("t", "ab", "")).symbol_error_rate == 2 / 10


def test_separator_defines_the_symbols():
    result = evaluation_of(("s", "k aː t", "k a t"), target_tokenizer=Tokenizer(" "))
    assert result.symbol_error_rate == 1 / 3
    assert result.confusions() == [("aː", "a", 1)]


def test_any_target_of_a_repeated_source_is_accepted():
    result = evaluation_of(("read", "r i d", "r i d"), ("read", "r ɛ d", "r i d"), target_tokenizer=Tokenizer(" "))
    assert (result.counts.correct, result.exact_match, result.symbol_error_rate) == (2, 1, 0)
    result = evaluation_of(("read", "ri:d", "rEd"), ("read", "rɛd", "rEd"))
    assert result.symbol_error_rate == 2 / 6  # each prediction is compared with the nearest target


def test_confusions_are_sorted_by_frequency():
    result = evaluation_of(("1", "abc", "axc"), ("2", "b", "x"), ("3", "ab", "a"), ("4", "a", "aa"))
    assert result.confusions() == [("b", "x", 2), ("b", NOTHING, 1), (NOTHING, "a", 1)]


def test_exact_match_by_source_length():
    result = evaluation_of(("k a", "x", "x"), ("k", "y", "z"), ("o", "y", "y"), source_tokenizer=Tokenizer(" "))
    assert result.by_length() == {1: (1, 2), 2: (1, 1)}


class FixedConverter:
    """A converter with the vocabularies of a model and fixed predictions."""

    def __init__(self, converter, predictions):
        self.source_vocabulary, self.target_vocabulary = converter.source_vocabulary, converter.target_vocabulary
        self.predictions, self.calls = predictions, []

    def convert(self, texts, _request=None, *, among=None):
        self.calls.append((len(texts), among))
        return [
            Conversion(text, self.predictions[text], -0.1)
            if text in self.predictions
            else Conversion(text, None, None, "?")
            for text in texts
        ]

    def convert_calibrated(self, texts, temperatures=(), *, among=None):
        return self.convert(texts, among=among), np.zeros((len(temperatures), len(texts)))


@pytest.mark.parametrize("collide", [False, True])
@pytest.mark.parametrize("fill", [False, True])
def test_evaluation_in_parts_equals_evaluation_at_once(monkeypatch, fill, collide):
    """Repeated pairs of four sources and four targets; one source is unanswerable."""
    generator = np.random.default_rng(0)
    converter, _ = small_model(fill=fill)
    all_pairs = [pair for pair in product(("1", "2", "12", "?"), ("3", "4 ", "46", "")) if generator.random() < 0.6]
    drawn = [all_pairs[row] for row in generator.integers(len(all_pairs), size=100)]
    pairs = Pairs([source for source, _ in drawn], [target for _, target in drawn])
    fixed_converter = FixedConverter(converter, {"1": "46", "2": "4", "12": "5"})
    if collide:  # force hash collisions, which are too rare to occur by chance
        monkeypatch.setattr(References, "_hash", lambda _self, source, _target: len(source))
    evaluation_set, counts = EvaluationSet(pairs, converter.source_vocabulary, converter.target_vocabulary), Counts()
    for start in range(0, 100, 7):
        counts.add(evaluation_set.predict(fixed_converter, slice(start, start + 7))[0])
    assert set(fixed_converter.calls) == {(7, 100), (2, 100)}
    expected = evaluate(fixed_converter, pairs).counts
    assert counts == expected
    assert (0 < counts.correct < 100, counts.unanswerable) == (True, pairs.sources.count("?"))


def test_validation_in_chunks_gives_the_same_results(monkeypatch):
    """`pause` is called after every chunk."""
    converter, _ = small_model(dtype=np.float32)
    pairs = Pairs([*SOURCES * 5, "?", "1"], [*TARGETS * 5, "3", "?"])
    evaluation_set = EvaluationSet(pairs, converter.source_vocabulary, converter.target_vocabulary)

    def measured(chunk_size):
        monkeypatch.setattr(validation, "CHUNK_SIZE", chunk_size)
        pauses = []
        validator = Validator(converter.model, converter, evaluation_set, SingleProcess(), lambda: pauses.append(1))
        results = validator.exact_match(), validator.loss()
        counts = evaluate_and_calibrate(converter, evaluation_set, SingleProcess(), lambda: pauses.append(1))
        return [*results, counts.exact_match, converter.temperature], len(pauses)

    monkeypatch.setattr(validation, "BATCH_SIZE", 4)
    at_once, pauses = measured(1000)
    assert pauses == 3
    in_chunks, pauses = measured(8)
    assert pauses == 4 + 4 + 4
    assert in_chunks == pytest.approx(at_once, rel=1e-6)
    batches = [encoded(converter, SOURCES, TARGETS).batch(np.arange(6))]
    assert at_once[1] == pytest.approx(converter.model.loss(batches[0]), rel=1e-5)
