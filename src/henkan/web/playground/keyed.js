/** Parts of the page that are drawn again only if they have changed, so that a click on them is not lost. */

import { fill } from "../dom.js";
import { language } from "../texts.js";

/** @import { Child } from "../dom.js" */

/**
 * Replace the children of an element, unless they would show the same as before.
 *
 * @param {HTMLElement} parent
 * @param {unknown} shown  what they show
 * @param {() => Child[]} create
 * @returns {boolean}  whether they were replaced
 */
export function fillOnce(parent, shown, create) {
  const key = JSON.stringify([language(), shown]);
  if (parent.dataset.key === key) return false;
  parent.dataset.key = key;
  fill(parent, ...create());
  return true;
}
