"""Error rates and counts match values counted by hand."""

import json
import pickle
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from henkan import Seq2Seq
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
    predictions = {source: prediction for source, _, prediction in triples}
    conversions = [
        Conversion(source, prediction, -0.1)
        if prediction is not None
        else Conversion(source, None, None, "unknown symbol")
        for source, prediction in predictions.items()
    ]
    sources, targets = [source for source, _, _ in triples], [target for _, target, _ in triples]
    return Evaluation(conversions, References(sources, targets, **options))


def test_exact_match_counts_unanswerable_sources_as_wrong():
    result = evaluation_of(("a", "A", "A"), ("b", "B", "b"), ("?", "", None), ("", "", ""))
    counts = result.counts
    assert (counts.total, counts.correct, counts.unanswerable, result.exact_match) == (4, 2, 1, 0.5)
    assert [each.right for each in counts.first] == [True, False, False, True]
    assert result.word_error_rate == 0.5


def test_a_blank_source_is_right_if_its_target_is_empty():
    reason = "it is empty or has only whitespace"
    conversions = [Conversion(source, None, None, reason, blank=True) for source in ("", " ")]
    result = Evaluation(conversions, References(["", " "], ["", "x"]))
    assert [each.right for each in result.predictions] == [True, False]


def test_predictions_without_an_estimate_have_no_part_in_the_calibration_error():
    conversions = [Conversion("a", "A", -0.1, confidence=0.9), Conversion("b", "x", -0.1, outside=["no tags"])]
    result = Evaluation(conversions, References(["a", "b"], ["A", "B"]))
    assert result.expected_calibration_error == pytest.approx(0.1)
    assert result.coverage()[0] == (1.0, 0.0, 0.5)
    assert result.counts.outside == 1


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
    result = evaluation_of(("read", "r i d", "r ɛ d"), ("read", "r ɛ d", "r ɛ d"), target_tokenizer=Tokenizer(" "))
    assert (result.counts.correct, result.exact_match, result.symbol_error_rate) == (1, 1, 0)
    assert result.counts.first[0].target == "r ɛ d"
    result = evaluation_of(("read", "ri:d", "rEd"), ("read", "rɛd", "rEd"))
    assert result.symbol_error_rate == 1 / 3  # each prediction is compared with the nearest target
    assert (result.counts.first[0].target, result.confusions()) == ("rɛd", [("ɛ", "E", 1)])


def test_each_source_counts_once():
    """One wrong source with three targets and one correct source."""
    wrong = [("read", target, "x") for target in ("ri:d", "rEd", "rid")]
    result = evaluation_of(*wrong, ("dog", "dog", "dog"))
    assert (result.exact_match, result.word_error_rate, result.counts.total) == (0.5, 0.5, 2)
    assert result.by_length() == {3: (1, 1), 4: (0, 1)}
    assert result.coverage()[0][2] == 0.5


def test_report_in_python_is_that_of_the_command():
    result = evaluation_of(
        *[(str(row), "ab", "ab") for row in range(90)], *[(f"x{row}", "ab", "b") for row in range(10)]
    )
    lines = str(result).splitlines()
    assert lines[0].split() == ["coverage", "min", "confidence", "exact", "match"]
    assert lines[-2].startswith("symbol error rate 5.000%, 95 % interval ")
    assert lines[-1].startswith("exact match 90.000% (90 of 100), 95 % interval 8")
    values = json.loads(json.dumps(result.to_dict()))
    assert (values["exact_match"], values["correct"], values["total"], values["by_length"]["1"]) == (
        0.9,
        90,
        100,
        [10, 10],
    )
    assert set(values["intervals"]) == {"exact_match", "word_error_rate", "symbol_error_rate"}
    for name, (low, high) in values["intervals"].items():
        assert low < values[name] < high, name


class CountingConverter:
    """Predicts with a model, and counts how often each source is predicted."""

    def __init__(self, converter):
        self.converter, self.predicted = converter, Counter()

    def __getattr__(self, name):
        return getattr(self.converter, name)

    def convert(self, texts, *arguments):
        self.predicted.update(texts)
        return self.converter.convert(texts, *arguments)


