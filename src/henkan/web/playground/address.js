/** The address of the page, which has the choices, so that it can be shared. */

import { writeChoices } from "./settings.js";

/** @import { Choices } from "./settings.js" */

const KEPT = ["lang", "theme", "products"]; // what the page does not change

/** @param {Choices} choices */
export function remember(choices) {
  const given = new URLSearchParams(location.search);
  const query = new URLSearchParams(writeChoices({ ...choices, question: null }));
  for (const name of KEPT) {
    const value = given.get(name);
    if (value) query.set(name, value);
  }
  const text = query.toString();
  for (const address of [`${location.pathname}${text && `?${text}`}`, `#${text}`]) {
    try {
      return history.replaceState(null, "", address);
    } catch {
      // the page is a file, of which some browsers allow only the part after # to change
    }
  }
}
