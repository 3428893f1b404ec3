/** Where arrays live, and the functions that compute with them; see `Backend` in types.js. */

import { cellBackward, cellForward } from "./cell.js";
import { adam } from "./optimizer.js";
import { addAB, addABT, addATB } from "./product.js";

/** @import { Backend } from "./types.js" */

/**
 * A backend in plain JavaScript, whose arrays are ordinary ones.
 *
 * @returns {Backend}
 */
export function plainBackend() {
  const empty = (/** @type {number} */ size) => new Float32Array(size);
  return { empty, zeros: empty, keep: empty, reset() {}, addAB, addATB, addABT, cellForward, cellBackward, adam };
}
