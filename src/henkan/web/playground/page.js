/** Puts the parts of the playground together. `served.js` and `exported.js` start it. */

import { segmented } from "../controls.js";
import { byId, element, fill } from "../dom.js";
import { applyPreferences, preferencesView } from "../preferences.js";
import { inEveryLanguage } from "../texts.js";
import { remember } from "./address.js";
import { CHAPTERS, chapterLink } from "./chapters.js";
import { INSIDE, inspector } from "./inspector.js";
import { Learner } from "./learner.js";
import { questionField } from "./question_field.js";
import { saveView } from "./save_view.js";
import { Selection } from "./selection.js";
import { readChoices } from "./settings.js";
import { settingsView } from "./settings_view.js";
import { p } from "./texts.js";
import { trainBar } from "./train_bar.js";
import { trainingView } from "./training_view.js";

/** @import { Inside } from "./inspector.js" */

const FIRST_QUESTIONS = ["7+5", "77+85", "158+677"];

/**
 * Show the page.
 *
 * @param {() => Worker} createWorker
 */
export function start(createWorker) {
  const choices = readChoices(location.search, location.hash);
  const given = new URLSearchParams(location.search);
  const products = given.get("products") === "plain" ? "plain" : "auto"; // without WebAssembly, to compare
  applyPreferences(choices);
  const selection = new Selection(choices.question ?? firstQuestion(choices.data.digits), choices.data.digits);
  /** @type {Inside} */
  let inside = choices.view && choices.view !== "training" ? choices.view : "states";
  /** @type {Learner[]} */
  let learners = [];

  const bar = trainBar(
    { onToggle: toggle, onStep: () => learners.forEach((each) => each.step()), onRestart: restart, onSpeed },
    choices.speed,
  );
  const training = trainingView((source) => {
    selection.set({ question: source, step: 0 });
    byId("inside").scrollIntoView({
      block: "start",
      behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
    });
  });
  const settings = settingsView(choices, ({ data }) => {
    if (data) {
      const digits = choices.data.digits;
      if (digits !== selection.values.digits)
        selection.set({ question: firstQuestion(digits), digits, step: 0, place: 0, probed: -1, symbol: 0 });
    }
    restart();
  });
  const look = inspector(selection, questionField(selection));
  const saving = saveView();
  const problem = byId("problem");

  function createLearner() {
    return new Learner(createWorker(), {
      onProgress: show,
      onFailure: (message) => fill(problem, p("noWorker", { message })),
    });
  }

  /** Start over with new models. */
  function restart() {
    const running = learners.some(({ progress }) => progress?.running);
    const models = choices.second ? [choices.first, choices.second] : [choices.first];
    const before = learners.length;
    while (learners.length > models.length) learners.pop()?.close();
    while (learners.length < models.length) learners.push(createLearner());
    models.forEach((model, index) => learners[index]?.start({ ...choices.data }, { ...model }, products));
    if (running) for (const each of learners) each.run(choices.speed);
    if (learners.length !== before) look.setLearners([...learners]);
    fill(problem);
    document.body.toggleAttribute("data-two", learners.length > 1);
    remember(choices);
    saving.show(learners);
    look.rename();
    show();
  }

  function toggle() {
    const running = learners.some(({ progress }) => progress?.running);
    for (const each of learners) running ? each.pause() : each.run(choices.speed);
  }

  /** @param {import("./types.js").Speed} speed */
  function onSpeed(speed) {
    choices.speed = speed;
    for (const each of learners) if (each.progress?.running) each.run(speed);
  }

  function show() {
    bar.show(learners);
    training.show(learners);
    look.refresh();
  }

  /** @param {Inside} wanted */
  function setInside(wanted) {
    inside = wanted;
    look.setView(wanted);
    drawViews();
  }

  function drawViews() {
    const texts = Object.fromEntries(INSIDE.map((each) => [each, p(each)]));
    fill(
      byId("views"),
      segmented(p("views"), texts, inside, (wanted) => setInside(/** @type {Inside} */ (wanted))),
    );
  }

  byId("preferences").append(preferencesView());
  byId("bar").append(bar.element);
  byId("settings").append(settings.element);
  byId("figures").append(training.element);
  byId("view").append(look.element);
  byId("save").append(saving.element);
  if (choices.view) document.body.dataset.only = choices.view === "training" ? "training" : "inside";
  inEveryLanguage(() => {
    document.title = p("title");
    for (const found of document.querySelectorAll("[data-say]")) {
      found.textContent = p(/** @type {import("./texts.js").Key} */ (/** @type {HTMLElement} */ (found).dataset.say));
    }
    fill(byId("training-chapters"), ...CHAPTERS.training.map(chapterLink));
    drawViews();
    saving.show(learners);
    show();
  });
  if (choices.view && parent !== window) tellHeight();
  setInside(inside);
  restart();
  if (choices.autoplay) for (const each of learners) each.run(choices.speed);
  document.body.toggleAttribute("data-ready", true);
}

/** Tell the page around this one how high it is; see docs/building/static/playground.js. */
function tellHeight() {
  const tell = () => parent.postMessage({ playground: document.body.scrollHeight }, "*");
  new ResizeObserver(tell).observe(document.body);
}

/** @param {number} digits */
function firstQuestion(digits) {
  return FIRST_QUESTIONS[digits - 1] ?? "77+85";
}
