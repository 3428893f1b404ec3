/**
 * Elementwise functions in WebAssembly, four numbers at a time: the LSTM cell (cell.js) and Adam (optimizer.js).
 *
 * The exponential is accurate to 2e-7. With n the integer nearest to x / ln 2, and r = x - n ln 2, which is small:
 *
 *     exp(x) = 2^n exp(r)        exp(r) = 1 + r (1 + r / 2 (1 + r / 3 (1 + ...)))
 *
 * Multiplying by 2^n is adding n to the exponent of a float, which begins at bit 23.
 */

import { get, increase, integer, set, splat, whileLess } from "./assembler.js";

/** @import { FunctionCode, Instruction, Type } from "./assembler.js" */

const FLOAT = 4; // bytes
const VECTOR = 16; // bytes
const LARGEST = 30; // sigmoid is 0 or 1 beyond it, and no exponent overflows
const TERMS = 6;

/**
 * @param {Instruction} x
 * @param {Instruction} y
 * @returns {Instruction}
 */
const add = (x, y) => ["f32x4.add", x, y];

/**
 * @param {Instruction} x
 * @param {Instruction} y
 * @returns {Instruction}
 */
const subtract = (x, y) => ["f32x4.sub", x, y];

/**
 * @param {Instruction} first
 * @param {...Instruction} others
 * @returns {Instruction}
 */
const times = (first, ...others) => others.reduce((x, y) => /** @type {Instruction} */ (["f32x4.mul", x, y]), first);

/**
 * The vector at an address and an offset.
 *
 * @param {string} address
 * @param {number} [offset]
 * @returns {Instruction}
 */
const load = (address, offset = 0) => ["v128.load", offset, get(address)];

/**
 * @param {string} address
 * @param {Instruction} value
 * @returns {Instruction}
 */
const store = (address, value) => ["v128.store", 0, get(address), value];

/** exp(r) of the local "r". */
function seriesOfR() {
  let sum = splat(1);
  for (let term = TERMS; term > 0; term--) sum = add(splat(1), times(sum, times(get("r"), splat(1 / term))));
  return sum;
}

/**
 * Set a local to sigmoid(factor x), where x is a vector: 1 / (1 + exp(-factor x)).
 *
 * @param {string} name
 * @param {Instruction} x
 * @param {number} [factor]
 * @returns {Instruction[]}
 */
function setSigmoid(name, x, factor = 1) {
  const power = /** @type {Instruction} */ (["i32x4.shl", ["i32x4.trunc_sat_f32x4_s", get("n")], integer(23)]);
  return [
    set("r", ["f32x4.max", ["f32x4.min", times(x, splat(-factor)), splat(LARGEST)], splat(-LARGEST)]),
    set("n", ["f32x4.nearest", times(get("r"), splat(Math.LOG2E))]),
    set("r", subtract(get("r"), times(get("n"), splat(Math.LN2)))),
    set(name, ["f32x4.div", splat(1), add(splat(1), ["i32x4.add", seriesOfR(), power])]),
  ];
}

/**
 * Set a local to tanh x = 2 sigmoid(2 x) - 1.
 *
 * @param {string} name
 * @param {Instruction} x
 * @returns {Instruction[]}
 */
function setTanh(name, x) {
  return [...setSigmoid(name, x, 2), set(name, subtract(add(get(name), get(name)), splat(1)))];
}

const GATES = ["i", "f", "g", "o"];

/**
 * Names of locals or parameters, of one type.
 *
 * @param {string[]} names
 * @param {Type} type
 * @returns {Record<string, Type>}
 */
const named = (names, type) => Object.fromEntries(names.map((name) => [name, type]));

/**
 * Repeat instructions for `rows` rows of `size` bytes. The addresses of arrays (rows, H) move on by a vector each time;
 * those in `wide`, of arrays (rows, 4H), move on to their next row after each row.
 *
 * @param {string[]} narrow
 * @param {string[]} wide
 * @param {Instruction[]} body
 * @returns {Instruction[]}
 */
function forCells(narrow, wide, body) {
  const rest = /** @type {Instruction} */ (["i32.mul", get("size"), integer(3)]);
  return [
    whileLess("row", get("rows"), [
      set("at", integer(0)),
      whileLess("at", get("size"), [...body, ...[...narrow, ...wide, "at"].map((name) => increase(name, VECTOR))]),
      ...wide.map((name) => increase(name, rest)),
      increase("row", 1),
    ]),
  ];
}

/**
 * The vector of a gate at an address in an array (rows, 4H).
 *
 * @param {string} address
 * @param {number} gate
 * @returns {Instruction}
 */
