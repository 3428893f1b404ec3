"""Which sources to label next."""

import numpy as np
import pytest

from henkan import Seq2Seq, combine
from henkan.errors import DataError
from henkan.selection.annotation import ranking
from henkan.selection.annotation.ranking import Proposal, Ranking, rank

SMALL = {"epochs": 1, "hidden_size": 8, "embedding_size": 4, "recipe": "modern"}
POOL = ["ab", "abab", "xax", "axa", "xb", "ca", "cacb", "bca", "ccc", "abab"]


@pytest.fixture(scope="module")
def fitted(trained):
    """A model that knows the words of a, b and c, and the unknown symbol."""
    return trained._fitted


def ranked(fitted, sources, count=100, labelled=()):
    return [each.source for each in rank(fitted, sources, count, labelled).proposals]


def test_sources_with_new_symbols_come_first(fitted):
    found = rank(fitted, POOL, 3, ["ab", "ca"])
    assert {*found.proposals[0].source} >= {"x", "a"}
    assert found.proposals[0].reasons[0] == "new symbol 'x'"
    assert found.proposals[0].target is not None


def test_symbol_of_a_single_odd_source_is_not_urgent(words, monkeypatch):
    fitted = Seq2Seq(**SMALL, unknown_rate=0.25).fit(*words)._fitted
    pool = [*(first + second + third for first in "abc" for second in "abc" for third in "abc"), "q"]
    assert ranked(fitted, pool)[0] != "q"
    monkeypatch.setattr(ranking, "MIN_FREQUENCY", 1)
    assert ranked(fitted, pool)[0] == "q"


def test_known_repeated_and_blank_sources_are_left_out(fitted):
    found = rank(fitted, [*POOL, " "], 100, ["ab", "ab", "nothing"])
    assert sorted(each.source for each in found.proposals) == sorted({*POOL} - {"ab"})
    assert found.left_out == {"labelled already": 1, "repeated": 1, "blank": 1}
    assert (found.candidates, found.labelled) == (8, 2)


def test_what_is_labelled_makes_similar_sources_less_valuable(fitted):
    pool = ["aabb", "aabbb", "ccaa", "cccaa"]
    assert ranked(fitted, pool, 1, ["aabbbb", "abbb", "aabb-"])[0] in ("ccaa", "cccaa")
    assert ranked(fitted, pool, 1, ["ccccaa", "cccaa-"])[0] in ("aabb", "aabbb")


def test_uncertain_sources_are_more_valuable(fitted, monkeypatch):
    for uncertainty, first in (([1.0, 5.0], "bbb"), ([5.0, 1.0], "aaa")):
        monkeypatch.setattr(ranking, "_uncertainty", lambda _, values=uncertainty: np.array(values))
        assert ranked(fitted, ["aaa", "bbb"])[0] == first


def test_frequent_contexts_are_more_valuable(fitted, monkeypatch):
    monkeypatch.setattr(ranking, "_uncertainty", lambda conversions: np.ones(len(conversions)))
    assert ranked(fitted, ["caca", "abab", "ababab"]) == ["abab", "caca", "ababab"]


def test_reasons_are_the_most_valuable_contexts(fitted):
    [proposal] = rank(fitted, ["abacc"], 1, ["aba", "abab", "abaa", "ab"]).proposals
    assert proposal.reasons[0] == "longer than in training"
    assert len(proposal.reasons) == 4
    assert all("c" in each for each in proposal.reasons[1:])


def test_every_beginning_is_the_ranking_of_fewer_sources(fitted):
    whole = ranked(fitted, POOL, labelled=["c"])
    assert len(whole) == 9
    assert ranked(fitted, POOL, labelled=["c"]) == whole
    assert ranked(fitted, POOL, 4, ["c"]) == whole[:4]


def test_stored_lexicon_counts_as_labelled(words):
    model = Seq2Seq(**SMALL).fit(*words)
    assert rank(model._fitted, ["ab", "abc", "abcab"], 9).labelled == 0
    model.lexicon = dict(zip(*words, strict=True))
    found = rank(model._fitted, ["ab", "abc", "abcab"], 9)
    assert [each.source for each in found.proposals] == ["abcab"]
    assert found.labelled == len(words[0])


def test_sources_are_compared_as_the_model_reads_them(words):
    model = Seq2Seq(**SMALL, source_case="lower").fit(*words)
    assert ranked(model._fitted, ["AB", "ab", "CA", "bc"], labelled=["ca"]) in (["AB", "bc"], ["bc", "AB"])


def test_ensembles_are_read_too(words):
    models = [Seq2Seq(**SMALL, unknown_rate=0.25, seed=seed).fit(*words) for seed in range(2)]
    models.append(Seq2Seq(**{**SMALL, "recipe": "edits"}).fit(*words))
    for members in (models[:2], models):
        found = rank(combine(members)._fitted, POOL, 3, ["a"])
        assert len(found.proposals) == 3
        assert all(each.target is not None for each in found.proposals)


def test_source_that_the_model_cannot_read_has_no_prediction(words):
    fitted = Seq2Seq(**{**SMALL, "recipe": "book"}).fit(*words)._fitted
    found = {each.source: each for each in rank(fitted, ["ab", "xa", "xb"], 3).proposals}
    assert found["xa"].target is None
    assert found["xa"].confidence is None
    assert found["xa"].reasons[0] == "new symbol 'x'"
    assert found["ab"].target is not None


def test_feature_tags_are_part_of_a_source():
    sources = [f"{a}{b}\tV;{tag}" for a in "ab" for b in "ab" for tag in ("PST", "PRS")]
    fitted = Seq2Seq(**SMALL, features=True).fit(sources, [each[:2] for each in sources])._fitted
    pool = ["aa\tV;PST", "aa\tPST;V", "aba\tV;PST", "aba\tV;FUT", "bab\tV;FUT"]
    found = rank(fitted, pool, 9, sources)
    assert found.proposals[0].source.endswith("FUT")
    assert found.proposals[0].reasons[0] == "new feature 'FUT'"
    assert found.left_out == {"labelled already": 2}
    with pytest.raises(DataError, match="have no feature tags"):
        rank(fitted, ["aa"], 1)


def test_nothing_to_label_is_an_error(fitted):
    with pytest.raises(DataError, match=r"no source to label \(2 labelled already; 1 blank\)"):
        rank(fitted, ["ab", "ba", ""], 5, ["ab", "ba"])
    with pytest.raises(DataError, match="contain a tab"):
        rank(fitted, ["ab\tAB"], 5)


def test_of_very_many_sources_some_are_drawn(fitted, monkeypatch):
    monkeypatch.setattr(ranking, "MAX_POOL", 4)
    found = rank(fitted, POOL, 100)
    assert found.candidates == len(found.proposals) == 4
    assert found.left_out == {"repeated": 1, "not drawn at random": 5}
    assert found == rank(fitted, POOL, 100)


def test_a_ranking_is_shown_as_a_table():
    chosen = [Proposal("ab", "AB", 0.5, ["new symbol 'b'", "#ab"]), Proposal("c", None, None, [])]
    shown = Ranking(chosen, 2, {}, 0)
    assert repr(shown) == str(shown)
    assert str(shown).splitlines() == [
        "source  prediction  confidence  reasons",
        "ab      AB               0.500  new symbol 'b', #ab",
        "c",
    ]
