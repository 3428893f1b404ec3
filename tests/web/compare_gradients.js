/** Compare losses, gradients and decoding steps with those of a fixture; see test_gradients.py. */

import { isDeepStrictEqual } from "node:util";

import { plainBackend } from "../../src/henkan/web/runtime/backend.js";
import { EncoderDecoder } from "../../src/henkan/web/runtime/encoder_decoder.js";
import { Transducer } from "../../src/henkan/web/runtime/transducer.js";
import { wasmBackend } from "../../src/henkan/web/runtime/wasm_backend.js";
import { weightSpecs } from "../../src/henkan/web/runtime/weights.js";
import { difference, readFixture } from "./fixtures.js";

const backends = { plain: plainBackend, wasm: () => wasmBackend(1) };

/** The differences of a case, by the name of what differs. */
function compare({ settings, sizes, vocabularies, weights: given, batch, loss, gradients: expected, steps }, backend) {
  const model = vocabularies ? new Transducer(settings, vocabularies) : new EncoderDecoder(settings);
  const weights = kept(given, (each) => each, backend);
  const gradients = kept(given, () => [], backend);
  const found = model.loss(weights, batch, { backend });
  found.backward(gradients);
  const differences = { loss: Math.abs(found.loss - loss) / loss };
  if (sizes) differences.specs = Number(!hasSpecs(given, weightSpecs(settings, sizes)));
  for (const [name, array] of Object.entries(expected)) differences[name] = difference(gradients[name], array);
  backend.reset();
  let { memory, state } = model.encode(weights, batch.sources, backend);
  const N = batch.sources.count;
  steps.forEach((logs, t) => {
    const output = model.step(weights, memory, state, batch.targets.inputs.subarray(t * N, (t + 1) * N), backend);
    differences[`step ${t}`] = difference(output.logProbabilities, logs);
    state = output.state;
  });
  backend.reset();
  return differences;
}

/** Whether weights have the names and sizes of specs, in the same order. */
function hasSpecs(weights, specs) {
  const wanted = specs.map(({ name, shape }) => [name, shape.reduce((x, y) => x * y, 1)]);
  const found = Object.entries(weights).map(([name, array]) => [name, array.length]);
  return isDeepStrictEqual(found, wanted);
}

function kept(weights, content, backend) {
  return Object.fromEntries(
    Object.entries(weights).map(([name, array]) => {
      const own = backend.keep(array.length);
      own.set(content(array));
      return [name, own];
    }),
  );
}

const { cases } = readFixture();
const results = {};
for (const [backend, create] of Object.entries(backends)) {
  results[backend] = Object.fromEntries(Object.entries(cases).map(([name, each]) => [name, compare(each, create())]));
}
console.log(JSON.stringify(results));
