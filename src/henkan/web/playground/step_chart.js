/** A chart over the steps of encoder and decoder, whose points can be selected. */

import { element, fill, svg } from "../dom.js";
import { onWidth, prepare } from "./fitted.js";
import { fillOnce } from "./keyed.js";

const HEIGHT = 220;
const MARGIN = { top: 14, right: 14, bottom: 10, left: 46 };

/**
 * @typedef {object} StepSeries
 * @property {string} name  selects the colour and the kind of line
 * @property {number[]} values  of each step, from 0 to 1 as heights; NaN is left out
 *
 * @typedef {object} StepChart
 * @property {StepSeries[]} series
 * @property {{height: number, label: string}[]} ticks
 * @property {{height: number, label: string} | null} [reference]
 * @property {number} split  number of encoder steps
 * @property {string[][]} labels  rows of labels below the steps
 * @property {number} selected
 * @property {((step: number) => void) | null} onSelect
 * @property {(step: number) => string} describe  a step in words
 * @property {string} label
 */

export function stepChart() {
  const picture = svg("svg", { class: "chart", height: HEIGHT, role: "img" });
  const axis = element("div", { class: "step-axis" });
  const box = element("div", { class: "chart-box step-chart" }, picture, axis);
  /** @type {StepChart | null} */
  let shown = null;
  let width = 0;
  onWidth(box, (pixels) => {
    width = pixels;
    draw();
  });

  function draw() {
    if (!shown || !width) return;
    const { series, ticks, reference, split, labels, selected, label } = shown;
    const count = Math.max(...series.map(({ values }) => values.length), 1);
    const inner = width - MARGIN.left - MARGIN.right;
    const x = (/** @type {number} */ step) => MARGIN.left + ((step + 0.5) / count) * inner;
    const y = (/** @type {number} */ height) => HEIGHT - MARGIN.bottom - height * (HEIGHT - MARGIN.top - MARGIN.bottom);
    const line = (/** @type {number} */ height, /** @type {string} */ kind) =>
      svg("line", { class: kind, x1: MARGIN.left, x2: width - MARGIN.right, y1: y(height), y2: y(height) });
    prepare(picture, width, HEIGHT, label);
    fill(
      picture,
      selected >= 0 &&
        svg("rect", {
          class: "selected",
          x: x(selected) - inner / count / 2,
          y: MARGIN.top,
          width: inner / count,
          height: HEIGHT - MARGIN.top - MARGIN.bottom,
          rx: 6,
        }),
      ...ticks.flatMap(({ height, label: text }) => [
        line(height, "grid"),
        svg("text", { class: "tick", x: MARGIN.left - 8, y: y(height) + 4, "text-anchor": "end" }, text),
      ]),
      split > 0 &&
        split < count &&
        svg("line", {
          class: "bridge",
          x1: (x(split - 1) + x(split)) / 2,
          x2: (x(split - 1) + x(split)) / 2,
          y1: MARGIN.top,
          y2: HEIGHT,
        }),
      reference && line(reference.height, "reference"),
      reference &&
        svg(
          "text",
          { class: "tick", x: width - MARGIN.right, y: y(reference.height) + 15, "text-anchor": "end" },
          reference.label,
        ),
      ...series.flatMap(({ name, values }) => {
        const points = values.flatMap((value, step) => (Number.isNaN(value) ? [] : [[x(step), y(value)]]));
        return [
          svg("path", {
            class: "line",
            "data-series": name,
            d: points.length
              ? `M${points.map((point) => point.map((each) => (each ?? 0).toFixed(1)).join(" ")).join("L")}`
              : "",
          }),
          ...points.map(([cx, cy]) => svg("circle", { class: "dot", "data-series": name, cx, cy, r: 4 })),
        ];
      }),
    );
    axis.style.setProperty("--count", String(count));
    drawAxis(labels, count);
  }

  /**
   * @param {string[][]} labels
   * @param {number} count
   */
  function drawAxis(labels, count) {
    const focused = axis.contains(document.activeElement);
    const create = () =>
      labels.flatMap((row, index) =>
        Array.from({ length: count }, (_, step) => {
          const text = row[step] ?? "";
          const onSelect = shown?.onSelect;
          if (index > 0 || !onSelect)
            return element("span", { class: "step-label", "data-line": index, title: shown?.describe(step) }, text);
          return element(
            "button",
            {
              type: "button",
              class: "step-label",
              "aria-pressed": String(step === shown?.selected),
              "aria-label": shown?.describe(step),
              title: shown?.describe(step),
              tabindex: step === shown?.selected ? 0 : -1,
              onclick: () => onSelect(step),
              onkeydown: (/** @type {KeyboardEvent} */ event) => {
                const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
                if (!move) return;
                event.preventDefault();
                onSelect(Math.min(Math.max(step + move, 0), count - 1));
              },
            },
            text,
          );
        }),
      );
    const spoken = Array.from({ length: count }, (_, step) => shown?.describe(step));
    if (fillOnce(axis, [labels, count, shown?.selected, spoken], create) && focused)
      /** @type {HTMLElement | null} */ (axis.querySelector("[aria-pressed=true]"))?.focus();
  }

  return {
    element: box,
    /** @param {StepChart} wanted */
    show(wanted) {
      shown = wanted;
      draw();
    },
  };
}
