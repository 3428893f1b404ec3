/** A line chart of one or two series over the updates. */

import { element, fill, svg } from "../dom.js";
import { onWidth, prepare } from "./fitted.js";

/** @import { Point } from "./types.js" */

const HEIGHT = 206;
const MARGIN = { top: 10, right: 12, bottom: 42, left: 42 };

/**
 * @typedef {object} Series
 * @property {string} name  "a" or "b", which selects the colour and the kind of line
 * @property {Point[]} points
 *
 * @typedef {object} Scale
 * @property {number} xMax
 * @property {number} yMax
 * @property {number[]} yTicks
 * @property {(value: number) => string} format
 * @property {{value: number, label: string} | null} [reference]  a dotted line
 * @property {string} xLabel
 */

/** A chart that fits the width of its box. */
export function lineChart() {
  const picture = svg("svg", { class: "chart", height: HEIGHT, role: "img" });
  const tip = element("div", { class: "tip", hidden: true });
  const box = element("div", { class: "chart-box" }, picture, tip);
  /** @type {{series: Series[], scale: Scale, label: string} | null} */
  let shown = null;
  let width = 0;

  onWidth(box, (pixels) => {
    width = pixels;
    draw();
  });

  const inner = () => width - MARGIN.left - MARGIN.right;
  const x = (/** @type {number} */ value) => MARGIN.left + (value / (shown?.scale.xMax || 1)) * inner();
  const y = (/** @type {number} */ value) => {
    const share = Math.min(value / (shown?.scale.yMax || 1), 1);
    return HEIGHT - MARGIN.bottom - share * (HEIGHT - MARGIN.top - MARGIN.bottom);
  };

  function draw() {
    if (!shown || width === 0) return;
    const { series, scale, label } = shown;
    prepare(picture, width, HEIGHT, label);
    const right = MARGIN.left + inner();
    const text = (/** @type {string} */ content, /** @type {object} */ properties) =>
      svg("text", { ...properties }, content);
    fill(
      picture,
      ...scale.yTicks.flatMap((value) => [
        svg("line", { class: "grid", x1: MARGIN.left, x2: right, y1: y(value), y2: y(value) }),
        text(scale.format(value), { class: "tick", x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }),
      ]),
      ...xTicks(scale.xMax, inner()).map((value) =>
        text(value.toLocaleString(), {
          class: "tick",
          x: x(value),
          y: HEIGHT - 24,
          "text-anchor": value ? "middle" : "start",
        }),
      ),
      text(scale.xLabel, { class: "tick", x: right, y: HEIGHT - 6, "text-anchor": "end" }),
      scale.reference &&
        svg("line", {
          class: "reference",
          x1: MARGIN.left,
          x2: right,
          y1: y(scale.reference.value),
          y2: y(scale.reference.value),
        }),
      scale.reference &&
        text(scale.reference.label, { class: "tick", x: right, y: y(scale.reference.value) - 5, "text-anchor": "end" }),
      ...series.map(({ name, points }) => svg("path", { class: "line", "data-series": name, d: path(points) })),
      ...series.flatMap(({ name, points }) => {
        const last = points.at(-1);
        return last
          ? [svg("circle", { class: "dot", "data-series": name, cx: x(last[0]), cy: y(last[1]), r: 3.5 })]
          : [];
      }),
      svg("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" }),
    );
  }

  /**
   * A path with at most one point for each pixel, the mean of those that fall on it.
   *
   * @param {Point[]} points
   */
  function path(points) {
    /** @type {string[]} */
    const parts = [];
    let [at, sum, count] = [-1, 0, 0];
    const close = () => {
      if (count) parts.push(`${at.toFixed(1)} ${y(sum / count).toFixed(1)}`);
    };
    for (const [update, value] of points) {
      const place = Math.round(x(update) / 2) * 2;
      if (place !== at) {
        close();
        [at, sum, count] = [place, 0, 0];
      }
      sum += value;
      count += 1;
    }
    close();
    return parts.length ? `M${parts.join("L")}` : "";
  }

  picture.addEventListener("pointermove", (event) => {
    if (!shown) return;
    const left = picture.getBoundingClientRect().left;
    const update = ((event.clientX - left - MARGIN.left) / inner()) * shown.scale.xMax;
    const { scale, series } = shown;
    const near = series.flatMap(({ name, points }) => {
      const found = nearest(points, update);
      return found ? [{ name, found }] : [];
    });
    const first = near[0];
    tip.hidden = !first;
    if (!first) return;
    const place = x(first.found[0]);
    fill(
      tip,
      element("span", { class: "quiet" }, first.found[0].toLocaleString()),
      ...near.map(({ name, found }) => element("span", { "data-series": name }, scale.format(found[1]))),
    );
    tip.style.setProperty("--x", `${Math.min(Math.max(place, 40), width - 60)}px`);
    const cursor = picture.querySelector(".cursor");
    for (const each of ["x1", "x2"]) cursor?.setAttribute(each, String(place));
    cursor?.setAttribute("visibility", "visible");
  });
  picture.addEventListener("pointerleave", () => {
    tip.hidden = true;
    picture.querySelector(".cursor")?.setAttribute("visibility", "hidden");
  });

  return {
    element: box,
    /**
     * @param {Series[]} series
     * @param {Scale} scale
     * @param {string} label  what a screen reader says
     */
    show(series, scale, label) {
      shown = { series, scale, label };
      draw();
    },
  };
}

/**
 * The point that is nearest to an update; the points are in order.
 *
 * @param {Point[]} points
 * @param {number} update
 */
export function nearest(points, update) {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {Point} */ (points[middle])[0] < update) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [points[low - 1], points[low]];
  if (!before || !after) return after;
  return update - before[0] < after[0] - update ? before : after;
}

/**
 * Round numbers from 0 to the largest, as many as there is room for.
 *
 * @param {number} largest
 * @param {number} width  in pixels
 */
export function xTicks(largest, width) {
  const most = Math.max(2, Math.floor(width / 70));
  const step =
    [1, 2, 5, 10, 20, 50, 100, 200, 250, 500, 1000, 2000, 5000].find((each) => largest / each <= most) ?? largest;
  return Array.from({ length: Math.floor(largest / step) + 1 }, (_, index) => index * step);
}
