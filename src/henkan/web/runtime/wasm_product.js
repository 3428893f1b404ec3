/**
 * Matrix products in WebAssembly with vector instructions: C += A B for any strides of A and B, so that one function
 * serves A B, A^T B and A B^T.
 *
 * C is computed in tiles of ROWS by 8 elements, which stay in registers while the sums run over k. The 8 columns of B
 * are first copied to a panel, in the order in which the tiles read them, because they are used for all rows of A. Sums
 * are over blocks of at most DEPTH terms, so that a panel stays in the cache.
 */

import { get, increase, integer, set, whileLess } from "./assembler.js";

/** @import { FunctionCode, Instruction } from "./assembler.js" */

export const ROWS = 4; // of a tile
export const WIDTH = 8; // columns of a tile, two vectors
const DEPTH = 256;
const FLOAT = 4; // bytes
const VECTOR = 16; // bytes

/** Number of bytes that `multiply` needs for a panel and a tile. */
export const SCRATCH = (DEPTH + ROWS) * WIDTH * FLOAT;

/**
 * Numbers from 0 to `count` - 1, each turned into instructions.
 *
 * @param {number} count
 * @param {(number: number) => Instruction[]} instructions
 */
const each = (count, instructions) => Array.from({ length: count }, (_, number) => instructions(number)).flat();

/**
 * x y + z for vectors.
 *
 * @param {boolean} fused  whether in one instruction
 * @param {Instruction} x
 * @param {Instruction} y
 * @param {Instruction} z
 * @returns {Instruction}
 */
export function multiplyAdd(fused, x, y, z) {
  return fused ? ["f32x4.relaxed_madd", x, y, z] : ["f32x4.add", ["f32x4.mul", x, y], z];
}

/**
 * pack(to, B, Bk, Bj, depth, width): copy `width` columns and `depth` rows of B, and zeros up to 8 columns.
 *
 * Addresses and strides are in bytes, here and below: the element (k, j) of B is at B + k Bk + j Bj.
 *
 * @returns {FunctionCode}
 */
function pack() {
  const end = /** @type {Instruction} */ (["i32.add", get("to"), ["i32.mul", get("depth"), integer(WIDTH * FLOAT)]]);
  const copied = /** @type {Instruction[]} */ ([
    ["v128.store", 0, get("to"), ["v128.load", 0, get("B")]],
    ["v128.store", VECTOR, get("to"), ["v128.load", VECTOR, get("B")]],
    increase("B", get("Bk")),
    increase("to", WIDTH * FLOAT),
  ]);
  const oneByOne = [
    set("from", get("B")),
    ...each(WIDTH, (j) => [
      [
        "f32.store",
        j * FLOAT,
        get("to"),
        ["select", ["f32.load", 0, get("from")], ["f32.const", 0], ["i32.lt_u", integer(j), get("width")]],
      ],
      // The last columns are read again rather than what follows them, which may be outside the memory.
      increase("from", ["select", get("Bj"), integer(0), ["i32.lt_u", integer(j + 1), get("width")]]),
    ]),
    increase("B", get("Bk")),
    increase("to", WIDTH * FLOAT),
  ];
  const whole = /** @type {Instruction} */ (["i32.eqz", ["i32.sub", get("width"), integer(WIDTH)]]);
  const contiguous = /** @type {Instruction} */ (["i32.eqz", ["i32.sub", get("Bj"), integer(FLOAT)]]);
  return {
    name: "pack",
    parameters: { to: "i32", B: "i32", Bk: "i32", Bj: "i32", depth: "i32", width: "i32" },
    locals: { end: "i32", from: "i32" },
    body: [
      set("end", end),
      ["if", ["i32.and", whole, contiguous], ["do", whileLess("to", get("end"), copied)]],
      whileLess("to", get("end"), oneByOne),
    ],
  };
}

/**
 * tile(C, Cr, A, Ai, Ak, rows, panel, depth): C += A panel for one tile, whose rows are Cr bytes apart. Of A, rows from
 * the given number on are not read; their results are meaningless.
 *
 * @param {boolean} fused
 * @returns {FunctionCode}
 */
function tile(fused) {
  const sum = (/** @type {number} */ row, /** @type {number} */ half) => `sum${row}${half}`;
  const step = [
    set("left", ["v128.load", 0, get("panel")]),
    set("right", ["v128.load", VECTOR, get("panel")]),
    ...each(ROWS, (row) => [
      set("a", ["v128.load32_splat", 0, get(`A${row}`)]),
      set(sum(row, 0), multiplyAdd(fused, get("a"), get("left"), get(sum(row, 0)))),
      set(sum(row, 1), multiplyAdd(fused, get("a"), get("right"), get(sum(row, 1)))),
      increase(`A${row}`, get("Ak")),
    ]),
    increase("panel", WIDTH * FLOAT),
  ];
  const store = (/** @type {number} */ half, /** @type {number} */ row) =>
    /** @type {Instruction} */ ([
      "v128.store",
      half * VECTOR,
      get("C"),
      ["f32x4.add", get(sum(row, half)), ["v128.load", half * VECTOR, get("C")]],
    ]);
  const locals = each(
    ROWS,
    (row) =>
      /** @type {any} */ ([
        [`A${row}`, "i32"],
        [sum(row, 0), "v128"],
        [sum(row, 1), "v128"],
      ]),
  );
  return {
    name: "tile",
    parameters: { C: "i32", Cr: "i32", A: "i32", Ai: "i32", Ak: "i32", rows: "i32", panel: "i32", depth: "i32" },
    locals: { end: "i32", left: "v128", right: "v128", a: "v128", ...Object.fromEntries(locals) },
    body: [
      set("end", ["i32.add", get("panel"), ["i32.mul", get("depth"), integer(WIDTH * FLOAT)]]),
      ...each(ROWS, (row) => [
        set(`A${row}`, get("A")),
        increase("A", ["select", get("Ai"), integer(0), ["i32.lt_u", integer(row + 1), get("rows")]]),
      ]),
      whileLess("panel", get("end"), step),
      ...each(ROWS, (row) => [store(0, row), store(1, row), increase("C", get("Cr"))]),
    ],
  };
}

