/**
 * Matrix products in plain JavaScript. wasm_product.js has the same in WebAssembly, several times as fast.
 *
 * C is computed in tiles of 2 by 4 elements, whose sums stay in registers. The 4 columns of B are first copied to a
 * panel of 64-bit numbers, which JavaScript computes with, so that they are not converted again for every row of A.
 */

const WIDTH = 4; // columns of a tile

let panel = new Float64Array(WIDTH * 256); // grows with the longest sums

/**
 * Where the elements of A and B are: (i, k) of A at i Ai + k Ak, and (k, j) of B at k Bk + j Bj.
 *
 * @typedef {{Ai: number, Ak: number, Bk: number, Bj: number}} Strides
 */

/**
 * C += A B: (rows, inner), (inner, columns) -> (rows, columns).
 *
 * @type {import("./types.js").Product}
 */
export function addAB(C, A, B, rows, inner, columns) {
  multiply(C, A, B, rows, inner, columns, { Ai: inner, Ak: 1, Bk: columns, Bj: 1 });
}

/**
 * C += A^T B: (inner, rows), (inner, columns) -> (rows, columns).
 *
 * @type {import("./types.js").Product}
 */
export function addATB(C, A, B, rows, inner, columns) {
  multiply(C, A, B, rows, inner, columns, { Ai: 1, Ak: rows, Bk: columns, Bj: 1 });
}

/**
 * C += A B^T: (rows, inner), (columns, inner) -> (rows, columns).
 *
 * @type {import("./types.js").Product}
 */
export function addABT(C, A, B, rows, inner, columns) {
  multiply(C, A, B, rows, inner, columns, { Ai: inner, Ak: 1, Bk: 1, Bj: inner });
}

/**
 * @param {Float32Array} C
 * @param {Float32Array} A
 * @param {Float32Array} B
 * @param {number} rows
 * @param {number} inner
 * @param {number} columns
 * @param {Strides} strides
 */
function multiply(C, A, B, rows, inner, columns, strides) {
  if (panel.length < WIDTH * inner) panel = new Float64Array(WIDTH * inner);
  for (let j = 0; j < columns; j += WIDTH) {
    const width = Math.min(WIDTH, columns - j);
    pack(B, j * strides.Bj, inner, width, strides);
    for (let i = 0; i < rows; i += 2) {
      addTile(C, i * columns + j, columns, A, i * strides.Ai, inner, strides, width, i + 1 < rows);
    }
  }
}

/**
 * Copy `width` columns of B to the panel, and zeros up to 4 columns.
 *
 * @param {Float32Array} B
 * @param {number} from  of the first element
 * @param {number} inner
 * @param {number} width
 * @param {Strides} strides
 */
function pack(B, from, inner, width, { Bk, Bj }) {
  panel.fill(0, 0, WIDTH * inner);
  for (let k = 0; k < inner; k++) {
    for (let j = 0; j < width; j++) panel[k * WIDTH + j] = B[from + k * Bk + j * Bj];
  }
}

/**
 * Add the product of two rows of A and the panel to C.
 *
 * @param {Float32Array} C
 * @param {number} to  the first element of the tile
 * @param {number} columns  of C
 * @param {Float32Array} A
 * @param {number} from  the first element of the row
 * @param {number} inner
 * @param {Strides} strides
 * @param {number} width  columns of the tile to add
 * @param {boolean} both  whether to add the second row too
 */
function addTile(C, to, columns, A, from, inner, { Ai, Ak }, width, both) {
  const B = panel; // a local variable and no arrays in the loop: a third of the time
  let a0 = 0,
    a1 = 0,
    a2 = 0,
    a3 = 0,
    b0 = 0,
    b1 = 0,
    b2 = 0,
    b3 = 0;
  const next = both ? Ai : 0;
  for (let k = 0, at = from, p = 0; k < inner; k++, at += Ak, p += WIDTH) {
    const a = A[at];
    const b = A[at + next];
    const x = B[p];
    const y = B[p + 1];
    const z = B[p + 2];
    const w = B[p + 3];
    a0 += a * x;
    a1 += a * y;
    a2 += a * z;
    a3 += a * w;
    b0 += b * x;
    b1 += b * y;
    b2 += b * z;
    b3 += b * w;
  }
  addRow(C, to, width, a0, a1, a2, a3);
  if (both) addRow(C, to + columns, width, b0, b1, b2, b3);
}

/**
 * @param {Float32Array} C
 * @param {number} to
 * @param {number} width
 * @param {number} s0
 * @param {number} s1
 * @param {number} s2
 * @param {number} s3
 */
function addRow(C, to, width, s0, s1, s2, s3) {
  C[to] += s0;
  if (width > 1) C[to + 1] += s1;
  if (width > 2) C[to + 2] += s2;
  if (width > 3) C[to + 3] += s3;
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
