/** A vector as a strip of coloured squares. */

import { element } from "../dom.js";

/**
 * @param {string} row  name of the row, which terms of the formulas refer to
 * @param {number} units
 */
export function strip(row, units) {
  const cells = Array.from({ length: units }, (_, unit) => element("i", { "data-unit": unit }));
  return element("div", { class: "strip", "data-row": row, "aria-hidden": "true" }, ...cells);
}

/**
 * Colour the squares of a strip.
 *
 * @param {Element} drawn
 * @param {ArrayLike<number>} values
 * @param {number} scale  the value with the full colour
 */
export function colourStrip(drawn, values, scale) {
  for (let unit = 0; unit < values.length; unit++) {
    const cell = /** @type {HTMLElement} */ (drawn.children[unit]);
    const value = values[unit];
    cell.style.setProperty("--v", Math.min(Math.abs(value) / scale, 1).toFixed(3));
    cell.className = value < 0 ? "minus" : "plus";
  }
}

/**
 * Mark a unit in all strips of a part of the page.
 *
 * @param {Element} root
 * @param {number} unit
 */
export function markUnit(root, unit) {
  for (const cell of root.querySelectorAll(".strip > [data-marked]")) cell.removeAttribute("data-marked");
  for (const cell of root.querySelectorAll(`.strip > [data-unit="${unit}"]`)) cell.setAttribute("data-marked", "");
}
