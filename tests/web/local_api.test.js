import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../src/henkan/web/api_error.js";
import { createLocalApi } from "../../src/henkan/web/local_api.js";

const DESCRIPTION = { name: "words" };
const MODEL = { data: "{}", numbers: new Uint8Array([1]) };

/** A worker whose replies the test gives: `reply` answers the oldest request. */
class FakeWorker {
  static started = [];
  requests = [];
  terminated = false;

  constructor() {
    FakeWorker.started.push(this);
  }

  postMessage(request) {
    this.requests.push(request);
  }

  terminate() {
    this.terminated = true;
  }

  async reply(data) {
    await settled();
    this.requests.shift();
    this.onmessage({ data });
    await settled();
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function started({ description = DESCRIPTION } = {}) {
  FakeWorker.started = [];
  const createWorker = async () => new FakeWorker();
  const api = createLocalApi({ description, readModel: async () => MODEL, createWorker });
  assert.deepEqual(await api.models(), [description]);
  await settled();
  const [worker] = FakeWorker.started;
  assert.deepEqual(worker.requests, [{ method: "load", ...MODEL }]);
  await worker.reply({ value: null });
  return { api, worker };
}

test("a model that cannot be loaded is loaded again by the next request", async () => {
  FakeWorker.started = [];
  const api = createLocalApi({ description: DESCRIPTION, readModel: async () => MODEL, createWorker: async () => new FakeWorker() });
  const failed = api.convert("words", ["a"], {});
  await settled();
  await FakeWorker.started[0].reply({ message: "no memory", refused: false, argument: null });
  await assert.rejects(failed, /no memory/u);
  assert.equal(FakeWorker.started[0].terminated, true);
  const next = api.convert("words", ["a"], {});
  await settled();
  await FakeWorker.started[1].reply({ value: null });
  await FakeWorker.started[1].reply({ value: ["A"] });
  assert.deepEqual(await next, ["A"]);
});

test("requests are answered one after the other", async () => {
  const { api, worker } = await started();
  const first = api.convert("words", ["a"], { beam: 2 });
  const second = api.explain("words", "a", { answer: "A" });
  await settled();
  assert.deepEqual(worker.requests, [{ method: "convert", texts: ["a"], options: { beam: 2 } }]);
  await worker.reply({ value: ["A"] });
  assert.deepEqual(await first, ["A"]);
  assert.deepEqual(worker.requests, [{ method: "explain", text: "a", options: { answer: "A" } }]);
  await worker.reply({ value: "because" });
  assert.equal(await second, "because");
});

test("a request that is no longer wanted is not sent", async () => {
  const { api, worker } = await started();
  const controller = new AbortController();
  const first = api.convert("words", ["a"], {});
  const second = api.convert("words", ["ab"], {}, controller.signal);
  const third = api.convert("words", ["abc"], {});
  controller.abort();
  await worker.reply({ value: ["A"] });
  await first;
  await assert.rejects(second, { name: "AbortError" });
  assert.deepEqual(worker.requests, [{ method: "convert", texts: ["abc"], options: {} }]);
  await worker.reply({ value: ["ABC"] });
  assert.deepEqual(await third, ["ABC"]);
});

test("a worker that takes long with such a request is replaced", async () => {
  const { api, worker } = await started();
  const controller = new AbortController();
  const long = api.convert("words", ["a".repeat(1000)], {}, controller.signal);
  await settled();
  controller.abort();
  const next = api.convert("words", ["a"], {});
  await assert.rejects(long, { name: "AbortError" });
  assert.equal(worker.terminated, true);
  await settled();
  const other = FakeWorker.started[1];
  await other.reply({ value: null });
  await other.reply({ value: ["A"] });
  assert.deepEqual(await next, ["A"]);
});

test("a worker that answers soon is kept", async () => {
  const { api, worker } = await started();
  const controller = new AbortController();
  const unwanted = api.convert("words", ["a"], {}, controller.signal);
  await settled();
  controller.abort();
  await worker.reply({ value: ["A"] });
  await assert.rejects(unwanted, { name: "AbortError" });
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(worker.terminated, false);
});

test("the model's reasons are told, and other errors are not", async () => {
  const { api, worker } = await started();
  const refused = api.explain("words", "a", { answer: "é" });
  await worker.reply({ message: "the model cannot predict symbol 'é'", refused: true, argument: "answer" });
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.message, error.argument], ["the model cannot predict symbol 'é'", "answer"]);
    return true;
  });
  const broken = api.convert("words", ["a"], {});
  await worker.reply({ message: "x is undefined", refused: false, argument: null });
  await assert.rejects(broken, (error) => !(error instanceof ApiError));
});

test("texts that are longer than the limits are refused before the worker gets them", async () => {
  const description = { ...DESCRIPTION, limits: { texts: 10, length: 1000, explained_length: 3 } };
  const { api, worker } = await started({ description });
  const refusal = (argument, message) => ({ name: "Error", status: 413, argument, message });
  await assert.rejects(
    api.convert("words", ["a", "a".repeat(1001)], {}),
    refusal("texts", "texts[1] has 1,001 characters; at most 1,000 are allowed, shorten or divide it"),
  );
  const short = "has 4 characters; at most 3 are allowed, shorten or divide it";
  await assert.rejects(api.explain("words", "abcd", {}), refusal("text", `text ${short}`));
  await assert.rejects(api.explain("words", "a", { answer: "abcd" }), refusal("answer", `answer ${short}`));
  const allowed = api.explain("words", "👍👍👍", { answer: null }); // of two UTF-16 units each
  await settled();
  assert.deepEqual(worker.requests.map(({ text }) => text), ["👍👍👍"]);
  await worker.reply({ value: "because" });
  assert.equal(await allowed, "because");
});

test("a model or a worker that could not be had is tried again by the next request", async () => {
  for (const broken of ["readModel", "createWorker"]) {
    let tries = 0;
    FakeWorker.started = [];
    const own = { readModel: async () => MODEL, createWorker: async () => new FakeWorker() };
    const working = own[broken];
    own[broken] = async () => {
      tries += 1;
      if (tries === 1) throw new Error("out of memory");
      return working();
    };
    const api = createLocalApi({ description: DESCRIPTION, ...own });
    await assert.rejects(api.convert("words", ["a"], {}), /out of memory/u);
    assert.ok(FakeWorker.started.every(({ terminated }) => terminated));
    const next = api.convert("words", ["a"], {});
    await settled();
    await FakeWorker.started.at(-1).reply({ value: null });
    await FakeWorker.started.at(-1).reply({ value: ["A"] });
    assert.deepEqual(await next, ["A"]);
  }
});

test("a worker that stops is started again by the next request", async () => {
  const { api, worker } = await started();
  const failed = api.convert("words", ["a"], {});
  await settled();
  worker.onerror({ message: "out of memory", preventDefault() {} });
  await assert.rejects(failed, /out of memory/u);
  assert.equal(worker.terminated, true);
  const next = api.convert("words", ["a"], {});
  await settled();
  await FakeWorker.started[1].reply({ value: null });
  await FakeWorker.started[1].reply({ value: ["A"] });
  assert.deepEqual(await next, ["A"]);
});
