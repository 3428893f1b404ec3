/** Lists of texts: lines in, batches for the server, tab-separated values out. */

const ESCAPES = /** @type {Record<string, string>} */ ({ "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" });

/**
 * Escape a text for a column, as henkan's text output does.
 *
 * @param {string} text
 */
export function escapeText(text) {
  return text.replace(
    /[\\\n\r\t\v\f\x1c-\x1e\x85\u2028\u2029]/gu,
    (character) => ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Return rows as tab-separated values, each line with its end.
 *
 * @param {readonly (readonly string[])[]} rows
 */
export function toTsv(rows) {
  return rows.map((row) => `${row.map(escapeText).join("\t")}\n`).join("");
}

/**
 * Split pasted text into lines. The end of the last line does not begin another one.
 *
 * @param {string} text
 */
export function toLines(text) {
  const lines = text.split(/\r\n|\n|\r/u);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/**
 * Divide items into parts of at most `size`.
 *
 * @template Item
 * @param {readonly Item[]} items
 * @param {number} size
 * @returns {Item[][]}
 */
export function parts(items, size) {
  const count = Math.ceil(items.length / Math.max(1, size));
  return Array.from({ length: count }, (_, part) => items.slice(part * size, (part + 1) * size));
}
