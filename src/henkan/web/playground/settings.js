/** The choices of the page, their values, and the query of the address that has them. */

/** @import { DataChoice, ModelChoice, Speed } from "./types.js" */

export const DIGITS = [1, 2, 3];
export const HIDDEN = [8, 16, 32, 64, 128];
export const RATES = [0.001, 0.003, 0.01, 0.02, 0.03];
/** Number of digits -> numbers of pairs. */
export const PAIRS = /** @type {Record<number, number[]>} */ ({
  1: [20, 30, 40],
  2: [500, 1000, 2000, 4000],
  3: [5000, 10_000, 20_000, 45_000],
});
export const VIEWS = /** @type {const} */ (["training", "states", "answer", "gradient", "probe", "saliency"]);
export const SPEEDS = /** @type {const} */ (["slow", "medium", "fast"]);
export const LARGEST_SEED = 2 ** 31 - 1;

/** @typedef {typeof VIEWS[number]} View */

/**
 * @typedef {object} Choices
 * @property {DataChoice} data
 * @property {ModelChoice} first
 * @property {ModelChoice | null} second  null: one model
 * @property {string | null} question
 * @property {Speed} speed
 * @property {View | null} view  the only one to show; null: all
 * @property {"en" | "ja" | null} language
 * @property {"light" | "dark" | null} theme
 * @property {boolean} autoplay  whether to train without a click
 */

/** @type {ModelChoice} */
export const DEFAULT_MODEL = { reverse: true, peeky: true, attention: false, hidden: 64, rate: 0.03 };
/** @type {DataChoice} */
export const DEFAULT_DATA = { digits: 2, pairs: 4000, seed: 1 };

/**
 * Read the choices from an address. What it lacks or has wrong, has its default.
 *
 * @param {string} search  such as "?digits=3&peeky=0"
 * @param {string} [hash]  such as "#view=states"; the query has precedence
 * @returns {Choices}
 */
export function readChoices(search, hash = "") {
  const query = new URLSearchParams(search);
  for (const [name, value] of new URLSearchParams(hash.replace(/^#/, ""))) if (!query.has(name)) query.set(name, value);
  const digits = oneOf(query.get("digits"), DIGITS) ?? DEFAULT_DATA.digits;
  const pairs = /** @type {number[]} */ (PAIRS[digits]);
  const first = readModel(query, "", DEFAULT_MODEL);
  const others = Object.keys(DEFAULT_MODEL).some((name) => query.has(`${name}2`));
  return {
    data: {
      digits,
      pairs: oneOf(query.get("pairs"), pairs) ?? /** @type {number} */ (pairs.at(-1)),
      seed: readSeed(query.get("seed")) ?? DEFAULT_DATA.seed,
    },
    first,
    second: others ? readModel(query, "2", first) : null,
    question: readQuestion(query.get("question"), digits),
    speed: among(query.get("speed"), SPEEDS) ?? "fast",
    view: among(query.get("view"), VIEWS),
    language: among(query.get("lang"), /** @type {const} */ (["en", "ja"])),
    theme: among(query.get("theme"), /** @type {const} */ (["light", "dark"])),
    autoplay: query.get("play") === "1",
  };
}

/**
 * The query of an address with these choices; those that are the default are left out.
 *
 * @param {Choices} choices
 */
export function writeChoices({ data, first, second, question, view }) {
  const query = new URLSearchParams();
  if (view) query.set("view", view);
  if (data.digits !== DEFAULT_DATA.digits) query.set("digits", String(data.digits));
  if (data.pairs !== PAIRS[data.digits]?.at(-1)) query.set("pairs", String(data.pairs));
  if (data.seed !== DEFAULT_DATA.seed) query.set("seed", String(data.seed));
  writeModel(query, "", first, DEFAULT_MODEL);
  if (second) writeModel(query, "2", second, null);
  if (question) query.set("question", question);
  const text = query.toString();
  return text ? `?${text}` : "";
}

/**
 * @param {URLSearchParams} query
 * @param {string} suffix
 * @param {ModelChoice} defaults
 * @returns {ModelChoice}
 */
function readModel(query, suffix, defaults) {
  const given = (/** @type {string} */ name) => query.get(name + suffix);
  return {
    reverse: readSwitch(given("reverse")) ?? defaults.reverse,
    peeky: readSwitch(given("peeky")) ?? defaults.peeky,
    attention: readSwitch(given("attention")) ?? defaults.attention,
    hidden: oneOf(given("hidden"), HIDDEN) ?? defaults.hidden,
    rate: oneOf(given("rate"), RATES) ?? defaults.rate,
  };
}

/**
 * @param {URLSearchParams} query
 * @param {string} suffix
 * @param {ModelChoice} model
 * @param {ModelChoice | null} defaults  not written; null: all are
 */
function writeModel(query, suffix, model, defaults) {
  for (const [name, value] of Object.entries(model)) {
    if (value === defaults?.[/** @type {keyof ModelChoice} */ (name)]) continue;
    query.set(name + suffix, typeof value === "boolean" ? String(Number(value)) : String(value));
  }
}

/** @param {string | null} text */
function readSwitch(text) {
  return text === "1" ? true : text === "0" ? false : null;
}

/**
 * A seed, or null if the text is none.
 *
 * @param {string | null} text
 */
export function readSeed(text) {
  if (!/^\d{1,10}$/.test(text ?? "")) return null;
  return Number(text) <= LARGEST_SEED ? Number(text) : null;
}

/**
 * A sum such as "58+77", without leading zeros, or null if the text is none that the model can read.
 *
 * @param {string | null} text
 * @param {number} digits  largest number of digits of an operand
 */
export function readQuestion(text, digits) {
  const found = /^\s*(\d+)\s*[+＋]\s*(\d+)\s*$/u.exec((text ?? "").normalize("NFKC"));
  if (!found) return null;
  const [a, b] = [Number(found[1]), Number(found[2])];
  return Math.max(a, b) < 10 ** digits ? `${a}+${b}` : null;
}

/**
 * The answer to a sum.
 *
 * @param {string} source  such as "58+77"
 */
export function sumOf(source) {
  return String(source.split("+").reduce((sum, number) => sum + Number(number), 0));
}

/**
 * @param {string | null} text
 * @param {readonly number[]} values
 */
function oneOf(text, values) {
  return text !== null && text !== "" && values.includes(Number(text)) ? Number(text) : null;
}

/**
 * @template {string} T
 * @param {string | null} text
 * @param {readonly T[]} values
 * @returns {T | null}
 */
function among(text, values) {
  return values.find((value) => value === text) ?? null;
}
