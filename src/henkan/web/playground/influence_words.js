/** What is known about one symbol of a prediction or of its source, as a sentence that names the places of digits. */

import { strongest } from "../alignment.js";
import { readout } from "../alignment_readout.js";
import { element } from "../dom.js";
import { percent } from "../texts.js";
import { p, placeName, symbolName } from "./texts.js";

/** @import { Alignment, Pointed } from "../alignment.js" */

const LEAST = 0.1; // share of a prediction's dependence that is named

/**
 * @param {Alignment} alignment
 * @param {Pointed} pointed
 * @returns {(HTMLElement | string)[]}
 */
export function influenceWords(alignment, pointed) {
  if (!pointed) return readout(alignment, pointed);
  if ("source" in pointed) return [element("p", {}, sourceSentence(alignment, pointed.source))];
  const [, alternatives = ""] = readout(alignment, pointed);
  return [element("p", {}, stepSentence(alignment, pointed.step)), alternatives];
}

/**
 * @param {Alignment} alignment
 * @param {number} at
 */
function stepSentence({ symbols, steps, by }, at) {
  const step = steps[at];
  if (!step) return "";
  const sources = strongest(step).map(({ index, weight }) =>
    p("withShare", { name: sourceName(symbols, index), share: percent(weight) }),
  );
  return p(by === "attention" ? "attendsTo" : "dependsOn", {
    symbol: symbolName(step.symbol),
    probability: percent(step.probability),
    sources: sources.join(p("listComma")),
  });
}

/**
 * @param {Alignment} alignment
 * @param {number} source
 */
function sourceSentence({ symbols, steps, by }, source) {
  const targets = steps
    .map(({ symbol, weights }) => ({ symbol, weight: weights[source] ?? 0 }))
    .filter(({ weight }) => weight >= LEAST)
    .sort((a, b) => b.weight - a.weight)
    .map(({ symbol, weight }) => p("withShare", { name: symbolName(symbol), share: percent(weight) }));
  const name = sourceName(symbols, source);
  if (!targets.length) return p("mattersLittle", { name });
  return p(by === "attention" ? "attendedBy" : "mattersFor", { name, targets: targets.join(p("listComma")) });
}

/**
 * A source symbol, with the place of a digit in its number.
 *
 * @param {string[]} symbols  of a sum
 * @param {number} index
 */
export function sourceName(symbols, index) {
  const symbol = symbols[index] ?? "";
  const plus = symbols.indexOf("+");
  if (index === plus) return symbol;
  const first = index < plus;
  const place = (first ? plus : symbols.length) - 1 - index;
  return p(first ? "digitOfFirst" : "digitOfSecond", { symbol, place: placeName(place) });
}
