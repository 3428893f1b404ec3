/** Texts in the chosen language, and the numbers in them. */

import { direction } from "./symbols.js";
import { english } from "./texts_en.js";
import { japanese } from "./texts_ja.js";

/** @typedef {keyof typeof english} Key */
/** @typedef {"en" | "ja"} Language */

export const LANGUAGES = /** @type {const} */ ({ en: "English", ja: "日本語" });

const TEXTS = { en: english, ja: japanese };
/** @type {Language} */
let chosen = "en";
/** @type {Set<() => void>} */
const listeners = new Set();

/** @returns {Language} */
export function language() {
  return chosen;
}

/**
 * Change the language and everything that is shown.
 *
 * @param {Language} wanted
 */
export function setLanguage(wanted) {
  chosen = wanted;
  for (const changed of listeners) changed();
}

/**
 * Call a function now, and again whenever the language changes.
 *
 * @param {() => void} show
 */
export function inEveryLanguage(show) {
  listeners.add(show);
  show();
}

/**
 * Create a function that returns texts in the chosen language.
 *
 * @template {string} K
 * @param {Record<Language, Record<K, string>>} texts  `{name}` is replaced by a value
 * @returns {(key: K, values?: Record<string, string | number>) => string}  numbers are formatted
 */
export function translator(texts) {
  return (key, values = {}) =>
    texts[chosen][key].replace(/\{(\w+)\}/gu, (place, name) => {
      const value = values[name];
      return value === undefined ? place : typeof value === "number" ? count(value) : isolated(value);
    });
}

/** Return a text of the page in the chosen language. */
export const t = translator(TEXTS);

/**
 * Keep a text that is written from right to left apart from the sentence around it.
 *
 * @param {string} text
 */
function isolated(text) {
  return direction([text]) === "rtl" ? `\u2068${text}\u2069` : text;
}

/**
 * Return the text of a name that the server uses, or the name if there is none.
 *
 * @param {string} name
 */
export function translated(name) {
  return name in english ? t(/** @type {Key} */ (name)) : name;
}

/** @param {number} number */
export function count(number) {
  return number.toLocaleString(chosen);
}

/**
 * Format a probability in percent. Only 0 and 1 are shown as 0 % and 100 %; small ones keep one digit.
 *
 * @param {number} probability
 */
export function percent(probability) {
  const shown = Math.min(Math.max(probability, 0), 1);
  if (shown > 0 && shown < 1e-5) return `<${format(1e-5, 3)}`;
  if (shown < 1 && shown > 0.999) return `>${format(0.999, 1)}`;
  const digits = shown === 0 || shown === 1 ? 0 : Math.max(1, Math.ceil(-Math.log10(shown)) - 2);
  return format(shown, digits);
}

/**
 * @param {number} share
 * @param {number} digits  after the decimal point
 */
function format(share, digits) {
  return share.toLocaleString(chosen, {
    style: "percent",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/**
 * Fill the elements of the page that name their text in `data-text`.
 *
 * @param {ParentNode} root
 */
export function fillTexts(root) {
  for (const found of root.querySelectorAll("[data-text]")) {
    found.textContent = t(/** @type {Key} */ (/** @type {HTMLElement} */ (found).dataset.text));
  }
}
