import assert from "node:assert/strict";
import { test } from "node:test";

import { percent, setLanguage, t, translated } from "../../src/henkan/web/texts.js";
import { english } from "../../src/henkan/web/texts_en.js";
import { japanese } from "../../src/henkan/web/texts_ja.js";

test("both languages have the same texts with the same places", () => {
  const places = (text) => [...text.matchAll(/\{\w+\}/gu)].map(String).sort();
  assert.deepEqual(Object.keys(japanese), Object.keys(english));
  for (const key of Object.keys(english)) {
    if (key !== "checkField") assert.deepEqual(places(japanese[key]), places(english[key]), key);
  }
});

test("values are put into texts, and numbers are formatted", () => {
  setLanguage("en");
  assert.equal(t("parameters", { count: 1234567 }), "1,234,567 parameters");
  assert.equal(t("stepCopy", { symbol: "{from}" }), "Copy {from}");
  setLanguage("ja");
  assert.equal(t("lineCount", { count: 3 }), "3行");
  assert.equal(translated("no tags"), "タグなし");
  assert.equal(translated("something new"), "something new");
  setLanguage("en");
});

test("only certainty is 100 %, and only impossibility 0 %", () => {
  const shown = [1, 0.99999, 0.9734, 0.0004, 1e-9, 0].map(percent);
  assert.deepEqual(shown, ["100%", ">99.9%", "97.3%", "0.04%", "<0.001%", "0%"]);
});
