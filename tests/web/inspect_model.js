/** What the playground shows of models with given weights; see test_playground.py. */

import { normsOf } from "../../src/henkan/web/playground/gradient_path.js";
import { saliencyOf } from "../../src/henkan/web/playground/influence.js";
import { traceOf } from "../../src/henkan/web/playground/trace.js";
import { plainBackend } from "../../src/henkan/web/runtime/backend.js";
import { EncoderDecoder } from "../../src/henkan/web/runtime/encoder_decoder.js";
import { wasmBackend } from "../../src/henkan/web/runtime/wasm_backend.js";
import { readFixture } from "./fixtures.js";

/** Typed arrays as lists, for JSON. */
const lists = (_, value) => (ArrayBuffer.isView(value) ? [...value] : value);

/** Weights in the memory of a backend, as those of a trainer. */
function kept(weights, backend) {
  return Object.fromEntries(
    Object.entries(weights).map(([name, array]) => {
      const own = backend.keep(array.length);
      own.set(array);
      return [name, own];
    }),
  );
}

const { settings, weights, source, target, sums, digits } = readFixture();
const results = [plainBackend(), wasmBackend(16)].map((backend) => {
  const subject = { model: new EncoderDecoder(settings), weights: kept(weights, backend), backend, update: 0 };
  const trace = traceOf(subject, source, target);
  return {
    trace,
    saliency: saliencyOf(subject, source, trace.written).flat(),
    norms: [false, true].map((reverse) => normsOf(subject, sums, digits, reverse)),
  };
});
console.log(JSON.stringify(results, lists));
