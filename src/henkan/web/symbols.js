/** Symbols as a reader sees them: spaces, combining characters, feature tags, and names of unknown symbols. */

const TAG = "\t"; // the first character of a feature tag
// the blocks of Unicode for Hebrew, Arabic and other scripts of this direction
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const NAMES = new Map([
  [" ", "␣"],
  ["\u00a0", "⍽"],
  ["\u3000", "□"],
  ["\t", "⇥"],
  ["\n", "↵"],
  ["\r", "␍"],
]);

/**
 * Whether a source symbol is a feature tag.
 *
 * @param {string} symbol
 */
export function isTag(symbol) {
  return symbol.length > 1 && symbol.startsWith(TAG);
}

/**
 * Return a symbol so that it can be seen: a space as ␣, a combining accent on a dotted circle, an invisible character
 * by its number.
 *
 * @param {string} symbol
 */
export function showSymbol(symbol) {
  const text = isTag(symbol) ? symbol.slice(TAG.length) : symbol;
  const shown = Array.from(text, (character) => {
    const name = NAMES.get(character);
    if (name) return name;
    if (/[\p{C}\p{Z}]/u.test(character)) return codePoint(character);
    return character;
  }).join("");
  return /^\p{M}/u.test(shown) ? `◌${shown}` : shown;
}

/**
 * Return a text with the spaces visible that a reader would miss: at its ends, and several in a row.
 *
 * @param {string} text
 */
export function showText(text) {
  return text
    .replace(/^\s+|\s+$|\s{2,}|[\t\n\r\u00a0\u3000]/g, (spaces) =>
      Array.from(spaces, (space) => NAMES.get(space) ?? codePoint(space)).join(""),
    )
    .replace(/^\p{M}/u, (mark) => `◌${mark}`);
}

/** @param {string} character */
function codePoint(character) {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/**
 * The direction in which symbols are laid out: that of the first letter.
 *
 * @param {Iterable<string>} symbols
 * @returns {"ltr" | "rtl"}
 */
export function direction(symbols) {
  for (const symbol of symbols) {
    if (isTag(symbol)) continue;
    const letter = /\p{L}/u.exec(symbol)?.[0];
    if (letter) return RIGHT_TO_LEFT.test(letter) ? "rtl" : "ltr";
  }
  return "ltr";
}

/**
 * Return the unknown symbols that the server names, such as "symbol 'é'" or "feature 'PST'", as source symbols.
 *
 * @param {readonly string[]} names  the symbol is quoted as in Python
 * @returns {Set<string>}
 */
export function unknownSymbols(names) {
  const found = new Set();
  for (const name of names) {
    const match = /^(symbol|feature) (['"])(.*)\2$/su.exec(name);
    if (match) found.add((match[1] === "feature" ? TAG : "") + unquoted(match[3] ?? ""));
  }
  return found;
}

/** @param {string} text  as Python's `repr` escapes it */
function unquoted(text) {
  const plain = /** @type {Record<string, string>} */ ({ n: "\n", r: "\r", t: "\t" });
  return text.replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/gu, (_, x, u, U, other) => {
    const code = x ?? u ?? U;
    return code ? String.fromCodePoint(parseInt(code, 16)) : (plain[other] ?? other);
  });
}

/**
 * Split a source into its text and its feature tags.
 *
 * @param {string} source
 * @returns {{text: string, tags: string}}
 */
export function splitTags(source) {
  const at = source.indexOf(TAG);
  return at < 0 ? { text: source, tags: "" } : { text: source.slice(0, at), tags: source.slice(at + 1) };
}

/**
 * @param {string} text
 * @param {string} tags
 */
export function joinTags(text, tags) {
  return tags.trim() ? text + TAG + tags : text;
}
