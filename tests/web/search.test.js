import assert from "node:assert/strict";
import { test } from "node:test";

import { beam } from "../../src/henkan/web/runtime/beam_search.js";
import { PlainTargets } from "../../src/henkan/web/runtime/plain_targets.js";
import { greedy, score } from "../../src/henkan/web/runtime/search.js";
import { Vocabulary } from "../../src/henkan/web/runtime/vocabulary.js";

/** The state of a model without a network: the symbols so far. */
class Outputs {
  constructor(each) {
    this.each = each;
  }

  take(rows) {
    return new Outputs(rows.map((row) => this.each[row]));
  }
}

/** A model whose next symbols have the probabilities that a function of source and output gives. */
function modelOf(probabilities) {
  return {
    step(memory, state, symbols) {
      const outputs = state.each.map((output, n) => (output === null ? [] : [...output, symbols[n]]));
      const rows = outputs.map((output, n) => probabilities(memory.each[n], output).map(Math.log));
      const logProbabilities = Float32Array.from(rows.flat());
      return { logProbabilities, symbols: rows[0].length, state: new Outputs(outputs), attention: null };
    },
  };
}

const encoded = (...sources) => ({
  memory: new Outputs(sources),
  state: new Outputs(sources.map(() => null)),
  count: sources.length,
  steps: 3,
});
const codec = { start: 0, end: 0, fixedLength: false, forbidden: [], maxSteps: () => 4 };
const texts = (found) => found.map(({ symbols }) => symbols.join(""));

test("greedy search takes the first of equally probable symbols, and ends at the limit", () => {
  const model = modelOf((source, output) => (output.length < source ? [0, 0.5, 0.5] : [0.4, 0.3, 0.3]));
  const found = greedy(model, encoded(2, 9, 0), codec);
  assert.deepEqual(texts(found), ["110", "1111", "0"]);
  assert.deepEqual(found.map(({ complete }) => complete), [true, false, true]);
  assert.ok(Math.abs(found[0].logProbability - Math.log(0.5 * 0.5 * 0.4)) < 1e-6);
});

test("beam search keeps outputs that greedy search would lose, best by symbol first", () => {
  // 1 is more probable at first, but what follows 2 is certain.
  const model = modelOf((_, output) => {
    if (!output.length) return [0, 0.6, 0.4];
    if (output.length > 2) return [1, 0, 0];
    return output[0] === 1 ? [0.3, 0.4, 0.3] : [0, 0, 1];
  });
  const [found] = beam(model, encoded(1), codec, { width: 3, temperatures: [2] });
  assert.deepEqual(texts(found)[0], "2220");
  assert.deepEqual(texts(greedy(model, encoded(1), codec)), ["1110"]);
  const scores = score(model, encoded(1, 1, 1), codec, found.map(({ symbols }) => symbols), [1, 2]);
  found.forEach(({ logProbability, calibrated }, k) => {
    assert.ok(Math.abs(logProbability - scores[k][0]) < 1e-5);
    assert.ok(Math.abs(calibrated[0] - scores[k][1]) < 1e-5);
  });
});

test("outputs are ranked by the mean over their symbols, not by the sum", () => {
  const model = modelOf((_, output) => (output.length ? [0.7, 0.3] : [0.45, 0.55]));
  const [found] = beam(model, encoded(1), codec, { width: 2 });
  assert.deepEqual(texts(found), ["10", "110"]);
  assert.ok(found[0].logProbability < Math.log(0.45)); // of the end at once
});

test("with a width of 1, beam search is greedy search", () => {
  // The end is the second choice at first, and better than what follows the first choice.
  const model = modelOf((_, output) => (output.length ? [0.3, 0.35, 0.35] : [0.45, 0.55, 0]));
  const [[found], [greedily]] = [beam(model, encoded(1), codec, { width: 1 })[0], greedy(model, encoded(1), codec)];
  assert.deepEqual([found.symbols, found.complete], [[1, 1, 1, 1], false]);
  assert.deepEqual(found, greedily);
});

test("the decoder may take twice the steps of the longest training target", () => {
  const cut = { unit: "characters", normalization: "none", case: "keep", features: false, tag_separator: ";" };
  const data = { cut, specials: ["boundary"], symbols: ["a"], longest: 3, width: null };
  assert.equal(new PlainTargets(new Vocabulary(data), false).maxSteps(), 8); // each with the end
  assert.equal(new PlainTargets(new Vocabulary({ ...data, specials: [], width: 5 }), false).maxSteps(), 5);
});

test("of equally probable outputs, those with smaller symbols come first", () => {
  const model = modelOf((_, output) => (output.length < 2 ? [0, 0.25, 0.25, 0.25, 0.25] : [1, 0, 0, 0, 0]));
  const [found] = beam(model, encoded(1), codec, { width: 3 });
  assert.deepEqual(texts(found), ["110", "120", "130"]);
});

test("forbidden symbols are never chosen, and outputs of a fixed length are complete", () => {
  const model = modelOf(() => [0.6, 0.3, 0.1]);
  const fixed = { ...codec, end: null, fixedLength: true, forbidden: [0] };
  const [{ symbols, complete }] = greedy(model, encoded(1), fixed);
  assert.deepEqual([symbols, complete], [[1, 1, 1, 1], true]);
  const [found] = beam(model, encoded(1), fixed, { width: 2 });
  assert.deepEqual(texts(found), ["1111", "1112"]);
  assert.ok(found.every(({ complete }) => complete));
});
