/** One question, step by step: gates, cell state and hidden state beside their formulas. */

import { bar, roving } from "../controls.js";
import { element, fill, setProperties } from "../dom.js";
import { percent } from "../texts.js";
import { connectTerms } from "./formula.js";
import { fillOnce } from "./keyed.js";
import { attentionFormula, attentionTerms, formulaOf, inputsFormula, numbersOf, outputFormula } from "./lstm_formulas.js";
import { colourStrip, markUnit, strip } from "./strip.js";
import { p, sentences, symbolName } from "./texts.js";

/** @import { RowName } from "./lstm_formulas.js" */
/** @import { Selection } from "./selection.js" */
/** @import { Inspection, Trace, TraceStep } from "./types.js" */

const CELL_SCALE = 2; // cell states have no bounds
/** @type {[RowName, import("./texts.js").Key, (step: TraceStep) => Float32Array, number][]} */
const ROWS = [
  ["h0", "hiddenBefore", (step) => step.hBefore, 1],
  ["c0", "cellBefore", (step) => step.cBefore, CELL_SCALE],
  ["i", "inputGate", (step) => gate(step, 0), 1],
  ["f", "forgetGate", (step) => gate(step, 1), 1],
  ["g", "candidate", (step) => gate(step, 2), 1],
  ["o", "outputGate", (step) => gate(step, 3), 1],
  ["c", "cellAfter", (step) => step.c, CELL_SCALE],
  ["h", "hiddenAfter", (step) => step.h, 1],
];

/**
 * @param {TraceStep} step
 * @param {number} at  0 to 3: i, f, g, o
 */
function gate({ gates, h }, at) {
  return gates.subarray(at * h.length, (at + 1) * h.length);
}

