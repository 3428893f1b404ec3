"""The contents of a model as JSON, with weights in several precisions."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

import onnx_models
from henkan.export.html.model_data import as_stored, model_data
from henkan.export.quantization import quantize
from henkan.storage.lexicon_file import SavedLexicon


@pytest.fixture(scope="module")
def saved():
    return onnx_models.model("transducer with tags, reversed")._fitted.saved


def size(saved, precision):
    return len(json.dumps(model_data(saved, precision), ensure_ascii=False))


def numbers(array, kind):
    return np.frombuffer(base64.b64decode(array["data"]), kind).reshape(array["shape"])


def test_the_contents_are_json_and_complete(saved):
    lexicon = SavedLexicon.of([("a", "b"), ("\ud800", "é")])
    data = json.loads(json.dumps(model_data(replace(saved, lexicon=lexicon))))
    [variant] = data["variants"]
    assert variant["model"]["architecture"] == "transducer"
    assert variant["source"] == saved.first.source_vocabulary.to_dict()
    assert data["temperature"] == saved.temperature
    assert data["range"] == saved.training_range.to_dict()
    assert data["lexicon"] == [["a", "b"], ["\ud800", "é"]]
    for name, weights in saved.members[0].items():
        np.testing.assert_array_equal(numbers(variant["members"][0][name], "<f4"), weights)
    assert set(variant["codec"]) == set(saved.first.codec)


def test_half_the_numbers_of_bits_take_half_the_space(saved):
    full, half, quarter = (size(saved, precision) for precision in ("float32", "float16", "int8"))
    assert full > half > quarter
    weights = sum(array.size for array in saved.members[0].values())
    assert full - half == pytest.approx(2 * weights * 4 / 3, rel=0.01)


def test_weights_are_rounded_and_what_the_codec_has_learned_is_not(saved):
    for precision, step in (("float16", 2**-11), ("int8", 1 / 254)):
        stored = as_stored(saved, precision)
        for name, array in saved.members[0].items():
            rounded = stored.members[0][name]
            assert np.abs(rounded - array).max() <= 1.001 * step * np.abs(array).max()
            assert rounded.dtype == np.float32
        assert any((stored.members[0][name] != array).any() for name, array in saved.members[0].items())
        codec = model_data(saved, precision)["variants"][0]["codec"]
        for name, array in saved.first.codec.items():
            np.testing.assert_array_equal(numbers(codec[name], "<f4"), array)


def test_numbers_beyond_float16_become_its_largest(saved):
    weights = {name: array.copy() for name, array in saved.members[0].items()}
    weights["decoder.by"][0] = -1e6
    variant = replace(saved.first, members=[weights])
    [stored] = as_stored(replace(saved, variants=[variant]), "float16").members
    assert stored["decoder.by"][0] == -65504


def test_rows_of_embeddings_have_a_scale_each_and_columns_of_other_matrices():
    matrix = np.array([[1.27, 0.0], [12.7, 0.0]], np.float32)
    by_row, by_column = quantize("encoder.E", matrix), quantize("decoder.Wy", matrix)
    assert by_row.axis == 0
    np.testing.assert_array_equal(by_row.numbers, [[127, 0], [127, 0]])
    np.testing.assert_allclose(by_row.scales, [[0.01], [0.1]], rtol=1e-6)
    assert by_column.axis == 1
    np.testing.assert_array_equal(by_column.numbers, [[13, 0], [127, 0]])
    np.testing.assert_allclose(by_column.scales, [[0.1, 1]], rtol=1e-6)
