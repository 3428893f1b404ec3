/** Fixtures that tests/node.py writes. */

import { readFileSync } from "node:fs";

const KINDS = { "<f4": Float32Array, "<i4": Int32Array, u1: Uint8Array };

/** The fixture whose path is the script's argument. */
export function readFixture() {
  return unpacked(JSON.parse(readFileSync(process.argv[2], "utf-8")));
}

/** Turn the arrays of a fixture into flat typed arrays. */
export function unpacked(value) {
  if (Array.isArray(value)) return value.map(unpacked);
  if (value === null || typeof value !== "object") return value;
  if (!("base64" in value))
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unpacked(each)]));
  const bytes = Uint8Array.from(Buffer.from(value.base64, "base64"));
  return new KINDS[value.kind](bytes.buffer);
}

/** The largest difference of two arrays, relative to the largest element; infinities must be equal. */
export function difference(found, expected) {
  if (found.length !== expected.length) return Infinity;
  let [largest, most] = [1e-30, 0];
  expected.forEach((each, at) => {
    if (!Number.isFinite(each)) most = found[at] === each ? most : Infinity;
    else [largest, most] = [Math.max(largest, Math.abs(each)), Math.max(most, Math.abs(found[at] - each))];
    if (Number.isNaN(found[at])) most = Infinity;
  });
  return most / largest;
}
