/** A training run of the page: a model that learns sums, and questions about it at any moment. */

import { gradientPath } from "./gradient_path.js";
import { influenceOf } from "./influence.js";
import { accuraciesOf, probeCarry } from "./probe.js";
import { sumOf } from "./settings.js";
import { traceOf } from "./trace.js";
import { Random } from "../runtime/random.js";
import { ADDITION_SETTINGS, ADDITION_SYMBOLS, additionPairs, availableSums } from "../runtime/tasks.js";
import { Trainer } from "../runtime/trainer.js";

/** @import { Subject } from "./trace.js" */
/** @import { Answer, DataChoice, Inspection, ModelChoice, Point, Progress } from "./types.js" */

const HELD_OUT = 1000; // largest number of pairs to test on
const TESTED = 250; // of them, as training goes on
const QUESTIONS = 10;

/** A model that learns sums. */
export class Lesson {
  /**
   * @param {DataChoice} data
   * @param {ModelChoice} choice
   * @param {"auto" | "wasm" | "plain"} [products]
   */
  constructor(data, choice, products = "auto") {
    const count = Math.min(availableSums(data.digits), data.pairs + HELD_OUT);
    const pairs = additionPairs({ digits: data.digits, count, seed: data.seed });
    const { batch_size, updates } = ADDITION_SETTINGS[data.digits];
    this.data = data;
    this.trainer = new Trainer({
      model: {
        reverse: choice.reverse,
        peeky: choice.peeky,
        attention: choice.attention,
        hidden_size: choice.hidden,
      },
      training: { batch_size, updates, learning_rate: choice.rate },
      pairs: { training: pairs.slice(0, data.pairs), validation: pairs.slice(data.pairs) },
      symbols: ADDITION_SYMBOLS,
      seed: data.seed,
      products,
    });
    /** @type {Point[]} */
    this.losses = [];
    /** @type {Point[]} */
    this.matches = [];
    this.initial = this.trainer.parameters.vector.slice();
    /** @type {Map<number, number[]>} */
    this.untrained = new Map(); // place -> accuracy of the probe at each step
    this.test();
  }

  /** Make one update. */
  step() {
    const { update, loss } = this.trainer.step();
    this.losses.push([update, loss]);
    if (this.trainer.finished) this.test(Infinity);
  }

  /**
   * Predict held-out pairs.
   *
   * @param {number} [limit]  their number
   */
  test(limit = TESTED) {
    if (this.matches.at(-1)?.[0] === this.trainer.update) return;
    this.matches.push([this.trainer.update, this.trainer.evaluate(limit).exactMatch]);
  }

  /** @returns {Omit<Progress, "running" | "rate">} */
  progress() {
    const { trainer, losses, matches } = this;
    [this.losses, this.matches] = [[], []];
    const training = trainer.pairs.training.length;
    return {
      update: trainer.update,
      updates: trainer.training.updates,
      epoch: (trainer.update * trainer.training.batch_size) / training,
      pairs: training,
      held: trainer.pairs.validation.length,
      tested: Math.min(TESTED, trainer.pairs.validation.length),
      parameters: trainer.specs.reduce((sum, { shape }) => sum + shape.reduce((product, each) => product * each, 1), 0),
      done: trainer.finished,
      losses,
      matches,
      answers: this.answers(),
    };
  }

  /**
   * The answers to the ten questions.
   *
   * @returns {Answer[]}
   */
  answers() {
    return this.trainer
      .evaluate(QUESTIONS)
      .predictions.map(({ source, target, prediction }) => ({ source, target, prediction }));
  }

  /** @returns {Subject} */
  subject() {
    const { model, weights, backend, update } = this.trainer;
    backend.reset();
    return { model, weights, backend, update };
  }

  /**
   * Look at the model as it is.
   *
   * @param {Inspection} inspection
   */
  inspect(inspection) {
    const { digits } = this.data;
    switch (inspection.kind) {
      case "trace":
        return traceOf(this.subject(), inspection.source, sumOf(inspection.source));
      case "influence":
        return influenceOf(this.subject(), inspection.source);
      case "gradient":
        return gradientPath(this.subject(), digits, this.uniform());
      case "probe":
        return this.probe(Math.min(inspection.place, digits - 1), inspection.step);
      case "weights":
        return this.weights();
    }
  }

  /** Random numbers from 0 to below 1, the same after every call, so that views look at the same sums. */
  uniform() {
    const random = new Random(this.data.seed, 7);
    return () => random.uniform();
  }

  /**
   * Look for a carry with the weights as they are, and with those before the first update.
   *
   * @param {number} place
   * @param {number} step
   */
  probe(place, step) {
    const { digits } = this.data;
    const untrained =
      this.untrained.get(place) ?? this.before(() => accuraciesOf(this.subject(), digits, place, this.uniform()));
    this.untrained.set(place, untrained);
    return probeCarry(this.subject(), digits, place, step, this.uniform(), untrained);
  }

  /**
   * Compute something with the weights that the model had before the first update.
   *
   * @template T
   * @param {() => T} compute
   */
  before(compute) {
    const { vector } = this.trainer.parameters;
    const now = vector.slice();
    vector.set(this.initial);
    try {
      return compute();
    } finally {
      vector.set(now);
    }
  }

  /** The weights with their shapes, and the settings of the model. */
  weights() {
    const { specs, weights, settings, symbols } = this.trainer;
    const tensors = specs.map(({ name, shape }) => ({ name, shape, values: weights[name].slice() }));
    return { update: this.trainer.update, tensors, settings, symbols };
  }
}
