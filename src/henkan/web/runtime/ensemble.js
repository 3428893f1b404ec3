/** Ensembles: several networks with the same vocabularies that predict together. */

import { logSoftmax } from "./layers.js";

/** @import { Model } from "./predictor.js" */
/** @import { Encoded, Indexed } from "./search.js" */
/** @import { Batch, Sources, StepOutput } from "./types.js" */

/** The memory or the state of each member. */
class MemberStates {
  /** @param {Indexed[]} each */
  constructor(each) {
    this.each = each;
  }

  /** @param {readonly number[]} rows */
  take(rows) {
    return new MemberStates(this.each.map((part) => part.take(rows)));
  }
}

/** Averages the log-probabilities of its members and normalises the result; see `Model` in predictor.js. */
export class Ensemble {
  /** @param {Model[]} members */
  constructor(members) {
    this.members = members;
    const attention = members.every(({ capabilities }) => capabilities.attention);
    this.capabilities = { ...members[0].capabilities, attention };
  }

  /**
   * @param {Sources} sources
   * @returns {Encoded}
   */
  encode(sources) {
    const encoded = this.members.map((member) => member.encode(sources));
    const memory = new MemberStates(encoded.map((each) => each.memory));
    return { ...encoded[0], memory, state: new MemberStates(encoded.map(({ state }) => state)) };
  }

  /**
   * @param {MemberStates} memory
   * @param {MemberStates} state
   * @param {Int32Array} symbols
   * @returns {StepOutput}
   */
  step(memory, state, symbols) {
    const outputs = this.members.map((member, k) => member.step(memory.each[k], state.each[k], symbols));
    const logs = mean(outputs.map((output) => output.logProbabilities));
    const weights = outputs.flatMap(({ attention }) => (attention ? [attention] : []));
    return {
      logProbabilities: logSoftmax(logs, outputs[0].symbols),
      symbols: outputs[0].symbols,
      state: new MemberStates(outputs.map((output) => output.state)),
      attention: weights.length ? mean(weights) : null,
    };
  }

  /** @param {Batch} batch */
  saliency(batch) {
    return mean(this.members.map((member) => member.saliency(batch)));
  }

  reset() {
    for (const member of this.members) member.reset();
  }
}

/**
 * @param {Float32Array[]} arrays
 * @returns {Float32Array}
 */
function mean(arrays) {
  return arrays[0].map((_, at) => arrays.reduce((sum, array) => sum + array[at], 0) / arrays.length);
}
