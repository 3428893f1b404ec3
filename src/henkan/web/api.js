/** The server's HTTP interface. No other file knows it. */

import { ApiError } from "./api_error.js";

/** @import { Api, Waiting } from "./types.js" */

const TOKEN = "henkan-token"; // in the storage of the browser's session
const POSSIBLE = /^[!-~]+$/u; // others cannot be sent in a header, such as one typed in full-width characters
const LONGEST_WAIT = 15;

/**
 * @param {object} settings
 * @param {string} [settings.base]  address of the server, with a slash at the end
 * @param {(refused: boolean) => Promise<string>} settings.askToken  asks the user for a token; `refused`: the last one
 *   was wrong
 * @param {(waiting: Waiting) => void} settings.onWait
 * @returns {Api}
 */
export function createApi({ base = document.baseURI, askToken, onWait }) {
  /** @type {Promise<void> | null} */
  let asking = null; // requests that are refused at the same time share one question

  /** @param {string | null} sent  the token of the refused request */
  function renewToken(sent) {
    if (sessionStorage.getItem(TOKEN) !== sent) return Promise.resolve(); // another request has asked since
    asking ??= askToken(sent !== null)
      .then((token) => sessionStorage.setItem(TOKEN, token))
      .finally(() => {
        asking = null;
      });
    return asking;
  }

  /**
   * Send a request until it is answered: wait if the server is busy or cannot be reached.
   *
   * @param {string} path
   * @param {object | null} body
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  async function request(path, body, signal) {
    let failures = 0;
    for (;;) {
      const token = sessionStorage.getItem(TOKEN);
      if (token !== null && !POSSIBLE.test(token)) {
        await renewToken(token);
        signal?.throwIfAborted();
        continue;
      }
      let response;
      try {
        response = await fetch(new URL(path, base), {
          method: body ? "POST" : "GET",
          headers: {
            ...(body && { "Content-Type": "application/json" }),
            ...(token && { Authorization: `Bearer ${token}` }),
          },
          body: body && JSON.stringify(body),
          signal,
        });
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof TypeError)) throw error;
        await wait("offline", Math.min(2 ** failures++, LONGEST_WAIT), signal);
        continue;
      }
      if (response.status === 401) {
        await renewToken(token);
        signal?.throwIfAborted();
      } else if (response.status === 429 || response.status === 503) {
        await wait("busy", secondsToWait(response.headers.get("Retry-After"), Date.now()), signal);
      } else {
        onWait(null);
        return content(response);
      }
    }
  }

  /**
   * @param {"busy" | "offline"} reason
   * @param {number} seconds
   * @param {AbortSignal} [signal]
   */
  async function wait(reason, seconds, signal) {
    onWait({ reason, seconds });
    try {
      await sleep(seconds, signal);
    } catch (aborted) {
      onWait(null);
      throw aborted;
    }
  }

  return {
    constraints: true,
    models: async () => (await request("v1/models", null)).models,

    convert: async (model, texts, options, signal) =>
      (await request("v1/convert", { model, texts, confidence: true, ...options }, signal)).results,

    explain: (model, text, options, signal) => request("v1/explain", { model, text, ...options }, signal),
  };
}

/**
 * Seconds of a Retry-After header, which has a number or a date.
 *
 * @param {string | null} header
 * @param {number} now  in milliseconds
 */
export function secondsToWait(header, now) {
  const seconds = header === null || header.trim() === "" ? NaN : Number(header);
  const given = Number.isNaN(seconds) ? (Date.parse(header ?? "") - now) / 1000 : seconds;
  return Number.isFinite(given) ? Math.min(Math.max(given, 0.2), 60) : 1;
}

/** @param {Response} response */
async function content(response) {
  /** @type {any} */
  let json = null;
  try {
    json = await response.json();
  } catch {
    // a proxy may answer with a page; the status says enough
  }
  if (response.ok && json !== null) return json;
  throw new ApiError(json?.error?.message ?? "", response.status, json?.error?.argument ?? null);
}

/**
 * @param {number} seconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
function sleep(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