/** @param {Selection} selection */
export function statesView(selection) {
  const row = element("div", { class: "tile-groups" });
  const previous = element("button", { type: "button", class: "move", onclick: () => move(-1) }, "←");
  const next = element("button", { type: "button", class: "move", onclick: () => move(1) }, "→");
  const tiles = element("div", { class: "tiles" }, previous, row, next);
  const says = element("p", { class: "says", "aria-live": "polite" });
  const rows = element("div", { class: "rows" });
  const unit = element("input", {
    type: "range",
    min: 1,
    step: 1,
    oninput: () => selection.set({ unit: Number(unit.value) - 1 }),
  });
  const unitName = element("output", { class: "number" });
  const unitLabel = element("div", { class: "unit" }, unitName, unit);
  const output = element("div", { class: "output" });
  const view = element("div", { class: "states" }, tiles, says, unitLabel, rows, output);
  /** @type {Trace | null} */
  let trace = null;
  connectTerms(view);
  roving(row);

  rows.addEventListener("pointerover", ({ target }) => {
    const found = /** @type {HTMLElement} */ (target).closest("[data-unit]");
    if (found) selection.set({ unit: Number(/** @type {HTMLElement} */ (found).dataset.unit) });
  });

  function shown() {
    const steps = trace?.steps ?? [];
    const at = Math.min(selection.values.step, steps.length - 1);
    return { at, step: /** @type {TraceStep} */ (steps[at]) };
  }

  function draw() {
    if (!trace) return;
    const { at, step } = shown();
    drawTiles(trace, at);
    says.textContent = sentence(trace, at);
    drawRows(trace, trace.peeky && step.side === "decoder");
    const strips = rows.querySelectorAll(".strip");
    ROWS.forEach(([, , values, scale], index) =>
      colourStrip(/** @type {Element} */ (strips[index]), values(step), scale),
    );
    drawOutput(trace, step);
    drawUnit();
  }

  /**
   * @param {Trace} all
   * @param {boolean} peeky  whether the context is an input
   */
  function drawRows({ hidden }, peeky) {
    rows.style.setProperty("--units", String(hidden));
    fillOnce(rows, [hidden, peeky], () => [
      element(
        "div",
        { class: "vector inputs" },
        element("span", { class: "row-label" }, p("gateInputs")),
        element(
          "span",
          { class: "row-formula" },
          inputsFormula(peeky),
          element("span", { class: "caption" }, peeky ? sentences(p("context"), p("order")) : p("order")),
        ),
      ),
      ...ROWS.map(([name, label]) =>
        element(
          "div",
          { class: "vector", "data-name": name },
          element("span", { class: "row-label" }, p(label)),
          strip(name, hidden),
          element("span", { class: "row-formula" }, formulaOf(name)),
          element("span", { class: "row-numbers number" }),
        ),
      ),
      scaleLegend(),
    ]);
  }

  /** What depends on the selected unit alone, which changes at every move of the pointer. */
  function drawUnit() {
    if (!trace) return;
    const { step } = shown();
    const at = Math.min(selection.values.unit, trace.hidden - 1);
    unit.setAttribute("aria-label", p("unit"));
    unit.max = String(trace.hidden);
    unit.value = String(at + 1);
    unit.style.setProperty("--share", String(at / Math.max(trace.hidden - 1, 1)));
    unitName.textContent = p("unitOf", { unit: at + 1, units: trace.hidden });
    markUnit(rows, at);
    for (const row of rows.querySelectorAll(".vector[data-name]")) {
      const name = /** @type {RowName} */ (/** @type {HTMLElement} */ (row).dataset.name);
      const numbers = row.querySelector(".row-numbers");
      if (numbers) numbers.textContent = numbersOf(name, step, at);
    }
  }

  /**
   * @param {Trace} all
   * @param {number} at
   */
  function drawTiles({ source, reverse, read, written, steps }, at) {
    const focused = /** @type {HTMLElement[]} */ ([...row.querySelectorAll(".tile")]).indexOf(
      /** @type {any} */ (document.activeElement),
    );
    const symbols = (/** @type {string[]} */ texts, /** @type {number} */ from) =>
      element("div", { class: "tile-row" }, ...texts.map((text, index) => tile(from + index, text)));
    const group = (/** @type {string} */ name, /** @type {HTMLElement} */ tiles) =>
      element("div", { class: "tile-group" }, element("span", { class: "label" }, name), tiles);
    fillOnce(row, [read, written, reverse], () => [
      group(p(reverse ? "encoderReadsBack" : "encoderReads", { source }), symbols(read, 0)),
      element("span", { class: "arrow", "aria-hidden": "true" }, "h →"),
      group(
        p("decoderWrites"),
        symbols(
          written.map((symbol) => symbolName(symbol)),
          read.length,
        ),
      ),
    ]);
    const tiles = /** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll(".tile"));
    tiles.forEach((each, index) => {
      each.setAttribute("aria-pressed", String(index === at));
      each.setAttribute("aria-label", sentence(/** @type {Trace} */ (trace), index));
      each.tabIndex = index === at ? 0 : -1;
    });
    if (focused >= 0 && !row.contains(document.activeElement)) tiles[at]?.focus({ preventScroll: true });
    for (const [button, by] of /** @type {[HTMLButtonElement, number][]} */ ([
      [previous, -1],
      [next, 1],
    ])) {
      const name = p(by < 0 ? "previousStep" : "nextStep");
      setProperties(button, { "aria-label": name, title: name, disabled: at + by < 0 || at + by >= steps.length });
    }
  }

  /**
   * @param {number} index
   * @param {string} text
   */
  function tile(index, text) {
    const select = () => selection.set({ step: index });
    return element("button", { type: "button", class: "tile", onclick: select, onfocus: select }, text);
  }

  /** @param {number} by */
  function move(by) {
    const { at } = shown();
    selection.set({ step: Math.min(Math.max(at + by, 0), (trace?.steps.length ?? 1) - 1) });
  }

  /**
   * @param {Trace} all
   * @param {TraceStep} step
   */
  function drawOutput({ peeky, attention, read }, step) {
    if (step.side === "encoder") return fill(output);
    const most = [...step.probabilities].sort((x, y) => y[1] - x[1]).slice(0, 5);
    fill(
      output,
      element(
        "section",
        {},
        element("h3", {}, p("outputLayer")),
        outputFormula(peeky, attention),
        element(
          "ol",
          { class: "likely" },
          ...most.map(([symbol, probability]) =>
            element(
              "li",
              {},
              element("span", { class: "symbol-name" }, symbolName(symbol)),
              bar(probability),
              element("span", { class: "number" }, percent(probability)),
            ),
          ),
        ),
      ),
      step.attention &&
        element(
          "section",
          {},
          element("h3", {}, p("attentionWeights")),
          attentionFormula(),
          element(
            "p",
            { class: "caption" },
            ...attentionTerms().map(([name, text]) => element("span", { class: "meaning" }, name, " ", p(text))),
          ),
          element(
            "ol",
            { class: "likely" },
            ...step.attention.map((weight, at) =>
              element(
                "li",
                {},
                element("span", { class: "symbol-name" }, read[at] ?? ""),
                bar(weight),
                element("span", { class: "number" }, percent(weight)),
              ),
            ),
          ),
        ),
    );
  }

  return {
    element: view,
    /** @returns {Inspection} */
    inspection: () => ({ kind: "trace", source: selection.values.question }),
    /** @param {Trace} value */
    show(value) {
      trace = value;
      draw();
    },
    /** @param {string[]} [changed]  what the reader selected */
    redraw(changed) {
      if (changed && changed.every((name) => name === "unit")) drawUnit();
      else draw();
    },
  };
}

function scaleLegend() {
  return element(
    "p",
    { class: "scale caption", "aria-hidden": "true" },
    element("span", {}, "−1"),
    element("span", { class: "ramp" }),
    element("span", {}, "+1"),
    element("span", {}, "(c: −2 … +2)"),
  );
}

/**
 * What happens at a step.
 *
 * @param {Trace} trace
 * @param {number} at
 */
function sentence({ read, written, steps }, at) {
  const step = steps[at];
  if (!step) return "";
  if (step.side === "encoder") {
    const reads = p("encoderStep", { step: at + 1, steps: read.length, symbol: step.input });
    return at === 0 ? sentences(reads, p("encoderFirst")) : reads;
  }
  const number = at - read.length;
  const probability = step.probabilities.find(([symbol]) => symbol === step.output)?.[1] ?? 0;
  const values = {
    step: number + 1,
    steps: written.length,
    input: symbolName(step.input, "boundary"),
    symbol: symbolName(step.output),
    probability: percent(probability),
  };
  const writes = p("decoderStep", values);
  return number === 0 ? sentences(writes, p("decoderFirst")) : writes;
}
