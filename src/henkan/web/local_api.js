/** Answers the requests of a page without a server: a worker in the page converts the texts. */

import { ApiError } from "./api_error.js";

/** @import { Api, Model, Reply, WorkerRequest } from "./types.js" */

const PATIENCE = 500; // milliseconds that a request that is no longer wanted may still take

/**
 * @param {object} settings
 * @param {Model} settings.description
 * @param {() => Promise<{data: string, numbers: Uint8Array<ArrayBuffer>}>} settings.readModel  the model as JSON, and
 *   its numbers
 * @param {() => Promise<Worker>} settings.createWorker
 * @returns {Api}
 */
export function createLocalApi({ description, readModel, createWorker }) {
  /** @type {Promise<Worker> | null} */
  let loading = null;
  /** @type {Promise<unknown>} */
  let last = Promise.resolve(); // the requests are answered one after the other

  /** The worker, with the model. */
  function loaded() {
    loading ??= load();
    return loading;
  }

  async function load() {
    /** @type {Worker | null} */
    let worker = null;
    try {
      const model = await readModel();
      worker = await createWorker();
      await ask(worker, { method: "load", ...model });
      return worker;
    } catch (error) {
      stop(worker);
      throw error;
    }
  }

  /** @param {Worker | null} worker */
  function stop(worker) {
    worker?.terminate();
    loading = null;
  }

  /**
   * @param {WorkerRequest} request
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  function answer(request, signal) {
    const earlier = last;
    const found = (async () => {
      checkLengths(request, description.limits ?? {});
      await earlier;
      signal?.throwIfAborted();
      const worker = await loaded();
      signal?.throwIfAborted();
      const value = await ask(worker, request, signal, () => stop(worker));
      signal?.throwIfAborted();
      return value;
    })();
    last = found.catch(() => {});
    return found;
  }

  return {
    constraints: false,

    async models() {
      void loaded().catch(() => {}); // while the user reads; a request tells what is wrong
      return [description];
    },

    convert: (_, texts, options, signal) => answer({ method: "convert", texts, options }, signal),

    explain: (_, text, options, signal) => answer({ method: "explain", text, options }, signal),
  };
}

/**
 * Refuse texts that are too long, as the server does. They would occupy the worker for minutes.
 *
 * @param {WorkerRequest} request
 * @param {NonNullable<Model["limits"]>} limits
 * @throws {ApiError}
 */
function checkLengths(request, { length, explained_length }) {
  if (request.method === "convert") request.texts.forEach((text, k) => checkLength(text, `texts[${k}]`, length));
  if (request.method !== "explain") return;
  checkLength(request.text, "text", explained_length);
  checkLength(request.options.answer ?? "", "answer", explained_length);
}

/**
 * @param {string} text
 * @param {string} argument  what the text is
 * @param {number} [limit]  in characters
 */
function checkLength(text, argument, limit = Infinity) {
  const length = [...text].length;
  if (length <= limit) return;
  const [found, most] = [length, limit].map((each) => each.toLocaleString("en"));
  const problem = `${argument} has ${found} characters; at most ${most} are allowed, shorten or divide it`;
  throw new ApiError(problem, 413, argument.replace(/\[.*/u, ""));
}

/**
 * Send a request to a worker, which answers one at a time.
 *
 * @param {Worker} worker
 * @param {WorkerRequest} request
 * @param {AbortSignal} [signal]
 * @param {() => void} [stop]  ends the worker; called if it takes long with a request that is no longer wanted, or is
 *   broken
 * @returns {Promise<unknown>}
 */
function ask(worker, request, signal, stop = () => {}) {
  /** @type {number | undefined} */
  let waiting;
  /** @type {() => void} */
  let aborted = () => {};
  /** @type {Promise<unknown>} */
  const reply = new Promise((resolve, reject) => {
    aborted = () => {
      waiting = setTimeout(() => {
        stop();
        reject(signal?.reason);
      }, PATIENCE);
    };
    signal?.addEventListener("abort", aborted, { once: true });
    worker.onmessage = (/** @type {MessageEvent<Reply>} */ { data }) => {
      if ("value" in data) resolve(data.value);
      else reject(data.refused ? new ApiError(data.message, 422, data.argument) : new Error(data.message));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      stop();
      reject(new Error(event.message || "the worker stopped"));
    };
    worker.postMessage(request);
  });
  return reply.finally(() => {
    clearTimeout(waiting);
    signal?.removeEventListener("abort", aborted);
  });
}
