/** Lists of texts: lines in, batches for the server, tab-separated values out. */

const ESCAPES = /** @type {Record<string, string>} */ ({ "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" });

/**
 * Escape a text for a column, as henkan's text output does.
 *
 * @param {string} text
 */
function escapeText(text) {
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
 * Divide lines into parts for one request each.
 *
 * @param {readonly string[]} lines
 * @param {number} size  largest number of lines in a part
 * @param {number} [length]  largest number of characters of a part with several lines
 * @returns {string[][]}
 */
export function parts(lines, size, length = Infinity) {
  /** @type {string[][]} */
  const found = [];
  let characters = 0;
  for (const line of lines) {
    const last = found.at(-1);
    characters += line.length;
    if (last && last.length < size && characters <= length) {
      last.push(line);
    } else {
      found.push([line]);
      characters = line.length;
    }
  }
  return found;
}
