/** The playground's functions without a page: choices, sums, charts, the probe, the file of weights, the worker. */

import assert from "node:assert/strict";
import test from "node:test";

import { carries, fullSums } from "../../src/henkan/web/playground/addition.js";
import { nearest, xTicks } from "../../src/henkan/web/playground/chart.js";
import { Classroom } from "../../src/henkan/web/playground/classroom.js";
import { logAxis, nearestRead, relative } from "../../src/henkan/web/playground/gradient_view.js";
import { Group } from "../../src/henkan/web/playground/group.js";
import { sourceName } from "../../src/henkan/web/playground/influence_words.js";
import { Learner } from "../../src/henkan/web/playground/learner.js";
import { Lesson } from "../../src/henkan/web/playground/lesson.js";
import { dot, leastSquares, principalComponent } from "../../src/henkan/web/playground/linear.js";
import { sum } from "../../src/henkan/web/playground/lstm_formulas.js";
import { Selection } from "../../src/henkan/web/playground/selection.js";
import * as settings from "../../src/henkan/web/playground/settings.js";
import { decimal, sentences } from "../../src/henkan/web/playground/texts.js";
import { english } from "../../src/henkan/web/playground/texts_en.js";
import { japanese } from "../../src/henkan/web/playground/texts_ja.js";
import { safetensors } from "../../src/henkan/web/playground/weights_file.js";
import { Random } from "../../src/henkan/web/runtime/random.js";
import { setLanguage } from "../../src/henkan/web/texts.js";

const random = (seed = 1) => {
  const generator = new Random(seed);
  return () => generator.uniform();
};

test("an address without choices has the defaults", () => {
  const choices = settings.readChoices("");
  assert.deepEqual(choices.first, settings.DEFAULT_MODEL);
  assert.deepEqual(choices.data, settings.DEFAULT_DATA);
  assert.equal(choices.second, null);
  assert.equal(settings.writeChoices(choices), "");
});

test("choices survive the way through an address", () => {
  const address =
    "?view=states&digits=3&pairs=5000&seed=7&peeky=0&hidden=32&attention2=1&rate2=0.003&question=12%2B345";
  const choices = settings.readChoices(address);
  assert.deepEqual(choices.data, { digits: 3, pairs: 5000, seed: 7 });
  assert.deepEqual(choices.first, { ...settings.DEFAULT_MODEL, peeky: false, hidden: 32 });
  assert.deepEqual(choices.second, { ...choices.first, attention: true, rate: 0.003 });
  assert.equal(choices.question, "12+345");
  assert.deepEqual(settings.readChoices(settings.writeChoices(choices)), choices);
});

test("values that do not exist are ignored, and the query has precedence over the hash", () => {
  const choices = settings.readChoices(
    "?view=nothing&digits=9&hidden=7&seed=-1&lang=fr&question=123%2B4",
    "#digits=1&lang=ja",
  );
  assert.deepEqual([choices.view, choices.data, choices.first.hidden], [null, settings.DEFAULT_DATA, 64]);
  assert.deepEqual([choices.language, choices.question], [null, null]);
  assert.equal(settings.readChoices("", "#view=probe&digits=1").view, "probe");
  assert.equal(settings.readChoices("", "#view=probe&digits=1").data.digits, 1);
});

test("questions are sums that the model can read", () => {
  const read = (text) => settings.readQuestion(text, 2);
  assert.deepEqual(["58+77", " 5 + 7 ", "005+7", "５８＋７７"].map(read), ["58+77", "5+7", "5+7", "58+77"]);
  assert.deepEqual(["", "58", "58+", "100+1", "5-7", "5+7+1", "x+1", null].map(read), Array(8).fill(null));
  assert.equal(settings.sumOf("58+77"), "135");
});

test("a carry is that of its place", () => {
  assert.deepEqual(
    [0, 1].map((place) => carries("58+77", place)),
    [true, true],
  );
  assert.deepEqual(
    [0, 1].map((place) => carries("58+31", place)),
    [false, false],
  );
  assert.equal(carries("95+5", 1), true); // by the carry of the units
});