/**
 * addTile(C, Cr, tile, rows, width): add the first rows and columns of a tile in memory to C.
 *
 * @returns {FunctionCode}
 */
function addTile() {
  const at = (/** @type {string} */ name) => /** @type {Instruction} */ (["i32.add", get(name), get("j")]);
  return {
    name: "addTile",
    parameters: { C: "i32", Cr: "i32", tile: "i32", rows: "i32", width: "i32" },
    locals: { i: "i32", j: "i32" },
    body: [
      whileLess("i", get("rows"), [
        set("j", integer(0)),
        whileLess(
          "j",
          ["i32.mul", get("width"), integer(FLOAT)],
          [
            ["f32.store", 0, at("C"), ["f32.add", ["f32.load", 0, at("C")], ["f32.load", 0, at("tile")]]],
            increase("j", FLOAT),
          ],
        ),
        increase("C", get("Cr")),
        increase("tile", WIDTH * FLOAT),
        increase("i", 1),
      ]),
    ],
  };
}

/**
 * The least of two unsigned integers.
 *
 * @param {Instruction} x
 * @param {Instruction} y
 * @returns {Instruction}
 */
const least = (x, y) => ["select", x, y, ["i32.lt_u", x, y]];

/**
 * @param {Instruction} base
 * @param {...[Instruction, Instruction]} steps  numbers of steps and their strides
 * @returns {Instruction}
 */
const address = (base, ...steps) =>
  steps.reduce(
    (sum, [count, stride]) => /** @type {Instruction} */ (["i32.add", sum, ["i32.mul", count, stride]]),
    base,
  );

/**
 * multiply(C, A, B, rows, inner, columns, Ai, Ak, Bk, Bj, scratch): C += A B. C is in row-major order.
 *
 * @returns {FunctionCode}
 */
function multiply() {
  const Cr = /** @type {Instruction} */ (["i32.mul", get("columns"), integer(FLOAT)]);
  const toC = address(get("C"), [get("i"), Cr], [get("j"), integer(FLOAT)]);
  const fromA = address(get("A"), [get("i"), get("Ai")], [get("k"), get("Ak")]);
  const edge = address(get("scratch"), [integer(DEPTH), integer(WIDTH * FLOAT)]);
  const call = (/** @type {Instruction} */ to, /** @type {Instruction} */ stride) =>
    /** @type {Instruction} */ ([
      "call",
      "tile",
      to,
      stride,
      fromA,
      get("Ai"),
      get("Ak"),
      get("height"),
      get("scratch"),
      get("depth"),
    ]);
  const inside = /** @type {Instruction} */ ([
    "i32.and",
    ["i32.ge_u", get("height"), integer(ROWS)],
    ["i32.ge_u", get("width"), integer(WIDTH)],
  ]);
  const zero = each((ROWS * WIDTH) / 4, (at) => [["v128.store", at * VECTOR, edge, ["f32x4.splat", ["f32.const", 0]]]]);
  const tiles = /** @type {Instruction[]} */ ([
    set("height", least(["i32.sub", get("rows"), get("i")], integer(ROWS))),
    ["if", inside, ["do", call(toC, Cr)]],
    [
      "if",
      ["i32.eqz", inside],
      [
        "do",
        ...zero,
        call(edge, integer(WIDTH * FLOAT)),
        ["call", "addTile", toC, Cr, edge, get("height"), get("width")],
      ],
    ],
    increase("i", ROWS),
  ]);
  return {
    name: "multiply",
    parameters: Object.fromEntries(
      ["C", "A", "B", "rows", "inner", "columns", "Ai", "Ak", "Bk", "Bj", "scratch"].map((name) => [name, "i32"]),
    ),
    locals: { i: "i32", j: "i32", k: "i32", height: "i32", width: "i32", depth: "i32" },
    body: [
      whileLess("j", get("columns"), [
        set("width", least(["i32.sub", get("columns"), get("j")], integer(WIDTH))),
        set("k", integer(0)),
        whileLess("k", get("inner"), [
          set("depth", least(["i32.sub", get("inner"), get("k")], integer(DEPTH))),
          [
            "call",
            "pack",
            get("scratch"),
            address(get("B"), [get("k"), get("Bk")], [get("j"), get("Bj")]),
            get("Bk"),
            get("Bj"),
            get("depth"),
            get("width"),
          ],
          set("i", integer(0)),
          whileLess("i", get("rows"), tiles),
          increase("k", DEPTH),
        ]),
        increase("j", WIDTH),
      ]),
    ],
  };
}

/**
 * The functions of matrix products.
 *
 * @param {boolean} fused  whether multiplication and addition are one instruction
 */
export function productFunctions(fused) {
  return [pack(), tile(fused), addTile(), multiply()];
}
