"""Self-training and distillation: unlabelled sources whose targets a model predicts."""

import signal
from itertools import pairwise

import numpy as np
import pytest

import henkan
from henkan import Ended, Labelled, Labelling, Seq2Seq, Step
from henkan.errors import CheckpointError, DataError, SettingsError
from henkan.storage.files import seal
from henkan.text.pseudowords import NgramModel, pseudowords
from henkan.text.tokenizer import Tokenizer
from henkan.training.checkpoint import Checkpoints
from henkan.training.labelling import label, usable_sources

SETTINGS = {"batch_size": 8, "hidden_size": 8, "embedding_size": 4, "epochs": 2, "recipe": "modern"}
OTHERS = ["aab", "bca", "cab", "ccc"]


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


@pytest.fixture(scope="module")
def pairs(words):
    """The pairs of `words` without those of the unlabelled sources."""
    rows = [row for row in range(len(words[0])) if words[0][row] not in OTHERS]
    return tuple([side[row] for row in rows] for side in words)


def test_the_targets_are_those_of_the_teacher(trained):
    labelled = label(trained._fitted.converter, OTHERS)
    assert list(labelled.sources) == OTHERS
    assert list(labelled.targets) == trained.predict(OTHERS)


def test_sources_that_cannot_be_used_are_left_out(trained):
    given = ["aab", "abc", "abxa", "aab", "  ", "bca"]  # one of a pair, with an unknown symbol, repeated, blank
    usable = usable_sources(given, ["abc"], trained._fitted.saved.first.source_vocabulary)
    assert list(usable.sources) == ["aab", "bca"]
    assert usable.left_out == {
        "repeated or of pairs": 2,
        "with unknown symbols": 1,
        "blank": 1,
    }


def test_sources_outside_the_training_data_are_not_labelled(trained):
    assert list(label(trained._fitted.converter, ["abcabc", "abc"]).sources) == ["abc"]  # the first is longer than any
    with pytest.raises(DataError, match="no unlabelled source can be used: each is unlike"):
        label(trained._fitted.converter, ["abcabc"])


@pytest.mark.parametrize("given", [["abc", "xyz"], [], [" "]])
def test_no_usable_source_is_an_error_before_anything_is_trained(words, tmp_path, given):
    events = []
    with pytest.raises(DataError, match=r"no unlabelled source can be used \(.*\); give other sources, one per line"):
        Seq2Seq(**SETTINGS).fit(*words, unlabelled=given, checkpoint=tmp_path / "c", callback=events.append)
    assert not events
    assert not (tmp_path / "c").exists()


def test_files_of_another_kind_are_recognised(pairs):
    with pytest.raises(DataError, match="1 of 2 unlabelled sources contain a tab, as in a file of pairs"):
        Seq2Seq(**SETTINGS).fit(*pairs, unlabelled=["ca\tCA", "cb"])
    tagged = [f"{source}\tX" for source in pairs[0]]
    with pytest.raises(DataError, match="the unlabelled sources have no feature tags"):
        Seq2Seq(**SETTINGS, features=True).fit(tagged, pairs[1], unlabelled=["ca"])


def test_a_teacher_of_other_targets_is_refused(pairs):
    other = Seq2Seq(**SETTINGS | {"epochs": 60, "hidden_size": 32}).fit(pairs[0], pairs[0])
    with pytest.raises(DataError, match="uses other symbols than the pairs; give the pairs that it was trained on"):
        Seq2Seq(**SETTINGS).fit(*pairs, teacher=other, unlabelled=OTHERS)
    tagged = Seq2Seq(**SETTINGS, features=True).fit(["ab\tX"], ["AB"])
    with pytest.raises(SettingsError, match="only one of the model and its teacher reads feature tags"):
        Seq2Seq(**SETTINGS).fit(*pairs, teacher=tagged)


def test_self_training_equals_training_with_the_labels_of_an_ensemble(pairs):
    first = Seq2Seq(**SETTINGS, ensemble=4).fit(*pairs)
    recorder = Recorder()
    model = Seq2Seq(**SETTINGS).fit(*pairs, unlabelled=OTHERS, callback=recorder)
    assert [event.sources for event in recorder.events if isinstance(event, Labelling)] == [len(OTHERS)]
    assert [event for event in recorder.events if isinstance(event, Labelled)] == [
        Labelled(0, 0, len(OTHERS)),
        Labelled(len(OTHERS), model._fitted.saved.metrics["labelled"], len(OTHERS)),
    ]
    assert_same(model, Seq2Seq(**SETTINGS).fit(*pairs, unlabelled=OTHERS, teacher=first))
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


def test_validation_sources_are_not_labelled(trained, pairs):
    dev = (["aab"], ["AAB"])
    student = Seq2Seq(**SETTINGS).fit(*pairs, dev=dev, teacher=trained, unlabelled=["aab", "bca"])
    assert student._fitted.saved.metrics["labelled"] == 1


