import assert from "node:assert/strict";
import { test } from "node:test";

import { parts, toLines, toTsv } from "../../src/henkan/web/tsv.js";

test("columns are escaped, so that every text stays on its line", () => {
  assert.equal(toTsv([["walk\tV", "a\\b"], ["x\u2028", "\r\n"]]), "walk\\tV\ta\\\\b\nx\\u2028\t\\r\\n\n");
});

test("lines end as on any system", () => {
  assert.deepEqual(toLines("a\r\nb\n\nc\n"), ["a", "b", "", "c"]);
  assert.deepEqual(toLines(""), []);
});

test("parts have at most so many lines and characters", () => {
  assert.deepEqual(parts(["a", "b", "c"], 2), [["a", "b"], ["c"]]);
  assert.deepEqual(parts(["aaa", "b", "cc", "dddddd"], 9, 4), [["aaa", "b"], ["cc"], ["dddddd"]]);
  assert.deepEqual(parts([], 2), []);
});
