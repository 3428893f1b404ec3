import assert from "node:assert/strict";
import { test } from "node:test";

import { Converter } from "../../src/henkan/web/runtime/converter.js";
import { computeGroups } from "../../src/henkan/web/runtime/source_batches.js";

const full = () => new RangeError("Array buffer allocation failed");

test("a group that needs too much memory is computed one by one, without those that need too much alone", () => {
  const [tried, computed] = [[], []];
  computeGroups([[0, 1, 2], [3]], (group) => {
    tried.push(group);
    if (group.length > 2 || group.includes(1)) throw full();
    computed.push(...group);
  });
  assert.deepEqual(tried, [[0, 1, 2], [0], [1], [2], [3]]);
  assert.deepEqual(computed, [0, 2, 3]);
  const broken = () => {
    throw new RangeError("there is no weight x");
  };
  assert.throws(() => computeGroups([[0, 1]], broken), /no weight x/u);
});

test("memory is given back after each group, and a text without enough of it has the reason", () => {
  let [encoded, resets] = [0, 0];
  const model = {
    capabilities: {},
    encode({ count, active }) {
      encoded += 1;
      if (active.length > 3) throw full();
      return { count };
    },
    reset: () => (resets += 1),
  };
  const vocabulary = { tokenizer: {} };
  const converter = new Converter({ model, source: vocabulary, target: vocabulary, domain: null });
  converter.reader.readForConversion = (text) => ({ source: { text, ids: [...text].map(() => 0), unknown: [] } });
  const given = (sources) => converter.inGroups(sources, 1, (group) => group.map(({ text }) => ({ prediction: text })));
  const found = converter.convertReadable(["ab", "abcd", "cd", "efgh"], {}, given);
  assert.deepEqual(found.map(({ prediction }) => prediction), ["ab", null, "cd", null]);
  assert.equal(found[1].reason, "not enough memory for 4 symbols");
  assert.equal(found[1].out_of_memory, true);
  assert.deepEqual([encoded, resets], [4, 4]); // a group of two, one of the others, and those alone
});
