/** Live answers for one text: prediction, candidates and alignment follow what is typed. */

import { alignmentView } from "./alignment_view.js";
import { answerView } from "./answer_view.js";
import { ApiError } from "./api_error.js";
import { candidatesView } from "./candidates_view.js";
import { element } from "./dom.js";
import { inputView } from "./input_view.js";
import { t } from "./texts.js";

/** @import { Api, By, Candidate, ConvertOptions, Model, Result } from "./types.js" */

const TYPING = 120; // milliseconds without a key after which the text is sent
const READING = 700; // milliseconds without a new answer after which it is spoken

/**
 * @param {object} settings
 * @param {Api} settings.api
 * @param {() => ConvertOptions} settings.options
 * @param {(argument: string | null, message?: string) => boolean} settings.showOptionError  returns whether there is
 *   such an option
 * @param {(lines: string) => void} settings.onLines  several lines were pasted
 */
export function oneText({ api, options, showOptionError, onLines }) {
  /** @type {Model | null} */
  let model = null;
  /** @type {By | null} */
  let by = null;
  /** @type {Result | null} */
  let result = null;
  /** @type {string | null} */
  let selected = null; // the candidate that is explained; null: the prediction
  let converting = new AbortController();
  let explaining = new AbortController();
  /** @type {number | undefined} */
  let typing;
  /** @type {number | undefined} */
  let reading;

  const input = inputView({ onInput: () => later(), onLines });
  const answer = answerView();
  const candidates = candidatesView({
    onSelect: (candidate) => explainCandidate(candidate),
  });
  const alignment = alignmentView({
    onBy(wanted) {
      by = wanted;
      void explain();
    },
  });
  const problem = element("p", { class: "problem", hidden: true, role: "alert" });
  const left = element("div", { class: "main" }, input.element, problem, answer.element, candidates.element);
  const view = element("div", { class: "one-text" }, left, alignment.element);

  function later() {
    clearTimeout(typing);
    typing = setTimeout(() => void convert(), TYPING);
  }

  function stop() {
    clearTimeout(typing);
    clearTimeout(reading);
    converting.abort();
    explaining.abort();
  }

  async function convert() {
    stop();
    const source = input.source();
    if (!model || source === "") {
      clear();
      return;
    }
    const longest = model.limits?.length ?? Infinity;
    if ([...source].length > longest) {
      showProblem(new ApiError(t("tooLongText", { count: longest }), 413, "texts"));
      return;
    }
    const { signal } = (converting = new AbortController());
    answer.wait(true);
    const wanted = options();
    try {
      const [first] = await api.convert(model.name, [source], wanted, signal);
      if (!first || signal.aborted) return;
      result = first;
      selected = null;
      showProblem(null);
      answer.show(first, model, wanted.abstain_below);
      answer.wait(false);
      candidates.show(first.nbest ?? []);
      reading = setTimeout(answer.speak, READING);
      await explain();
    } catch (error) {
      if (signal.aborted) return;
      answer.wait(false);
      showProblem(error);
    }
  }

  /** @param {Candidate} candidate */
  function explainCandidate(candidate) {
    selected = candidate.prediction;
    void explain();
  }

  async function explain() {
    explaining.abort();
    if (!model?.by || !result || (result.prediction === null && selected === null)) {
      alignment.clear();
      return;
    }
    const longest = model.limits?.explained_length ?? Infinity;
    if ([...result.source].length > longest || [...(selected ?? result.prediction ?? "")].length > longest) {
      alignment.fail(t("tooLongToExplain", { count: longest }));
      return;
    }
    const { signal } = (explaining = new AbortController());
    const target = result.cut_off && selected === null ? null : (selected ?? result.prediction); // a part has no end
    try {
      const explanation = await api.explain(model.name, result.source, { answer: target, by }, signal);
      if (!signal.aborted) alignment.show(explanation, model.by);
    } catch (error) {
      if (signal.aborted) return;
      alignment.fail(t("notExplained", { message: messageOf(error) }));
    }
  }

  function clear() {
    result = null;
    answer.wait(false);
    answer.clear();
    candidates.show([]);
    alignment.clear();
    showProblem(null);
  }

  /** @param {unknown} error  null: there is none */
  function showProblem(error) {
    const message = error === null ? "" : messageOf(error);
    const argument = error instanceof ApiError ? error.argument : null;
    const placed = showOptionError(message ? argument : null, message);
    const ofText = !placed && argument !== null && /^texts?\b/u.test(argument);
    input.showError(ofText ? message : "");
    problem.textContent = placed || ofText ? "" : message;
    problem.hidden = !problem.textContent;
    answer.wait(placed); // of other options, until this one is corrected
    answer.element.hidden = message !== "" && !placed;
    if (message && !placed) {
      result = null;
      answer.clear();
      candidates.show([]);
      alignment.clear();
    }
  }

  return {
    element: view,
    convert,
    set: input.set,
    focus: input.focus,

    /** @param {Model} wanted */
    showModel(wanted) {
      stop();
      clear(); // an answer of the other model must not be explained by this one
      model = wanted;
      by = null;
      input.showModel(wanted);
    },
  };
}

/**
 * Return what to tell the user about an error.
 *
 * @param {unknown} error
 */
export function messageOf(error) {
  if (!(error instanceof ApiError)) {
    console.error(error);
    return t("internal");
  }
  if (error.status === 401) return t("tokenMissing");
  return error.message || t("failed", { status: String(error.status) });
}
