/** Turn the pairs of a fixture into edit actions; see test_edit_actions.py. */

import { copyIds } from "../../src/henkan/web/runtime/copy_ids.js";
import { EditActions } from "../../src/henkan/web/runtime/edit_actions.js";
import { Vocabulary } from "../../src/henkan/web/runtime/vocabulary.js";
import { readFixture } from "./fixtures.js";

const { source, target, arrays, reverse, pairs } = readFixture();
const [from, to] = [new Vocabulary(source), new Vocabulary(target)];
const codec = new EditActions(from, to, { reverse, arrays });
console.log(
  JSON.stringify(
    pairs.map(({ text, ids, written }) => {
      const copies = copyIds(from.tokenizer.tokenize(text), from.tokenizer, to);
      const output = codec.encode(ids, written, copies);
      const [decoded, pointer] = [output && codec.decode(ids, output), output && codec.pointer(ids, output)];
      return { copies, output, decoded, pointer };
    }),
  ),
);
