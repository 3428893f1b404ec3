/**
 * Random numbers from a seed: xoshiro128** (Blackman & Vigna 2018), whose state is filled by splitmix32. The numbers
 * are not those of NumPy's generators, so the same seed gives other data and weights than in Python.
 */

/** A generator of random numbers. */
export class Random {
  /**
   * @param {number} seed  an integer
   * @param {number} [stream]  generators of one seed and different streams are independent
   */
  constructor(seed, stream = 0) {
    let x = Math.imul(stream, 0x85ebca6b) ^ seed ^ Math.floor(seed / 2 ** 32);
    this.state = Uint32Array.from({ length: 4 }, () => {
      x = (x + 0x9e3779b9) | 0;
      const a = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
      const b = Math.imul(a ^ (a >>> 15), 0x735a2d97);
      return b ^ (b >>> 15);
    });
  }

  /** An integer from 0 to 2^32 - 1. */
  integer() {
    const s = this.state;
    const product = Math.imul(s[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** A number from 0 to below 1. */
  uniform() {
    return this.integer() / 2 ** 32;
  }

  /**
   * An integer from 0 to `limit` - 1; at most 2^32 of them.
   *
   * @param {number} limit
   */
  below(limit) {
    const usable = 2 ** 32 - (2 ** 32 % limit); // numbers above would make the first results more frequent
    for (;;) {
      const drawn = this.integer();
      if (drawn < usable) return drawn % limit;
    }
  }

  /** A number from the normal distribution N(0, 1), by the method of Box & Muller (1958). */
  normal() {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /**
   * The integers from 0 to `count` - 1 in random order (Fisher & Yates).
   *
   * @param {number} count
   */
  permutation(count) {
    const order = Int32Array.from({ length: count }, (_, at) => at);
    for (let last = count - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [order[last], order[other]] = [order[other], order[last]];
    }
    return order;
  }
}
