import assert from "node:assert/strict";
import { test } from "node:test";

import { batchOfPairs } from "../../src/henkan/web/runtime/batches.js";
import { clipByGlobalNorm } from "../../src/henkan/web/runtime/optimizer.js";
import { Random } from "../../src/henkan/web/runtime/random.js";
import { oneCycle } from "../../src/henkan/web/runtime/schedule.js";
import { ADDITION_SYMBOLS, additionPairs, availableSums, splitPairs } from "../../src/henkan/web/runtime/tasks.js";
import { Trainer } from "../../src/henkan/web/runtime/trainer.js";
import { parameters, initialize, weightSpecs } from "../../src/henkan/web/runtime/weights.js";

const numbers = (count, draw) => Array.from({ length: count }, draw);
const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;

test("random numbers depend on seed and stream, and are those of their distribution", () => {
  const draw = (seed, stream) => numbers(4, () => new Random(seed, stream).integer())[0];
  assert.equal(draw(1, 2), draw(1, 2));
  assert.equal(new Set([draw(1, 2), draw(2, 2), draw(1, 3), draw(2 ** 32 + 1, 2)]).size, 4);
  const random = new Random(5);
  const normal = numbers(20_000, () => random.normal());
  assert.ok(Math.abs(mean(normal)) < 0.03);
  assert.ok(Math.abs(mean(normal.map((each) => each ** 2)) - 1) < 0.03);
  const counts = [0, 0, 0];
  for (let draws = 0; draws < 30_000; draws++) counts[random.below(3)] += 1;
  assert.ok(counts.every((count) => Math.abs(count - 10_000) < 300));
  assert.deepEqual(
    [...random.permutation(50)].sort((x, y) => x - y),
    [...Array(50).keys()],
  );
});

test("sums are distinct, also when their operands are swapped, and have any number of digits", () => {
  const pairs = additionPairs({ digits: 2, count: 3000, seed: 1 });
  assert.deepEqual(pairs, additionPairs({ digits: 2, count: 3000, seed: 1 }));
  const keys = pairs.map(([source, target]) => {
    const [a, b] = source.split("+").map(Number);
    assert.equal(String(a + b), target);
    return [a, b].sort().join();
  });
  assert.equal(new Set(keys).size, 3000);
  const lengths = new Set(pairs.map(([source]) => source.length));
  assert.deepEqual([...lengths].sort(), [3, 4, 5]);
  assert.equal(additionPairs({ digits: 1, count: availableSums(1), seed: 0 }).length, 55);
  assert.throws(() => additionPairs({ digits: 1, count: 56, seed: 0 }), /only 55 distinct sums/);
});

test("validation pairs are none of the training pairs", () => {
  const { training, validation } = splitPairs([..."abcdefghij"], 0.2);
  assert.deepEqual([validation.length, new Set([...training, ...validation]).size], [2, 10]);
  assert.equal(splitPairs(["a"], 0.9).training.length, 1);
});

test("the learning rate rises to its peak and falls towards zero", () => {
  const rates = numbers(100, (_, step) => oneCycle(step, 100, 2, 0.2));
  assert.ok(Math.abs(rates[0] - 2 / 25) < 0.02 && rates[99] < 0.001);
  assert.equal(rates.indexOf(Math.max(...rates)), 20);
});

test("a gradient whose norm is above the limit is scaled to it", () => {
  const gradient = Float32Array.of(3, -4);
  assert.equal(clipByGlobalNorm(gradient, 6), 5);
  assert.deepEqual([...gradient], [3, -4]);
  assert.equal(clipByGlobalNorm(gradient, 2.5), 5);
  assert.deepEqual([...gradient], [1.5, -2]);
});

test("initial recurrent weights are orthogonal for each gate, and the forget gate begins open", () => {
  const settings = {
    embedding_size: 4,
    hidden_size: 6,
    layers: 1,
    peeky: true,
    attention: true,
    attention_kind: "dot",
  };
  const specs = weightSpecs(settings, { source: 5, target: 3 });
  const { arrays, vector } = parameters(specs, (size) => new Float32Array(size));
  initialize(specs, arrays, new Random(3));
  const Wh = arrays["decoder.lstm1.Wh"];
  for (let gate = 0; gate < 4; gate++) {
    for (const [i, j] of [
      [0, 0],
      [2, 2],
      [0, 1],
      [4, 5],
    ]) {
      const product = mean(numbers(6, (_, k) => 6 * Wh[i * 24 + gate * 6 + k] * Wh[j * 24 + gate * 6 + k]));
      assert.ok(Math.abs(product - Number(i === j)) < 1e-6);
    }
  }
  assert.deepEqual(
    [...arrays["encoder.lstm1.b"]],
    [6, 6, 12].flatMap((size, at) => Array(size).fill(Number(at === 1))),
  );
  assert.equal(vector.length % 4, 0);
});

