/**
 * The architecture "transducer": an encoder, and a decoder that reads the source under a pointer.
 *
 * At each step, the decoder receives the previous action and the encoder's state at the pointer, and predicts the next
 * action (see edit_actions.js), which moves the pointer:
 *
 *     p_t  = p_{t-1} + 1 if action a_{t-1} moves the pointer, else p_{t-1}
 *     h_t  = LSTM(E[a_{t-1}] Wx + m[p_t] Wp + tags Wt + b, h_{t-1})
 *     P(a_t) = softmax(h_t Wy + by)
 *
 * After the last source symbol, the pointer is at a learned state `end`. `tags` is the sum of the embeddings of the
 * feature tags, which precede the text.
 */

import { ActionTable } from "./action_table.js";
import { takeColumns, takeRows } from "./attention.js";
import { stepLayers } from "./decoder_step.js";
import { encode, lengthsOf } from "./encoder.js";
import { affine, logSoftmax, outputLogits, weight } from "./layers.js";
import { readStates, readTags, rowsUnderPointers, sumsOfRows } from "./pointer_inputs.js";
import { pointerLoss } from "./transducer_loss.js";

/** @import { Pass } from "./encoder.js" */
/** @import { PointerLoss } from "./transducer_loss.js" */
/** @import { Backend, Batch, ModelSettings, Sources, StepOutput, Weights } from "./types.js" */

/** The transducer, without its weights. */
export class Transducer {
  /**
   * @param {ModelSettings & {target_reverse: boolean}} settings
   * @param {{symbols: number, isTag: readonly boolean[]}} vocabularies  size of the target vocabulary, and whether each
   *   source symbol is a feature tag
   */
  constructor(settings, { symbols, isTag }) {
    // With the setting for attention, the encoder returns all its states.
    this.settings = { ...settings, attention: true };
    this.table = new ActionTable(symbols);
    this.isTag = isTag;
  }

  /**
   * The loss of a batch, with teacher forcing.
   *
   * @param {Weights} weights
   * @param {Batch} batch
   * @param {Pass} pass
   * @returns {PointerLoss}
   */
  loss(weights, batch, pass) {
    return pointerLoss(weights, this, batch, pass);
  }

  /**
   * Encode sources for decoding.
   *
   * @param {Weights} weights
   * @param {Sources} sources
   * @param {Backend} backend
   * @returns {{memory: TransducerMemory, state: TransducerState}}
   */
  encode(weights, sources, backend) {
    const { encoded } = encode(weights, this.settings, sources, { backend, keep: false });
    const [E, b] = [weight(weights, "decoder.E"), weight(weights, "decoder.lstm1.b")];
    const actions = affine(E, weight(weights, "decoder.lstm1.Wx"), b, backend).y;
    const states = readStates(weights, encoded.states ?? new Float32Array(), backend).inputs;
    const last = lengthsOf(sources);
    const first = this.#textStarts(sources, last);
    const reverse = this.settings.target_reverse;
    const rows = rowsUnderPointers({ first, last, steps: sources.active.length, reverse });
    const tags = readTags(weights, sources, first, backend)?.inputs ?? null;
    const memory = new TransducerMemory({ actions, states, width: b.length }, { rows, last, tags });
    const size = sources.count * this.settings.hidden_size;
    const zeros = Array.from({ length: this.settings.layers }, () => backend.zeros(size));
    return { memory, state: new TransducerState(zeros, zeros, first) };
  }

  /**
   * The position after the last feature tag of each source.
   *
   * @param {Sources} sources
   * @param {Int32Array} last
   */
  #textStarts({ ids, count: N }, last) {
    return last.map((length, n) => {
      let start = length;
      while (start > 0 && !this.isTag[ids[(start - 1) * N + n]]) start--;
      return start;
    });
  }

  /**
   * Run one decoding step. Actions that are impossible at the pointer have minus infinity.
   *
   * @param {Weights} weights
   * @param {TransducerMemory} memory
   * @param {TransducerState} state
   * @param {Int32Array} symbols  (N) the actions predicted last
   * @param {Backend} backend
   * @returns {StepOutput}
   */
  step(weights, memory, state, symbols, backend) {
    const pointer = state.pointer.map((p, n) => Math.min(p + Number(this.table.moves(symbols[n])), memory.last[n]));
    const table = memory.inputs(symbols, pointer, backend);
    const rows = Int32Array.from(pointer.keys());
    const { h, c } = stepLayers(weights, { table, rows, context: memory.tags }, state, backend);
    const layer = { W: weight(weights, "decoder.Wy"), b: weight(weights, "decoder.by") };
    const A = layer.b.length;
    const logs = logSoftmax(outputLogits(h[h.length - 1], layer, null, backend), A);
    logs.forEach((_, at) => {
      const n = Math.floor(at / A);
      if (!this.table.isPossible(at % A, pointer[n] === memory.last[n])) logs[at] = -Infinity;
    });
    return { logProbabilities: logs, symbols: A, state: new TransducerState(h, c, pointer), attention: null };
  }
}

/** What is the same at every decoding step of N sequences. */
export class TransducerMemory {
  /**
   * @param {{actions: Float32Array, states: Float32Array, width: number}} tables  contributions to the gates: E Wx + b
   *   (A, 4H), and m Wp (R, 4H) of all states that the pointers of any source may be at; their width 4H
   * @param {{rows: Int32Array, last: Int32Array, tags: Float32Array | null}} own  of each source: the rows of the
   *   states under its pointer (S + 1, N), the last position of the pointer (N), and the contribution of the tags (N,
   *   4H) or null
   */
  constructor(tables, { rows, last, tags }) {
    this.tables = tables;
    this.rows = rows;
    this.last = last;
    this.tags = tags;
  }

  /**
   * Contributions (N, 4H) of the previous actions and of the states under the pointers to the gates.
   *
   * @param {Int32Array} symbols
   * @param {Int32Array} pointer
   * @param {Backend} backend
   */
  inputs(symbols, pointer, backend) {
    const { actions, states, width } = this.tables;
    const rows = pointer.map((p, n) => this.rows[p * pointer.length + n]);
    return sumsOfRows({ table: actions, rows: symbols }, { table: states, rows }, width, backend);
  }

  /**
   * Select sequences.
   *
   * @param {readonly number[]} sequences  indices, which may repeat
   */
  take(sequences) {
    const N = this.last.length;
    return new TransducerMemory(this.tables, {
      rows: takeColumns(this.rows, N, sequences, this.rows.length / N),
      last: takeRows(this.last, N, sequences),
      tags: this.tags && takeRows(this.tags, N, sequences),
    });
  }
}

/** The hidden and cell states of the layers (N, H), and the positions of the pointers (N). */
export class TransducerState {
  /**
   * @param {Float32Array[]} h
   * @param {Float32Array[]} c
   * @param {Int32Array} pointer
   */
  constructor(h, c, pointer) {
    this.h = h;
    this.c = c;
    this.pointer = pointer;
  }

  /**
   * Select sequences.
   *
   * @param {readonly number[]} sequences  indices, which may repeat
   */
  take(sequences) {
    const N = this.pointer.length;
    const taken = (/** @type {Float32Array} */ array) => takeRows(array, N, sequences);
    return new TransducerState(this.h.map(taken), this.c.map(taken), takeRows(this.pointer, N, sequences));
  }
}