test("full sums are distinct, have all digits and what is wanted", () => {
  const sums = fullSums(2, 300, random(), (source) => !carries(source, 1));
  assert.equal(new Set(sums).size, 300);
  assert.ok(sums.every((source) => /^[1-9]\d\+[1-9]\d$/.test(source) && settings.sumOf(source).length === 2));
  assert.equal(fullSums(1, 750, random()).length, 90); // of 100
});

test("least squares finds a linear function, and the principal component what is left", () => {
  const [N, H, uniform] = [200, 5, random(3)];
  const x = Float32Array.from({ length: N * H }, (_, at) => (uniform() - 0.5) * (at % H === 4 ? 4 : 1));
  const w = [1, -2, 0, 0.5, 0];
  const y = Array.from({ length: N }, (_, n) => 3 + w.reduce((total, each, k) => total + each * x[n * H + k], 0));
  const fit = leastSquares(x, y, H, 0);
  w.forEach((each, k) => assert.ok(Math.abs(fit.w[k] - each) < 1e-5));
  assert.ok(Math.abs(fit.b - 3) < 1e-5);
  const { direction } = principalComponent(x, N, fit.w);
  assert.ok(Math.abs(direction[4]) > 0.98);
  assert.ok(Math.abs(dot(fit.w, direction, 0)) < 1e-9);
});

test("charts have round ticks, and find the nearest point", () => {
  assert.deepEqual(xTicks(1500, 300), [0, 500, 1000, 1500]);
  const points = [
    [1, 0.1],
    [5, 0.5],
    [9, 0.9],
  ];
  assert.deepEqual(
    [0, 2.9, 3.1, 20].map((update) => nearest(points, update)?.[0]),
    [1, 1, 5, 9],
  );
  assert.equal(nearest([], 3), undefined);
});

test("a gradient is relative to the step that writes, and later steps have none", () => {
  assert.deepEqual(relative([1, 2, 4, 0], 2), [0.25, 0.5, 1, NaN]);
  const { height, ticks } = logAxis([0.1, 1, NaN]);
  assert.deepEqual([height(1), height(0.1)], [1, 0]);
  assert.deepEqual(ticks, [0.1, 0.2, 0.5, 1]);
  // 34+52: reversed, it is read 2 5 + 4 3; the tens digit that is read last is the 3, the fifth symbol.
  assert.equal(nearestRead({ reverse: true, norms: [] }, 0, 2), 4);
  assert.equal(nearestRead({ reverse: false, norms: [] }, 0, 2), 3); // 3 4 + 5 2: the 5
});

test("numbers have a real minus sign, and no negative zero", () => {
  assert.deepEqual([0.234, -0.5, -0.001].map(decimal), ["0.23", "−0.50", "0.00"]);
  assert.equal(sum([0.5, -0.25, 1]), "0.50 − 0.25 + 1.00");
});

test("sentences are joined with a space in English, and without one in Japanese", () => {
  assert.equal(sentences("One.", "Two."), "One. Two.");
  setLanguage("ja");
  assert.equal(sentences("一。", "二。"), "一。二。");
  setLanguage("en");
});

test("the texts of both languages have the same values", () => {
  const names = (text) => [...text.matchAll(/\{(\w+)\}/gu)].map(([, name]) => name).sort();
  assert.deepEqual(Object.keys(japanese), Object.keys(english));
  for (const [key, text] of Object.entries(english)) assert.deepEqual(names(japanese[key]), names(text), key);
});

test("digits of a sum are named by their places", () => {
  const symbols = [..."77+8"];
  assert.deepEqual(
    symbols.map((_, index) => sourceName(symbols, index)),
    ["7 (tens of the first number)", "7 (units of the first number)", "+", "8 (units of the second number)"],
  );
});

test("a selection tells what has changed, and nothing if nothing has", () => {
  const selection = new Selection("58+77", 2);
  const heard = [];
  selection.listeners.add((changed) => heard.push(changed));
  selection.set({ unit: 3, step: 0 });
  selection.set({ unit: 3 });
  assert.deepEqual(heard, [["unit"]]);
});

