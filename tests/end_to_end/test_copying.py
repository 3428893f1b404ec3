"""Models that copy (`--copy`): trained, saved, loaded, combined, continued and explained by the ordinary commands."""

import json
from itertools import product

import pytest

from henkan import Seq2Seq, load

WORDS = ["".join(letters) for length in (1, 2, 3) for letters in product("abcd", repeat=length)]
PAIRS = WORDS, [word + "e" for word in WORDS]
SETTINGS = {"epochs": 40, "batch_size": 8, "hidden_size": 24, "embedding_size": 8, "unknown_rate": 20}
SETTINGS |= {"dropout": 0.0, "embedding_dropout": 0.0, "augment": 0}
UNKNOWN = ["a?b", "??", "?a!", "xyz", "ab"]


@pytest.fixture(scope="module", params=[False, True], ids=["forwards", "reversed"])
def model(request):
    """A model that writes every word with an e at its end, also words of unknown symbols."""
    return Seq2Seq(copy=True, reverse=request.param, bidirectional=True, **SETTINGS).fit(*PAIRS, dev=PAIRS)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of such a model."""
    folder = tmp_path_factory.mktemp("copying") / "model"
    Seq2Seq(copy=True, **SETTINGS).fit(*PAIRS, dev=PAIRS).save(folder)
    return folder


@pytest.mark.parametrize("unknown", ["use", "copy"])
@pytest.mark.parametrize("beam", [1, 4])
def test_unknown_symbols_are_copied_with_their_probabilities(model, unknown, beam):
    predictions = [text + "e" for text in UNKNOWN]
    assert model.predict(UNKNOWN, unknown=unknown, beam=beam) == predictions
    conversions = model.convert(UNKNOWN, unknown=unknown, beam=beam, nbest=beam, confidence=True)
    scores = model.log_probability(UNKNOWN, predictions)
    assert [each.log_probability for each in conversions] == pytest.approx(scores, rel=1e-4, abs=1e-6)
    for text, conversion in zip(UNKNOWN, conversions, strict=True):
        answers = [each.prediction for each in conversion.nbest]
        assert len(set(answers)) == len(answers)
        expected = [each.log_probability for each in conversion.nbest]
        assert model.log_probability([text] * len(answers), answers) == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert conversions[-1].confidence > 0.9  # the only one inside the training data


def test_explanation_shows_copied_symbols(henkan, saved):
    for by in ("attention", "saliency"):
        explained = henkan("explain", saved, "?a!", "--by", by).stdout
        assert "?a! -> ?a!e" in explained
    explained = henkan("explain", saved, "?a", "--answer", "?b").stdout
    assert "?a -> ?b" in explained


def test_targets_may_have_copied_symbols(refused, saved):
    [logs] = load(saved).log_probability(["a?"], ["a?e"])
    assert -1 < logs < 0
    [no_copy] = load(saved).log_probability(["a?"], ["a!e"])
    assert no_copy == -float("inf")
    assert "cannot predict symbol '!'" in refused("explain", saved, "a?", "--answer", "?!")


def test_loaded_model_predicts_the_same(henkan, saved):
    assert henkan("predict", saved, *UNKNOWN, "--beam", 3).stdout.split() == [text + "e" for text in UNKNOWN]
    settings = json.loads((saved / "config.json").read_text())["variants"][0]["model"]
    assert settings["copy"] is True


def test_model_can_be_combined_and_continued_with_new_symbols(henkan, saved, tmp_path):
    Seq2Seq(copy=True, **SETTINGS, seed=1).fit(*PAIRS).save(tmp_path / "other")
    (tmp_path / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in zip(*PAIRS, strict=True)))
    henkan("combine", saved, "other", "--out", "both", "--dev", "pairs.tsv")
    assert henkan("predict", "both", *UNKNOWN).stdout.split() == [text + "e" for text in UNKNOWN]
    (tmp_path / "more.tsv").write_text("az\taze\nz\tze\nzz\tzze\nZ\tZe\n" * 10)
    untrained = ("--epochs", 1, "--learning-rate", 1e-12, "--quiet", "--dev", "none")
    henkan("train", "more.tsv", "--from", saved, *untrained, "--out", "more")
    assert henkan("predict", "more", *UNKNOWN).stdout.split() == [text + "e" for text in UNKNOWN]
    before, after = (load(folder)._fitted.saved.members[0] for folder in (saved, tmp_path / "more"))
    assert after["decoder.E"].shape[0] == before["decoder.E"].shape[0] + 2
    assert after["decoder.copied"] == pytest.approx(before["decoder.copied"], abs=1e-6)


def test_copying_needs_attention(refused, tmp_path):
    (tmp_path / "pairs.tsv").write_text("a\tb\nb\ta\n")
    assert refused("train", "pairs.tsv", "--copy", "--no-attention").endswith(
        "copying needs attention; use attention, or do not copy"
    )
