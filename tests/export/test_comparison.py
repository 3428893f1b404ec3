"""`henkan export --check`: what is counted."""

from henkan import Seq2Seq
from henkan.export.comparison import compare
from henkan.text.pairs import Pairs

WORDS = ["ab", "ba", "aab", "bba"]


def test_correct_and_different_predictions_are_counted():
    converter = Seq2Seq(epochs=60, hidden_size=32).fit(WORDS, [word.upper() for word in WORDS])._fitted.converter
    own = converter.predict(WORDS)
    pairs = Pairs([*WORDS, "ab"], [*own[:3], "other", "AX"])  # ab has two targets
    found = compare(converter, lambda _: ["AX", "wrong", None, "other"], pairs)
    assert (found.sources, found.model, found.exported, found.different) == (4, 3, 2, 4)
    assert found.loss == 0.25
    same = compare(converter, lambda sources: [own[WORDS.index(source)] for source in sources], pairs)
    assert (same.model, same.exported, same.different, same.loss) == (3, 3, 0, 0)


def test_both_search_with_the_same_beam(monkeypatch):
    converter = Seq2Seq(epochs=1, hidden_size=8).fit(WORDS, [word.upper() for word in WORDS])._fitted.converter
    beams, convert = [], converter.convert
    monkeypatch.setattr(
        converter, "convert", lambda texts, request: beams.append(request.beam) or convert(texts, request)
    )
    compare(converter, lambda sources: [*sources], Pairs(WORDS, WORDS), beam=3)
    assert beams == [3]
