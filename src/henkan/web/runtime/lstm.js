/**
 * LSTM through time. At step t, for each sequence, the inputs of the gates are a_t = x_t Wx + b + h_{t-1} Wh; cell.js
 * has what follows.
 *
 * Sequences of unequal lengths are sorted by falling length: at step t the first active[t] of them run. A sequence that
 * has ended keeps its states, so hs[T] holds the last hidden state of every sequence.
 */

import { addRowsAt, addTo, affine, projectSymbols, weight } from "./layers.js";

/** @import { Backend, CellArrays, Weights } from "./types.js" */

/**
 * @typedef {object} Recurrence  what an LSTM runs over
 * @property {Float32Array} table  (P, 4H) rows x Wx + b
 * @property {Int32Array} rows  (T, N) the row of the table that each sequence reads at each step
 * @property {number} count  N
 * @property {Int32Array} active  (T) number of sequences that run at each step; never increases
 * @property {{h: Float32Array, c: Float32Array} | null} state  (N, H) before the first step; null: zero
 * @property {Float32Array | null} [context]  (N, 4H) added to the gates' inputs at every step
 * @property {boolean} [keep]  whether to keep what only backward needs; false for predictions
 * @property {boolean} [trace]  whether backward keeps the gradients of all hidden states
 *
 * @typedef {object} LSTMStates  the states of an LSTM; row 0 of hs and cs is the state before the first step
 * @property {Float32Array} hs  (T + 1, N, H)
 * @property {Float32Array} cs  (T + 1, N, H); without `keep` the last cell states alone (N, H)
 * @property {Float32Array} gates  (T, N, 4H) the activated gates i, f, g, o; arbitrary where no sequence runs
 * @property {Float32Array | null} dhs  (T + 1, N, H) gradients of hs, which backward fills in; row 0 is arbitrary if
 *   the first state is zero; null without `trace`
 *
 * @typedef {object} LSTMGradients
 * @property {Float32Array} dtable  (P, 4H)
 * @property {Float32Array | null} dcontext  (N, 4H), or null without a context
 * @property {Float32Array} dh0  (N, H); arbitrary if the first state is zero
 * @property {Float32Array} dc0  (N, H)
 */

/**
 * Run the recurrence over all steps.
 *
 * @param {Recurrence} run
 * @param {Float32Array} Wh  (H, 4H)
 * @param {Backend} backend
 * @returns {{states: LSTMStates, backward: (dhs: Float32Array | null, dh: Float32Array | null, dWh: Float32Array) =>
 *   LSTMGradients}}  backward: dhs (T, N, H) for h after each step, dh (N, H) for the last ones (null: zero) ->
 *   gradients; it adds that of Wh to dWh
 */
export function lstm(run, Wh, backend) {
  const H = Math.sqrt(Wh.length / 4);
  const states = firstStates(run, H, backend);
  const [T, size] = [run.active.length, run.count * H];
  for (let t = 0; t < T; t++) step(run, states, t, Wh, H, backend);
  if (run.keep === false) states.cs = states.cs.subarray((T % 2) * size, ((T % 2) + 1) * size);
  return { states, backward: (dhs, dh, dWh) => backwardThroughTime(run, states, Wh, { dhs, dh, dWh }, backend) };
}

/**
 * Allocate the states, with those before the first step.
 *
 * @param {Recurrence} run
 * @param {number} H
 * @param {Backend} backend
 * @returns {LSTMStates}
 */
function firstStates({ count: N, active, state, keep = true, trace }, H, backend) {
  const T = active.length;
  const hs = backend.empty((T + 1) * N * H);
  const cs = backend.empty((keep ? T + 1 : 2) * N * H);
  if (state) {
    hs.set(state.h);
    cs.set(state.c);
  } else {
    hs.fill(0, 0, N * H);
    cs.fill(0, 0, N * H);
  }
  const gates = backend.empty((keep ? T : 1) * N * 4 * H);
  return { hs, cs, gates, dhs: trace ? backend.zeros((T + 1) * N * H) : null };
}

