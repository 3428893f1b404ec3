"""The JavaScript runtime predicts and explains what the NumPy engine predicts, with the same fields."""

from dataclasses import replace
from functools import cache

import pytest

import exported
import henkan
import onnx_models
from exported import converted, differences, explained, precise
from henkan import Seq2Seq
from henkan.engine.numpy import NumpyEngines
from henkan.errors import HenkanError
from henkan.export.html.model_data import as_stored
from henkan.storage.lexicon_file import SavedLexicon
from henkan.text.training_range import KINDS
from henkan.text.vocabulary import Vocabulary
from henkan.training.fitted_model import FittedModel, converter_of, make_domain

pytestmark = pytest.mark.web

ODD = [
    "", " ", "\t", "\u3000\x85", "\n", "a b", "\ufeffab", "\u200b", "é", "e\u0301", "각", "\u1100\u1161\u11a8", "שלום",
    "مرحبا", "👨‍👩‍👧", "🇯🇵a🇩", "\ud800a", "İ", "ß", "ΑΣ", "ab\tN;PL", "\tN;PL", "ab\t", "ab\tPL; N;PL",
    "ab\tX\tY", "abc'\"\\", "12", "٣٤٥", "toolong" * 200,
]  # fmt: skip


def fitted(name):
    return onnx_models.model(name)._fitted


def rebuilt(fitted, **changes):
    """A model with other contents."""
    saved = replace(fitted.saved, **changes)
    converter = converter_of(saved, NumpyEngines(), make_domain(saved))
    converter.temperature = saved.temperature
    return FittedModel(saved, converter, fitted.data)


@pytest.mark.parametrize("name", onnx_models.CASES)
def test_predictions_of_a_thousand_texts(name, tmp_path):
    texts = onnx_models.texts(onnx_models.CASES[name][0])
    options = [{"confidence": True}, {"confidence": True, "beam": 4, "nbest": 4}]
    expected = [converted(fitted(name), texts, **each) for each in options]
    assert len({each["prediction"] for each in expected[0]}) > 200  # otherwise the comparison says little
    for backend in ("plain", "wasm"):
        conversions = [{"texts": texts, "options": each} for each in options]
        found = exported.run(fitted(name).saved, tmp_path, backend=backend, conversions=conversions)
        assert differences(found["conversions"], expected) == []


@pytest.mark.parametrize("name", onnx_models.CASES)
def test_explanations(name, tmp_path):
    model = fitted(name)
    texts = onnx_models.texts(onnx_models.CASES[name][0])[5:30]
    targets = onnx_models.pairs(onnx_models.CASES[name][0])[1]
    capabilities = model.converter.capabilities
    kinds = [kind for kind in ("attention", "pointer") if getattr(capabilities, kind)] + ["saliency", None]
    wanted = [(text, {"by": kind}) for text in texts for kind in kinds]
    wanted += [(text, {"answer": target}) for text, target in zip(texts, targets, strict=False)]
    explanations = [{"text": text, "options": options} for text, options in wanted]
    found = exported.run(model.saved, tmp_path, explanations=explanations)["explanations"]
    converter = precise(model.saved)
    expected = [_explained(converter, text, options) for text, options in wanted]
    assert differences(found, expected) == []
    assert sum("choices" in each for each in expected) >= 75


def _explained(converter, text, options):
    try:
        return explained(converter, text, **options)
    except HenkanError as error:
        return {"error": getattr(error, "reason", None) or str(error)}


def odd_model():
    """A model that splits into graphemes, normalises and lowers, with unknown symbols."""
    sources, targets = onnx_models.pairs("words")
    symbols = {"source_symbols": "graphemes", "source_normalization": "NFD", "source_case": "lower"}
    settings = {**onnx_models.WORDS, **symbols, "target_normalization": "NFC", "target_symbols": "graphemes"}
    accented = [source.replace("a", "é").replace("k", "각") for source in sources]
    return Seq2Seq(**settings).fit(accented, [target.replace("s", "é") for target in targets])._fitted


