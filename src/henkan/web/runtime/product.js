/** Matrix products in plain JavaScript. `wasm_product.js` has the same in WebAssembly, several times as fast. */

/**
 * C += A B: (rows, inner), (inner, columns) -> (rows, columns).
 *
 * The order of the loops reads and writes memory in order of addresses.
 *
 * @type {import("./types.js").Product}
 */
export function addAB(C, A, B, rows, inner, columns) {
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) addRow(C, i * columns, A[i * inner + k], B, k * columns, columns);
  }
}

/**
 * C += A^T B: (inner, rows), (inner, columns) -> (rows, columns).
 *
 * @type {import("./types.js").Product}
 */
export function addATB(C, A, B, rows, inner, columns) {
  for (let k = 0; k < inner; k++) {
    for (let i = 0; i < rows; i++) addRow(C, i * columns, A[k * rows + i], B, k * columns, columns);
  }
}

/**
 * C += A B^T: (rows, inner), (columns, inner) -> (rows, columns).
 *
 * @type {import("./types.js").Product}
 */
export function addABT(C, A, B, rows, inner, columns) {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) C[i * columns + j] += dot(A, i * inner, B, j * inner, inner);
  }
}

/**
 * C[c + j] += a B[b + j] for `count` elements.
 *
 * @param {Float32Array} C
 * @param {number} c
 * @param {number} a
 * @param {Float32Array} B
 * @param {number} b
 * @param {number} count
 */
function addRow(C, c, a, B, b, count) {
  if (a === 0) return;
  for (let j = 0; j < count; j++) C[c + j] += a * B[b + j];
}

/**
 * The sum of x[at + k] y[from + k] for `count` elements.
 *
 * @param {Float32Array} x
 * @param {number} at
 * @param {Float32Array} y
 * @param {number} from
 * @param {number} count
 */
export function dot(x, at, y, from, count) {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += x[at + k] * y[from + k];
  return sum;
}