test("the file of weights has a header and the numbers", () => {
  const values = Float32Array.of(1, -2, 0.5);
  const file = safetensors({
    tensors: [{ name: "decoder.by", shape: [3], values }],
    settings: {},
    symbols: {},
    update: 4,
  });
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  assert.deepEqual(header["decoder.by"], { dtype: "F32", shape: [3], data_offsets: [0, 12] });
  assert.deepEqual([...new Float32Array(file.buffer.slice(8 + length))], [...values]);
  assert.equal((8 + length) % 8, 0);
});

const DATA = { digits: 1, pairs: 40, seed: 1 };
const SMALL = { ...settings.DEFAULT_MODEL, hidden: 16 };

test("two models with one seed see the same pairs, and each switch changes the weights", () => {
  const lessons = [SMALL, { ...SMALL, peeky: false }, { ...SMALL, attention: true }, { ...SMALL, reverse: false }].map(
    (model) => new Lesson(DATA, model),
  );
  const [first, ...others] = lessons;
  for (const other of others) assert.deepEqual(other.trainer.pairs, first.trainer.pairs);
  assert.deepEqual(
    lessons.map(({ trainer }) => "decoder.Wc" in trainer.weights),
    [true, false, true, true],
  );
  assert.deepEqual(
    lessons.map(({ trainer }) => "attention.Wv" in trainer.weights),
    [false, false, true, false],
  );
  assert.equal(new Lesson(DATA, { ...SMALL, rate: 0.003 }).trainer.training.learning_rate, 0.003);
  const read = lessons.map((lesson) => lesson.inspect({ kind: "trace", source: "3+5" }).read.join(""));
  assert.deepEqual(read, ["5+3", "5+3", "5+3", "3+5"]);
});

test("after training, the answers are right and the carry can be read from the state", () => {
  const lesson = new Lesson({ digits: 2, pairs: 2000, seed: 1 }, { ...settings.DEFAULT_MODEL, hidden: 32 });
  const before = lesson.inspect({ kind: "probe", place: 0, step: 4 });
  const limits = [];
  const evaluate = lesson.trainer.evaluate.bind(lesson.trainer);
  lesson.trainer.evaluate = (limit) => (limits.push(limit), evaluate(limit));
  while (!lesson.trainer.finished) lesson.step();
  assert.deepEqual(limits, [Infinity]); // at the end, on all held-out sums
  const { losses, matches, answers, done } = lesson.progress();
  assert.equal(losses.length, lesson.trainer.update);
  assert.ok(losses[0][1] > 2 && losses.at(-1)[1] < 0.1);
  assert.ok(done && matches.at(-1)[1] > 0.9, String(matches.at(-1)));
  assert.ok(answers.filter(({ prediction, target }) => prediction === target).length >= 8);
  const after = lesson.inspect({ kind: "probe", place: 0, step: 4 });
  const best = Math.max(...after.probe.steps.map(({ accuracy }) => accuracy));
  assert.ok(best > 0.93, String(best));
  assert.ok(before.probe.steps[0].accuracy < 0.85); // a single digit does not tell
  assert.equal(after.projection.sums.length, after.probe.held);
  const sides = after.projection.sums.filter(({ x, carry }) => x > 0 === carry).length / after.probe.held;
  assert.equal(sides, after.probe.steps[4].accuracy);
  const untrained = ({ probe }) => probe.steps.map((step) => step.untrained);
  assert.deepEqual(
    before.probe.steps.map(({ accuracy }) => accuracy),
    untrained(before),
  );
  assert.deepEqual(untrained(after), untrained(before));
  lesson.untrained.clear(); // computed again, from the first weights; the present ones stay
  const [first] = lesson.trainer.weights["decoder.by"];
  assert.deepEqual(untrained(lesson.inspect({ kind: "probe", place: 0, step: 4 })), untrained(before));
  assert.equal(lesson.trainer.weights["decoder.by"][0], first);
});

test("reports of the model before are not shown", () => {
  const worker = { commands: [], postMessage: (command) => worker.commands.push(command) };
  let shown = 0;
  const learner = new Learner(worker, { onProgress: () => shown++, onFailure: assert.fail });
  const reports = [0, 1].map((accuracy) => {
    learner.start(DATA, { ...SMALL, peeky: accuracy === 0 }, "plain");
    const { generation } = worker.commands.at(-1);
    const progress = { update: 0, losses: [], matches: [[0, accuracy]] };
    return { kind: "progress", generation, progress };
  });
  for (const data of reports) worker.onmessage({ data });
  assert.equal(shown, 1);
  assert.deepEqual(learner.curves.matches, [[0, 1]]);
});

