/** The views of the models, side by side, and what keeps them up to date. */

import { element, fill } from "../dom.js";
import { inEveryLanguage } from "../texts.js";
import { answerView } from "./answer_view.js";
import { CHAPTERS, chapterLink } from "./chapters.js";
import { gradientView } from "./gradient_view.js";
import { probeView } from "./probe_view.js";
import { saliencyView } from "./saliency_view.js";
import { statesView } from "./states_view.js";
import { p } from "./texts.js";

/** @import { Learner } from "./learner.js" */
/** @import { Selection } from "./selection.js" */
/** @import { View } from "./settings.js" */
/** @import { Inspection } from "./types.js" */

/** @typedef {Exclude<View, "training">} Inside */

const CREATE = {
  states: statesView,
  answer: answerView,
  gradient: gradientView,
  probe: probeView,
  saliency: saliencyView,
};
export const INSIDE = /** @type {Inside[]} */ (Object.keys(CREATE));
const LEADS = /** @type {const} */ ({
  states: "statesLead",
  answer: "answerLead",
  gradient: "gradientLead",
  probe: "probeLead",
  saliency: "saliencyLead",
});
const TAKEAWAYS = /** @type {const} */ ({
  states: "statesTakeaway",
  answer: "answerTakeaway",
  gradient: "gradientTakeaway",
  probe: "probeTakeaway",
  saliency: "saliencyTakeaway",
});
/** Milliseconds between requests as training goes on; some views take long to compute. */
const PAUSES = { states: 250, answer: 250, gradient: 1000, probe: 2500, saliency: 400 };

/**
 * @typedef {object} Drawn  what shows one model
 * @property {HTMLElement} element
 * @property {() => Inspection} inspection
 * @property {(value: any) => void} show
 * @property {(changed?: string[]) => void} redraw
 *
 * @typedef {object} Panel
 * @property {Learner} learner
 * @property {Drawn} drawn
 * @property {HTMLElement} head
 * @property {string} wanted  what was asked for last
 * @property {boolean} waiting
 * @property {number} asked  when
 * @property {number | undefined} timer
 */

/**
 * @param {Selection} selection
 * @param {HTMLElement} question  the field for the question
 */
export function inspector(selection, question) {
  /** @type {Inside} */
  let view = "states";
  /** @type {Panel[]} */
  let panels = [];
  /** @type {Learner[]} */
  let learners = [];
  const lead = element("p", { class: "view-lead" });
  const takeaway = element("p", { class: "takeaway" });
  const chapters = element("p", { class: "chapters" });
  const box = element("div", { class: "panels" });
  const root = element("div", { class: "inside-view" }, lead, takeaway, chapters, question, box);

  function create() {
    for (const { timer } of panels) clearTimeout(timer);
    panels = learners.map((learner) => ({
      learner,
      drawn: CREATE[view](selection),
      head: element("p", { class: "panel-head" }),
      wanted: "",
      waiting: false,
      asked: 0,
      timer: undefined,
    }));
    box.dataset.view = view;
    question.hidden = view === "gradient" || view === "probe"; // they look at many sums
    fill(
      box,
      ...panels.map(({ drawn, head }, index) =>
        element("section", { class: "panel", "data-series": index ? "b" : "a" }, head, drawn.element),
      ),
    );
    tell();
    refresh();
  }

  function tell() {
    lead.textContent = p(LEADS[view]);
    takeaway.textContent = p(TAKEAWAYS[view]);
    fill(chapters, ...CHAPTERS[view].map(chapterLink));
    panels.forEach(drawHead);
  }

  /**
   * @param {Panel} panel
   * @param {number} index
   */
  function drawHead({ head, learner }, index) {
    const update = Number(head.dataset.update ?? 0);
    fill(
      head,
      panels.length > 1 &&
        element("span", { class: "badge", "data-series": index ? "b" : "a" }, p(index ? "modelB" : "modelA")),
      panels.length > 1 && element("span", { class: "model-name" }, nameOf(learner)),
      element("span", { class: "caption" }, p("atUpdate", { update })),
    );
  }

  /** Ask for what is not up to date. */
  function refresh() {
    for (const panel of panels) ask(panel);
  }

  /** @param {Panel} panel */
  function ask(panel) {
    const { learner, drawn } = panel;
    if (panel.waiting || !learner.progress || document.hidden) return;
    const inspection = drawn.inspection();
    const kind = JSON.stringify(inspection);
    const wanted = `${kind} ${learner.progress.update} ${learner.generation}`;
    if (wanted === panel.wanted) return;
    const rest = panel.asked + PAUSES[view] - performance.now();
    if (panel.wanted.startsWith(kind) && learner.progress.running && rest > 0) {
      clearTimeout(panel.timer);
      panel.timer = setTimeout(() => ask(panel), rest);
      return;
    }
    Object.assign(panel, { wanted, waiting: true, asked: performance.now() });
    learner.inspect(inspection).then(
      (value) => {
        panel.waiting = false;
        if (!panels.includes(panel)) return;
        panel.head.dataset.update = String(value.update ?? value.probe.update);
        drawHead(panel, panels.indexOf(panel));
        panel.drawn.show(value);
        ask(panel);
      },
      (error) => {
        panel.waiting = false;
        fill(panel.head, element("span", { class: "error" }, error.message));
      },
    );
  }

  selection.listeners.add((changed) => {
    for (const { drawn } of panels) drawn.redraw(changed);
    refresh();
  });
  inEveryLanguage(() => {
    tell();
    for (const { drawn } of panels) drawn.redraw();
  });
  document.addEventListener("visibilitychange", refresh);

  return {
    element: root,
    refresh,
    /** @param {Inside} wanted */
    setView(wanted) {
      view = wanted;
      create();
    },
    /** @param {Learner[]} wanted */
    setLearners(wanted) {
      learners = wanted;
      create();
    },
    /** Write the names of the models again, which depend on their settings. */
    rename: tell,
  };
}

/** @param {Learner} learner */
function nameOf({ model }) {
  if (!model) return "";
  const on = /** @type {const} */ (["reverse", "peeky", "attention"]).filter((name) => model[name]);
  return [...(on.length ? on.map((name) => p(name)) : [p("plain")]), `H ${model.hidden}`].join(" · ");
}
