/** A worker that converts texts with a model, for a page without a server; see local_api.js. */

import { plainBackend } from "./backend.js";
import { SettingsError } from "./conversion.js";
import { LoadedModel } from "./loaded_model.js";
import { UnanswerableError } from "./vocabulary.js";

/** @import { Reply, WorkerRequest } from "../types.js" */

/** @type {LoadedModel | null} */
let model = null;

/** @param {WorkerRequest} request */
function answer(request) {
  if (request.method === "load") {
    model = new LoadedModel(JSON.parse(request.data), plainBackend());
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
