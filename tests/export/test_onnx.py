"""Exported files predict what the model predicts: with ONNX Runtime, and with the code of the documentation."""

import json
from dataclasses import replace

import numpy as np
import pytest

import documented
import onnx_models
from henkan.errors import SettingsError
from henkan.inference.conversion import Request

onnx = pytest.importorskip("onnx", reason="onnx is not installed; run `make test-onnx`")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; run `make test-onnx`")
pytestmark = pytest.mark.onnx

from henkan.export.onnx import build as building  # noqa: E402  (needs onnx)
from henkan.export.onnx.build import build  # noqa: E402
from henkan.export.onnx.runtime import OnnxModel  # noqa: E402


def fitted(name):
    return onnx_models.model(name)._fitted


def expected(name, texts, beam=1):
    """The predictions of the model, with their log-probabilities."""
    return fitted(name).converter.convert(texts, Request(beam=beam, nbest=beam))


def texts_of(name):
    return onnx_models.texts(onnx_models.CASES[name][0])


@pytest.mark.parametrize("name", onnx_models.CASES)
def test_a_file_predicts_as_the_model(name):
    texts = texts_of(name)
    wanted = expected(name, texts)
    found = OnnxModel(build(fitted(name).saved)).convert(texts)
    assert len({each.prediction for each in wanted}) > 200  # otherwise the comparison says little
    assert [each[0].text for each in found] == [each.prediction for each in wanted]
    logs = [each[0].log_probability for each in found]
    np.testing.assert_allclose(logs, [each.log_probability for each in wanted], atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("name", onnx_models.CASES)
def test_beam_search_in_a_file_finds_what_the_model_finds(name):
    texts, width = texts_of(name)[:300], 4
    wanted = expected(name, texts, width)
    found = OnnxModel(build(fitted(name).saved, width=width)).convert(texts)
    for answers, conversion in zip(found, wanted, strict=True):
        logs = {}
        for answer in answers:
            logs.setdefault(answer.text, answer.log_probability)
        assert list(logs) == [answer.prediction for answer in conversion.nbest]
        np.testing.assert_allclose(
            list(logs.values()), [answer.log_probability for answer in conversion.nbest], atol=1e-4, rtol=1e-5
        )


def test_a_transducer_has_no_prediction_twice():
    """Several actions write the same. Only a wide beam finds them."""
    name, width = "transducer of phones", 30
    found = OnnxModel(build(fitted(name).saved, width=width)).convert(texts_of(name)[:100])
    assert all(len({answer.text for answer in answers}) == len(answers) for answers in found)
    assert any(len(answers) < width for answers in found)


@pytest.mark.parametrize("name", ["copying", "transducer with tags, reversed"])
def test_the_canonical_probability_of_a_transducer_and_the_batch_do_not_matter(name):
    """A text has the same prediction and probability alone and in a batch, with longer padding too."""
    model, texts = OnnxModel(build(fitted(name).saved)), texts_of(name)[:40]
    together = model.convert(texts)
    for text, [answer] in zip(texts, together, strict=True):
        [[alone]] = model.convert([text])
        assert alone.text == answer.text
        assert alone.log_probability == pytest.approx(answer.log_probability, abs=1e-5)


def test_what_follows_the_end_of_a_text_is_ignored():
    model = OnnxModel(build(fitted("transducer").saved))
    ids, lengths = np.array([[3, 4, 5]]), np.array([3])
    outputs, counts, logs = model.session.run(None, {"ids": ids, "lengths": lengths})
    padded = np.array([[3, 4, 5, 99, -7, 2]])
    again = model.session.run(None, {"ids": padded, "lengths": lengths})
    assert counts.tolist() == again[1].tolist()
    assert outputs.tolist() == again[0].tolist()
    np.testing.assert_allclose(logs, again[2], atol=1e-6)


@pytest.mark.parametrize("name", onnx_models.CASES)
def test_an_empty_text_disturbs_no_other(name):
    """`henkan predict` has no prediction for a blank text. In a file, it is a text of length 0."""
    if name == "padded":
        return  # an empty text is one of spaces
    model = OnnxModel(build(fitted(name).saved))
    assert model.predict(["ab", "", "bcd"])[::2] == model.predict(["ab", "bcd"])
    [[answer]] = model.convert([""])
    assert np.isfinite(answer.log_probability)


def test_without_canonical_outputs_a_transducer_would_have_other_probabilities(monkeypatch):
    name, width = "transducer of phones", 4
    texts = texts_of(name)[:300]
    wanted = [[answer.log_probability for answer in each.nbest] for each in expected(name, texts, width)]
    monkeypatch.setattr(building._Exporter, "_rescored", lambda _, found, *__: (found.symbols, found.logs))
    found = OnnxModel(build(fitted(name).saved, width=width)).convert(texts)
    differ = [
        len(answers) != len(logs) or not np.allclose([each.log_probability for each in answers], logs, atol=1e-3)
        for answers, logs in zip(found, wanted, strict=True)
    ]
    assert sum(differ) > 10


def test_the_file_says_what_it_is():
    name = "transducer with tags, reversed"
    saved = replace(fitted(name).saved, temperature=1.5)
    file = onnx.load_from_string(build(saved, width=3))
    onnx.checker.check_model(file, full_check=True)
    assert [each.name for each in file.graph.input] == ["ids", "lengths"]
    assert [each.name for each in file.graph.output] == ["output_ids", "output_lengths", "log_probabilities"]
    about = json.loads({each.key: each.value for each in file.metadata_props}["henkan"])
    assert about["format_version"] == 1
    assert about["source"]["features"]
    assert about["temperature"] == 1.5
    assert (
        about["source"]["symbols"][: len(saved.first.source_vocabulary)] == saved.first.source_vocabulary.symbols_by_id
    )
    assert about["target"]["symbols"] == saved.first.target_vocabulary.symbols_by_id


@pytest.mark.parametrize("name", onnx_models.CASES)
def test_int8_weights_make_a_file_smaller_and_nearly_as_accurate(name):
    kind = onnx_models.CASES[name][0]
    sources, targets = onnx_models.pairs(kind)
    saved = fitted(name).saved
    full, small = build(saved), build(saved, int8=True)
    assert len(small) < 0.7 * len(full)  # of larger models, whose weights take nearly all of the file, less than 0.3
    wanted, found = OnnxModel(full).predict(sources), OnnxModel(small).predict(sources)
    correct = [np.mean([a == b for a, b in zip(each, targets, strict=True)]) for each in (wanted, found)]
    assert correct[1] > correct[0] - 0.1


def test_int8_weights_are_rounded_to_a_127th_of_the_largest_of_a_column():
    [member] = fitted("attention").saved.members
    weights = {
        each.name: onnx.numpy_helper.to_array(each)
        for each in onnx.load_from_string(build(fitted("attention").saved, int8=True)).graph.initializer
    }
    Wy = member["decoder.Wy"]
    restored = weights["decoder.Wy"] * weights["decoder.Wy.scale"]
    np.testing.assert_allclose(restored, Wy, atol=np.abs(Wy).max() / 127 / 2 * 1.001)
    np.testing.assert_allclose(weights["decoder.Wy.scale"][0], np.abs(Wy).max(axis=0) / 127, rtol=1e-6)
    E = member["encoder.E"]  # a row for each symbol
    np.testing.assert_allclose(weights["encoder.E.scale"][:, 0], np.abs(E).max(axis=1) / 127, rtol=1e-6)


def test_a_text_that_the_model_cannot_read_has_no_prediction():
    model = OnnxModel(build(fitted("padded").saved))
    assert model.predict(["ab", "abc!", "a" * 50]) == [*model.predict(["ab"]), None, None]
    assert [each.log_probability for [each] in model.convert(["abc!", "a" * 50])] == [-np.inf, -np.inf]


def test_mixed_ensembles_are_refused():
    saved = fitted("attention").saved
    with pytest.raises(SettingsError, match="mixed ensemble"):
        build(replace(saved, variants=[saved.first, saved.first]))


@pytest.mark.parametrize("name", onnx_models.CASES)
def test_the_python_code_of_the_documentation_predicts_as_the_model(name, tmp_path, monkeypatch):
    texts = texts_of(name)
    found = documented_code(name, tmp_path, monkeypatch)["predict"](texts)
    assert [each[0][0] for each in found] == [each.prediction for each in expected(name, texts)]


def test_the_python_code_of_the_documentation_refuses_what_the_model_cannot_read(tmp_path, monkeypatch):
    predict = documented_code("padded", tmp_path, monkeypatch)["predict"]
    with pytest.raises(ValueError, match="reads at most 9 symbols"):
        predict(["ab", "a" * 10])
    with pytest.raises(KeyError):
        predict(["abc!"])


@pytest.mark.parametrize("as_given", [False, True])
def test_the_python_code_of_the_documentation_reads_tags_as_the_model(tmp_path, monkeypatch, as_given):
    """The tags of models of early versions are not sorted."""
    name, text = "transducer with tags, reversed", "walk\t V;PST;;A;V"
    names = documented_code(name, tmp_path, monkeypatch)
    names["source"]["sort_tags"] = not as_given
    tokenizer = replace(fitted(name).saved.first.source_vocabulary.tokenizer, sort_tags=not as_given)
    assert names["split"](text) == list(tokenizer.tokenize(text))


def documented_code(name, folder, monkeypatch):
    """The names that the Python code of the documentation defines, with a model."""
    (folder / "names.onnx").write_bytes(build(fitted(name).saved))
    monkeypatch.chdir(folder)
    names = {}
    shown = documented.code("python", "onnxruntime").replace('print(predict(["Tanaka"]))', "")
    exec(compile(shown, "deployment.md", "exec"), names)
    return names
