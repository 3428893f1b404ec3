"""Exported files predict what the model predicts in ONNX Runtime for browsers, with the code of the documentation."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import documented
import onnx_models
from browser import chromium, served
from henkan.inference.conversion import Request

pytest.importorskip("onnx", reason="onnx is not installed; run `make test-onnx`")
pytestmark = pytest.mark.onnx

from henkan.export.onnx.build import build  # noqa: E402  (needs onnx)

RUNTIME = Path(os.environ.get("HENKAN_ONNXRUNTIME_WEB", "")) / "node_modules" / "onnxruntime-web" / "dist"
PAGE = """<!doctype html><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,">
<script type="importmap">
{"imports": {"onnxruntime-web": "./ort.wasm.min.mjs"}}</script>
<script type="module">
import { load } from "./predict.mjs";
window.predict = async (name, texts) => {
  const bytes = new Uint8Array(await (await fetch(name)).arrayBuffer());
  return JSON.stringify(await (await load(bytes))(texts));
};
</script>"""
SCRIPT = """const [name, texts, done] = arguments;
window.predict(name, texts).then(done, (error) => done("error: " + (error.stack ?? error)));"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A browser with a page that loads the runtime, and the folder that it is served from."""
    if not (RUNTIME / "ort.wasm.min.mjs").exists():
        pytest.skip("needs onnxruntime-web; run `make test-onnx`")
    folder = tmp_path_factory.mktemp("page")
    for file in RUNTIME.glob("ort*wasm*.*"):
        shutil.copy(file, folder)
    (folder / "predict.mjs").write_text(documented.code("js", "onnxruntime-web"), encoding="utf-8")
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    with served(folder) as address, chromium() as driver:
        driver.get(f"{address}/index.html")
        yield driver, folder


@pytest.mark.parametrize("name", onnx_models.CASES)
def test_a_file_predicts_as_the_model_in_chromium(page, name):
    driver, folder = page
    fitted, texts = onnx_models.model(name)._fitted, onnx_models.texts(onnx_models.CASES[name][0])
    file = f"{[*onnx_models.CASES].index(name)}.onnx"  # another name for each, because browsers keep files
    (folder / file).write_bytes(build(fitted.saved))
    printed = driver.execute_async_script(SCRIPT, file, texts)
    assert not printed.startswith("error"), printed
    wanted, found = fitted.converter.convert(texts, Request()), json.loads(printed)
    assert [each[0]["text"] for each in found] == [each.prediction for each in wanted]
    logs = [each[0]["logProbability"] for each in found]
    np.testing.assert_allclose(logs, [each.log_probability for each in wanted], atol=1e-4, rtol=1e-5)
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_text_that_is_too_long_is_refused_in_chromium(page):
    driver, folder = page
    (folder / "long.onnx").write_bytes(build(onnx_models.model("padded")._fitted.saved))
    printed = driver.execute_async_script(SCRIPT, "long.onnx", ["ab", "a" * 10])
    assert printed.startswith("error: Error: this model reads at most 9 symbols")


@pytest.mark.parametrize("name", ["copying", "transducer with tags, reversed"])
def test_beam_search_in_chromium(page, name):
    driver, folder = page
    fitted, texts = onnx_models.model(name)._fitted, onnx_models.texts(onnx_models.CASES[name][0])[:100]
    file = f"beam-{[*onnx_models.CASES].index(name)}.onnx"
    (folder / file).write_bytes(build(fitted.saved, width=3))
    found = json.loads(driver.execute_async_script(SCRIPT, file, texts))
    for answers, conversion in zip(found, fitted.converter.convert(texts, Request(beam=3, nbest=3)), strict=True):
        distinct = dict.fromkeys(answer["text"] for answer in answers)
        assert list(distinct) == [answer.prediction for answer in conversion.nbest]
