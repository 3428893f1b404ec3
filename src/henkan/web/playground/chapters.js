/** Links to the chapters of the documentation. */

import { element } from "../dom.js";
import { language } from "../texts.js";
import { p } from "./texts.js";

/** @import { View } from "./settings.js" */

const FILES = /** @type {const} */ ({
  3: "3-lstm",
  4: "4-time",
  5: "5-learning",
  6: "6-seq2seq",
  7: "7-peeking",
  8: "8-attention",
});

/** @typedef {keyof typeof FILES} Chapter */

/** @type {Record<View, Chapter[]>} */
export const CHAPTERS = { training: [5, 7], states: [3], answer: [6], gradient: [4, 7], probe: [7], saliency: [8] };

/**
 * A link to a chapter. A page that is not part of the documentation names the chapter without a link.
 *
 * @param {Chapter} chapter
 */
export function chapterLink(chapter) {
  const folder = document.documentElement.dataset.docs; // set where the page is part of the documentation
  const values = { number: String(chapter), name: p(`chapter${chapter}`) };
  if (folder === undefined) return element("span", { class: "chapter" }, p("chapterOf", values));
  const href = `${folder}${language()}/${FILES[chapter]}.html`;
  return element("a", { class: "chapter", href, target: "_top" }, p("chapter", values));
}
