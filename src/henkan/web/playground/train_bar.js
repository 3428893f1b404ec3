/** The buttons that start and stop the training, and how far it is. */

import { segmented } from "../controls.js";
import { element, fill } from "../dom.js";
import { count, inEveryLanguage } from "../texts.js";
import { SPEEDS } from "./settings.js";
import { p } from "./texts.js";

/** @import { Learner } from "./learner.js" */
/** @import { Speed } from "./types.js" */

/**
 * @param {object} actions
 * @param {() => void} actions.onToggle  train or pause
 * @param {() => void} actions.onStep
 * @param {() => void} actions.onRestart
 * @param {(speed: Speed) => void} actions.onSpeed
 * @param {Speed} speed
 */
export function trainBar({ onToggle, onStep, onRestart, onSpeed }, speed) {
  const toggle = element("button", { type: "button", class: "primary", id: "train", onclick: onToggle });
  const step = element("button", { type: "button", id: "step", onclick: onStep });
  const restart = element("button", { type: "button", id: "restart", onclick: onRestart });
  const speeds = element("div", { class: "speeds" });
  const status = element("p", { class: "status number" });
  const meter = element("progress", { max: 1, value: 0 });
  const bar = element(
    "div",
    { class: "train-bar" },
    element("div", { class: "buttons" }, toggle, step, restart, speeds),
    element("div", { class: "where" }, meter, status),
  );
  // How much of the bar is above the buttons; on narrow pages, it scrolls away.
  new ResizeObserver(() => bar.parentElement?.style.setProperty("--above", `${toggle.offsetTop}px`)).observe(bar);
  /** @type {Learner[]} */
  let learners = [];

  function draw() {
    const all = learners.flatMap(({ progress }) => (progress ? [progress] : []));
    const running = all.some((each) => each.running);
    const done = all.length > 0 && all.every((each) => each.done);
    toggle.textContent = p(running ? "pause" : done ? "finished" : "train");
    toggle.disabled = done && !running;
    step.disabled = done;
    step.textContent = p("oneUpdate");
    restart.textContent = p("startOver");
    const first = all.reduce((least, each) => (each.update < least.update ? each : least), all[0]);
    if (!first) return;
    meter.value = first.update / first.updates;
    meter.setAttribute("aria-label", p("training"));
    const values = { update: first.update, updates: first.updates, epoch: first.epoch.toFixed(1) };
    const rate =
      first.rate === null ? "" : ` · ${p("rate", { rate: count(Math.round(first.rate)) })}`;
    status.textContent = p("status", values) + rate;
  }

  inEveryLanguage(() => {
    const texts = Object.fromEntries(SPEEDS.map((each) => [each, p(each)]));
    fill(
      speeds,
      segmented(p("speed"), texts, speed, (wanted) => {
        speed = /** @type {Speed} */ (wanted);
        onSpeed(speed);
      }),
    );
    draw();
  });

  return {
    element: bar,
    /** @param {Learner[]} wanted */
    show(wanted) {
      learners = wanted;
      draw();
    },
  };
}
