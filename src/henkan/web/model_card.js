/** What the model card of an exported model says besides the facts that a server tells. */

import { element } from "./dom.js";
import { t } from "./texts.js";

/** @import { Child } from "./dom.js" */
/** @import { Model } from "./types.js" */

/** @typedef {[name: string, ...values: Child[]]} Row */

/**
 * Return the rows about the training; none for a model of a server.
 *
 * @param {Model} model
 * @returns {Row[]}
 */
export function trainingRows({ card, metrics }) {
  if (!card) return [];
  const { pairs, labelled } = metrics ?? {};
  const values = { name: card.data, count: typeof pairs === "number" ? pairs : card.pairs };
  const predicted = typeof labelled === "number" && labelled > 0 ? t("labelledCount", { count: labelled }) : "";
  return [
    [t("trainingData"), t(card.task ? "pairsOfTask" : "pairsFrom", values), predicted],
    [t("knownSources"), card.lexicon > 0 ? t("knownCount", { count: card.lexicon }) : ""],
  ];
}

/**
 * Return how to read the exact match on the validation set, or that there is none; "" for a model of a server.
 *
 * @param {Model} model
 */
export function validationNote({ card, metrics }) {
  if (!card) return "";
  return t(typeof metrics?.["exact_match"] === "number" ? "validationNote" : "notMeasured");
}

/**
 * Return the rows about settings and versions.
 *
 * @param {Model} model
 * @returns {Row[]}
 */
export function settingsRows({ card }) {
  if (!card) return [];
  const items = Object.entries(card.settings).map(([name, value]) =>
    element("li", {}, element("span", {}, name.replaceAll("_", " ")), " ", shown(value)),
  );
  return [
    [t("settings"), element("ul", { class: "settings", lang: "en" }, ...items)],
    [t("version"), `henkan ${card.henkan}`],
  ];
}

/** @param {unknown} value */
function shown(value) {
  if (value === null) return "–";
  return typeof value === "string" && value.trim() !== value ? JSON.stringify(value) : String(value);
}
