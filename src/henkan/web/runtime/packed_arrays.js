/** Puts numbers that were stored apart from a model back into its arrays; see `henkan.export.html.packing`. */

import { WIDTHS } from "./arrays.js";

/** @import { ModelData } from "./model_file.js" */

/**
 * @typedef {[start: number, length: number]} Position  of the numbers of an array, in bytes
 */

/**
 * Put the numbers into the arrays of a model, which has their positions.
 *
 * @param {any} data  a model like ModelData, in which positions replace the numbers; changed in place
 * @param {Uint8Array<ArrayBuffer>} bytes  all numbers
 * @returns {ModelData}
 */
export function putNumbers(data, bytes) {
  for (const { codec, members } of data.variants) {
    for (const arrays of [codec, ...members]) {
      for (const array of Object.values(arrays)) {
        const width = WIDTHS[/** @type {keyof typeof WIDTHS} */ (array.type)];
        array.data = numbersAt(bytes, array.data, width);
        if (array.scales) array.scales = numbersAt(bytes, array.scales, WIDTHS.float32);
      }
    }
  }
  return data;
}

/**
 * The bytes of numbers, one number after the other.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes  the first bytes of all numbers, then their second bytes, and so on
 * @param {Position} position
 * @param {number} width  of a number
 */
function numbersAt(bytes, [start, length], width) {
  const numbers = new Uint8Array(length);
  const count = length / width;
  for (let byte = 0; byte < width; byte++) {
    for (let k = 0; k < count; k++) numbers[k * width + byte] = bytes[start + byte * count + k];
  }
  return numbers;
}
