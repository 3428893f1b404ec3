/** Strings as Python treats them, where JavaScript differs. */

const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const AROUND = new RegExp(`^${SPACE}|${SPACE}$`, "gu");

/**
 * Remove whitespace at both ends. `trim` has another list of whitespace.
 *
 * @param {string} text
 */
export function strip(text) {
  return text.replace(AROUND, "");
}

/**
 * Order of strings by their code points, for `sort`. JavaScript itself compares UTF-16 units.
 *
 * @param {string} a
 * @param {string} b
 */
export function byCodePoints(a, b) {
  const [left, right] = [[...a], [...b]];
  for (let k = 0; k < left.length && k < right.length; k++) {
    const difference = (left[k].codePointAt(0) ?? 0) - (right[k].codePointAt(0) ?? 0);
    if (difference) return difference;
  }
  return left.length - right.length;
}

const ESCAPES = /** @type {Record<string, string>} */ ({ "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" });
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

/**
 * A string in quotes, with escapes for characters that cannot be seen, as `repr` writes it.
 *
 * @param {string} text
 */
export function quoted(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let shown = "";
  for (const character of text) {
    if (character === quote || character in ESCAPES) shown += ESCAPES[character] ?? `\\${character}`;
    else if (character !== " " && UNPRINTABLE.test(character)) shown += escaped(character.codePointAt(0) ?? 0);
    else shown += character;
  }
  return quote + shown + quote;
}

/** @param {number} code */
function escaped(code) {
  const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${letter}${code.toString(16).padStart(digits, "0")}`;
}

/**
 * Divide a string at the first separator: the part before it, the separator, and the part after it. If there is none,
 * the first is the string, and the others are empty.
 *
 * @param {string} text
 * @param {string} separator
 * @returns {[string, string, string]}
 */
export function partition(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, "", ""] : [text.slice(0, at), separator, text.slice(at + separator.length)];
}
