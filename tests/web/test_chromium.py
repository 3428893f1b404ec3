"""Training in a worker of Chromium, where multiplication and addition may be one instruction."""

from pathlib import Path

import pytest

import henkan
from browser import chromium, served

pytestmark = pytest.mark.web

WORKER = """
import { ADDITION_SYMBOLS, additionPairs, splitPairs } from "/runtime/tasks.js";
import { Trainer } from "/runtime/trainer.js";

const pairs = splitPairs(additionPairs({ digits: 1, count: 50, seed: 0 }), 0.2);
function train(products) {
  const training = { updates: 150, batch_size: 16, learning_rate: 0.03 };
  const trainer = new Trainer({ pairs, symbols: ADDITION_SYMBOLS, model: { hidden_size: 32 }, training, products });
  const losses = [];
  while (!trainer.finished) losses.push(trainer.step().loss);
  return { losses, answers: trainer.predict(["3+4", "9+9"]), shared: trainer.weights["encoder.E"].buffer.byteLength };
}
postMessage({ wasm: train("wasm"), plain: train("plain") });
"""
SCRIPT = """
const done = arguments[0];
const worker = new Worker("/worker.js", { type: "module" });
worker.onmessage = ({ data }) => done(data);
worker.onerror = ({ message }) => done({ error: message });
"""


def test_training_in_webassembly_follows_that_in_plain_javascript(tmp_path):
    (tmp_path / "runtime").symlink_to(Path(henkan.__file__).parent / "web/runtime")
    (tmp_path / "index.html").write_text("<!doctype html><title>Training</title>", encoding="utf-8")
    (tmp_path / "worker.js").write_text(WORKER, encoding="utf-8")
    with served(tmp_path) as address, chromium() as driver:
        driver.get(address)
        found = driver.execute_async_script(SCRIPT)
        log = [entry for entry in driver.get_log("browser") if "favicon" not in entry["message"]]
    assert "error" not in found, found
    wasm, plain = found["wasm"], found["plain"]
    assert wasm["losses"][:20] == pytest.approx(plain["losses"][:20], rel=1e-4)
    assert wasm["losses"] != plain["losses"]
    assert wasm["shared"] > 2**20 > plain["shared"]  # the weights are in the memory of the module
    for each in (wasm, plain):
        assert each["losses"][-1] < 0.1
        assert all(answer.isdigit() for answer in each["answers"])
    assert not log
