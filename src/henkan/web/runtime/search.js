/** Greedy search and scoring, for any model: they use only its `step` and the target codec. */

/** @import { Codec } from "./plain_targets.js" */
/** @import { StepOutput } from "./types.js" */

/**
 * @typedef {object} Indexed  opaque data of N sequences
 * @property {(rows: readonly number[]) => any} take  selects sequences, which may repeat
 *
 * @typedef {object} Encoded  encoded sources; those of unequal lengths are padded
 * @property {Indexed} memory  stays constant during decoding
 * @property {Indexed} state  the initial state
 * @property {number} count  number of sources (N)
 * @property {number} steps  number of symbols of the longest source (S)
 *
 * @typedef {object} Stepper  what search needs of a model
 * @property {(memory: any, state: any, symbols: Int32Array) => StepOutput} step  one decoding step, after the symbols
 *   predicted last
 *
 * @typedef {Pick<Codec, "start" | "end" | "fixedLength" | "forbidden" | "maxSteps">} SearchCodec  what greedy search
 *   needs of a target codec
 *
 * @typedef {object} Hypothesis  one output for one source
 * @property {readonly number[]} symbols  including the end symbol
 * @property {number} logProbability  in nats
 * @property {boolean} complete  whether it ended before the step limit
 * @property {readonly number[]} attended  for each symbol the source step with the largest attention weight; empty
 *   without attention
 * @property {readonly number[]} calibrated  log-probability at each of the given temperatures
 */

/**
 * Choose the most probable symbol at every step.
 *
 * @param {Stepper} model
 * @param {Encoded} encoded
 * @param {SearchCodec} codec
 * @param {readonly number[]} [temperatures]  at which to compute the log-probability in addition; see `atTemperature`
 * @returns {Hypothesis[]}  one output for each source
 */
export function greedy(model, encoded, codec, temperatures = []) {
  const limit = codec.maxSteps(encoded.steps);
  const found = Array.from({ length: encoded.count }, () => newOutput(codec.fixedLength, temperatures.length));
  let { memory, state } = encoded;
  let open = found; // outputs that are not complete
  let last = new Int32Array(encoded.count).fill(codec.start);
  for (let step = 0; step < limit && open.length; step++) {
    const output = stepAllowed(model, { memory, state, last }, codec);
    const attended = attendedSteps(output, open.length, encoded.steps);
    open.forEach((each, row) => {
      const logs = logsOf(output, row);
      const best = argmax(logs);
      extend(each, logs, best, temperatures);
      each.complete ||= best === codec.end;
      if (attended) each.attended.push(attended[row]);
    });
    state = output.state;
    const rows = [...open.keys()].filter((row) => open[row].symbols.at(-1) !== codec.end);
    if (rows.length && rows.length < open.length) [memory, state] = [memory.take(rows), state.take(rows)];
    open = rows.map((row) => open[row]);
    last = Int32Array.from(open, (each) => each.symbols[step]);
  }
  return found;
}

/**
 * An output without symbols.
 *
 * @param {boolean} complete
 * @param {number} temperatures  their number
 */
function newOutput(complete, temperatures) {
  const [symbols, attended] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
  return { symbols, attended, complete, logProbability: 0, calibrated: new Array(temperatures).fill(0) };
}

/**
 * Append a symbol to an output.
 *
 * @param {ReturnType<typeof newOutput>} each
 * @param {Float32Array} logs  log-probabilities of all symbols
 * @param {number} symbol
 * @param {readonly number[]} temperatures
 */
function extend(each, logs, symbol, temperatures) {
  each.symbols.push(symbol);
  each.logProbability += logs[symbol];
  temperatures.forEach((temperature, k) => (each.calibrated[k] += atTemperature(logs, temperature)(symbol)));
}

/**
 * Run a decoding step, and set the log-probability of forbidden symbols to minus infinity.
 *
 * @param {Stepper} model
 * @param {{memory: any, state: any, last: Int32Array}} from  `last`: the symbols predicted last
 * @param {SearchCodec} codec
 */
export function stepAllowed(model, { memory, state, last }, codec) {
  const output = model.step(memory, state, last);
  for (const symbol of codec.forbidden) {
    for (let row = 0; row < last.length; row++) output.logProbabilities[row * output.symbols + symbol] = -Infinity;
  }
  return output;
}

/**
 * The log-probabilities of a row.
 *
 * @param {StepOutput} output
 * @param {number} row
 */
export function logsOf({ logProbabilities, symbols }, row) {
  return logProbabilities.subarray(row * symbols, (row + 1) * symbols);
}

/**
 * For each row, the source step with the largest attention weight; null without attention or source symbols.
 *
 * @param {StepOutput} output
 * @param {number} rows
 * @param {number} steps
 */
export function attendedSteps({ attention }, rows, steps) {
  if (!attention || !steps) return null;
  return Array.from({ length: rows }, (_, row) => argmax(attention.subarray(row * steps, (row + 1) * steps)));
}

/**
 * The position of the largest number, of the first if there are several.
 *
 * @param {Float32Array} numbers
 */
export function argmax(numbers) {
  let best = 0;
  for (let k = 1; k < numbers.length; k++) if (numbers[k] > numbers[best]) best = k;
  return best;
}

/**
 * Log-probabilities whose logits are divided by a temperature (Guo et al. 2017), as a function of the symbol.
 *
 * @param {Float32Array} logs
 * @param {number} temperature
 * @returns {(symbol: number) => number}
 */
export function atTemperature(logs, temperature) {
  if (temperature === 1) return (symbol) => logs[symbol];
  const largest = logs[argmax(logs)];
  const total = logs.reduce((sum, log) => sum + Math.exp((log - largest) / temperature), 0);
  return (symbol) => (logs[symbol] - largest) / temperature - Math.log(total);
}

/**
 * Run a model over a given output of each source, and call `visit` for every step of every output.
 *
 * @param {Stepper} model
 * @param {Encoded} encoded
 * @param {Codec} codec
 * @param {readonly (readonly number[])[]} outputs  symbols, including the end symbol
 * @param {(visited: {source: number, step: number, row: number, output: StepOutput}) => void} visit
 */
export function trace(model, encoded, codec, outputs, visit) {
  let { memory, state } = encoded;
  let sources = [...outputs.keys()];
  for (let step = 0; ; step++) {
    const rows = [...sources.keys()].filter((row) => outputs[sources[row]].length > step);
    if (!rows.length) return;
    if (rows.length < sources.length) {
      [memory, state] = [memory.take(rows), state.take(rows)];
      sources = rows.map((row) => sources[row]);
    }
    const last = Int32Array.from(sources, (source) => (step ? outputs[source][step - 1] : codec.start));
    const output = stepAllowed(model, { memory, state, last }, codec);
    state = output.state;
    sources.forEach((source, row) => visit({ source, step, row, output }));
  }
}

/**
 * The log-probabilities of a given output of each source.
 *
 * @param {Stepper} model
 * @param {Encoded} encoded
 * @param {Codec} codec
 * @param {readonly (readonly number[])[]} outputs
 * @param {readonly number[]} [temperatures]
 * @returns {number[][]}  for each source, one in nats for each temperature
 */
export function score(model, encoded, codec, outputs, temperatures = [1]) {
  const totals = outputs.map(() => new Array(temperatures.length).fill(0));
  trace(model, encoded, codec, outputs, ({ source, step, row, output }) => {
    const logs = logsOf(output, row);
    temperatures.forEach((temperature, k) => {
      totals[source][k] += atTemperature(logs, temperature)(outputs[source][step]);
    });
  });
  return totals;
}
