/**
 * An assembler for WebAssembly. Instructions are nested arrays, as in the folded form of its text format:
 *
 *     ["local.set", "x", ["i32.add", ["local.get", "x"], ["i32.const", 4]]]
 *
 * An instruction is its name, then its immediate values (names of locals and functions, numbers), then its operands,
 * which are instructions. "block", "loop" and "if" have their body after the operands, as ["do", ...instructions].
 */

/**
 * @typedef {[string, ...(string | number | Instruction)[]]} Instruction
 *
 * @typedef {"i32" | "f32" | "v128"} Type
 *
 * @typedef {object} FunctionCode
 * @property {string} name
 * @property {Record<string, Type>} parameters
 * @property {Record<string, Type>} locals
 * @property {Instruction[]} body
 */

const TYPES = { i32: 0x7f, f32: 0x7d, v128: 0x7b };
const [EMPTY_BLOCK, END, FUNCTION] = [0x40, 0x0b, 0x60];
const SIMD = 0xfd; // the first byte of vector instructions

/** Vector instructions have their number after the first byte. */
const VECTOR = new Map(
  Object.entries({
    "v128.load": 0x00,
    "v128.load32_splat": 0x09,
    "v128.store": 0x0b,
    "f32x4.splat": 0x13,
    "f32x4.nearest": 0x6a,
    "i32x4.shl": 0xab,
    "i32x4.add": 0xae,
    "f32x4.sqrt": 0xe3,
    "f32x4.add": 0xe4,
    "f32x4.sub": 0xe5,
    "f32x4.mul": 0xe6,
    "f32x4.div": 0xe7,
    "f32x4.min": 0xe8,
    "f32x4.max": 0xe9,
    "i32x4.trunc_sat_f32x4_s": 0xf8,
    "f32x4.relaxed_madd": 0x105,
  }),
);

const SCALAR = new Map(
  Object.entries({
    block: 0x02,
    loop: 0x03,
    if: 0x04,
    br: 0x0c,
    br_if: 0x0d,
    call: 0x10,
    select: 0x1b,
    "local.get": 0x20,
    "local.set": 0x21,
    "f32.load": 0x2a,
    "f32.store": 0x38,
    "i32.const": 0x41,
    "f32.const": 0x43,
    "i32.eqz": 0x45,
    "i32.lt_u": 0x49,
    "i32.ge_u": 0x4f,
    "i32.add": 0x6a,
    "i32.sub": 0x6b,
    "i32.mul": 0x6c,
    "i32.and": 0x71,
    "f32.add": 0x92,
  }),
);

/**
 * Assemble a module that imports the memory "env.memory" and exports its functions.
 *
 * @param {FunctionCode[]} functions
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function assemble(functions) {
  const index = new Map(functions.map(({ name }, number) => [name, number]));
  const types = functions.map(({ parameters }) => [
    FUNCTION,
    ...vector(Object.values(parameters).map((type) => [TYPES[type]])),
    0,
  ]);
  const memory = [...text("env"), ...text("memory"), 2, 0, 1]; // of one page or more
  const exported = functions.map(({ name }, number) => [...text(name), 0, ...unsigned(number)]);
  const bodies = functions.map((code) => withSize(functionBody(code, index)));
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
    ...section(1, vector(types)),
    ...section(2, vector([memory])),
    ...section(3, vector(functions.map((_, number) => unsigned(number)))),
    ...section(7, vector(exported)),
    ...section(10, vector(bodies)),
  ]);
}

/**
 * @param {number} id
 * @param {number[]} content
 */
function section(id, content) {
  return [id, ...withSize(content)];
}

/** @param {number[]} bytes */
function withSize(bytes) {
  return [...unsigned(bytes.length), ...bytes];
}

/** @param {number[][]} items */
function vector(items) {
  return [...unsigned(items.length), ...items.flat()];
}

/** @param {string} name */
function text(name) {
  return withSize(Array.from(name, (character) => character.charCodeAt(0)));
}

/**
 * A number in LEB128, seven bits a byte.
 *
 * @param {number} value
 * @returns {number[]}
 */
