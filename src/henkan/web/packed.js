/** Reads what `henkan.export.html.packing` has packed as text: compressed bytes in digits. */

const FIRST = 33; // code of the first digit
const LEFT_OUT = ["<", "&", "\\"].map((digit) => digit.charCodeAt(0));
const DIGITS = 91;
const BITS = 13; // in two digits

/** @type {number[]} */
const VALUES = []; // by the code of a digit
for (let code = FIRST, value = 0; value < DIGITS; code++) if (!LEFT_OUT.includes(code)) VALUES[code] = value++;

/**
 * Return the compressed bytes of a text.
 *
 * @param {string} text  their number, a space, and digits
 */
export function decodeDigits(text) {
  const first = text.indexOf(" ") + 1;
  const bytes = new Uint8Array(Number(text.slice(0, first)));
  let [bits, count, at] = [0, 0, 0];
  for (let k = first; k + 1 < text.length; k += 2) {
    const value = (VALUES[text.charCodeAt(k)] ?? 0) + DIGITS * (VALUES[text.charCodeAt(k + 1)] ?? 0);
    bits |= value << count;
    for (count += BITS; count >= 8 && at < bytes.length; count -= 8, bits >>>= 8) bytes[at++] = bits & 255;
  }
  return bytes;
}

/**
 * Return the bytes that were packed.
 *
 * @param {string} text
 */
export async function unpack(text) {
  const packed = new Blob([decodeDigits(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}
