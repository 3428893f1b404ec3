/** The prediction for one text: how sure the model is of it, and what to know about it. */

import { bar } from "./controls.js";
import { element, fill } from "./dom.js";
import { showSymbol, showText, unknownSymbols } from "./symbols.js";
import { inEveryLanguage, percent, t, translated } from "./texts.js";

/** @import { Model, Result } from "./types.js" */

/**
 * Return why there is no prediction, in the chosen language; "" if there is one.
 *
 * @param {Result} result
 * @param {number} [limit]  confidence below which the model abstains
 */
export function reasonOf(result, limit = 0) {
  if (result.prediction !== null) return "";
  if (result.blank) return t("blank");
  if (result.disallowed) return t("disallowed");
  if (result.out_of_memory) return t("outOfMemory");
  if (result.abstained) {
    return result.confidence === null ? t("abstainedUnknown") : t("abstained", { limit: percent(limit) });
  }
  if (isUnreadable(result)) return t("unreadable", { symbols: unknownIn(result) });
  const tooMany = TOO_MANY_SYMBOLS.exec(result.reason ?? "");
  if (tooMany) return t("tooManySymbols", { count: Number(tooMany[1]), limit: Number(tooMany[2]) });
  return result.reason ?? "";
}

const TOO_MANY_SYMBOLS = /^(\d+) symbols \(this model reads at most (\d+)\)$/; // of `Vocabulary.encode`

/**
 * Whether there is no prediction because the model cannot read symbols of the text.
 *
 * @param {Result} result
 */
function isUnreadable(result) {
  return result.prediction === null && (result.reason ?? "").startsWith("unknown ") && unknownIn(result) !== "";
}

/** @param {Result} result */
function unknownIn(result) {
  return [...unknownSymbols(result.unknown ?? [])].map(showSymbol).join(" ");
}

/**
 * Return what to know about a result, in the chosen language.
 *
 * @param {Result} result
 * @returns {string[]}
 */
export function notesOf(result) {
  const symbols = isUnreadable(result) ? "" : unknownIn(result); // the reason names them already
  const kinds = (result.outside ?? []).filter((kind) => !(symbols && UNKNOWN_KINDS.has(kind)));
  return [
    symbols && t("unknownSymbols", { symbols }),
    kinds.length > 0 && t("outside", { kinds: kinds.map(translated).join(t("listSeparator")) }),
    result.cut_off && t("cutOff"),
    result.origin === "lexicon" && t("fromLexicon"),
  ].flatMap((note) => note || []);
}

const UNKNOWN_KINDS = new Set(["symbols not in training", "tags not in training"]); // `unknown` says it already

export function answerView() {
  /** @type {{result: Result, model: Model, limit: number} | null} */
  let shown = null;
  const prediction = element("output", { class: "prediction", dir: "auto" });
  const confidence = element("div", { class: "confidence" });
  const notes = element("ul", { class: "notes" });
  const spoken = element("p", { class: "hidden", "aria-live": "polite" });
  const view = element("section", { class: "answer" }, prediction, confidence, notes, spoken);

  function draw() {
    view.setAttribute("aria-label", t("prediction"));
    view.toggleAttribute("data-empty", !shown);
    if (!shown) {
      fill(prediction, element("span", { class: "placeholder" }, t("empty")));
      fill(confidence);
      fill(notes);
      return;
    }
    const { result, model, limit } = shown;
    const reason = reasonOf(result, limit);
    fill(prediction, predictionText(result));
    prediction.dataset.size = sizeOf(result.prediction ?? "");
    fill(confidence, ...confidenceOf(result));
    const all = [reason, ...unlessEmpty(whyUnknown(result)), ...notesOf(result)].filter(Boolean);
    if (model.calibrated === false && result.confidence !== null) all.push(t("confidenceUncalibrated"));
    fill(notes, ...all.map((note) => element("li", { dir: "auto" }, note)));
  }

  inEveryLanguage(draw);

  return {
    element: view,

    /**
     * @param {Result} result
     * @param {Model} model
     * @param {number} [limit]  confidence below which the model abstains
     */
    show(result, model, limit = 0) {
      shown = { result, model, limit };
      draw();
    },

    clear() {
      shown = null;
      draw();
      spoken.textContent = "";
    },

    /** @param {boolean} waiting  whether what is shown belongs to an earlier text */
    wait(waiting) {
      view.toggleAttribute("data-waiting", waiting);
      view.setAttribute("aria-busy", String(waiting));
    },

    /** Say what is shown to screen readers. Call it when the user has stopped typing. */
    speak() {
      if (!shown) return;
      const { result, limit } = shown;
      spoken.textContent =
        result.prediction === null
          ? t("spokenReason", { reason: reasonOf(result, limit) })
          : t("spokenAnswer", { prediction: result.prediction, confidence: confidenceText(result.confidence) });
    },
  };
}

/** @param {string} prediction */
function sizeOf(prediction) {
  return prediction.length <= 24 ? "large" : prediction.length <= 80 ? "medium" : "small";
}

/** @param {Result} result */
function predictionText({ prediction }) {
  if (prediction === null) return element("span", { class: "placeholder" }, t("noPrediction"));
  if (prediction === "") return element("span", { class: "placeholder" }, t("emptyPrediction"));
  return showText(prediction);
}

/**
 * @param {Result} result
 * @returns {HTMLElement[]}
 */
function confidenceOf(result) {
  if (result.origin === "lexicon" || (result.confidence === null && result.prediction === null)) return [];
  return [
    element("span", { class: "label" }, t("confidence")),
    element("span", { class: "number" }, confidenceText(result.confidence)),
    result.confidence === null
      ? element("span", { class: "bar unknown", "aria-hidden": "true" })
      : bar(result.confidence),
  ];
}

/** @param {number | null} confidence */
export function confidenceText(confidence) {
  return confidence === null ? t("unknownConfidence") : percent(confidence);
}

/** @param {Result} result */
function whyUnknown(result) {
  const asked = result.prediction !== null && result.origin !== "lexicon";
  return asked && result.confidence === null ? t("confidenceUnknownOutside") : "";
}

/** @param {string} text */
function unlessEmpty(text) {
  return text ? [text] : [];
}
