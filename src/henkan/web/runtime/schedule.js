/** The learning rate of each update. */

/**
 * The one-cycle schedule (after Smith & Topin 2017): the rate rises along a cosine from peak / 25 to the peak, then
 * falls along a cosine towards 0.
 *
 * @param {number} step  number of the update, from 0
 * @param {number} steps  number of updates in the training run
 * @param {number} peak  highest learning rate
 * @param {number} warmup  share of the updates in which the rate rises, from 0 to below 1
 */
export function oneCycle(step, steps, peak, warmup) {
  const [position, rise] = [step + 0.5, warmup * steps];
  if (position < rise) {
    const low = peak / 25;
    return low + ((peak - low) * (1 - Math.cos((Math.PI * position) / rise))) / 2;
  }
  return (peak * (1 + Math.cos((Math.PI * (position - rise)) / (steps - rise)))) / 2;
}