function unsigned(value) {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/**
 * @param {number} value
 * @returns {number[]}
 */
function signed(value) {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

/**
 * @param {FunctionCode} code
 * @param {Map<string, number>} functions
 */
function functionBody({ parameters, locals, body }, functions) {
  const names = new Map([...Object.keys(parameters), ...Object.keys(locals)].map((name, number) => [name, number]));
  const declared = Object.values(locals).map((type) => [1, TYPES[type]]);
  return [...vector(declared), ...body.flatMap((each) => encoded(each, names, functions)), END];
}

/**
 * @param {Instruction} instruction
 * @param {Map<string, number>} locals
 * @param {Map<string, number>} functions
 * @returns {number[]}
 */
function encoded([name, ...rest], locals, functions) {
  /** @type {(string | number)[]} */
  const immediates = [];
  /** @type {Instruction[]} */
  const operands = [];
  /** @type {number[]} */
  let body = [];
  for (const each of rest) {
    if (!Array.isArray(each)) immediates.push(each);
    else if (each[0] !== "do") operands.push(each);
    else body = each.slice(1).flatMap((inner) => encoded(/** @type {Instruction} */ (inner), locals, functions));
  }
  const before = operands.flatMap((each) => encoded(each, locals, functions));
  return [
    ...before,
    ...opcode(name),
    ...immediateBytes(name, immediates, locals, functions),
    ...body,
    ...(BLOCKS.has(name) ? [END] : []),
  ];
}

const BLOCKS = new Set(["block", "loop", "if"]);

/** @param {string} name */
function opcode(name) {
  const [scalar, inVector] = [SCALAR.get(name), VECTOR.get(name)];
  if (scalar !== undefined) return [scalar];
  if (inVector === undefined) throw new RangeError(`there is no instruction ${name}`);
  return [SIMD, ...unsigned(inVector)];
}

/**
 * @param {string} name
 * @param {(string | number)[]} values
 * @param {Map<string, number>} locals
 * @param {Map<string, number>} functions
 */
function immediateBytes(name, values, locals, functions) {
  const [value = 0] = values;
  if (BLOCKS.has(name)) return [EMPTY_BLOCK];
  if (name === "i32.const") return signed(Number(value));
  if (name === "f32.const") return [...new Uint8Array(Float32Array.of(Number(value)).buffer)];
  if (name.includes(".load") || name.includes(".store")) return [2, ...unsigned(Number(value))]; // aligned to 4 bytes
  if (typeof value === "number") return values.length ? unsigned(value) : [];
  const number = (name === "call" ? functions : locals).get(value);
  if (number === undefined) throw new RangeError(`${name} of ${value}, which there is not`);
  return unsigned(number);
}

/**
 * The value of a local.
 *
 * @param {string} name
 * @returns {Instruction}
 */
export function get(name) {
  return ["local.get", name];
}

/**
 * Set a local.
 *
 * @param {string} name
 * @param {Instruction} value
 * @returns {Instruction}
 */
export function set(name, value) {
  return ["local.set", name, value];
}

/**
 * An integer.
 *
 * @param {number} value
 * @returns {Instruction}
 */
export function integer(value) {
  return ["i32.const", value];
}

/**
 * A vector of four equal numbers.
 *
 * @param {number} value
 * @returns {Instruction}
 */
export function splat(value) {
  return ["f32x4.splat", ["f32.const", value]];
}

/**
 * Increase a local by a number of bytes.
 *
 * @param {string} name
 * @param {Instruction | number} by
 * @returns {Instruction}
 */
export function increase(name, by) {
  return set(name, ["i32.add", get(name), typeof by === "number" ? integer(by) : by]);
}

/**
 * Repeat instructions while a local is less than a limit, which may be so zero times.
 *
 * @param {string} name
 * @param {Instruction} limit
 * @param {Instruction[]} body  it must increase the local
 * @returns {Instruction}
 */
export function whileLess(name, limit, body) {
  const less = /** @type {Instruction} */ (["i32.lt_u", get(name), limit]);
  return ["block", ["do", ["loop", ["do", ["br_if", 1, ["i32.eqz", less]], ...body, ["br", 0]]]]];
}
