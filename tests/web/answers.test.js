import assert from "node:assert/strict";
import { test } from "node:test";

import { notesOf, reasonOf } from "../../src/henkan/web/answer_view.js";
import { setLanguage } from "../../src/henkan/web/texts.js";

const nothing = { source: "", prediction: null, log_probability: null, confidence: null };
const unreadable = { ...nothing, reason: "unknown symbol '本'", unknown: ["symbol '本'", "symbol '語'"] };
const long = { ...nothing, reason: "12 symbols (this model reads at most 7)" };

test("reasons are in the chosen language", (context) => {
  context.after(() => setLanguage("en"));
  assert.equal(reasonOf(unreadable), "This model cannot read 本 語");
  assert.equal(reasonOf(long), "The text has 12 symbols; this model reads at most 7.");
  assert.equal(reasonOf({ ...nothing, reason: "something new" }), "something new");
  setLanguage("ja");
  assert.equal(reasonOf(unreadable), "このモデルが読めない記号：本 語");
  assert.equal(reasonOf(long), "入力の記号は12個ですが、このモデルが読めるのは7個までです。");
  assert.equal(reasonOf({ ...nothing, blank: true }), "入力が空か、空白だけです。");
});

test("symbols are named once, as reason or as note", () => {
  assert.deepEqual(notesOf(unreadable), []);
  const read = { ...unreadable, reason: undefined, prediction: "x" };
  assert.equal(reasonOf(read), "");
  assert.deepEqual(notesOf(read), ["Not in the training data: 本 語"]);
});
