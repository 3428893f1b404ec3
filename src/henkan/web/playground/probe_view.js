/** Where a carry is encoded: accuracy of a classifier at each step, and the sums as it sees them. */

import { segmented } from "../controls.js";
import { element, fill, svg } from "../dom.js";
import { fillOnce } from "./keyed.js";
import { sumOf } from "./settings.js";
import { stepChart } from "./step_chart.js";
import { p, placeName, shortPercent } from "./texts.js";

/** @import { Selection } from "./selection.js" */
/** @import { Inspection, Probe, Projection } from "./types.js" */

const SIZE = 260;
const MARGIN = 12;

/** @param {Selection} selection */
export function probeView(selection) {
  const choice = element("div", { class: "view-choice" });
  const caption = element("p", { class: "caption" });
  const chart = stepChart();
  const lines = element("ul", { class: "legend" });
  const words = element("p", { class: "words" });
  const picture = svg("svg", { class: "scatter", viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img" });
  const heading = element("h3");
  const legend = element("ul", { class: "legend" });
  const axes = element("p", { class: "caption" });
  const tip = element("p", { class: "tip-line number" });
  const view = element(
    "div",
    { class: "probe" },
    element("div", { class: "probe-steps" }, choice, caption, chart.element, lines, words),
    element("figure", { class: "projection" }, heading, picture, tip, legend, axes),
  );
  /** @type {{probe: Probe, projection: Projection} | null} */
  let found = null;

  function draw() {
    if (!found) return;
    const { probe, projection } = found;
    const places = Array.from({ length: probe.digits }, (_, at) => [String(at), placeName(at)]);
    fillOnce(choice, [probe.place, probe.digits], () => [
      element("span", { class: "label" }, p("carryOf")),
      segmented(p("carryOf"), Object.fromEntries(places), String(probe.place), (wanted) =>
        selection.set({ place: Number(wanted) }),
      ),
    ]);
    const axis = p("probeAxis", { held: probe.held, sum: sumText(probe.digits) });
    caption.textContent = axis;
    const selected = stepOf(selection.values.probed, probe.digits);
    const best = probe.steps.reduce(
      (most, { accuracy }, at) => (accuracy > (probe.steps[most]?.accuracy ?? 0) ? at : most),
      0,
    );
    chart.show({
      series: [
        { name: "other", values: probe.steps.map(({ untrained }) => heightOf(untrained)) },
        { name: "own", values: probe.steps.map(({ accuracy }) => heightOf(accuracy)) },
      ],
      ticks: [0.5, 0.75, 1].map((share) => ({ height: heightOf(share), label: shortPercent(share) })),
      reference: { height: heightOf(probe.chance), label: `${p("chance")} ${shortPercent(probe.chance)}` },
      split: 2 * probe.digits + 1,
      labels: [probe.steps.map((_, at) => labelOf(at, probe))],
      selected,
      onSelect: (step) => selection.set({ probed: step }),
      describe: (step) => describe(step, probe),
      label: axis,
    });
    fill(
      lines,
      ...[p("atUpdate", { update: probe.update }), p("untrained")].map((text, index) =>
        element("li", {}, element("span", { class: "swatch", "data-series": index ? "other" : "own" }), text),
      ),
    );
    words.textContent = p("probeBest", {
      step: nameOf(best, probe),
      accuracy: shortPercent(probe.steps[best]?.accuracy ?? 0, 1),
    });
    drawProjection(probe, projection, selected);
  }

  /**
   * @param {Probe} probe
   * @param {Projection} projection
   * @param {number} selected
   */
  function drawProjection(probe, { sums }, selected) {
    const reach = Math.max(...sums.map(({ x }) => Math.abs(x)), 1e-6);
    const height = Math.max(...sums.map(({ y }) => Math.abs(y)), 1e-6);
    const place = (/** @type {number} */ value, /** @type {number} */ most) =>
      SIZE / 2 + (value / most) * (SIZE / 2 - MARGIN);
    const right = sums.filter(({ x, carry }) => x > 0 === carry).length;
    heading.textContent = p("projectionOf", { step: nameOf(selected, probe) });
    picture.setAttribute("aria-label", p("projectionLabel", { count: sums.length, right }));
    tip.textContent = p("projectionLabel", { count: sums.length, right });
    fill(
      picture,
      svg("rect", { class: "ground", width: SIZE, height: SIZE, rx: 8 }),
      svg("line", { class: "border", x1: SIZE / 2, x2: SIZE / 2, y1: 0, y2: SIZE }),
      ...sums.map(({ source, carry, x, y }) => {
        const [cx, cy] = [place(x, reach), SIZE - place(y, height)];
        const point = carry
          ? svg("circle", { class: "sum-point", "data-carry": true, cx: cx.toFixed(1), cy: cy.toFixed(1), r: 3.6 })
          : svg("path", {
              class: "sum-point",
              d: `M${(cx - 3.4).toFixed(1)} ${cy.toFixed(1)}h6.8M${cx.toFixed(1)} ${(cy - 3.4).toFixed(1)}v6.8`,
            });
        point.addEventListener("pointerenter", () => {
          tip.textContent = `${source} = ${sumOf(source)} · ${p(carry ? "carry" : "noCarry")}`;
        });
        return point;
      }),
    );
    fill(
      legend,
      element(
        "li",
        {},
        svg(
          "svg",
          { class: "key", viewBox: "0 0 10 10", "aria-hidden": "true" },
          svg("circle", { class: "sum-point", "data-carry": true, cx: 5, cy: 5, r: 3.6 }),
        ),
        p("carry"),
      ),
      element(
        "li",
        {},
        svg(
          "svg",
          { class: "key", viewBox: "0 0 10 10", "aria-hidden": "true" },
          svg("path", { class: "sum-point", d: "M1.6 5h6.8M5 1.6v6.8" }),
        ),
        p("noCarry"),
      ),
    );
    axes.textContent = p("projectionAxes");
  }

  return {
    element: view,
    /** @returns {Inspection} */
    inspection: () => ({
      kind: "probe",
      place: selection.values.place,
      step: stepOf(selection.values.probed, selection.values.digits),
    }),
    /** @param {{probe: Probe, projection: Projection}} value */
    show(value) {
      found = value;
      draw();
    },
    redraw: draw,
  };
}

/**
 * The selected step; without a selection, the last one of the encoder.
 *
 * @param {number} step
 * @param {number} digits
 */
function stepOf(step, digits) {
  return step < 0 ? 2 * digits : Math.min(step, 3 * digits + 1);
}

/** @param {number} accuracy */
function heightOf(accuracy) {
  return Math.min(Math.max((accuracy - 0.45) / 0.57, 0), 1);
}

/**
 * The role of a step: digits of the first number are a, of the second b; of the answer, the number of the symbol.
 *
 * @param {number} step
 * @param {Probe} probe
 */
function labelOf(step, { digits, reverse }) {
  const names = [...subscripts("a", digits), "+", ...subscripts("b", digits)];
  if (step < names.length) return (reverse ? names.toReversed() : names)[step] ?? "";
  return `y${"₁₂₃₄₅"[step - names.length] ?? ""}`;
}

/** @param {number} digits */
function sumText(digits) {
  return `${subscripts("a", digits).join("")} + ${subscripts("b", digits).join("")} = ${subscripts("y", digits).join("")}…`;
}

/**
 * @param {string} letter
 * @param {number} digits
 */
function subscripts(letter, digits) {
  return Array.from({ length: digits }, (_, at) => `${letter}${"₁₂₃"[at] ?? ""}`);
}

/**
 * @param {number} step
 * @param {Probe} probe
 */
function nameOf(step, probe) {
  return p(step < 2 * probe.digits + 1 ? "stepRead" : "stepWrite", { symbol: labelOf(step, probe) });
}

/**
 * @param {number} step
 * @param {Probe} probe
 */
function describe(step, probe) {
  const { accuracy = 0, fit = 0, untrained = 0 } = probe.steps[step] ?? {};
  const shares = Object.entries({ accuracy, fit, untrained }).map(([name, share]) => [name, shortPercent(share, 1)]);
  return p("probeStep", { step: nameOf(step, probe), ...Object.fromEntries(shares) });
}
