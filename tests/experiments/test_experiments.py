import json
import re
from contextlib import nullcontext
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
import pytest

from henkan import Seq2Seq
from henkan.engine.base import Capabilities, Encoded, StepOutput
from henkan.inference.conversion import Conversion
from henkan.inference.converter import Converter
from henkan.model import PlainTargets
from henkan.text.pairs import Pairs
from henkan.text.tasks import find_task
from henkan.text.vocabulary import Vocabulary
from henkan_experiments import experiments, longer
from henkan_experiments.description import describe_experiments
from henkan_experiments.drawing import draw_experiments
from henkan_experiments.experiments import probe_digits, run_experiments, saliency_by_position
from henkan_experiments.fading import fading
from henkan_experiments.formatting import PICTURES
from henkan_experiments.longer import longer_sums
from henkan_experiments.sums import Sums

SIZE = 20


@dataclass(frozen=True)
class Part:
    """A memory or a state that contains its correct answer."""

    h: np.ndarray
    c: np.ndarray
    answers: np.ndarray  # (N, 4)
    steps: int = 0

    def take(self, rows):
        return Part(self.h[:, rows], self.c[:, rows], self.answers[rows], self.steps)


class Planted:
    """An engine that adds correctly, forgets a quarter of h at each step, and answers from its state or its memory.

    h contains random numbers and, if `coded`, a one-hot code of the first number's hundreds.
    """

    def __init__(self, *, knows, coded=False, reverse=False):
        self.capabilities = Capabilities(reverse=reverse)
        self.knows, self.coded, self.generator = knows, coded, np.random.default_rng(3)

    def session(self, _execution):
        return nullcontext()

    def encode(self, sources, _execution=None):
        symbols = np.where(sources.ids == 0, "+", (sources.ids - 1).astype(str))
        numbers = [[int(number) for number in "".join(column).split("+")] for column in symbols.T]
        answers = np.zeros((len(numbers), 4), int)
        for row, pair in enumerate(numbers):
            answer = [int(digit) + 1 for digit in str(sum(pair))]
            answers[row, : len(answer)] = answer
        h = self.generator.normal(size=(1, len(numbers), SIZE))
        if self.coded:
            hundreds = np.array([left // 100 for left, _ in numbers])
            h[0, :, :10] = np.eye(10)[hundreds] + 0.01 * h[0, :, :10]
        part = Part(h, np.zeros_like(h), answers)
        return Encoded(part, part, len(numbers), len(sources.ids))

    def map(self, function, items):
        return map(function, items)

    def step(self, memory, state, symbols):
        assert len(symbols) == state.h.shape[1]
        kept = np.arange(SIZE) < SIZE - SIZE // 4 * (state.steps + 1)
        answers = {"state": state, "memory": memory}[self.knows].answers
        logs = np.full((len(symbols), 11), -20.0)
        logs[np.arange(len(symbols)), answers[:, state.steps] if state.steps < 4 else 0] = 0.0
        return StepOutput(logs, Part(state.h * kept, state.c, state.answers, state.steps + 1))

    def saliency(self, batch):
        S, T = len(batch.sources.ids), len(batch.targets.ids)
        return np.tile(np.arange(1.0, S + 1), (T, 1))


def planted(*, reverse=False, **settings):
    source = Vocabulary("+0123456789", boundary=False, longest=7)
    target = Vocabulary("0123456789", boundary=True, longest=4)
    return Converter(Planted(reverse=reverse, **settings), source, target, PlainTargets(target))


@pytest.fixture
def sums():
    return Sums.sample(600, np.random.default_rng(1))


@pytest.fixture(scope="module")
def models():
    """Two barely trained models, one of them with padded sources."""
    pairs = find_task("addition").generate(1000)
    settings = {"hidden_size": 16, "embedding_size": 8, "epochs": 1}

    def model(**more):
        return Seq2Seq(**settings, **more).fit(list(pairs.sources), list(pairs.targets))._fitted.converter

    return {
        "plain": [model(recipe="modern", reverse=False, peeky=False)],
        "both": [model(recipe="book", reverse=True, peeky=True)],
    }


def small_run(models, seed):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"SALIENCY_SUMS": 10, "PROBE_TRAIN": 200, "PROBE_TEST": 100, "LENGTH_SUMS": 30}.items():
            patch.setattr(experiments, name, value)
        return run_experiments(models, seed, find_task("addition").generate(1000))


@pytest.fixture(scope="module")
def results(models):
    return small_run(models, seed=4)


@pytest.mark.parametrize("reverse", [True, False])
def test_saliency_is_in_reading_order(sums, reverse):
    found = saliency_by_position(planted(knows="state", reverse=reverse), sums.take(slice(5)))
    shares = np.arange(1, 8) / 28  # increasing in reading order
    for part in ("first", "answer"):
        np.testing.assert_allclose(found[part]["shares"], shares[::-1] if reverse else shares)
        np.testing.assert_allclose(found[part]["shares_error"], 0, atol=1e-12)
        assert found[part]["distance"] == pytest.approx(shares @ np.arange(7)[::-1])
        assert found[part]["later"] == pytest.approx((5 + 6 + 7) / 24)
        assert found[part]["n"] == 5
    assert found["steps_to_end"] == (list(range(7)) if reverse else list(range(7))[::-1])


def test_explained_variance_of_a_state_that_forgets_a_quarter_per_step(sums):
    found = fading(planted(knows="state"), sums.take(slice(400)), sums.take(slice(400, None)))
    for part in ("state", "hidden"):
        np.testing.assert_allclose(found[part], [1, 0.75, 0.5, 0.25, 0], atol=0.1)
    np.testing.assert_allclose(found["symbols"], 0, atol=0.1)  # uninformative about random numbers


@pytest.mark.parametrize(("knows", "state", "view"), [("state", 0, 1), ("memory", 1, 0)])
def test_swapping_shows_what_the_decoder_depends_on(sums, knows, state, view):
    found = fading(planted(knows=knows), sums.take(slice(300)), sums.take(slice(300, None)))
    assert found["undisturbed"]["accuracy"] == [1] * 4
    assert found["other_state"]["accuracy"] == [state] * 4
    assert found["other_view"]["accuracy"] == [view] * 4
    assert found["other_state"]["log_probability"] == [0.0 if state else -20.0] * 4
    lengths = [len(target) for target in sums.targets[300:]]
    assert found["counted"][3] <= lengths.count(4)  # a common end symbol is not counted


def test_probes_find_only_what_is_encoded(sums):
    shuffled = np.random.default_rng(0).permutation(400)
    parts = sums.take(slice(400)), sums.take(slice(400, None))
    found = probe_digits(planted(knows="state", coded=True), *parts, shuffled)
    assert found["left 2"]["accuracy"] == 1
    assert found["left 2"]["accuracy_error"] == 0
    assert found["left 2"]["shuffled"] < 0.25
    for label in ("left 0", "right 2", "right 0", "answer 0"):
        assert found[label]["accuracy"] < 0.25
        assert found[label]["n"] == 200


class Answers(Converter):
    """Returns given answers."""

    def convert(self, texts, _):
        return [
            Conversion(text, answer, -0.1, confidence=0.95) for text, answer in zip(texts, self.answers, strict=True)
        ]


def test_statistics_of_longer_sums(monkeypatch):
    monkeypatch.setattr(longer, "EXAMPLES", 2)
    sums = Sums(np.array([1234, 555, 1300]), np.array([111, 2000, 130]))
    model = planted(knows="state")
    found = longer_sums(model, sums)  # always correct
    assert (found["exact_match"], found["right_length"], found["examples"]) == (1, 1, [])
    assert (found["wrong"], found["sure_of_wrong"]) == (0, 0)

    model = Answers(model.model, model.source_vocabulary, model.target_vocabulary, model.codec)
    model.answers = ["235", "7", "1430"]  # of 124 + 111, of nothing, and the true one
    found = longer_sums(model, sums)
    assert found["digit_left_out"] == pytest.approx(1 / 3)
    assert found["exact_match"] == found["right_length"] == found["first_symbol"] == pytest.approx(1 / 3)
    assert found["last_symbol"] == pytest.approx(2 / 3)
    assert (found["lengths"], found["true_lengths"]) == ({"1": 1, "3": 1, "4": 1}, {"4": 3})
    assert (found["wrong"], found["sure_of_wrong"]) == (2, 2)
    assert found["examples"][1] == {"source": "555+2000", "target": "2555", "answer": "7", "confidence": 0.95}


def test_deleted_digit_by_chance():
    sums = Sums(np.array([1234, 4321]), np.array([111, 1]))
    model = planted(knows="state")
    model = Answers(model.model, model.source_vocabulary, model.target_vocabulary, model.codec)
    model.answers = ["235", "295"]
    found = longer_sums(model, sums)
    assert (found["digit_left_out"], found["digit_left_out_by_chance"]) == (0.5, 0)
    model.answers = ["295", "235"]  # swapped
    found = longer_sums(model, sums)
    assert (found["digit_left_out"], found["digit_left_out_by_chance"]) == (0, 0.5)


def test_results_depend_on_the_seed_alone_and_are_json(models, results):
    text = json.dumps(results, allow_nan=False)
    assert json.loads(text) == results
    assert json.dumps(small_run(models, seed=4)) == text
    assert small_run(models, seed=5)["saliency"] != results["saliency"]


def test_training_sums_are_not_sampled(models, monkeypatch):
    sampled = []
    monkeypatch.setattr(
        experiments, "probe_digits", lambda _, train, held_out, __: sampled.append((train, held_out)) or {}
    )
    monkeypatch.setattr(experiments, "longer_sums", lambda _, sums: sampled.append((sums,)) or {})
    monkeypatch.setattr(experiments, "SALIENCY_SUMS", 1)
    monkeypatch.setattr(experiments, "PROBE_TRAIN", 200)

    def sums(training):
        sampled.clear()
        run_experiments({"plain": models["plain"]}, 4, training)
        return {tuple(sorted(source.split("+"))) for each in sampled for part in each for source in part.sources}

    first = sums(Pairs([], []))
    mirrored = ["+".join(pair) for pair in first]
    assert len(mirrored) > 1000
    assert not first & sums(Pairs(mirrored, mirrored))


def test_results_of_a_model_do_not_depend_on_the_others(models, results):
    alone = small_run({"both": models["both"]}, seed=4)
    for part in ("saliency", "fading", "probes", "length"):
        assert alone[part] == {"both": results[part]["both"]}


def test_padded_model_refuses_longer_sums(results):
    assert results["length"]["both"]["4+3"]["refused"] == 30
    assert results["length"]["both"]["4+3"]["confidence"] is None
    text = describe_experiments(results)
    assert "They are too long for the padded sources of reversed + Peeky" in text
    assert "| reversed + Peeky | 4+3 | 0.00% | 0.0% |" in text


def test_pictures_are_reproducible_svg(results):
    drawn = draw_experiments(results)
    assert tuple(drawn) == PICTURES
    for picture in drawn.values():
        assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert draw_experiments(results) == drawn


def test_description_has_all_models_and_pictures(results):
    text = describe_experiments(results)
    assert "| plain |" in text
    assert "| reversed + Peeky |" in text
    assert "attention |" not in text
    assert re.findall(r"!\[[^]]+\]\(([^)]+)\)", text) == list(PICTURES)
    assert "![" not in describe_experiments(results, pictures=())
    for before, line in zip(text.splitlines(), text.splitlines()[1:], strict=False):
        if before.startswith("|") and line.startswith("|"):
            assert before.count("|") == line.count("|")


def test_comparisons_follow_the_numbers(results):
    def described(plain, reversed):
        part = dict(results["saliency"]["plain"]["first"], distance_error=0.01)
        saliency = {
            name: {
                "reverse": name == "reversed",
                "first": part | {"distance": distance},
                "answer": part | {"distance": distance},
            }
            for name, distance in (("plain", plain), ("reversed", reversed))
        }
        others = {
            part: dict.fromkeys(("plain", "reversed"), results[part]["plain"])
            for part in ("fading", "probes", "length")
        }
        return describe_experiments({"trainings": {"plain": 1, "reversed": 1}, "saliency": saliency, **others})

    assert "3.00 without reversal and 2.00 with it for the first symbol (closer to the end)" in described(3, 2)
    assert "2.00 without reversal and 3.00 with it for the first symbol (farther from the end)" in described(2, 3)
    assert "2.00 without reversal and 2.01 with it for the first symbol (no significant difference)" in described(
        2, 2.01
    )


def test_description_states_the_number_of_runs(models, results):
    assert "Each row is one trained model; ± is a standard error over sums" in describe_experiments(results)
    trainings = {"plain": models["plain"] * 2, "both": models["both"] * 3}
    several = small_run(trainings, seed=4)
    text = describe_experiments(several)
    assert "Each row is the mean of 2 to 3 training runs; ± is a standard error over training runs and sums" in text
    for part in ("saliency", "fading", "probes"):  # copies of the same run
        assert several[part]["plain"] == results[part]["plain"]


def test_unknown_model_names_and_no_models(results):
    parts = ("saliency", "fading", "probes", "length")
    others = {part: {"mine": results[part]["plain"]} for part in ("trainings", *parts)}
    assert "| mine |" in describe_experiments(others)
    assert tuple(draw_experiments(others)) == PICTURES
    assert draw_experiments({part: {} for part in parts}) == {}


@pytest.mark.parametrize(("known", "state", "view", "word"), [
    (0.4, 0.1, 0.35, "too low to tell"),
    (0.9, 0.1, 0.85, "depends on the initial state"),
    (0.9, 0.9, 0.1, "depends on the peeky or attention input"),
    (0.9, 0.5, 0.5, "Neither the initial state nor"),
])  # fmt: skip
def test_dependence_of_a_symbol_follows_the_accuracies(results, known, state, view, word):
    parts = {"undisturbed": known, "other_state": state, "other_view": view}
    fading = results["fading"]["both"] | {part: {"accuracy": [1, 1, 1, share]} for part, share in parts.items()}
    text = describe_experiments(results | {"fading": {"both": fading}})
    assert word in text


def test_model_without_other_inputs_depends_on_its_state(results):
    assert "The initial state is its only information about the source" in describe_experiments(
        results | {"fading": {"plain": results["fading"]["plain"]}}
    )


@pytest.mark.parametrize(("sources", "targets", "reason"), [
    (["12345678+90"], ["1234567890"], "the longest number in the training set has 8 digits"),
    (["123+45"], ["168"], "lacks 0, 2, 3, 4, 5, 6, 7, 8, 9"),
    (["123+456", "7+890"], ["0123456789", "897"], None),
])  # fmt: skip
def test_reason_why_the_analyses_are_not_applicable(sources, targets, reason):
    found = experiments.reason_not_applicable(Pairs(sources, targets))
    assert found is None if reason is None else reason in found