const options = (more = {}) => ({
  pairs: splitPairs(additionPairs({ digits: 1, count: 50, seed: 0 }), 0.2),
  symbols: ADDITION_SYMBOLS,
  model: { hidden_size: 16 },
  training: { updates: 40, batch_size: 16, learning_rate: 0.03 },
  ...more,
});
const losses = (trainer, count) => numbers(count, () => trainer.step().loss);

test("a seed gives the same run, and a run goes on from a snapshot", () => {
  for (const products of ["wasm", "plain"]) {
    const [first, second] = [new Trainer(options({ products })), new Trainer(options({ products }))];
    assert.deepEqual(losses(first, 12), losses(second, 12));
    const snapshot = structuredClone(first.snapshot());
    const after = losses(first, 10);
    const other = new Trainer(options({ products, seed: 9 }));
    assert.notEqual(losses(other, 1)[0], after[0]);
    other.restore(snapshot);
    assert.deepEqual(losses(other, 10), after);
    assert.deepEqual([other.update, other.epoch, other.finished], [22, 8, false]);
  }
});

test("updates and predictions use the same memory again", () => {
  const trainer = new Trainer(options({ products: "wasm" }));
  const batch = batchOfPairs(trainer.encoded.slice(0, 16));
  const sources = trainer.pairs.validation.map(([source]) => source);
  for (const run of [() => trainer.updateWith(batch), () => trainer.predict(sources.slice(0, 1))]) {
    run();
    const { byteOffset, buffer } = trainer.backend.empty(1);
    for (let times = 0; times < 3; times++) run();
    const again = trainer.backend.empty(1);
    assert.deepEqual([again.buffer === buffer, again.byteOffset], [true, byteOffset]);
  }
});

test("each epoch reads every pair once", () => {
  const trainer = new Trainer(options());
  const seen = [];
  for (let update = 0; update < 3; update++) {
    const from = trainer.position % 40;
    trainer.step();
    seen.push(...trainer.order.slice(from, trainer.position));
  }
  assert.deepEqual(
    seen.sort((x, y) => x - y),
    [...Array(40).keys()],
  );
});

test("a model learns its training pairs, and the evaluation says what it predicts", () => {
  const pairs = additionPairs({ digits: 1, count: 12, seed: 0 });
  const trainer = new Trainer(options({ pairs: { training: pairs, validation: pairs }, training: { updates: 150 } }));
  const before = trainer.evaluate();
  while (!trainer.finished) trainer.step();
  const { exactMatch, predictions } = trainer.evaluate();
  assert.ok(before.exactMatch < 0.3 && exactMatch === 1, `${before.exactMatch} ${exactMatch}`);
  assert.deepEqual(predictions[0], {
    source: pairs[0][0],
    target: pairs[0][1],
    prediction: pairs[0][1],
    correct: true,
  });
  assert.equal(trainer.evaluate(5).predictions.length, 5);
  assert.deepEqual(trainer.predict([pairs[3][0]]), [pairs[3][1]]);
});

test("a model with the other switches is trained too", () => {
  const model = { hidden_size: 16, reverse: false, peeky: false, attention: true, bidirectional: true, layers: 2 };
  const trainer = new Trainer(options({ model }));
  const found = losses(trainer, 40);
  assert.ok(found[39] < found[0]);
  assert.equal(trainer.learningRate() < 0.001, true);
});

test("a trace has the gradient of every hidden state", () => {
  const trainer = new Trainer(options({ model: { hidden_size: 8, peeky: false } }));
  const pairs = trainer.encoded.slice(0, 6);
  const pass = { backend: trainer.backend, trace: true };
  const { lstms, backward } = trainer.model.loss(trainer.weights, batchOfPairs(pairs), pass);
  backward(trainer.gradients.arrays);
  const [encoder, decoder] = lstms.map(({ states }) => states.dhs);
  const size = 6 * 8;
  // Without peeking, the decoder's first state is all that it has of the encoder.
  assert.deepEqual(encoder.slice(-size), decoder.slice(0, size));
  for (let at = size; at < encoder.length; at += size) {
    assert.ok(encoder.subarray(at, at + size).some((each) => each !== 0));
  }
});

test("symbols that the model does not know are named", () => {
  assert.throws(() => new Trainer(options()).predict(["1-2"]), /does not know the symbol -/);
});
