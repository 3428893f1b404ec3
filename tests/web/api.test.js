import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { createApi, secondsToWait } from "../../src/henkan/web/api.js";
import { ApiError } from "../../src/henkan/web/api_error.js";

const saved = new Map();
globalThis.sessionStorage = {
  getItem: (key) => saved.get(key) ?? null,
  setItem: (key, value) => saved.set(key, value),
};

/** A server with these answers, one after the other; what it was sent. */
function server(...answers) {
  const sent = [];
  globalThis.fetch = async (url, { body, headers, signal }) => {
    signal?.throwIfAborted();
    sent.push({ path: url.pathname, body: JSON.parse(body), authorization: headers.Authorization });
    const { status = 200, json, ...others } = answers.shift();
    if (status === 0) throw new TypeError("Failed to fetch");
    return new Response(JSON.stringify(json), { status, headers: others });
  };
  return sent;
}

function client(tokens = []) {
  const waits = [];
  const refused = [];
  const api = createApi({
    base: "http://localhost/henkan/",
    onWait: (waiting) => waits.push(waiting?.reason ?? null),
    askToken: async (again) => {
      refused.push(again);
      return tokens.shift();
    },
  });
  return { api, waits, refused };
}

const found = { json: { results: [{ prediction: "A" }] } };

beforeEach(() => saved.clear());

test("a request waits while the server is busy or cannot be reached", async () => {
  const sent = server({ status: 429, "Retry-After": "0" }, { status: 503, "Retry-After": "0" }, { status: 0 }, found);
  const { api, waits } = client();
  assert.deepEqual(await api.convert("words", ["a"], { beam: 2 }), found.json.results);
  assert.deepEqual(waits, ["busy", "busy", "offline", null]);
  assert.equal(sent[3].path, "/henkan/v1/convert"); // also behind a proxy
  assert.deepEqual(sent[3].body, { model: "words", texts: ["a"], confidence: true, beam: 2 });
});

test("the token is asked for until it is accepted, and then kept", async () => {
  const sent = server({ status: 401 }, { status: 401 }, found, found);
  const { api, refused } = client(["wrong", "right"]);
  await api.convert("words", ["a"], {});
  await api.convert("words", ["b"], {});
  assert.deepEqual(refused, [false, true]);
  const authorizations = sent.map((each) => each.authorization);
  assert.deepEqual(authorizations, [undefined, "Bearer wrong", "Bearer right", "Bearer right"]);
});

test("a token that no server can have is not sent", async () => {
  const sent = server({ status: 401 }, found);
  const { api, refused } = client(["ａｂｃ", "right"]);
  await api.convert("words", ["a"], {});
  assert.deepEqual(refused, [false, true]);
  assert.deepEqual(sent.map((each) => each.authorization), [undefined, "Bearer right"]);
});

test("requests that are refused together share one question", async () => {
  server({ status: 401 }, { status: 401 }, found, found);
  const { api, refused } = client(["right"]);
  await Promise.all([api.convert("words", ["a"], {}), api.convert("words", ["b"], {})]);
  assert.deepEqual(refused, [false]);
});

test("an error has the server's sentence and the option", async () => {
  server({ status: 422, json: { error: { message: "choose a beam from 1 to 50", argument: "beam" } } });
  await assert.rejects(client().api.convert("words", ["a"], { beam: 99 }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.message, error.status, error.argument], ["choose a beam from 1 to 50", 422, "beam"]);
    return true;
  });
});

test("a request that waits can be stopped", async () => {
  server({ status: 429, "Retry-After": "60" });
  const stopping = new AbortController();
  const { api, waits } = client();
  const converting = api.convert("words", ["a"], {}, stopping.signal);
  setTimeout(() => stopping.abort(), 10);
  await assert.rejects(converting, { name: "AbortError" });
  assert.deepEqual(waits, ["busy", null]);
});

test("Retry-After has seconds or a date", () => {
  assert.equal(secondsToWait("3", 0), 3);
  assert.equal(secondsToWait("Thu, 01 Jan 1970 00:00:05 GMT", 1000), 4);
  assert.equal(secondsToWait("100000", 0), 60);
  assert.equal(secondsToWait(null, 0), 1);
  assert.equal(secondsToWait("soon", 0), 1);
});