def test_sources_that_are_equal_after_normalization_are_predicted_once():
    sources, targets = ["é", "e\u0301", "é", "o"], ["1", "2", "1", "3"]
    model = Seq2Seq(epochs=1, source_normalization="NFD", hidden_size=4).fit(sources, targets)
    converter = CountingConverter(model._fitted.converter)
    result = evaluate(converter, Pairs(sources, targets))
    assert converter.predicted == {"é": 1, "o": 1}
    assert [list(each.targets) for each in result.predictions] == [["1", "2"], ["3"]]
    assert len(result.references) == 4


@given(st.lists(st.sampled_from(["a", "b", "ab", "ba", "c", ""]), max_size=12), st.sampled_from([hash, len, ord]))
def test_first_rows_do_not_depend_on_hashes(sources, function):
    """Even if different sources have the same hash."""

    class Colliding(References):
        def _hash(self, source):
            return function(source[:1] or "a") if function is ord else function(source)

    targets = [str(row) for row in range(len(sources))]
    references = Colliding(sources, targets)
    assert [sources[row] for row in references.rows] == list(dict.fromkeys(sources))
    for source in sources:
        assert references.targets_of(source) == [str(row) for row, each in enumerate(sources) if each == source]


def test_confusions_are_sorted_by_frequency():
    result = evaluation_of(("1", "abc", "axc"), ("2", "b", "x"), ("3", "ab", "a"), ("4", "a", "aa"))
    assert result.confusions() == [("b", "x", 2), ("b", NOTHING, 1), (NOTHING, "a", 1)]


def test_exact_match_by_source_length():
    result = evaluation_of(("k a", "x", "x"), ("k", "y", "z"), ("o", "y", "y"), source_tokenizer=Tokenizer(" "))
    assert result.by_length() == {1: (1, 2), 2: (1, 1)}


class FixedConverter:
    """A converter with the vocabularies of a model and fixed predictions."""

    temperature = None

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
    all_pairs = [pair for pair in product(("1", "2", "12", "?"), ("3", "4 ", "46", "")) if generator.random() < 0.7]
    drawn = [all_pairs[row] for row in generator.integers(len(all_pairs), size=100)]
    pairs = Pairs([source for source, _ in drawn], [target for _, target in drawn])
    assert set(pairs.sources) == {"1", "2", "12", "?"}
    fixed_converter = FixedConverter(converter, {"1": "46", "2": "4", "12": "5"})
    if collide:  # force hash collisions, which are too rare to occur by chance
        monkeypatch.setattr(References, "_hash", lambda _self, source: len(source))
    evaluation_set, counts = EvaluationSet(pairs, converter.source_vocabulary, converter.target_vocabulary), Counts()
    for start in range(0, 4, 3):
        counts.add(evaluation_set.predict(fixed_converter, slice(start, start + 3))[0])
    assert fixed_converter.calls == [(3, 4), (1, 4)]
    expected = evaluate(fixed_converter, pairs).counts
    assert counts == expected
    assert (counts.total, 0 < counts.correct < 4, counts.unanswerable) == (4, True, 1)


def test_validation_in_chunks_gives_the_same_results(monkeypatch):
    """`pause` is called after every chunk."""
    converter, _ = small_model(dtype=np.float32)
    pairs = Pairs([*SOURCES * 5, "?", "1"], [*TARGETS * 5, "3", "?"])  # 8 distinct sources
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
    in_chunks, pauses = measured(4)
    assert pauses == 2 + 8 + 2  # exact match and calibration by source, loss by pair
    assert in_chunks == pytest.approx(at_once, rel=1e-6)
    batches = [encoded(converter, SOURCES, TARGETS).batch(np.arange(6))]
    assert at_once[1] == pytest.approx(converter.model.loss(batches[0]), rel=1e-5)


def test_pickled_evaluation_is_the_same_in_another_process(monkeypatch):
    """Python's hashes of strings differ in each process."""
    pickled = pickle.dumps(evaluation_of(("a", "A", "A"), ("b", "B", "C"), ("b", "C", "C")))
    monkeypatch.setattr(References, "_hash", staticmethod(lambda text: hash(text + "salt")))
    restored = pickle.loads(pickled)
    assert (restored.exact_match, restored.symbol_error_rate) == (1.0, 0.0)
    assert restored.references.targets_of("b") == ["B", "C"]
    assert restored.references.rows.tolist() == [0, 1]