/**
 * The arrays of step t. Without `keep`, steps take turns with the same memory.
 *
 * @param {Recurrence} run
 * @param {LSTMStates} states
 * @param {number} t
 * @param {number} H
 * @returns {CellArrays}
 */
function cellOf({ count: N, keep = true }, { cs, gates }, t, H) {
  const size = N * H;
  const [before, after, at] = keep ? [t, t + 1, t] : [t % 2, (t + 1) % 2, 0];
  return {
    gates: gates.subarray(at * 4 * size, (at + 1) * 4 * size),
    before: cs.subarray(before * size, (before + 1) * size),
    after: cs.subarray(after * size, (after + 1) * size),
  };
}

/**
 * Run step t.
 *
 * @param {Recurrence} run
 * @param {LSTMStates} states
 * @param {number} t
 * @param {Float32Array} Wh
 * @param {number} H
 * @param {Backend} backend
 */
function step(run, states, t, Wh, H, backend) {
  const { table, rows, count: N, active, state, context } = run;
  const [n, size, width] = [active[t], N * H, 4 * H];
  const cell = cellOf(run, states, t, H);
  const [h, next] = [states.hs.subarray(t * size, (t + 1) * size), states.hs.subarray((t + 1) * size, (t + 2) * size)];
  for (let row = 0; row < n; row++) {
    const from = rows[t * N + row] * width;
    cell.gates.set(table.subarray(from, from + width), row * width);
  }
  if (context) addTo(cell.gates, context.subarray(0, n * width));
  if (t > 0 || state) backend.addAB(cell.gates, h, Wh, n, H, width);
  backend.cellForward(cell, next, n, H);
  next.set(h.subarray(n * H), n * H);
  cell.after.set(cell.before.subarray(n * H), n * H);
}

/**
 * @param {Recurrence} run
 * @param {LSTMStates} states
 * @param {Float32Array} Wh
 * @param {{dhs: Float32Array | null, dh: Float32Array | null, dWh: Float32Array}} given  see `lstm`
 * @param {Backend} backend
 * @returns {LSTMGradients}
 */
function backwardThroughTime(run, states, Wh, { dhs, dh: dlast, dWh }, backend) {
  const { table, rows, count: N, active, state, context } = run;
  const H = Math.sqrt(Wh.length / 4);
  const [size, width] = [N * H, 4 * H];
  const [dh, dc, da] = [backend.zeros(size), backend.zeros(size), backend.empty(4 * size)];
  const dtable = backend.zeros(table.length);
  const dcontext = context ? backend.zeros(context.length) : null;
  if (dlast) dh.set(dlast);
  for (let t = active.length - 1; t >= 0; t--) {
    const n = active[t];
    if (dhs) addTo(dh, dhs.subarray(t * size, (t + 1) * size));
    states.dhs?.set(dh, (t + 1) * size);
    backend.cellBackward(cellOf(run, states, t, H), da, dh, dc, n, H);
    addRowsAt(dtable, rows.subarray(t * N, t * N + n), da, width);
    if (dcontext) addTo(dcontext, da.subarray(0, n * width));
    if (t === 0 && !state) break;
    dh.fill(0, 0, n * H);
    backend.addABT(dh, da, Wh, n, width, H);
    backend.addATB(dWh, states.hs.subarray(t * size, (t + 1) * size), da, H, n, width);
  }
  states.dhs?.set(dh, 0);
  return { dtable, dcontext, dh0: dh, dc0: dc };
}

