/** The formulas of an LSTM step, and the same with the numbers of one unit. */

import { applied, math, term, variable } from "./formula.js";
import { decimal } from "./texts.js";

/** @import { TraceStep } from "./types.js" */

const GATES = /** @type {const} */ (["i", "f", "g", "o"]);

/** @typedef {"h0" | "c0" | "i" | "f" | "g" | "o" | "c" | "h"} RowName */

const row = {
  i: () => term("i", variable("i")),
  f: () => term("f", variable("f")),
  g: () => term("g", variable("g")),
  o: () => term("o", variable("o")),
  c: () => term("c", variable("c", "t")),
  c0: () => term("c0", variable("c", "t-1")),
  h: () => term("h", variable("h", "t")),
  h0: () => term("h0", variable("h", "t-1")),
};

/**
 * The inputs of the gates, a_t.
 *
 * @param {boolean} peeky  whether this is the decoder of a Peeky model
 */
export function inputsFormula(peeky) {
  const context = peeky ? ["+", term("context", variable("h")), variable("W", "c")] : [];
  return math(
    variable("a", "t"),
    "=",
    term("x", variable("x", "t")),
    variable("W", "x"),
    "+",
    variable("b"),
    "+",
    row.h0(),
    variable("W", "h"),
    ...context,
  );
}

/**
 * The formula of a row.
 *
 * @param {RowName} name
 */
export function formulaOf(name) {
  switch (name) {
    case "i":
    case "f":
    case "o":
      return math(row[name](), "=", applied("σ", variable("a", name)));
    case "g":
      return math(row.g(), "=", applied("tanh", variable("a", "g")));
    case "c":
      return math(row.c(), "=", row.f(), "⊙", row.c0(), "+", row.i(), "⊙", row.g());
    case "h":
      return math(row.h(), "=", row.o(), "⊙", applied("tanh", row.c()));
    default:
      return math(row[name]());
  }
}

/**
 * The probabilities of the output layer.
 *
 * @param {boolean} peeky
 * @param {boolean} attention
 */
export function outputFormula(peeky, attention) {
  const attended = () =>
    applied("tanh", variable("context", "t"), "+", row.h(), variable("W", "q"), "+", variable("b"));
  const state = attention ? attended() : row.h();
  const context = peeky ? ["+", term("context", variable("h")), variable("W", "yc")] : [];
  return math(variable("p"), "=", applied("softmax", state, variable("W", "y"), "+", variable("b", "y"), ...context));
}

/** The weights of attention. */
export function attentionFormula() {
  return math(variable("w", "ts"), "=", applied("softmax", row.h(), "·", variable("k", "s")));
}

/**
 * What the terms of attention mean.
 *
 * @returns {[Element, "meaningKey" | "meaningContext" | "meaningQuery"][]}
 */
export function attentionTerms() {
  const context = [variable("Σ", "s"), variable("w", "ts"), variable("v", "s")];
  return [
    [math(variable("k", "s")), "meaningKey"],
    [math(variable("context", "t"), "=", ...context), "meaningContext"],
    [math(variable("W", "q")), "meaningQuery"],
  ];
}

/**
 * The formula of a row with the numbers of one unit.
 *
 * @param {RowName} name
 * @param {TraceStep} step
 * @param {number} unit
 * @returns {string}
 */
export function numbersOf(name, step, unit) {
  const H = step.h.length;
  const gate = GATES.indexOf(/** @type {any} */ (name));
  const value = (/** @type {number} */ at) => decimal(step.gates[at * H + unit]);
  switch (name) {
    case "c":
      return `${decimal(step.c[unit])} = ${value(1)} · ${bracketed(step.cBefore[unit])} + ${value(0)} · ${bracketed(step.gates[2 * H + unit])}`;
    case "h":
      return `${decimal(step.h[unit])} = ${value(3)} · tanh(${decimal(step.c[unit])})`;
    case "c0":
      return decimal(step.cBefore[unit]);
    case "h0":
      return decimal(step.hBefore[unit]);
    default: {
      const at = gate * H + unit;
      const parts = [step.fromInput[at], step.fromState[at], ...(step.fromContext ? [step.fromContext[at]] : [])];
      return `${value(gate)} = ${name === "g" ? "tanh" : "σ"}(${sum(parts)})`;
    }
  }
}

/** @param {number} value */
function bracketed(value) {
  const text = decimal(value);
  return text.startsWith("−") ? `(${text})` : text;
}

/**
 * A sum of numbers, whose minus signs stand for the plus signs.
 *
 * @param {number[]} parts
 */
export function sum(parts) {
  return parts
    .map((part, index) => {
      const text = decimal(part);
      if (index === 0) return text;
      return text.startsWith("−") ? ` − ${text.slice(1)}` : ` + ${text}`;
    })
    .join("");
}