@pytest.mark.parametrize(("kind", "count"), [(Step, 13), (Labelling, 1), (Step, 43)])
def test_interrupted_self_training_resumes_with_the_same_weights(pairs, tmp_path, kind, count):
    """In the training of the first model, between the two, and in that of the second."""
    options = {"unlabelled": OTHERS, "checkpoint": tmp_path / "c"}
    with pytest.raises(KeyboardInterrupt):
        Seq2Seq(**SETTINGS).fit(*pairs, **options, callback=Recorder(kind, count))
    resumed = Seq2Seq(**SETTINGS).fit(*pairs, **options)
    assert_same(resumed, Seq2Seq(**SETTINGS).fit(*pairs, unlabelled=OTHERS))


def interrupted(pairs, folder, count, **options):
    with pytest.raises(KeyboardInterrupt):
        Seq2Seq(**SETTINGS).fit(*pairs, checkpoint=folder, callback=Recorder(Step, count), **options)


@pytest.mark.parametrize("count", [13, 43])
def test_a_run_is_resumed_only_with_the_same_sources_and_teacher(pairs, tmp_path, trained, count):
    """In the training of the first models, and in that of the last."""
    interrupted(pairs, tmp_path / "c", count, unlabelled=OTHERS)
    for options in ({"unlabelled": OTHERS[1:]}, {}, {"unlabelled": OTHERS, "teacher": trained}):
        with pytest.raises(CheckpointError, match="differ from those of the interrupted run"):
            Seq2Seq(**SETTINGS).fit(*pairs, checkpoint=tmp_path / "c", **options)
    resumed = Seq2Seq(**SETTINGS).fit(*pairs, unlabelled=OTHERS, checkpoint=tmp_path / "c")
    assert_same(resumed, Seq2Seq(**SETTINGS).fit(*pairs, unlabelled=OTHERS))


def test_another_teacher_cannot_resume_a_run(pairs, tmp_path, trained):
    other = Seq2Seq(**SETTINGS | {"epochs": 3}).fit(*pairs)
    interrupted(pairs, tmp_path / "c", 3, unlabelled=OTHERS, teacher=trained)
    with pytest.raises(CheckpointError, match="teacher differ from those"):
        Seq2Seq(**SETTINGS).fit(*pairs, unlabelled=OTHERS, teacher=other, checkpoint=tmp_path / "c")
    interrupted(pairs, tmp_path / "plain", 3)
    with pytest.raises(CheckpointError, match="unlabelled sources differ"):
        Seq2Seq(**SETTINGS).fit(*pairs, unlabelled=OTHERS, teacher=trained, checkpoint=tmp_path / "plain")
    Seq2Seq(**SETTINGS).fit(*pairs, checkpoint=tmp_path / "plain")  # it can still be resumed


def test_labels_that_are_lost_or_changed_are_noticed(pairs, tmp_path, trained):
    options = {"unlabelled": OTHERS, "teacher": trained}
    interrupted(pairs, tmp_path / "c", 3, **options)
    file = tmp_path / "c" / "checkpoint" / "labelled.json"
    modified, of_another_run = file.read_bytes().replace(b"AB", b"BA", 1), seal([OTHERS, OTHERS])
    for content in (modified, of_another_run, None):
        file.unlink() if content is None else file.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"labelled\.json is missing or damaged"):
            Seq2Seq(**SETTINGS).fit(*pairs, checkpoint=tmp_path / "c", **options)


def test_a_failure_between_the_two_parts_loses_nothing(pairs, tmp_path, monkeypatch):
    options, recorder = {"unlabelled": OTHERS, "checkpoint": tmp_path / "c"}, Recorder()

    def fail(*_):
        raise CheckpointError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "keep_labelled", fail)
        with pytest.raises(CheckpointError, match="the disk is full"):
            Seq2Seq(**SETTINGS).fit(*pairs, **options)
    resumed = Seq2Seq(**SETTINGS).fit(*pairs, **options, callback=recorder)
    assert isinstance(next(event for event in recorder.events if isinstance(event, Step | Labelling)), Labelling)
    assert_same(resumed, Seq2Seq(**SETTINGS).fit(*pairs, unlabelled=OTHERS))


def test_an_ensemble_is_distilled_into_one_model_that_is_saved(pairs, tmp_path):
    members = [Seq2Seq(**SETTINGS | {"seed": seed, "epochs": 60, "hidden_size": 32}).fit(*pairs) for seed in (0, 1)]
    student = Seq2Seq(**SETTINGS).fit(*pairs, teacher=henkan.combine(members), unlabelled=OTHERS)
    student.save(tmp_path / "m")
    assert "sources whose targets a model predicted" in (tmp_path / "m" / "README.md").read_text()
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


@pytest.mark.parametrize(("error", "outcome"), [(KeyboardInterrupt, "interrupted"), (ZeroDivisionError, "failed")])
def test_the_end_is_reported_if_labelling_ends_the_run(words, trained, error, outcome):
    events = []

    def callback(event):
        events.append(event)
        if isinstance(event, Labelling):
            raise error

    model = Seq2Seq(**SETTINGS)
    with pytest.raises(error):
        model.fit(*words, unlabelled=["abcabc", "cbacba"], teacher=trained, callback=callback)
    assert (type(events[-1]), events[-1].outcome, events[-1].teacher) == (Ended, outcome, False)
    assert len(events) <= 3
    with pytest.raises(henkan.NotFittedError):
        model.predict(["a"])