/**
 * @typedef {object} LayerInputs  the input sequences of a layer, and how they are read
 * @property {Float32Array} x  E (V, D), the embeddings, or (T, N, D), the outputs of the layer below
 * @property {Int32Array | null} ids  (T, N) symbols if x is E, otherwise null
 * @property {Int32Array | null} [order]  (T, N) the step whose input is read at each step; null: in order of time
 * @property {number} count  N
 * @property {Int32Array} active  (T)
 * @property {{h: Float32Array, c: Float32Array} | null} state  before the first step; null: zero, without gradients
 * @property {Float32Array | null} [context]  (N, K), an input that is the same at every step
 * @property {boolean} [keep]  see `Recurrence`
 * @property {boolean} [trace]  see `Recurrence`
 *
 * @typedef {object} LayerGradients
 * @property {Float32Array} dx  of the shape of x
 * @property {Float32Array | null} dcontext  (N, K), or null without a context
 * @property {Float32Array} dh0  (N, H)
 *
 * @typedef {(dhs: Float32Array | null, dh: Float32Array | null, gradients: Weights) => LayerGradients} LayerBackward
 */

/**
 * Run an LSTM layer over symbols, or over the outputs of the layer below.
 *
 * @param {Weights} weights
 * @param {string} name  of the layer, whose weights are name.Wx (D, 4H), name.Wh (H, 4H) and name.b (4H)
 * @param {LayerInputs} inputs
 * @param {Backend} backend
 * @param {string} [peeky]  name of the weights Wc (K, 4H) of the context
 * @returns {{states: LSTMStates, backward: LayerBackward}}  backward adds the gradients of the weights
 */
export function lstmLayer(weights, name, inputs, backend, peeky = "") {
  const [Wx, Wh, b] = ["Wx", "Wh", "b"].map((each) => weight(weights, `${name}.${each}`));
  const { count, active, order, context } = inputs;
  const read = project(inputs, Wx, b, backend);
  const rows = order ? read.rows.map((_, at) => read.rows[order[at] * count + (at % count)]) : read.rows;
  let added = null;
  if (context) {
    added = backend.zeros(count * b.length);
    backend.addAB(added, context, weight(weights, peeky), count, context.length / count, b.length);
  }
  const { table } = read;
  const { state, keep, trace } = inputs;
  const run = lstm({ table, rows, count, active, state, context: added, keep, trace }, Wh, backend);
  return {
    states: run.states,
    backward(dhs, dh, gradients) {
      const d = run.backward(dhs, dh, weight(gradients, `${name}.Wh`));
      const dx = read.backward(d.dtable, weight(gradients, `${name}.Wx`), weight(gradients, `${name}.b`));
      if (!context || !d.dcontext) return { dx, dcontext: null, dh0: d.dh0 };
      // d.dcontext is already summed over all steps, so one product each is enough.
      const [K, dcontext] = [context.length / count, backend.zeros(context.length)];
      backend.addATB(weight(gradients, peeky), context, d.dcontext, K, count, b.length);
      backend.addABT(dcontext, d.dcontext, weight(weights, peeky), count, b.length, K);
      return { dx, dcontext, dh0: d.dh0 };
    },
  };
}

/**
 * The contribution of the inputs to the gates, x Wx + b, as a table with row indices.
 *
 * @param {LayerInputs} inputs
 * @param {Float32Array} Wx
 * @param {Float32Array} b
 * @param {Backend} backend
 * @returns {{table: Float32Array, rows: Int32Array, backward: (dtable: Float32Array, dWx: Float32Array,
 *   db: Float32Array) => Float32Array}}  backward returns dx
 */
function project({ x, ids, active, count }, Wx, b, backend) {
  if (!ids) {
    const { y, backward } = affine(x, Wx, b, backend);
    return { table: y, rows: Int32Array.from({ length: active.length * count }, (_, row) => row), backward };
  }
  const { table, rows, backward } = projectSymbols(ids, x, Wx, b, backend);
  return {
    table,
    rows,
    backward(dtable, dWx, db) {
      const dE = backend.zeros(x.length);
      backward(dtable, dE, dWx, db);
      return dE;
    },
  };
}