const gateAddress = (address, gate) => ["i32.add", get(address), ["i32.mul", get("size"), integer(gate)]];

/**
 * cellForward(gates, before, after, hidden, rows, size): see cell.js; `size` is that of H numbers in bytes.
 *
 * @returns {FunctionCode}
 */
function cellForward() {
  const activated = GATES.flatMap((name, gate) => {
    const input = /** @type {Instruction} */ (["v128.load", 0, gateAddress("gates", gate)]);
    const value = name === "g" ? setTanh(name, input) : setSigmoid(name, input);
    return [...value, /** @type {Instruction} */ (["v128.store", 0, gateAddress("gates", gate), get(name)])];
  });
  return {
    name: "cellForward",
    parameters: named(["gates", "before", "after", "hidden", "rows", "size"], "i32"),
    locals: { ...named(["row", "at"], "i32"), ...named([...GATES, "n", "r", "c", "tanh"], "v128") },
    body: forCells(
      ["before", "after", "hidden"],
      ["gates"],
      [
        ...activated,
        set("c", add(times(get("f"), load("before")), times(get("i"), get("g")))),
        store("after", get("c")),
        ...setTanh("tanh", get("c")),
        store("hidden", times(get("o"), get("tanh"))),
      ],
    ),
  };
}

/**
 * cellBackward(gates, before, after, da, dh, dc, rows, size): see cell.js; `size` is that of H numbers in bytes.
 *
 * @returns {FunctionCode}
 */
function cellBackward() {
  const one = splat(1);
  const complement = (/** @type {Instruction} */ x) => subtract(one, x);
  const [i, f, g, o] = GATES.map(get);
  const gradients = [
    times(get("d"), g, i, complement(i)),
    times(get("d"), load("before"), f, complement(f)),
    times(get("d"), i, complement(times(g, g))),
    times(load("dh"), get("tanh"), o, complement(o)),
  ];
  return {
    name: "cellBackward",
    parameters: named(["gates", "before", "after", "da", "dh", "dc", "rows", "size"], "i32"),
    locals: { ...named(["row", "at"], "i32"), ...named([...GATES, "n", "r", "d", "tanh"], "v128") },
    body: forCells(
      ["before", "after", "dh", "dc"],
      ["gates", "da"],
      [
        ...GATES.map((name, gate) => set(name, ["v128.load", 0, gateAddress("gates", gate)])),
        ...setTanh("tanh", load("after")),
        set("d", add(load("dc"), times(load("dh"), o, complement(times(get("tanh"), get("tanh")))))),
        ...gradients.map(
          (value, gate) => /** @type {Instruction} */ (["v128.store", 0, gateAddress("da", gate), value]),
        ),
        store("dc", times(get("d"), f)),
      ],
    ),
  };
}

/**
 * adam(weights, gradient, m, v, end, rate, decay, rest1, rest2, scale, epsilon): see optimizer.js; `end` is the address
 * after the weights.
 *
 * @returns {FunctionCode}
 */
function adam() {
  const vector = (/** @type {string} */ name) => /** @type {Instruction} */ (["f32x4.splat", get(name)]);
  const [m, v, gradient] = [load("m"), load("v"), get("g")];
  const towards = (/** @type {Instruction} */ mean, /** @type {Instruction} */ value, /** @type {string} */ rest) =>
    add(mean, times(vector(rest), subtract(value, mean)));
  const root = /** @type {Instruction} */ (["f32x4.sqrt", load("v")]);
  const denominator = add(times(root, vector("scale")), vector("epsilon"));
  const change = /** @type {Instruction} */ (["f32x4.div", times(vector("rate"), load("m")), denominator]);
  return {
    name: "adam",
    parameters: {
      ...named(["weights", "gradient", "m", "v", "end"], "i32"),
      ...named(["rate", "decay", "rest1", "rest2", "scale", "epsilon"], "f32"),
    },
    locals: { g: "v128" },
    body: [
      whileLess("weights", get("end"), [
        set("g", load("gradient")),
        store("m", towards(m, gradient, "rest1")),
        store("v", towards(v, times(gradient, gradient), "rest2")),
        store("weights", subtract(times(load("weights"), vector("decay")), change)),
        ...["weights", "gradient", "m", "v"].map((name) => increase(name, VECTOR)),
      ]),
    ],
  };
}

/** All elementwise functions. */
export function elementwiseFunctions() {
  return [cellForward(), cellBackward(), adam()];
}

/**
 * Whether the elementwise functions can compute arrays whose rows have this length.
 *
 * @param {number} length
 */
export function isWholeVectors(length) {
  return length % (VECTOR / FLOAT) === 0;
}
