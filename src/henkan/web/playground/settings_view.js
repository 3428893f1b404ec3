/** The choices for the sums and the models. A row is a setting, a column a model. */

import { selectBox } from "../controls.js";
import { element, fill } from "../dom.js";
import { inEveryLanguage, count } from "../texts.js";
import { chapterLink } from "./chapters.js";
import { DIGITS, HIDDEN, LARGEST_SEED, PAIRS, RATES, readSeed } from "./settings.js";
import { p } from "./texts.js";

/** @import { Choices } from "./settings.js" */
/** @import { DataChoice, ModelChoice } from "./types.js" */

/**
 * @param {Choices} choices  changed by the reader
 * @param {(changed: {data?: boolean, first?: boolean, second?: boolean, compared?: boolean}) => void} onChange
 *   `compared`: the second model was added or removed
 */
export function settingsView(choices, onChange) {
  const view = element("div", { class: "choices" });

  /**
   * @param {string} id
   * @param {string} label
   * @param {Record<string, string>} options
   * @param {string} value
   * @param {(value: number) => void} changed
   */
  function select(id, label, options, value, changed) {
    const items = Object.entries(options).map(([each, text]) =>
      element("option", { value: each, selected: each === value }, text),
    );
    return selectBox(
      element("select", { id, "aria-label": label, onchange: ({ target }) => changed(Number(target.value)) }, ...items),
    );
  }

  /** @param {number[]} values */
  const numbers = (values) => Object.fromEntries(values.map((value) => [String(value), count(value)]));

  /** @param {Partial<DataChoice>} changes */
  function changeData(changes) {
    Object.assign(choices.data, changes);
    if ("digits" in changes) choices.data.pairs = PAIRS[choices.data.digits]?.at(-1) ?? choices.data.pairs;
    draw();
    onChange({ data: true });
  }

  function dataRows() {
    const { digits, pairs, seed } = choices.data;
    return [
      element("h3", { class: "row-name" }, p("sums")),
      row(
        p("digits"),
        select("digits", p("digits"), numbers(DIGITS), String(digits), (value) => changeData({ digits: value })),
      ),
      row(
        p("pairs"),
        select("pairs", p("pairs"), numbers(PAIRS[digits] ?? []), String(pairs), (value) =>
          changeData({ pairs: value }),
        ),
      ),
      row(p("seed"), seedField(seed)),
    ];
  }

  /** @param {number} seed */
  function seedField(seed) {
    const field = element("input", {
      id: "seed",
      inputmode: "numeric",
      value: seed,
      maxlength: 10,
      "aria-label": p("seed"),
      onchange: () => {
        const wanted = readSeed(field.value);
        field.setAttribute("aria-invalid", String(wanted === null));
        error.textContent = wanted === null ? p("seedError", { largest: LARGEST_SEED }) : "";
        if (wanted !== null && wanted !== choices.data.seed) changeData({ seed: wanted });
      },
    });
    return field;
  }

  /**
   * @param {string} name
   * @param {...Node} controls
   */
  function row(name, ...controls) {
    return element("div", { class: "setting" }, element("span", { class: "setting-name" }, name), ...controls);
  }

  /**
   * @param {Node} name
   * @param {(model: ModelChoice, column: "first" | "second") => Node} control
   */
  function modelRow(name, control) {
    return element(
      "div",
      { class: "setting" },
      element("span", { class: "setting-name" }, name),
      control(choices.first, "first"),
      choices.second && control(choices.second, "second"),
    );
  }

  /** @param {"first" | "second"} column */
  const letter = (column) => p(column === "first" ? "modelA" : "modelB");

  /**
   * @param {"reverse" | "peeky" | "attention"} name
   * @param {7 | 8} chapter
   */
  function switchRow(name, chapter) {
    const title = element("span", {}, p(name));
    const help = document.documentElement.dataset.docs === undefined ? null : chapterLink(chapter);
    return modelRow(element("span", {}, title, help), (model, column) =>
      element("input", {
        type: "checkbox",
        role: "switch",
        id: `${name}-${column}`,
        class: "switch",
        checked: model[name],
        "data-series": column === "first" ? "a" : "b",
        "aria-label": label(p(name), column),
        onchange: ({ target }) => {
          model[name] = target.checked;
          onChange({ [column]: true });
        },
      }),
    );
  }

  /**
   * @param {"hidden" | "rate"} name
   * @param {number[]} values
   * @param {string} title
   */
  function selectRow(name, values, title) {
    return modelRow(element("span", {}, title), (model, column) =>
      select(
        `${name}-${column}`,
        label(title, column),
        Object.fromEntries(values.map((value) => [String(value), String(value)])),
        String(model[name]),
        (value) => {
          model[name] = value;
          onChange({ [column]: true });
        },
      ),
    );
  }

  /**
   * @param {string} setting
   * @param {"first" | "second"} column
   */
  function label(setting, column) {
    return choices.second ? p("settingOf", { setting, model: letter(column) }) : setting;
  }

  function compare() {
    choices.second = choices.second ? null : { ...choices.first, peeky: !choices.first.peeky };
    draw();
    onChange({ compared: true });
    /** @type {HTMLElement | null} */ (view.querySelector("#compare"))?.focus();
  }

  const error = element("p", { class: "error", role: "alert" });

  function draw() {
    const focused = document.activeElement && view.contains(document.activeElement) ? document.activeElement.id : "";
    view.toggleAttribute("data-two", choices.second !== null);
    const heads = /** @type {const} */ (["first", "second"]).filter((column) => choices[column] && choices.second);
    fill(
      view,
      element("h2", { class: "hidden" }, p("settings")),
      element("div", { class: "setting-group" }, ...dataRows(), error),
      element(
        "div",
        { class: "setting-group" },
        element(
          "div",
          { class: "setting head" },
          element("h3", { class: "row-name" }, p("models")),
          ...heads.map((column) =>
            element("span", { class: "badge", "data-series": column === "first" ? "a" : "b" }, letter(column)),
          ),
        ),
        switchRow("reverse", 7),
        switchRow("peeky", 7),
        switchRow("attention", 8),
        selectRow("hidden", HIDDEN, p("hidden")),
        selectRow("rate", RATES, p("learningRate")),
        element(
          "button",
          { type: "button", id: "compare", onclick: compare },
          p(choices.second ? "compareEnd" : "compare"),
        ),
        element("p", { class: "hint" }, p("settingsHint")),
      ),
    );
    if (focused) document.getElementById(focused)?.focus();
  }

  inEveryLanguage(draw);
  return { element: view, draw };
}
