/** Split the strings of a fixture into symbols, with the tokenizers of the fixture; see test_tokenizer.py. */

import { byCodePoints, quoted, strip } from "../../src/henkan/web/runtime/strings.js";
import { Tokenizer } from "../../src/henkan/web/runtime/tokenizer.js";
import { readFixture } from "./fixtures.js";

const { settings, strings } = readFixture();
const tokenized = settings.map((each) => {
  const tokenizer = new Tokenizer(each);
  return strings.map((string) => {
    const symbols = tokenizer.tokenize(string);
    return [symbols, tokenizer.normalize(string), tokenizer.join(symbols)];
  });
});
const treated = strings.map((string) => [quoted(string), strip(string)]);
console.log(JSON.stringify({ tokenized, treated, sorted: [...strings].sort(byCodePoints) }));
