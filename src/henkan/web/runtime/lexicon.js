/** Known sources and their targets, which are looked up before a model predicts. */

/** A lexicon. */
export class Lexicon {
  #normalize;
  /** @type {Map<string, Set<string>>} */
  #targets = new Map();

  /**
   * @param {readonly [string, string][]} pairs  sources with targets; the first target of a source is its prediction
   * @param {(source: string) => string} normalize  the form of a source that is looked up
   */
  constructor(pairs, normalize) {
    this.#normalize = normalize;
    for (const [source, target] of pairs) {
      const key = normalize(source);
      const known = this.#targets.get(key);
      if (known) known.add(target);
      else this.#targets.set(key, new Set([target]));
    }
  }

  /**
   * The targets of a text; none if it is not in the lexicon.
   *
   * @param {string} text
   * @returns {string[]}
   */
  targets(text) {
    return [...(this.#targets.get(this.#normalize(text)) ?? [])];
  }
}