@pytest.mark.parametrize("name", ["attention", "copying", "padded", "transducer with tags, reversed", "graphemes"])
def test_odd_texts(name, tmp_path):
    model = odd_model() if name == "graphemes" else fitted(name)
    options = [{"confidence": True, "beam": beam, "nbest": beam} for beam in (1, 3)]
    conversions = [{"texts": ODD, "options": each} for each in options]
    explanations = [{"text": text, "options": {}} for text in ODD[:-1]]
    found = exported.run(model.saved, tmp_path, conversions=conversions, explanations=explanations)
    assert differences(found["conversions"], [converted(model, ODD, **each) for each in options]) == []
    expected = [_explained(precise(model.saved), text, {}) for text in ODD[:-1]]
    assert differences(found["explanations"], expected) == []


def test_blank_texts_if_there_were_some_in_training(tmp_path):
    model = fitted("attention")
    taught = rebuilt(model, training_range=replace(model.saved.training_range, blank=True))
    texts = ["", " ", "\u3000", "ab"]
    found = exported.run(taught.saved, tmp_path, conversions=[{"texts": texts, "options": {}}])["conversions"][0]
    assert differences(found, converted(taught, texts)) == []
    assert ["blank" in each for each in found] == [False] * 4
    assert ["blank" in each for each in converted(model, texts)] == [True] * 3 + [False]


@cache
def mixture():
    """A transducer, an encoder-decoder, and an ensemble of others that write from the last symbol to the first."""
    sources, targets = onnx_models.pairs("words")
    kinds = [
        onnx_models.EDITS,
        {**onnx_models.WORDS, "updates": 80},
        {**onnx_models.WORDS, "updates": 80, "target_reverse": True, "ensemble": 2},
    ]
    models = [Seq2Seq(**kind).fit(sources, targets) for kind in kinds]
    return henkan.combine(models, dev=(sources[:100], targets[:100]))._fitted


def test_mixed_ensembles(tmp_path):
    model = mixture()
    assert len(model.saved.variants) == 3
    texts = onnx_models.texts("words") + ODD[:-1]
    options = [{"confidence": True}, {"confidence": True, "beam": 5, "nbest": 3}]
    conversions = [{"texts": texts, "options": each} for each in options]
    explanations = [{"text": text, "options": {}} for text in texts[5:40]]
    found = exported.run(model.saved, tmp_path, backend="wasm", conversions=conversions, explanations=explanations)
    expected = [converted(model, texts, **each) for each in options]
    assert differences(found["conversions"], expected) == []
    own = [converter.predict(texts[:1000]) for converter in model.converter.converters]
    assert sum(len(set(each)) > 1 for each in zip(*own, strict=True)) > 50  # the models often differ
    expected = [explained(precise(model.saved), text) for text in texts[5:40]]
    assert differences(found["explanations"], expected) == []


def test_outputs_of_mixed_ensembles_that_are_cut_off(tmp_path):
    whole = mixture()
    short = Vocabulary.from_dict({**whole.saved.variants[0].target_vocabulary.to_dict(), "longest": 1})
    model = rebuilt(whole, variants=[replace(each, target_vocabulary=short) for each in whole.saved.variants])
    texts = onnx_models.texts("words")[5:105]
    expected = converted(model, texts, beam=2, nbest=2)
    assert 5 < sum("cut_off" in each for each in expected) < 100
    conversions = [{"texts": texts, "options": {"beam": 2, "nbest": 2}}]
    assert differences(exported.run(model.saved, tmp_path, conversions=conversions)["conversions"], [expected]) == []


@pytest.mark.parametrize("name", ["attention", "transducer", "mixture"])
def test_confidences_at_the_temperature_of_the_calibration(name, tmp_path):
    model = mixture() if name == "mixture" else fitted(name)
    calibrated = rebuilt(model, temperature=1.6)
    texts = onnx_models.texts("words")[5:105]
    options = [{"confidence": True, "beam": beam} for beam in (1, 3)]
    explanations = [{"text": text, "options": {}} for text in texts[:20]]
    conversions = [{"texts": texts, "options": each} for each in options]
    found = exported.run(calibrated.saved, tmp_path, conversions=conversions, explanations=explanations)
    assert differences(found["conversions"], [converted(calibrated, texts, **each) for each in options]) == []
    assert differences(found["explanations"], [explained(precise(calibrated.saved), text) for text in texts[:20]]) == []
    assert differences(found["conversions"][0], converted(model, texts, confidence=True)) != []


