/** A worker that converts texts with a model, for a page without a server; see local_api.js. */

import { plainBackend } from "./backend.js";
import { SettingsError } from "./conversion.js";
import { LoadedModel } from "./loaded_model.js";
import { putNumbers } from "./packed_arrays.js";
import { UnanswerableError } from "./vocabulary.js";
import { wasmBackend } from "./wasm_backend.js";

/** @import { Reply, WorkerRequest } from "../types.js" */

const WORKING = 64; // megabytes for results, besides the weights
const MEGABYTE = 2 ** 20;

/** @type {LoadedModel | null} */
let model = null;

/**
 * The fastest backend that works here.
 *
 * @param {number} size  of the model, in bytes, each of which is at most one weight
 */
function backendFor(size) {
  return wasmBackend(WORKING + Math.ceil((4 * size) / MEGABYTE)) ?? plainBackend();
}

/** @param {WorkerRequest} request */
function answer(request) {
  if (request.method === "load") {
    const { data, numbers } = request;
    model = new LoadedModel(putNumbers(JSON.parse(data), numbers), backendFor(numbers.length));
    return null;
  }
  if (!model) throw new Error("there is no model yet");
  return request.method === "convert"
    ? model.convert(request.texts, { confidence: true, ...request.options })
    : model.explain(request.text, request.options);
}

/**
 * @param {unknown} error
 * @returns {Reply}
 */
function failure(error) {
  const message = error instanceof Error ? error.message : String(error);
  const refused = error instanceof SettingsError || error instanceof UnanswerableError;
  return { message, refused, argument: error instanceof SettingsError ? error.argument : null };
}

addEventListener("message", (/** @type {MessageEvent<WorkerRequest>} */ { data }) => {
  /** @type {Reply} */
  let reply;
  try {
    reply = { value: answer(data) };
  } catch (error) {
    reply = failure(error);
  }
  postMessage(reply);
});
