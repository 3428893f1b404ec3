import numpy as np
import pytest

from henkan import Seq2Seq
from henkan.errors import DataError, SettingsError
from henkan.inference.alignment import align
from henkan.inference.conversion import Request
from henkan.inference.explanation import explain
from henkan.inference.mixture import Mixture
from models import SOURCES, TAGGED, TARGETS, TRANSDUCER, small_model

SETTINGS = {
    "attention": {"attention": True, "peeky": False},
    "attention, not reversed": {"attention": True, "peeky": False, "reverse": False, "bidirectional": True},
    "saliency": {},
    "saliency, reversed targets": {"target_reverse": True},
    "transducer": TRANSDUCER,
    "transducer, reversed": {**TRANSDUCER, "target_reverse": True},
    "transducer, tags": {**TRANSDUCER, "features": True},
}


def certain(name, **more):
    """Return a converter with large random weights, and the sources and targets of its vocabularies."""
    settings = SETTINGS[name]
    pairs = TAGGED if settings.get("features") else (SOURCES, TARGETS)
    converter, _ = small_model(dtype=np.float32, pairs=pairs, hidden_size=16, **settings, **more)
    converter.model.set_weights({name: 4 * array for name, array in converter.model.weights.items()})
    return converter, pairs


def expected_links(explanation, *, reverse, inserts):
    """The links that follow from an explanation of a single text."""
    links = []
    for choice in explanation.choices:
        if choice.action == "end" or not (choice.symbol or choice.action):
            continue
        if any(choice.weights):
            start = int(np.argmax(choice.weights))
        else:
            start = len(explanation.symbols) if explanation.by == "pointer" else 0
        end = start if inserts and choice.action == "insert" else min(start + 1, len(explanation.symbols))
        links.append((choice.symbol, start, end, pytest.approx(choice.probability, rel=1e-4)))
    return links[::-1] if reverse else links


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("name", SETTINGS)
def test_alignments_agree_with_explanations(name, given):
    compared, starts = 0, set()
    for seed in range(8):
        converter, (sources, targets) = certain(name, seed=seed)
        texts = [source for source in sources if source]
        wanted = [target for source, target in zip(sources, targets, strict=True) if source] if given else None
        for number, alignment in enumerate(align(converter, texts, wanted)):
            explanation = explain(converter, texts[number], answer=None if wanted is None else wanted[number])
            assert alignment.source == texts[number]
            if explanation.cut_off:  # the limit of a transducer depends on the longest source of the batch
                continue
            assert alignment.prediction == explanation.answer
            assert list(alignment.symbols) == list(explanation.symbols)
            links = expected_links(explanation, reverse=converter.codec.reverse, inserts="transducer" in name)
            assert [tuple(link) for link in alignment.links] == links
            assert "".join(link.symbol for link in alignment.links) == alignment.prediction
            compared += 1
            starts.update(link.start for link in alignment.links)
    assert compared > 5
    assert len(starts) > 1


def test_the_order_and_the_number_of_texts_do_not_matter():
    converter, (sources, _) = certain("attention")
    many = sources * 100
    found = align(converter, many)
    for text, alignment in zip(sources, found, strict=False):
        [alone] = align(converter, [text])
        assert [link[:3] for link in alone.links] == [link[:3] for link in alignment.links]
    assert [each.source for each in found] == many


def test_a_beam_aligns_its_best_prediction():
    converter, (sources, _) = certain("attention")
    predictions = [each.prediction for each in converter.convert(sources, Request(beam=4))]
    assert [each.prediction for each in align(converter, sources, request=Request(beam=4))] == predictions


def test_what_cannot_be_aligned_has_a_reason():
    converter, _ = certain("transducer")
    found = align(converter, ["1+2", "x", "5"], ["3", "3", "y"])
    assert [each.reason for each in found] == [
        None,
        "unknown symbol 'x'",
        "the model cannot write 'y': unknown symbol 'y'",
    ]
    assert [each.prediction for each in found] == ["3", None, None]
    with pytest.raises(SettingsError, match="no attention"):
        align(converter, ["1+2"], by="attention")


def test_a_target_that_would_need_copies_in_another_order_has_a_reason():
    converter, _ = small_model(dtype=np.float32, pairs=(["ab", "ba"] * 9, ["AB", "BA"] * 9), **TRANSDUCER)
    possible, impossible = align(converter, ["ba", "ba"], ["ba", "ab"])
    assert (possible.prediction, possible.reason) == ("ba", None)
    assert impossible.prediction is None
    assert impossible.reason == "symbols that can only be copied are not in the order of the source"


def test_a_mixed_ensemble_is_aligned_by_its_first_model():
    mixture = Mixture([certain("transducer")[0], certain("attention")[0]], [1.0, 3.0])
    predictions = [each.prediction for each in mixture.convert(SOURCES)]
    found = align(mixture, SOURCES)
    assert [each.prediction for each in found] == predictions
    assert all("".join(link.symbol for link in each.links) == each.prediction for each in found)


def test_alignments_from_python():
    model = Seq2Seq(recipe="edits", epochs=30, augment=0, calibrate_outside=False)
    model.fit(["ab", "ba", "aab", "bba"] * 10, ["AB", "BA", "AAB", "BBA"] * 10)
    [alignment] = model.align(["ab"])
    assert [link[:3] for link in alignment.links] == [("A", 0, 1), ("B", 1, 2)]
    assert all(0.5 < link.probability <= 1 for link in alignment.links)
    [given] = model.align(["ab"], ["ABA"])
    assert given.prediction == "ABA"
    assert any(link.start == link.end for link in given.links)
    with pytest.raises(DataError):
        model.align(["ab"], ["A", "B"])
