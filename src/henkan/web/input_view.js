/** The text to convert, its feature tags, and examples to try. */

import { element, fill, setProperties } from "./dom.js";
import { joinTags, showText, splitTags } from "./symbols.js";
import { inEveryLanguage, t } from "./texts.js";

/** @import { Model } from "./types.js" */

/**
 * @param {object} settings
 * @param {(source: string) => void} settings.onInput
 * @param {(lines: string) => void} settings.onLines  several lines were pasted
 */
export function inputView({ onInput, onLines }) {
  /** @type {Model | null} */
  let model = null;
  const text = element("textarea", {
    id: "text",
    rows: 1,
    dir: "auto",
    autocapitalize: "off",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "text-error",
  });
  const tags = element("input", { id: "tags", autocapitalize: "off", autocomplete: "off", spellcheck: "false" });
  const textLabel = element("label", { for: "text" });
  const tagsLabel = element("label", { for: "tags" });
  const error = element("p", { id: "text-error", class: "error", hidden: true });
  const tagsField = element("div", { class: "tags", hidden: true }, tagsLabel, tags);
  const examples = element("ul", { class: "chips" });
  const examplesLabel = element("span", { class: "label", id: "examples-label" });
  const examplesRow = element("div", { class: "examples", hidden: true }, examplesLabel, examples);
  examples.setAttribute("aria-labelledby", "examples-label");
  const view = element(
    "section",
    { class: "input" },
    element("div", { class: "fields" }, element("div", { class: "text" }, textLabel, text), tagsField),
    error,
    examplesRow,
  );

  const source = () => (model?.tags ? joinTags(text.value, tags.value) : text.value);

  function grow() {
    setProperties(text, { "--height": "auto" });
    const borders = text.offsetHeight - text.clientHeight;
    setProperties(text, { "--height": `${text.scrollHeight + borders}px` });
  }

  /** @param {string} wanted */
  function set(wanted) {
    const split = model?.tags ? splitTags(wanted) : { text: wanted, tags: "" };
    text.value = split.text;
    tags.value = split.tags;
    grow();
    onInput(source());
  }

  /** @param {InputEvent} event */
  function changed(event) {
    grow();
    if (event.isComposing) return; // such as kana that are still to become kanji
    if (model?.tags && text.value.includes("\t")) set(text.value);
    else onInput(source());
  }

  text.addEventListener("input", (event) => changed(/** @type {InputEvent} */ (event)));
  tags.addEventListener("input", (event) => changed(/** @type {InputEvent} */ (event)));
  text.addEventListener("compositionend", () => onInput(source()));
  tags.addEventListener("compositionend", () => onInput(source()));
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) event.preventDefault();
  });
  text.addEventListener("paste", (event) => {
    const pasted = event.clipboardData?.getData("text/plain") ?? "";
    const line = pasted.replace(/[\r\n]+$/u, "");
    const several = /[\r\n]/u.test(line);
    if (line === pasted && !several) return;
    event.preventDefault();
    if (several) onLines(pasted);
    else document.execCommand("insertText", false, line); // which can be undone
  });
  new ResizeObserver(grow).observe(view);

  function draw() {
    textLabel.textContent = t("text");
    tagsLabel.textContent = t("tags");
    text.placeholder = t("textPlaceholder");
    tags.placeholder = t("tagsPlaceholder", { separator: model?.tags ?? ";" });
    examplesLabel.textContent = t("examples");
  }

  inEveryLanguage(draw);

  return {
    element: view,
    source,
    set,
    focus: () => text.focus(),

    /** @param {Model} wanted */
    showModel(wanted) {
      model = wanted;
      tagsField.hidden = !wanted.tags;
      const given = wanted.examples ?? [];
      examplesRow.hidden = given.length === 0;
      fill(examples, ...given.map((example) => element("li", {}, chip(example, () => set(example)))));
      draw();
    },

    /** @param {string} message  what is wrong with the text; "" if nothing is */
    showError(message) {
      error.textContent = message;
      error.hidden = !message;
      setProperties(text, { "aria-invalid": message ? "true" : null });
    },
  };
}

/**
 * @param {string} example
 * @param {() => void} onclick
 */
function chip(example, onclick) {
  const { text, tags } = splitTags(example);
  return element(
    "button",
    { type: "button", class: "chip", onclick },
    element("bdi", {}, showText(text)),
    tags && element("small", {}, element("bdi", {}, tags)),
  );
}
