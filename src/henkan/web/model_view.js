/** What is known about a model: a line, and a panel with details. */

import { element, fill } from "./dom.js";
import { settingsRows, trainingRows, validationNote } from "./model_card.js";
import { showSymbol } from "./symbols.js";
import { inEveryLanguage, percent, t } from "./texts.js";

/** @import { Row } from "./model_card.js" */
/** @import { Model } from "./types.js" */

const SYMBOLS = 120; // more are not listed

export function modelView() {
  /** @type {Model | null} */
  let model = null;
  const line = element("span", { class: "facts" });
  const summary = element("summary");
  const list = element("dl");
  const details = element("details", { class: "model-details" }, summary, list);
  const view = element("div", { class: "model" }, line, details);

  function draw() {
    if (!model) return;
    summary.textContent = t("details");
    fill(line, ...factsOf(model).map((fact) => element("span", {}, fact)));
    fill(
      list,
      ...detailsOf(model).flatMap(([name, ...values]) => [
        element("dt", {}, name),
        ...values.filter(Boolean).map((value) => element("dd", { dir: "auto" }, value)),
      ]),
    );
  }

  inEveryLanguage(draw);

  return {
    element: view,
    /** @param {Model} wanted */
    show(wanted) {
      model = wanted;
      draw();
    },
  };
}

/** @param {Model} model */
function factsOf(model) {
  const match = numberOf(model, "exact_match");
  return [
    kindOf(model),
    match !== null && t("exactMatch", { share: percent(match) }),
    typeof model.parameters === "number" && t("parameters", { count: model.parameters }),
  ].filter((fact) => fact !== false);
}

/** @param {Model} model */
function kindOf(model) {
  const kinds = /** @type {Record<string, string>} */ ({
    transducer: t("transducer"),
    "encoder-decoder": t(model.by === "attention" ? "encoderDecoderAttention" : "encoderDecoder"),
  });
  const mixed = model.architecture.includes(","); // a mixed ensemble has several architectures
  const kind = mixed ? t("mixed") : (kinds[model.architecture] ?? model.architecture);
  return (model.members ?? 1) > 1 ? t("ensemble", { model: kind, count: model.members ?? 1 }) : kind;
}

/**
 * @param {Model} model
 * @returns {Row[]}
 */
function detailsOf(model) {
  const match = numberOf(model, "exact_match");
  const pairs = numberOf(model, "held_out");
  const known = match !== null && pairs !== null;
  const validation = known ? t("validationCount", { share: percent(match), count: pairs }) : "";
  const tags = model.tags ? t("tagsSeparatedBy", { separator: showSymbol(model.tags) }) : "";
  /** @type {Row[]} */
  const rows = [
    [t("task"), model.card ? "" : (model.task ?? "")], // the card names it
    ...trainingRows(model),
    [t("validation"), validation, validationNote(model)],
    [t("confidenceKind"), t(model.calibrated === false ? "calibratedNo" : "calibratedYes")],
    [t("sourceSymbols"), unit(model.source_symbols), tags, symbolList(model.symbols?.source)],
    [t("targetSymbols"), unit(model.target_symbols), symbolList(model.symbols?.target)],
    [t("copying"), t(model.copying ? "copyingYes" : "copyingNo")],
    [t("longest"), model.limits?.length ? t("longestCount", { count: model.limits.length }) : ""],
    ...settingsRows(model),
  ];
  return rows.filter(([, ...values]) => values.some(Boolean));
}

/** @param {string | undefined} name */
function unit(name) {
  if (name === undefined) return "";
  if (name === "characters" || name === "graphemes") return t(name);
  return t("separatedBy", { separator: showSymbol(name) });
}

/** @param {string[] | undefined} symbols */
function symbolList(symbols = []) {
  const shown = symbols.slice(0, SYMBOLS).map(showSymbol).join(" ");
  return symbols.length > SYMBOLS ? `${shown} ${t("more")}` : shown;
}

/**
 * @param {Model} model
 * @param {string} name
 */
function numberOf(model, name) {
  const value = model.metrics?.[name];
  return typeof value === "number" ? value : null;
}
