"""Self-training and distillation: unlabelled sources whose targets a model predicts."""

import signal
from itertools import pairwise

import numpy as np
import pytest

import henkan
from henkan import Labelling, Seq2Seq, Step
from henkan.errors import CheckpointError, DataError, SettingsError
from henkan.text.pseudowords import NgramModel, pseudowords
from henkan.text.tokenizer import Tokenizer
from henkan.training.labelling import label

SETTINGS = {"batch_size": 8, "hidden_size": 8, "embedding_size": 4, "epochs": 2, "recipe": "modern"}
OTHERS = ["abca", "bcab", "cabc", "aabb"]


class Recorder:
    """Callback that records events, and presses Ctrl-C at a given one."""

    def __init__(self, kind=None, count=0):
        self.kind, self.count, self.events = kind, count, []

    def __call__(self, event):
        self.events.append(event)
        if self.kind is not None and isinstance(event, self.kind):
            self.count -= 1
            if self.count == 0:
                signal.raise_signal(signal.SIGINT)


def weights(model):
    return model._fitted.saved.members[0]


def assert_same(first, second):
    for name, array in weights(second).items():
        np.testing.assert_array_equal(weights(first)[name], array)


def test_the_targets_are_those_of_the_teacher(trained, words):
    labelled = label(trained._fitted.converter, OTHERS, words[0])
    assert list(labelled.sources) == OTHERS
    assert list(labelled.targets) == trained.predict(OTHERS)


def test_sources_that_cannot_be_used_are_left_out(trained, words):
    given = ["abca", "abc", "abxa", "abca", "  ", "bcab"]  # of a pair, with an unknown symbol, repeated, blank
    assert list(label(trained._fitted.converter, given, words[0]).sources) == ["abca", "bcab"]


def test_no_usable_source_is_an_error(trained, words):
    with pytest.raises(DataError, match=r"none of the unlabelled sources can be used: .*; give other sources"):
        label(trained._fitted.converter, ["abc", "xyz"], words[0])


def test_self_training_equals_training_with_the_labels_of_an_ensemble(words):
    first = Seq2Seq(**SETTINGS, ensemble=4).fit(*words)
    recorder = Recorder()
    model = Seq2Seq(**SETTINGS).fit(*words, unlabelled=OTHERS, callback=recorder)
    assert [event.sources for event in recorder.events if isinstance(event, Labelling)] == [len(OTHERS)]
    assert_same(model, Seq2Seq(**SETTINGS).fit(*words, unlabelled=OTHERS, teacher=first))
    assert len(model._fitted.saved.members) == 1
    with pytest.raises(AssertionError):
        assert_same(model, first)


def test_a_student_learns_what_only_its_teacher_knows(trained, words):
    """Its own pairs are three; the sources that the teacher labels have all the rest."""
    sources, targets = ["abc", "cab", "bca"], ["ABC", "CAB", "BCA"]
    settings = {"recipe": "modern", "epochs": 60, "batch_size": 8, "hidden_size": 32, "embedding_size": 8}
    alone = Seq2Seq(**settings).fit(sources, targets)
    student = Seq2Seq(**settings).fit(sources, targets, teacher=trained, unlabelled=words[0])
    assert alone.score(*words) < 0.5 < 0.9 < student.score(*words)


def test_sources_are_generated_if_only_a_teacher_is_given(trained, words):
    student = Seq2Seq(**SETTINGS).fit(words[0][3:9], words[1][3:9], teacher=trained)
    assert student._fitted.saved.metrics["labelled"] > 0


def test_validation_sources_are_not_labelled(trained, words):
    dev = (["abca"], ["ABCA"])
    student = Seq2Seq(**SETTINGS).fit(*words, dev=dev, teacher=trained, unlabelled=["abca", "bcab"])
    assert student._fitted.saved.metrics["labelled"] == 1


@pytest.mark.parametrize(("kind", "count"), [(Step, 13), (Labelling, 1), (Step, 43)])
def test_interrupted_self_training_resumes_with_the_same_weights(words, tmp_path, kind, count):
    """In the training of the first model, between the two, and in that of the second."""
    options = {"unlabelled": OTHERS, "checkpoint": tmp_path / "c"}
    with pytest.raises(KeyboardInterrupt):
        Seq2Seq(**SETTINGS).fit(*words, **options, callback=Recorder(kind, count))
    resumed = Seq2Seq(**SETTINGS).fit(*words, **options)
    assert_same(resumed, Seq2Seq(**SETTINGS).fit(*words, unlabelled=OTHERS))


def test_other_sources_cannot_resume_a_run(words, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        Seq2Seq(**SETTINGS).fit(*words, unlabelled=OTHERS, checkpoint=tmp_path / "c", callback=Recorder(Step, 43))
    with pytest.raises(CheckpointError, match="the unlabelled sources differ from those of the interrupted run"):
        Seq2Seq(**SETTINGS).fit(*words, unlabelled=OTHERS[1:], checkpoint=tmp_path / "c")


def test_an_ensemble_is_distilled_into_one_model_that_is_saved(words, tmp_path):
    members = [Seq2Seq(**SETTINGS | {"seed": seed}).fit(*words) for seed in (0, 1)]
    student = Seq2Seq(**SETTINGS).fit(*words, teacher=henkan.combine(members), unlabelled=OTHERS)
    student.save(tmp_path / "m")
    assert "also trained on 4 sources whose targets a model predicted" in (tmp_path / "m" / "README.md").read_text()
    assert henkan.load(tmp_path / "m").predict(["abc"]) == student.predict(["abc"])


def test_teacher_must_be_a_model(words):
    with pytest.raises(SettingsError, match="teacher must be a trained Seq2Seq model, not 'models/a'"):
        Seq2Seq(**SETTINGS).fit(*words, teacher="models/a")


def test_pseudowords_resemble_the_sources_and_are_none_of_them():
    sources = ["banana", "bandana", "cabana", "ananas"]
    found = pseudowords(sources, Tokenizer(), 20, seed=0)
    assert found == pseudowords(sources, Tokenizer(), 20, seed=0) != pseudowords(sources, Tokenizer(), 20, seed=1)
    assert len(set(found)) == 20
    assert not set(found) & set(sources)
    assert max(map(len, found)) <= 7
    pairs = {a + b for each in sources for a, b in pairwise(each)}
    drawn = [a + b for each in found for a, b in pairwise(each)]
    assert sum(pair in pairs for pair in drawn) > 0.8 * len(drawn)


def test_pseudowords_have_the_feature_tags_of_sources():
    sources = ["walk\tV;PST", "talk\tV;PRS", "stalk\tV;PST"]
    for each in pseudowords(sources, Tokenizer(features=True, sort_tags=True), 10, seed=0):
        assert each.partition("\t")[2] in {"PST;V", "PRS;V"}


def test_few_short_sources_give_few_pseudowords():
    assert pseudowords(["a", "b"], Tokenizer(), 10, seed=0) == []
    assert pseudowords([], Tokenizer(), 10, seed=0) == []


def test_probabilities_of_the_ngram_model():
    """After `a` come `b` twice and the end once: with Witten & Bell's smoothing, c = 3 and d = 2."""
    model, generator, counts = NgramModel(["ab", "ab", "a"]), np.random.default_rng(0), {}
    for _ in range(4000):
        drawn = "".join(model.draw(generator, 2) or "-")
        counts[drawn] = counts.get(drawn, 0) + 1
    assert counts["ab"] > counts["a"] > counts.get("b", 0)
    assert counts["ab"] / (counts["ab"] + counts["a"]) == pytest.approx(2 / 3, abs=0.04)
