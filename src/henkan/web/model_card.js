/** What the model card of an exported model says besides the facts that a server tells. */

import { t } from "./texts.js";

/** @import { Model } from "./types.js" */

/**
 * Return the rows about the training, each with a name and values; none for a model of a server.
 *
 * @param {Model} model
 * @returns {[string, ...string[]][]}
 */
export function trainingRows({ card, metrics }) {
  if (!card) return [];
  const { pairs, labelled } = metrics ?? {};
  const values = { name: card.data, count: typeof pairs === "number" ? pairs : card.pairs };
  const predicted = typeof labelled === "number" && labelled > 0 ? t("labelledCount", { count: labelled }) : "";
  const measured = typeof metrics?.["exact_match"] === "number";
  return [
    [t("trainingData"), t(card.task ? "pairsOfTask" : "pairsFrom", values), predicted],
    [t("accuracy"), t(measured ? "validationNote" : "notMeasured")],
    [t("knownSources"), card.lexicon > 0 ? t("knownCount", { count: card.lexicon }) : ""],
  ];
}

/**
 * Return the rows about settings and versions.
 *
 * @param {Model} model
 * @returns {[string, ...string[]][]}
 */
export function settingsRows({ card }) {
  if (!card) return [];
  const settings = Object.entries(card.settings).map(([name, value]) => `${name.replaceAll("_", " ")}: ${shown(value)}`);
  return [
    [t("settings"), settings.join(" · ")],
    [t("version"), `henkan ${card.henkan}`],
  ];
}

/** @param {unknown} value */
function shown(value) {
  if (value === null) return "–";
  return typeof value === "string" && value.trim() !== value ? JSON.stringify(value) : String(value);
}
