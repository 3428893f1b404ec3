/** Options of the search, with the server's error messages next to the fields that they concern. */

import { element, setProperties } from "./dom.js";
import { inEveryLanguage, percent, t } from "./texts.js";
import { toLines } from "./tsv.js";

/** @import { Key } from "./texts.js" */
/** @import { ConvertOptions } from "./types.js" */

/** @typedef {"beam" | "nbest" | "abstain_below" | "pattern" | "symbols" | "allow"} Name */
/** @typedef {{label: Key, hint?: Key, input: HTMLInputElement | HTMLTextAreaElement}} Field */

const DEFAULTS = { beam: 5, nbest: 5, abstain_below: 0, pattern: "", symbols: "", allow: "" };

/**
 * @param {object} settings
 * @param {() => void} settings.onChange
 * @param {boolean} settings.constraints  whether predictions can be constrained
 */
export function optionsView({ onChange, constraints: offered }) {
  const number = (/** @type {number} */ max) => element("input", { type: "number", min: 1, max, inputmode: "numeric" });
  const text = () => element("input", { autocapitalize: "off", autocomplete: "off", spellcheck: "false", dir: "auto" });
  const lines = element("textarea", { rows: 4, spellcheck: "false", dir: "auto" });
  /** @type {Record<Name, Field>} */
  const fields = {
    beam: { label: "beam", input: number(1000) },
    nbest: { label: "nbest", input: number(1000) },
    abstain_below: { label: "abstainBelow", input: element("input", { type: "range", min: 0, max: 1, step: 0.01 }) },
    pattern: { label: "pattern", hint: "patternHint", input: text() },
    symbols: { label: "symbols", hint: "symbolsHint", input: text() },
    allow: { label: "allow", hint: "allowHint", input: lines },
  };
  fields.pattern.input.classList.add("code");
  const names = /** @type {Name[]} */ (Object.keys(fields));
  const limit = element("output", { class: "number", for: "option-abstain_below" });
  const rows = Object.fromEntries(names.map((name) => [name, row(name, fields[name], limit)]));
  const summary = element("summary");
  const constraints = element("summary");
  const reset = element("button", { type: "button", class: "plain", hidden: true, onclick: restore });
  const inner = element(
    "details",
    { class: "fold", hidden: !offered },
    constraints,
    ...["pattern", "symbols", "allow"].map((name) => rows[name]),
  );
  const view = element(
    "details",
    { class: "fold options" },
    summary,
    element("div", { class: "numbers" }, rows["beam"], rows["nbest"]),
    rows["abstain_below"],
    inner,
    reset,
  );

  function restore() {
    for (const name of names) fields[name].input.value = String(DEFAULTS[name]);
    changed();
  }

  function changed() {
    reset.hidden = names.every((name) => fields[name].input.value === String(DEFAULTS[name]));
    showLimit();
    onChange();
  }

  function showLimit() {
    const value = Number(fields.abstain_below.input.value);
    limit.textContent = value > 0 ? percent(value) : t("never");
    setProperties(fields.abstain_below.input, { "--share": value, "aria-valuetext": limit.textContent });
  }

  function draw() {
    summary.textContent = t("options");
    constraints.textContent = t("constraints");
    reset.textContent = t("reset");
    for (const name of names) {
      const { label, hint } = fields[name];
      const found = /** @type {HTMLElement} */ (rows[name]);
      /** @type {HTMLElement} */ (found.querySelector("label")).textContent = t(label);
      if (hint) /** @type {HTMLElement} */ (found.querySelector(".hint")).textContent = t(hint);
    }
    showLimit();
  }

  for (const name of names) {
    fields[name].input.value = String(DEFAULTS[name]);
    fields[name].input.addEventListener("input", () => {
      if (name === "nbest" && whole("nbest") > whole("beam")) fields.beam.input.value = value("nbest");
      if (name === "beam" && whole("nbest") > whole("beam")) fields.nbest.input.value = value("beam");
      changed();
    });
  }
  inEveryLanguage(draw);

  /** @param {Name} name */
  const whole = (name) => Math.max(1, Math.round(Number(fields[name].input.value)) || 1);
  /** @param {Name} name */
  const value = (name) => fields[name].input.value;

  return {
    element: view,

    /** @returns {ConvertOptions}  the beam is at least as wide as the number of candidates */
    values() {
      const nbest = whole("nbest");
      const below = Number(value("abstain_below"));
      const allow = toLines(value("allow")).filter((line) => line !== "");
      return {
        beam: Math.max(whole("beam"), nbest),
        nbest,
        ...(below > 0 && { abstain_below: below }),
        ...(value("pattern") && { pattern: value("pattern") }),
        ...(value("symbols") && { symbols: value("symbols") }),
        ...(allow.length > 0 && { allow }),
      };
    },

    /**
     * Show an error message next to the field that it concerns.
     *
     * @param {string | null} argument  name of the option; null: remove all messages
     * @param {string} [message]
     * @returns {boolean}  whether there is such a field
     */
    showError(argument, message = "") {
      for (const name of names) {
        const wrong = name === argument;
        const place = /** @type {HTMLElement} */ (rows[name]?.querySelector(".error"));
        place.textContent = wrong ? t("checkField", { message }) : "";
        place.hidden = !wrong;
        setProperties(fields[name].input, { "aria-invalid": wrong ? "true" : null });
        if (wrong) view.open = true;
        if (wrong && inner.contains(place)) inner.open = true;
      }
      return names.some((name) => name === argument);
    },
  };
}

/**
 * @param {Name} name
 * @param {Field} field
 * @param {HTMLElement} limit  the number beside the slider
 */
function row(name, { hint, input }, limit) {
  const id = `option-${name}`;
  setProperties(input, { id, "aria-describedby": `${id}-error${hint ? ` ${id}-hint` : ""}` });
  return element(
    "div",
    { class: "field", "data-name": name },
    element("div", { class: "field-label" }, element("label", { for: id }), name === "abstain_below" && limit),
    input,
    hint && element("p", { class: "hint quiet", id: `${id}-hint` }),
    element("p", { class: "error", id: `${id}-error`, hidden: true }),
  );
}
