/** A vector as a strip of coloured squares. */

import { element } from "../dom.js";

/**
 * @param {string} row  name of the row, which terms of the formulas refer to
 * @param {ArrayLike<number>} values
 * @param {number} scale  the value with the full colour
 */
export function strip(row, values, scale) {
  const cells = Array.from(values, (value, unit) => {
    const share = Math.min(Math.abs(value) / scale, 1);
    return element("i", { "--v": share.toFixed(3), "data-unit": unit, class: value < 0 ? "minus" : "plus" });
  });
  return element("div", { class: "strip", "data-row": row, "aria-hidden": "true" }, ...cells);
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
