/** Small controls. */

import { element, fill } from "./dom.js";

let groups = 0;

/**
 * Create a choice between a few options, side by side.
 *
 * @param {string} label
 * @param {Record<string, string>} options  value -> text
 * @param {string} value  the selected one
 * @param {(value: string) => void} onChange
 */
export function segmented(label, options, value, onChange) {
  const name = `choice-${groups++}`;
  return element(
    "fieldset",
    { class: "segmented" },
    element("legend", { class: "hidden" }, label),
    ...Object.entries(options).map(([each, text]) =>
      element(
        "label",
        {},
        element("input", { type: "radio", name, value: each, checked: each === value, onchange: () => onChange(each) }),
        element("span", {}, text),
      ),
    ),
  );
}

/**
 * Replace choices by new ones. A keyboard user who has just changed one keeps the focus on it.
 *
 * @param {HTMLElement} parent
 * @param {...(HTMLElement | null)} choices
 */
export function replaceChoices(parent, ...choices) {
  const focused = [...parent.children].findIndex((choice) => choice.contains(document.activeElement));
  fill(parent, ...choices);
  /** @type {HTMLElement | null | undefined} */ (parent.children[focused]?.querySelector(":checked"))?.focus();
}

/**
 * Put a select into a box that draws its arrow.
 *
 * @param {HTMLSelectElement} select
 */
export function selectBox(select) {
  return element("span", { class: "select" }, select);
}

/**
 * Create a bar for a number from 0 to 1, which is also written beside it.
 *
 * @param {number} share
 */
export function bar(share) {
  return element("span", { class: "bar", "--share": share, "aria-hidden": "true" });
}

/**
 * Move the focus between buttons with the arrow keys, so that they need one stop of the tab key.
 *
 * @param {HTMLElement} row
 */
export function roving(row) {
  const buttons = () => /** @type {HTMLButtonElement[]} */ ([...row.querySelectorAll("button")]);
  const stop = (/** @type {HTMLButtonElement | undefined} */ chosen) => {
    for (const button of buttons()) button.tabIndex = button === chosen ? 0 : -1;
  };
  stop(buttons()[0]);
  row.addEventListener("focusin", (event) => stop(/** @type {HTMLButtonElement} */ (event.target)));
  row.addEventListener("keydown", (event) => {
    const all = buttons();
    const at = all.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const forward = getComputedStyle(row).direction === "rtl" ? -1 : 1;
    const moves = /** @type {Record<string, number>} */ ({
      ArrowRight: at + forward,
      ArrowLeft: at - forward,
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: all.length - 1,
    });
    const wanted = moves[event.key];
    if (at < 0 || wanted === undefined) return;
    event.preventDefault();
    all[Math.min(Math.max(wanted, 0), all.length - 1)]?.focus();
  });
}
