import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeArray, half } from "../../src/henkan/web/runtime/arrays.js";
import { decodeModel } from "../../src/henkan/web/runtime/model_file.js";

const base64 = (array) => Buffer.from(array.buffer).toString("base64");
const decoded = (array) => [...decodeArray(array, (size) => new Float32Array(size))];

test("float32 numbers are exact", () => {
  const numbers = Float32Array.of(0.1, -2.5, 1e-30, 3e38);
  assert.deepEqual(decoded({ shape: [2, 2], type: "float32", data: base64(numbers) }), [...numbers]);
});

test("float16 numbers: normal, subnormal, the largest, zeros and infinities", () => {
  const bits = Uint16Array.of(0x3c00, 0xc100, 0x0001, 0x7bff, 0x0000, 0x7c00, 0xfc00);
  const wanted = [1, -2.5, 2 ** -24, 65504, 0, Infinity, -Infinity];
  assert.deepEqual(decoded({ shape: [7], type: "float16", data: base64(bits) }), wanted);
  assert.ok(Object.is(half(0x8000), -0));
  assert.ok(Number.isNaN(half(0x7c01)));
});

test("8-bit integers have a scale for each column, or for each row of a table of embeddings", () => {
  const data = base64(Int8Array.of(1, -127, 2, 4, 0, 6));
  const columns = { shape: [2, 3], type: "int8", data, axis: 1, scales: base64(Float32Array.of(1, 2, 0.5)) };
  assert.deepEqual(decoded(columns), [1, -254, 1, 4, 0, 3]);
  const rows = { shape: [2, 3], type: "int8", data, axis: 0, scales: base64(Float32Array.of(1, 10)) };
  assert.deepEqual(decoded(rows), [1, -127, 2, 40, 0, 60]);
});

test("data that does not fit its shape, and files of another format, are refused", () => {
  const short = { shape: [3], type: "float32", data: base64(Float32Array.of(1, 2)) };
  assert.throws(() => decoded(short), /another number of numbers/);
  assert.throws(() => decodeModel({ format: "other" }), /not a model/);
  const newer = { format: "henkan-model-data", format_version: 2 };
  assert.throws(() => decodeModel(newer), /format 2; this page reads format 1/);
});
