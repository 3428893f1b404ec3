/** Sources as the encoder reads them. */

/** @import { Capabilities } from "./predictor.js" */
/** @import { SourceText } from "./source_reader.js" */
/** @import { Sources } from "./types.js" */

/**
 * Sources of the same length as a batch.
 *
 * @param {readonly SourceText[]} sources
 * @param {Capabilities} capabilities
 * @returns {Sources}
 */
export function batchOf(sources, { reverse, copyIds }) {
  const [N, S] = [sources.length, sources[0].ids.length];
  const stacked = (/** @type {(source: SourceText) => number[]} */ part) =>
    Int32Array.from({ length: S * N }, (_, at) => {
      const step = Math.floor(at / N);
      return part(sources[at % N])[reverse ? S - 1 - step : step];
    });
  return {
    count: N,
    ids: stacked((source) => source.ids),
    active: new Int32Array(S).fill(N),
    copyIds: copyIds ? stacked((source) => source.copyIds) : null,
  };
}

/**
 * Positions of sources in groups of the same length. So a source has the same result alone and among others: neither
 * padding nor the step limit of a longer source changes it.
 *
 * @param {readonly SourceText[]} sources
 * @param {number} size  of a group, at most
 * @returns {number[][]}
 */
export function groupsOfEqualLength(sources, size) {
  /** @type {Map<number, number[][]>} */
  const byLength = new Map();
  sources.forEach(({ ids }, position) => {
    const groups = byLength.get(ids.length) ?? [];
    byLength.set(ids.length, groups);
    if (!groups.length || groups[groups.length - 1].length === size) groups.push([]);
    groups[groups.length - 1].push(position);
  });
  return [...byLength.values()].flat();
}

/**
 * Compute groups of sources. If memory runs out for a group, its sources are computed alone, and those that need too
 * much are left out.
 *
 * @param {readonly number[][]} groups
 * @param {(group: number[]) => void} compute
 */
export function computeGroups(groups, compute) {
  for (const group of groups) {
    try {
      compute(group);
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      if (group.length > 1) computeGroups(group.map((position) => [position]), compute);
    }
  }
}

/** @param {unknown} error */
function isOutOfMemory(error) {
  return error instanceof RangeError && /memory|allocation|array length/iu.test(error.message);
}
