/** Arrays of a model file: numbers in float32, in float16, or as 8-bit integers with scales. */

/** Bytes of a number. */
export const WIDTHS = { float32: 4, float16: 2, int8: 1 };

/**
 * @typedef {object} ArrayData
 * @property {number[]} shape
 * @property {"float32" | "float16" | "int8"} type
 * @property {string | Uint8Array<ArrayBuffer>} data  the bytes of the numbers or base64 of them, row by row and with
 *   the lowest byte first
 * @property {0 | 1} [axis]  of int8: whether each row (0) or column (1) has a scale
 * @property {string | Uint8Array<ArrayBuffer>} [scales]  of int8: float32, likewise
 */

/**
 * The numbers of an array.
 *
 * @param {ArrayData} array
 * @param {(size: number) => Float32Array} allocate
 * @returns {Float32Array}
 * @throws {RangeError} if it does not have as many numbers as its shape says
 */
export function decodeArray({ shape, type, data, axis = 1, scales = "" }, allocate) {
  const bytes = bytesOf(data);
  const size = shape.reduce((product, length) => product * length, 1);
  if (bytes.length !== size * WIDTHS[type]) throw new RangeError("an array has another number of numbers than its shape says");
  const numbers = allocate(size);
  if (type === "int8") fillScaled(numbers, bytes, shape[1], { axis, scales: floats(bytesOf(scales)) });
  else if (type === "float16") fillHalves(numbers, bytes);
  else numbers.set(floats(bytes));
  return numbers;
}

/**
 * @param {string | Uint8Array<ArrayBuffer>} data  if it is a string, in base64
 * @returns {Uint8Array<ArrayBuffer>}
 */
function bytesOf(data) {
  if (typeof data !== "string") return data;
  const binary = atob(data);
  const bytes = new Uint8Array(binary.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = binary.charCodeAt(k);
  return bytes;
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function floats(bytes) {
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, k) => view.getFloat32(4 * k, true));
}

/**
 * @param {Float32Array} numbers
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function fillHalves(numbers, bytes) {
  for (let k = 0; k < numbers.length; k++) numbers[k] = half(bytes[2 * k] | (bytes[2 * k + 1] << 8));
}

/**
 * The number that 16 bits stand for: a sign, 5 bits of exponent and 10 bits of fraction (IEEE 754).
 *
 * @param {number} bits
 */
export function half(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * @param {Float32Array} numbers  (D, M)
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {number} M
 * @param {{axis: number, scales: Float32Array}} scaling
 */
function fillScaled(numbers, bytes, M, { axis, scales }) {
  const integers = new Int8Array(bytes.buffer);
  for (let k = 0; k < numbers.length; k++) numbers[k] = integers[k] * scales[axis === 0 ? Math.floor(k / M) : k % M];
}
