/** A backend whose arrays live in the memory of a WebAssembly module, so that nothing is copied. */

import { assemble } from "./assembler.js";
import { cellBackward, cellForward } from "./cell.js";
import { adam } from "./optimizer.js";
import { addAB, addABT, addATB } from "./product.js";
import { elementwiseFunctions, isWholeVectors } from "./wasm_elementwise.js";
import { SCRATCH, productFunctions } from "./wasm_product.js";

/** @import { Backend, Product } from "./types.js" */

const PAGE = 65536; // bytes
const LINE = 64; // bytes of a line of the cache
const FLOAT = 4;

/** Arrays in one buffer: those that are kept grow down from its end, the others grow up from `start`. */
class Arena {
  /**
   * @param {ArrayBuffer} buffer
   * @param {number} start  in bytes
   */
  constructor(buffer, start) {
    this.buffer = buffer;
    this.start = start;
    this.low = start;
    this.high = buffer.byteLength;
  }

  /**
   * An array with arbitrary content. When the buffer is full, it is an ordinary one, which plain JavaScript computes
   * with.
   *
   * @param {number} size
   */
  empty(size) {
    const at = this.low;
    const next = at + Math.ceil((size * FLOAT) / LINE) * LINE;
    if (next > this.high) return new Float32Array(size);
    this.low = next;
    return new Float32Array(this.buffer, at, size);
  }

  /** @param {number} size */
  keep(size) {
    const at = this.high - Math.ceil((size * FLOAT) / LINE) * LINE;
    if (at < this.low) return new Float32Array(size);
    this.high = at;
    return new Float32Array(this.buffer, at, size).fill(0);
  }
}

/**
 * The module with its memory, or null if it is not available: vector instructions may not be known, the memory may be
 * too large, or the page's content security policy may forbid WebAssembly.
 *
 * @param {number} megabytes
 * @returns {{memory: WebAssembly.Memory, functions: Functions} | null}
 */
function instantiate(megabytes) {
  if (typeof WebAssembly !== "object") return null;
  const codes = [true, false].map((fused) => assemble([...productFunctions(fused), ...elementwiseFunctions()]));
  const bytes = codes.find((each) => WebAssembly.validate(each));
  if (!bytes) return null;
  try {
    const memory = new WebAssembly.Memory({ initial: (megabytes * 2 ** 20) / PAGE });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    return { memory, functions: /** @type {Functions} */ (exports) };
  } catch {
    return null; // browsers have different errors for these cases
  }
}

/**
 * A backend in WebAssembly, or null if it is not available.
 *
 * @param {number} megabytes  size of the memory; above 4096 there is none. What does not fit is computed in plain JavaScript.
 * @returns {Backend | null}
 */
export function wasmBackend(megabytes) {
  const instance = instantiate(megabytes);
  if (!instance) return null;
  const { buffer } = instance.memory;
  const arena = new Arena(buffer, SCRATCH);
  return {
    empty: (size) => arena.empty(size),
    zeros: (size) => arena.empty(size).fill(0),
    keep: (size) => arena.keep(size),
    reset: () => {
      arena.low = arena.start;
    },
    ...products(instance.functions, buffer),
    ...elementwise(instance.functions, buffer),
  };
}

/**
 * @typedef {Record<string, (...values: number[]) => void>} Functions  of the module
 */

/**
 * Whether all arrays are in the memory.
 *
 * @param {ArrayBuffer} memory
 * @param {Float32Array[]} arrays
 */
function areIn(memory, arrays) {
  return arrays.every(({ buffer }) => buffer === memory);
}

/**
 * The products of a backend: one function with different strides.
 *
 * @param {Functions} functions
 * @param {ArrayBuffer} memory
 */
function products({ multiply }, memory) {
  /** @type {(plain: Product, transposed: {A?: boolean, B?: boolean}) => Product} */
  const product = (plain, transposed) => (C, A, B, rows, inner, columns) => {
    if (!areIn(memory, [C, A, B])) return plain(C, A, B, rows, inner, columns);
    const [Ai, Ak] = transposed.A ? [1, rows] : [inner, 1];
    const [Bk, Bj] = transposed.B ? [1, inner] : [columns, 1];
    const strides = [Ai * FLOAT, Ak * FLOAT, Bk * FLOAT, Bj * FLOAT];
    multiply(C.byteOffset, A.byteOffset, B.byteOffset, rows, inner, columns, ...strides, 0);
  };
  return { addAB: product(addAB, {}), addATB: product(addATB, { A: true }), addABT: product(addABT, { B: true }) };
}

/**
 * The elementwise functions of a backend.
 *
 * @param {Functions} functions
 * @param {ArrayBuffer} memory
 * @returns {Pick<Backend, "cellForward" | "cellBackward" | "adam">}
 */
function elementwise(functions, memory) {
  const at = (/** @type {Float32Array[]} */ ...arrays) => arrays.map(({ byteOffset }) => byteOffset);
  return {
    cellForward(cell, hidden, n, H) {
      const { gates, before, after } = cell;
      if (!isWholeVectors(H) || !areIn(memory, [gates, before, after, hidden])) return cellForward(cell, hidden, n, H);
      functions.cellForward(...at(gates, before, after, hidden), n, H * FLOAT);
    },
    cellBackward(cell, da, dh, dc, n, H) {
      const { gates, before, after } = cell;
      const arrays = [gates, before, after, da, dh, dc];
      if (!isWholeVectors(H) || !areIn(memory, arrays)) return cellBackward(cell, da, dh, dc, n, H);
      functions.cellBackward(...at(...arrays), n, H * FLOAT);
    },
    adam(weights, gradient, m, v, step) {
      const { length } = weights;
      if (!isWholeVectors(length) || !areIn(memory, [weights, gradient, m, v]))
        return adam(weights, gradient, m, v, step);
      const { rate, decay, rest1, rest2, scale, epsilon } = step;
      const end = weights.byteOffset + length * FLOAT;
      functions.adam(...at(weights, gradient, m, v), end, rate, decay, rest1, rest2, scale, epsilon);
    },
  };
}
