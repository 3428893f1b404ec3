import assert from "node:assert/strict";
import { test } from "node:test";

import { assemble } from "../../src/henkan/web/runtime/assembler.js";
import { plainBackend } from "../../src/henkan/web/runtime/backend.js";
import { Trainer } from "../../src/henkan/web/runtime/trainer.js";
import { productFunctions } from "../../src/henkan/web/runtime/wasm_product.js";
import { wasmBackend } from "../../src/henkan/web/runtime/wasm_backend.js";
import { difference } from "./fixtures.js";

/** A function that fills arrays with numbers from -range to range, the same ones every time. */
function filler() {
  let state = 1;
  return (array, range = 1) =>
    array.forEach((_, at) => {
      state = (state * 16807) % 2147483647;
      array[at] = (state / 2147483647 - 0.5) * 2 * range;
    });
}

/** The results of a function in both backends; the arrays are in the memory of each. */
function both(compute) {
  return [plainBackend(), wasmBackend(4)].map((backend) => {
    const fill = filler();
    const own = (size, range) => {
      const array = backend.keep(size);
      fill(array, range);
      return array;
    };
    return compute(backend, own);
  });
}

test("products of any size are those of the definition, and are added", () => {
  for (const [rows, inner, columns] of [
    [1, 1, 1],
    [4, 3, 8],
    [5, 7, 9],
    [3, 300, 17],
    [13, 600, 8],
    [2, 0, 5],
    [16, 3, 5], // C fills whole lines up to the end of the memory
  ]) {
    for (const name of ["addAB", "addATB", "addABT"]) {
      const results = both((backend, own) => {
        const [C, A, B] = [own(rows * columns), own(rows * inner), own(inner * columns)];
        const expected = Float64Array.from(C, (each, at) => {
          const [i, j] = [Math.floor(at / columns), at % columns];
          for (let k = 0; k < inner; k++) {
            const a = A[name === "addATB" ? k * rows + i : i * inner + k];
            each += a * B[name === "addABT" ? j * inner + k : k * columns + j];
          }
          return each;
        });
        const others = [A, B].map((each) => each.slice());
        backend[name](C, A, B, rows, inner, columns);
        assert.deepEqual(
          [A, B].map((each) => each.slice()),
          others,
        );
        return difference(C, expected);
      });
      assert.ok(Math.max(...results) < 1e-5, `${name} ${rows} ${inner} ${columns}: ${results}`);
    }
  }
});

test("elementwise functions are those of plain JavaScript, also for numbers far from zero", () => {
  for (const [n, H] of [
    [3, 8],
    [1, 4],
    [2, 5],
  ]) {
    const [plain, fast] = both((backend, own) => {
      const [gates, before, after, hidden] = [own(12 * H, 100), own(3 * H, 3), own(3 * H), own(3 * H)];
      const [da, dh, dc] = [own(12 * H), own(3 * H), own(3 * H)];
      backend.cellForward({ gates, before, after }, hidden, n, H);
      backend.cellBackward({ gates, before, after }, da, dh, dc, n, H);
      return [gates, after, hidden, da, dh, dc];
    });
    plain.forEach((expected, at) => assert.ok(difference(fast[at], expected) < 1e-6, `${n} ${H} ${at}`));
  }
});

test("both backends make the same updates", () => {
  for (const size of [64, 65]) {
    const step = { rate: 0.01, decay: 0.99, rest1: 0.1, rest2: 0.02, scale: 2, epsilon: 1e-8 };
    const [plain, fast] = both((backend, own) => {
      const [weights, gradient, m, v] = [own(size), own(size, 3), backend.keep(size), backend.keep(size)];
      backend.adam(weights, gradient, m, v, step);
      return [weights, m, v];
    });
    plain.forEach((expected, at) => assert.ok(difference(fast[at], expected) < 1e-6));
  }
});

test("when the memory is full, arrays are ordinary ones and results stay the same", () => {
  const backend = wasmBackend(1);
  const large = backend.empty(2 ** 18);
  const [A, B, C] = [2, 2, 1].map((size) => backend.empty(size).fill(3));
  backend.addAB(C, A, B, 1, 2, 1);
  assert.equal(C[0], 21);
  assert.notEqual(large.buffer, backend.keep(1).buffer);
  backend.reset();
  assert.equal(backend.empty(8).buffer, backend.keep(1).buffer);
});

test("where WebAssembly cannot be had, training computes in plain JavaScript", () => {
  const { Module } = WebAssembly;
  const pairs = { training: [["1+1", "2"]], validation: [] };
  for (const kind of [WebAssembly.CompileError, EvalError]) {
    WebAssembly.Module = class {
      constructor() {
        throw new kind("refused by the content security policy");
      }
    };
    try {
      assert.equal(wasmBackend(1), null);
      assert.throws(() => new Trainer({ pairs, products: "wasm" }), /use plain products/);
      assert.ok(new Trainer({ pairs }).step().loss > 0);
    } finally {
      WebAssembly.Module = Module;
    }
  }
  assert.equal(wasmBackend(5000), null); // more than 32 bits can address
});

test("instructions and names that do not exist are errors", () => {
  const code = (instruction) => assemble([{ name: "f", parameters: {}, locals: {}, body: [instruction] }]);
  assert.throws(() => code(["i32.nothing"]), /there is no instruction i32.nothing/);
  assert.throws(() => code(["call", "g"]), /call of g, which there is not/);
  assert.ok(WebAssembly.validate(assemble(productFunctions(false))));
});
