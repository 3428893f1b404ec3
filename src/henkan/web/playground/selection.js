/** What the reader has selected. Views of two models share it, so that they show the same step. */

/**
 * @typedef {object} Selected
 * @property {string} question  such as "58+77"
 * @property {number} digits  of the sums
 * @property {number} step  of the trace, encoder and decoder counted together
 * @property {number} unit  of the hidden state
 * @property {number} place  whose carry is looked for; 0 for the units
 * @property {number} probed  step whose states are projected; -1: the last one of the encoder
 * @property {number} symbol  target symbol whose gradient is followed
 */

/** Values, and what to call when they change. */
export class Selection {
  /**
   * @param {string} question
   * @param {number} digits
   */
  constructor(question, digits) {
    /** @type {Selected} */
    this.values = { question, digits, step: 0, unit: 0, place: 0, probed: -1, symbol: 0 };
    /** @type {Set<(changed: string[]) => void>} */
    this.listeners = new Set();
  }

  /** @param {Partial<Selected>} changes */
  set(changes) {
    const before = { ...this.values };
    Object.assign(this.values, changes);
    const names = /** @type {(keyof Selected)[]} */ (Object.keys(changes));
    const changed = names.filter((name) => this.values[name] !== before[name]);
    if (changed.length) for (const listener of this.listeners) listener(changed);
  }
}