def test_confidences_outside_the_training_data(tmp_path):
    """Each kind of correction: one that declines, one that says little beyond its reach, one that is missing."""
    numbers = {"slope": 0.7, "intercept": -0.4, "decline": -0.3, "reach": 0.5, "highest": 0.98}
    flat = {**numbers, "decline": 0.0, "reach": 0.0}
    texts = [*onnx_models.texts("words")[:200], "ab12", "ab12" * 9, "xyz" * 9]
    numbers_of = {KINDS[0]: numbers, KINDS[2]: flat}, {KINDS[2]: numbers, KINDS[1]: flat}, {}
    inside = converted(fitted("transducer"), texts, confidence=True)
    for corrections in numbers_of:
        model = rebuilt(fitted("transducer"), corrections=corrections)
        expected = converted(model, texts, confidence=True)
        changed = [a["confidence"] != b["confidence"] for a, b in zip(inside, expected, strict=True)]
        assert any(changed) == bool(corrections)
        assert None in {each["confidence"] for each in expected}
        conversions = [{"texts": texts, "options": {"confidence": True}}]
        found = exported.run(model.saved, tmp_path, conversions=conversions)
        assert differences(found["conversions"][0], expected) == []


def test_options(tmp_path):
    texts = onnx_models.texts("words")[:200] + ODD[:-1]
    options = [
        {},
        {"abstain_below": 0.7},
        {"abstain_outside": True},
        {"beam": 5, "nbest": 5, "mass": 0.8},
        {"beam": 5, "nbest": 2},
        *({"unknown": kind} for kind in ("use", "copy", "skip", "error")),
        {"unknown": "copy", "beam": 4, "nbest": 4, "confidence": True},
    ]
    for name in ("two layers, dot product, reversed", "transducer"):
        model = fitted(name)
        conversions = [{"texts": texts, "options": each} for each in options]
        found = exported.run(model.saved, tmp_path, conversions=conversions)
        assert differences(found["conversions"], [converted(model, texts, **each) for each in options]) == []


def test_options_out_of_range_are_refused(tmp_path):
    options = [{"beam": 0}, {"nbest": 2}, {"mass": 0.5}, {"abstain_below": 80}, {"unknown": "copy"}]
    conversions = [{"texts": ["ab"], "options": each} for each in options]
    found = exported.run(fitted("peeky").saved, tmp_path, conversions=conversions)["conversions"]
    assert ["error" in each for each in found] == [True] * 5
    expected = []
    for each in options:
        with pytest.raises(HenkanError) as caught:
            converted(fitted("peeky"), ["ab"], **each)
        expected.append(caught.value.message.problem)
    assert [each["error"] for each in found] == expected


def test_texts_in_the_stored_lexicon(tmp_path):
    pairs = [("abc", "ABC"), ("abc", "second"), ("é", "accented"), ("", "nothing")]
    model = rebuilt(odd_model(), lexicon=SavedLexicon.of(pairs))
    texts = ["abc", "ABC", "e\u0301", "É", "", "xyz", "abcd"]
    options = [{"confidence": True}, {"beam": 3, "nbest": 3}]
    conversions = [{"texts": texts, "options": each} for each in options]
    found = exported.run(model.saved, tmp_path, conversions=conversions)["conversions"]
    assert differences(found, [converted(model, texts, **each) for each in options]) == []
    assert [each["origin"] for each in found[0]] == ["lexicon"] * 5 + ["model"] * 2


@pytest.mark.parametrize("precision", ["float16", "int8"])
@pytest.mark.parametrize("name", ["peeky", "tied, with tags", "transducer"])
def test_rounded_weights_are_those_that_python_computes(name, precision, tmp_path):
    """So the loss of accuracy that the export prints is that of the page."""
    texts = onnx_models.texts(onnx_models.CASES[name][0])
    model = rebuilt(fitted(name), variants=as_stored(fitted(name).saved, precision).variants)
    conversions = [{"texts": texts, "options": {}}]
    found = exported.run(fitted(name).saved, tmp_path, precision=precision, conversions=conversions)
    assert differences(found["conversions"][0], converted(model, texts)) == []
    if precision == "int8":  # with float16, the differences are too small
        assert differences(found["conversions"][0], converted(fitted(name), texts)) != []
