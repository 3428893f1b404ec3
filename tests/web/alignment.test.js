import assert from "node:assert/strict";
import { test } from "node:test";

import { alignmentOf, highlights, origin, strongest } from "../../src/henkan/web/alignment.js";

const choice = (symbol, weights, action = "", runners_up = []) => ({
  symbol,
  weights,
  action,
  runners_up,
  probability: 0.5,
});
const explanation = (symbols, answer, choices, by = "pointer") => ({
  source: "",
  answer,
  confidence: null,
  symbols,
  unknown: [],
  cut_off: false,
  choices,
  by,
});

test("an insertion is placed before the symbol under the pointer, and the end after the last one", () => {
  const { steps } = alignmentOf(
    explanation(["a", "b"], "axb", [
      choice("a", [1, 0], "copy"),
      choice("x", [0, 1], "insert", [["copy b", 0.2], ["delete", 0.1], ["insert  ", 0.05]]),
      choice("b", [0, 1], "copy"),
      choice("", [0, 0], "end"),
    ]),
  );
  assert.deepEqual(steps.map((step) => step.gap), [0, 1, 1, 2]);
  assert.deepEqual(steps.map(origin), [0, -1, 1, -1]);
  assert.deepEqual(highlights({ symbols: ["a", "b"], steps }, { step: 1 }).sources, [0, 0]);
  assert.deepEqual(highlights({ symbols: ["a", "b"], steps }, { step: 2 }).sources, [0, 1]);
  assert.deepEqual(
    steps[1].alternatives.map(({ action, symbol }) => [action, symbol]),
    [["copy", "b"], ["delete", ""], ["insert", " "]],
  );
});

test("a prediction that was written from its last symbol is shown from its first", () => {
  const { steps } = alignmentOf(
    explanation(["c", "a"], "cas", [
      choice("s", [0, 1], "insert"),
      choice("a", [0, 1], "copy"),
      choice("c", [1, 0], "copy"),
      choice("", [0, 0], "end"),
    ]),
  );
  assert.equal(steps.map((step) => step.symbol).join(""), "cas");
  assert.equal(steps[2].gap, 2);
  assert.equal(steps.at(-1).action, "end");
});

test("feature tags follow the text, with their weights", () => {
  const alignment = alignmentOf(explanation(["\tPL", "a"], "s", [choice("s", [0.8, 0.2])], "attention"));
  assert.deepEqual(alignment.symbols, ["a", "\tPL"]);
  assert.deepEqual(alignment.steps[0].weights, [0.2, 0.8]);
  assert.deepEqual(strongest(alignment.steps[0]).map(({ index }) => index), [1, 0]);
});

test("pointing at a source symbol highlights the steps that use it", () => {
  const alignment = alignmentOf(
    explanation(["a", "b"], "xy", [choice("x", [0.9, 0.1]), choice("y", [0.3, 0.7])], "attention"),
  );
  assert.deepEqual(highlights(alignment, { source: 0 }), { sources: [1, 0], steps: [0.9, 0.3] });
  assert.deepEqual(highlights(alignment, { step: 1 }), { sources: [0.3, 0.7], steps: [0, 1] });
  assert.deepEqual(highlights(alignment, null), { sources: [0, 0], steps: [0, 0] });
});
