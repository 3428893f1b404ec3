/** Puts the parts of the playground together. `served.js` and `exported.js` start it. */

import { segmented } from "../controls.js";
import { byId, element, fill } from "../dom.js";
import { applyPreferences, preferencesView } from "../preferences.js";
import { inEveryLanguage } from "../texts.js";
import { remember } from "./address.js";
import { CHAPTERS, chapterLink } from "./chapters.js";
import { experimentsView } from "./experiments.js";
import { Group } from "./group.js";
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

/** @import { Experiment } from "./experiments.js" */
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
  const group = new Group(
    () =>
      new Learner(createWorker(), {
        onProgress: show,
        onFailure: (message) => fill(problem, p("noWorker", { message })),
      }),
  );

  const bar = trainBar(
    { onToggle: toggle, onStep: () => group.step(), onRestart: () => restart(), onSpeed },
    choices.speed,
  );
  const training = trainingView((source) => {
    selection.set({ question: source, step: 0 });
    scrollTo("inside");
  });
  const settings = settingsView(choices, ({ compared }) => restart({ kept: compared ? 1 : 0 }));
  const experiments = experimentsView(attempt);
  const look = inspector(selection, questionField(selection));
  const saving = saveView();
  const problem = byId("problem");

  /**
   * Start over with new models.
   *
   * @param {object} [how]
   * @param {number} [how.kept]  number of models that go on as they are
   * @param {boolean} [how.running]  whether to train at once; by default, if the models before did
   */
  function restart({ kept = 0, running = group.running } = {}) {
    const { digits } = choices.data;
    if (digits !== selection.values.digits)
      selection.set({ question: firstQuestion(digits), digits, step: 0, place: 0, probed: -1, symbol: 0 });
    const before = group.learners.length;
    const models = choices.second ? [choices.first, choices.second] : [choices.first];
    group.start(choices.data, models, products, kept);
    if (running) group.run(choices.speed);
    if (group.learners.length !== before) look.setLearners([...group.learners]);
    fill(problem);
    document.body.toggleAttribute("data-two", group.learners.length > 1);
    remember(choices);
    saving.show(group.learners);
    look.rename();
    show();
  }

  /** @param {Experiment} experiment */
  function attempt({ data, first, second, until, view }) {
    Object.assign(choices, { data: { ...data }, first: { ...first }, second: second && { ...second } });
    settings.draw();
    restart({ running: false });
    if (until) group.run("fast", until);
    selection.set({ question: firstQuestion(data.digits), step: 0, place: 0, probed: -1, symbol: 0 });
    if (view !== "training") setInside(view);
    scrollTo(view === "training" ? "train-section" : "inside");
  }

  function toggle() {
    if (group.running) group.pause();
    else group.run(choices.speed);
  }

  /** @param {import("./types.js").Speed} speed */
  function onSpeed(speed) {
    choices.speed = speed;
    group.setSpeed(speed);
  }

  function show() {
    group.level();
    bar.show(group.learners);
    training.show(group.learners);
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
  byId("experiments").append(experiments.element);
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
    saving.show(group.learners);
    show();
  });
  if (choices.view && parent !== window) tellHeight();
  setInside(inside);
  restart();
  if (choices.autoplay) group.run(choices.speed);
  document.body.toggleAttribute("data-ready", true);
}

/** Tell the page around this one how high it is; see docs/building/static/playground.js. */
function tellHeight() {
  const tell = () => parent.postMessage({ playground: document.body.scrollHeight }, "*");
  new ResizeObserver(tell).observe(document.body);
}

/** @param {string} id */
function scrollTo(id) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  byId(id).scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
}

/** @param {number} digits */
function firstQuestion(digits) {
  return FIRST_QUESTIONS[digits - 1] ?? "77+85";
}
