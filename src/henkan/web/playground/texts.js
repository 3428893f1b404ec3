/** The playground's texts in the chosen language, and its numbers. */

import { language, translator } from "../texts.js";
import { english } from "./texts_en.js";
import { japanese } from "./texts_ja.js";

/** @typedef {keyof typeof english} Key */

/** Return a text of the playground in the chosen language. */
export const p = translator({ en: english, ja: japanese });

/**
 * Join sentences, between which Japanese has no space.
 *
 * @param {...string} all
 */
export function sentences(...all) {
  return all.join(language() === "ja" ? "" : " ");
}

/**
 * A number of a state with two digits after the point, and a real minus sign.
 *
 * @param {number} value
 */
export function decimal(value) {
  const text = value.toFixed(2);
  return (text === "-0.00" ? "0.00" : text).replace("-", "−");
}

/**
 * A share in percent, as short as on an axis.
 *
 * @param {number} share
 * @param {number} [digits]
 */
export function shortPercent(share, digits = 0) {
  return `${(100 * share).toFixed(digits)} %`;
}

/**
 * The name of a place of a number.
 *
 * @param {number} place  0 for the units
 */
export function placeName(place) {
  return p(/** @type {const} */ (["place0", "place1", "place2", "place3"])[place] ?? "place0");
}

/**
 * A target symbol in words.
 *
 * @param {string} symbol  "" is the boundary
 * @param {"boundary" | "end"} [boundary]
 */
export function symbolName(symbol, boundary = "end") {
  return symbol === "" ? p(boundary) : symbol;
}