test("a worker trains in turns, answers in between, and stops when told", async () => {
  const reports = [];
  const classroom = new Classroom((report) => reports.push(report));
  classroom.receive({ kind: "start", generation: 1, data: DATA, model: SMALL, products: "plain" });
  assert.deepEqual([reports[0].progress.update, reports[0].generation], [0, 1]);
  classroom.receive({ kind: "step" });
  assert.equal(reports[1].progress.update, 1);
  classroom.receive({ kind: "run", speed: "fast" });
  await new Promise((resolve) => setTimeout(resolve, 150));
  classroom.receive({ kind: "inspect", id: 5, inspection: { kind: "trace", source: "3+5" } });
  classroom.receive({ kind: "pause" });
  const at = reports.at(-1).progress.update;
  assert.ok(at > 1);
  assert.equal(reports.at(-1).progress.running, false);
  assert.equal(reports.find(({ kind }) => kind === "inspected").value.source, "3+5");
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(reports.at(-1).progress.update, at);
  classroom.lesson.step = () => {
    throw new RangeError("no memory");
  };
  classroom.receive({ kind: "run", speed: "medium" });
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.deepEqual(reports.at(-1), { kind: "failed", id: null, message: "no memory" });
  assert.equal(classroom.running, false);
});

test("the rate is that of the updates that are made, pauses included", async () => {
  const reports = [];
  const classroom = new Classroom((report) => reports.push(report));
  const model = { ...settings.DEFAULT_MODEL, hidden: 8 };
  classroom.receive({ kind: "start", data: { digits: 1, pairs: 40, seed: 1 }, model, products: "auto" });
  classroom.receive({ kind: "run", speed: "medium" });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  classroom.receive({ kind: "pause" });
  assert.equal(reports[0].progress.rate, null);
  const { rate, update } = reports.at(-1).progress;
  assert.ok(rate > 1 && rate <= 20.5, `${rate}`);
  assert.ok(update > 0 && update <= 31);
});

test("training stops at the update that it was told", async () => {
  const reports = [];
  const classroom = new Classroom((report) => reports.push(report));
  classroom.receive({ kind: "start", data: DATA, model: SMALL, products: "plain" });
  classroom.receive({ kind: "run", speed: "fast", until: 30 });
  while (reports.at(-1).progress.running || reports.at(-1).progress.update === 0)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(reports.at(-1).progress.update, 30);
  classroom.receive({ kind: "run", speed: "fast", until: 30 });
  assert.equal(reports.at(-1).progress.running, false);
});

test("models that pause at different updates catch up, and a model that is kept goes on", () => {
  const started = [];
  const create = () => {
    const learner = { progress: { running: false, update: 0 }, calls: [], close: () => learner.calls.push("close") };
    learner.start = () => started.push(learner);
    learner.run = (...call) => learner.calls.push(call);
    learner.pause = () => learner.calls.push("pause");
    return learner;
  };
  const group = new Group(create);
  group.start(DATA, [SMALL], "plain");
  group.start(DATA, [SMALL, SMALL], "plain", 1);
  const [a, b] = group.learners;
  assert.deepEqual(started, [a, b]);
  group.run("medium");
  [a.progress, b.progress] = [90, 80].map((update) => ({ running: true, update }));
  group.pause();
  group.level(); // both still run
  assert.deepEqual([a.calls, b.calls].map((calls) => calls.at(-1)), ["pause", "pause"]);
  for (const { progress } of [a, b]) progress.running = false;
  group.level();
  assert.deepEqual([a.calls.at(-1), b.calls.at(-1)], ["pause", ["fast", 90]]);
  b.progress.update = 90;
  group.level();
  assert.equal(group.catchingUp, false);
  group.start(DATA, [SMALL], "plain", 1);
  assert.deepEqual([b.calls.at(-1), started.length], ["close", 2]);
});
