/** Loss, exact match and the ten questions, as training goes on. */

import { element, fill } from "../dom.js";
import { lineChart } from "./chart.js";
import { fillOnce } from "./keyed.js";
import { decimal, p, shortPercent } from "./texts.js";

/** @import { Learner } from "./learner.js" */
/** @import { Answer } from "./types.js" */

const SYMBOLS = 11; // ten digits and the end
const TICKS = [0, 0.5, 1, 1.5, 2, 2.5];
const SHARES = [0, 0.25, 0.5, 0.75, 1];
const NAMES = /** @type {const} */ (["a", "b"]);

/**
 * On how many sums the exact match is measured.
 *
 * @param {Learner[]} learners
 */
function measured(learners) {
  const { tested = 0, held = 0 } = learners[0]?.progress ?? {};
  if (tested === held) return p("exactMatchOf", { count: held });
  const done = learners.every(({ progress }) => progress?.done);
  return done ? p("exactMatchEnd", { count: held, tested }) : p("exactMatchSoFar", { count: tested, held });
}

/** @param {(source: string) => void} onQuestion  the reader wants to look inside with a question */
export function trainingView(onQuestion) {
  const loss = lineChart();
  const match = lineChart();
  const lossHead = element("div", { class: "figure-head" });
  const matchHead = element("div", { class: "figure-head" });
  const questions = element("ol", { class: "questions" });
  const questionsHead = element("div", { class: "figure-head" });
  const view = element(
    "div",
    { class: "training" },
    element(
      "div",
      { class: "charts" },
      element("figure", {}, lossHead, loss.element),
      element("figure", {}, matchHead, match.element),
    ),
    element("section", { class: "ten" }, questionsHead, questions),
  );

  /**
   * @param {HTMLElement} head
   * @param {string} title
   * @param {string} caption
   * @param {string[]} values  of each model
   */
  function drawHead(head, title, caption, values) {
    fill(
      head,
      element("h3", {}, title),
      element("span", { class: "values" }, ...values.map((value, index) => valueOf(value, index, values.length))),
      element("p", { class: "caption" }, caption),
    );
  }

  /**
   * @param {string} value
   * @param {number} index
   * @param {number} models
   */
  function valueOf(value, index, models) {
    const name = NAMES[index] ?? "a";
    return element(
      "span",
      { class: "value number", "data-series": name },
      models > 1 && element("span", { class: "badge", "data-series": name }, p(index ? "modelB" : "modelA")),
      value,
    );
  }

  /** @param {Learner[]} learners */
  function drawCharts(learners) {
    const updates = Math.max(...learners.map(({ progress }) => progress?.updates ?? 1));
    const last = (/** @type {[number, number][]} */ points) => points.at(-1)?.[1];
    const losses = learners.map(({ curves }) => {
      const recent = curves.losses.slice(-20).map(([, value]) => value);
      return recent.length ? decimal(recent.reduce((sum, each) => sum + each, 0) / recent.length) : "–";
    });
    const matches = learners.map(({ curves }) => {
      const value = last(curves.matches);
      return value === undefined ? "–" : shortPercent(value, 1);
    });
    const spoken = (/** @type {string[]} */ values) =>
      values.map((value, index) => p("modelValue", { model: p(index ? "modelB" : "modelA"), value })).join(" ");
    drawHead(lossHead, p("loss"), p("lossUnit"), losses);
    drawHead(matchHead, p("exactMatch"), measured(learners), matches);
    loss.show(
      learners.map(({ curves }, index) => ({ name: NAMES[index] ?? "a", points: curves.losses })),
      {
        xMax: updates,
        yMax: 2.7,
        yTicks: TICKS,
        format: (value) => value.toFixed(value < 0.1 && value > 0 ? 3 : 1),
        xLabel: p("updates"),
        reference: { value: Math.log(SYMBOLS), label: p("lossChance") },
      },
      p("lossLabel", { values: spoken(losses) }),
    );
    match.show(
      learners.map(({ curves }, index) => ({ name: NAMES[index] ?? "a", points: curves.matches })),
      {
        xMax: updates,
        yMax: 1.02,
        yTicks: SHARES,
        xLabel: p("updates"),
        format: (value) => shortPercent(value, value > 0 && value < 1 && (value * 4) % 1 ? 1 : 0),
      },
      p("matchLabel", { values: spoken(matches) }),
    );
  }

  /** @param {Learner[]} learners */
  function drawQuestions(learners) {
    fill(questionsHead, element("h3", {}, p("questions")), element("p", { class: "caption" }, p("questionsHint")));
    const answers = learners.map(({ progress }) => progress?.answers ?? []);
    const items = (answers[0] ?? []).map((first, at) => {
      const own = answers.map((each) => each[at]).filter((each) => each !== undefined);
      return questionParts(first, own);
    });
    const sources = (answers[0] ?? []).map(({ source }) => source);
    fillOnce(questions, sources, () =>
      sources.map((source) =>
        element("li", {}, element("button", { type: "button", class: "question", onclick: () => onQuestion(source) })),
      ),
    );
    items.forEach((item, at) => fill(/** @type {Element} */ (questions.children[at]?.firstElementChild), ...item));
  }

  /**
   * @param {Answer} question
   * @param {Answer[]} answers  of each model
   */
  function questionParts({ source, target }, answers) {
    return [
      element("span", { class: "sum" }, source),
      ...answers.map(({ prediction }, index) => {
        const right = prediction === target;
        return element(
          "span",
          { class: "given", "data-right": right, "data-wrong": !right },
          answers.length > 1 &&
            element("span", { class: "badge", "data-series": NAMES[index] }, p(index ? "modelB" : "modelA")),
          element("span", { class: "prediction" }, prediction || "–"),
          element("span", { class: "mark", "aria-hidden": "true" }, right ? "O" : "X"),
          element("span", { class: "hidden" }, ` ${p(right ? "right" : "wrong")} `),
        );
      }),
      element("span", { class: "target" }, target),
    ];
  }

  return {
    element: view,
    /** @param {Learner[]} learners */
    show(learners) {
      drawCharts(learners);
      drawQuestions(learners);
    },
  };
}
