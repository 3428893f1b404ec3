/** Convert and explain the texts of a fixture with an exported model; see exported.py. */

import { plainBackend } from "../../src/henkan/web/runtime/backend.js";
import { LoadedModel } from "../../src/henkan/web/runtime/loaded_model.js";
import { wasmBackend } from "../../src/henkan/web/runtime/wasm_backend.js";
import { readFixture } from "./fixtures.js";

/** The result of a call, or its error if it says what is wrong with an argument. */
function attempt(call) {
  try {
    return call();
  } catch (error) {
    if (!("reason" in error) && !("argument" in error)) throw error;
    return { error: error.message };
  }
}

const { model, backend, conversions = [], explanations = [] } = readFixture();
const loaded = new LoadedModel(model, backend === "wasm" ? wasmBackend(16) : plainBackend());
console.log(
  JSON.stringify({
    conversions: conversions.map(({ texts, options }) => attempt(() => loaded.convert(texts, options))),
    explanations: explanations.map(({ text, options }) => attempt(() => loaded.explain(text, options))),
  }),
);
