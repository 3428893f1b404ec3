/** Train with the initial weights and batches of a fixture, and print losses and weights; see test_training.py. */

import { batchOfPairs } from "../../src/henkan/web/runtime/batches.js";
import { Trainer } from "../../src/henkan/web/runtime/trainer.js";
import { difference, readFixture } from "./fixtures.js";

function train({ model, training, pairs, weights, batches, after }, products) {
  const trainer = new Trainer({ model, training, pairs: { training: pairs, validation: pairs }, products });
  for (const [name, array] of Object.entries(weights)) trainer.weights[name].set(array);
  const first = batchOfPairs(Array.from(batches[0].rows, (row) => trainer.encoded[row]));
  const same = ["sources", "targets"].every((side) =>
    Object.entries(batches[0][side]).every(([name, array]) => difference(first[side][name], array) === 0),
  );
  const steps = batches.map(({ rows }) =>
    trainer.updateWith(batchOfPairs(Array.from(rows, (row) => trainer.encoded[row]))),
  );
  return {
    same,
    names: Object.keys(trainer.weights),
    losses: steps.map(({ loss }) => loss),
    rates: steps.map(({ learningRate }) => learningRate),
    weights: Object.fromEntries(
      Object.entries(after).map(([name, array]) => [name, difference(trainer.weights[name], array)]),
    ),
    predictions: trainer.predict(pairs.map(([source]) => source)),
  };
}

const { runs } = readFixture();
console.log(JSON.stringify(["wasm", "plain"].map((products) => runs.map((run) => train(run, products)))));
