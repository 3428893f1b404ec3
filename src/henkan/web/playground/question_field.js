/** The field for the reader's own question. */

import { element } from "../dom.js";
import { inEveryLanguage } from "../texts.js";
import { readQuestion } from "./settings.js";
import { p } from "./texts.js";

/** @import { Selection } from "./selection.js" */

/** @param {Selection} selection */
export function questionField(selection) {
  const error = element("span", { class: "error", role: "alert" });
  const note = element("span", { class: "caption", role: "status" });
  const name = element("span", {});
  const field = element("input", {
    id: "own-question",
    class: "code",
    autocomplete: "off",
    spellcheck: "false",
    inputmode: "text",
    maxlength: 20,
    oninput: () => check(),
    onblur: () => {
      if (readQuestion(field.value, selection.values.digits)) field.value = selection.values.question;
    },
  });

  function check() {
    const { digits } = selection.values;
    const question = readQuestion(field.value, digits);
    field.setAttribute("aria-invalid", String(question === null));
    const most = digits === 1 ? p("digitsOne") : p("digitsMany", { count: digits });
    error.textContent =
      question === null ? p("questionError", { digits: most, example: digits === 1 ? "5+7" : "77+85" }) : "";
    const written = field.value.normalize("NFKC").replace(/\s/gu, "");
    note.textContent = question !== null && question !== written ? p("questionShort", { question }) : "";
    if (question !== null) selection.set({ question });
  }

  selection.listeners.add((changed) => {
    if (
      !changed.includes("question") ||
      readQuestion(field.value, selection.values.digits) === selection.values.question
    )
      return;
    field.value = selection.values.question;
    field.setAttribute("aria-invalid", "false");
    error.textContent = "";
    note.textContent = "";
  });
  field.value = selection.values.question;
  inEveryLanguage(() => {
    name.textContent = p("question");
    if (error.textContent || note.textContent) check();
  });
  return element("label", { class: "question-field" }, name, field, error, note);
}
