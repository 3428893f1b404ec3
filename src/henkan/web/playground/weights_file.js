/** The weights as a file in the format of safetensors, which NumPy, PyTorch and others read. */

/** @import { Weights } from "./types.js" */

/**
 * @param {Weights} weights
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function safetensors({ tensors, settings, symbols, update }) {
  /** @type {Record<string, unknown>} */
  const header = {
    __metadata__: { settings: JSON.stringify(settings), symbols: JSON.stringify(symbols), update: String(update) },
  };
  let at = 0;
  for (const { name, shape, values } of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [at, at + values.byteLength] };
    at += values.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(start + at).fill(0x20, 8, start); // the header is padded with spaces
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.set(text, 8);
  const view = new DataView(file.buffer);
  let to = start;
  for (const { values } of tensors) {
    for (const value of values) {
      view.setFloat32(to, value, true);
      to += 4;
    }
  }
  return file;
}
