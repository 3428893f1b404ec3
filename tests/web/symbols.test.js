import assert from "node:assert/strict";
import { test } from "node:test";

import { direction, joinTags, showSymbol, showText, splitTags, unknownSymbols } from "../../src/henkan/web/symbols.js";

test("symbols that cannot be seen are shown", () => {
  assert.equal(showSymbol(" "), "␣");
  assert.equal(showSymbol("\u0301"), "◌\u0301");
  assert.equal(showSymbol("\u200b"), "U+200B");
  assert.equal(showSymbol("\tPST"), "PST");
  assert.equal(showSymbol("tʃ"), "tʃ");
});

test("only spaces that would be missed are shown in a text", () => {
  assert.equal(showText("k a tʃ"), "k a tʃ");
  assert.equal(showText(" a  b "), "␣a␣␣b␣");
});

test("the first letter decides the direction", () => {
  assert.equal(direction(["3", "ש", "a"]), "rtl");
  assert.equal(direction(["\tש", "a"]), "ltr");
  assert.equal(direction(["1", "+"]), "ltr");
});

test("unknown symbols are read from their names in Python", () => {
  const names = ["symbol 'é'", `symbol "'"`, "feature 'SÜ'", "symbol '\\u200b'", "symbol '\\\\'"];
  assert.deepEqual([...unknownSymbols(names)], ["é", "'", "\tSÜ", "\u200b", "\\"]);
});

test("tags are split from a source and joined again", () => {
  assert.deepEqual(splitTags("walk\tV;PST"), { text: "walk", tags: "V;PST" });
  assert.equal(joinTags("walk", "V;PST"), "walk\tV;PST");
  assert.equal(joinTags("walk", " "), "walk");
});
