/** The models that learn side by side. */

/** @import { Learner } from "./learner.js" */
/** @import { DataChoice, ModelChoice, Speed } from "./types.js" */

/** Starts and stops all learners together. When they pause, those that are behind catch up. */
export class Group {
  /** @param {() => Learner} createLearner */
  constructor(createLearner) {
    this.createLearner = createLearner;
    /** @type {Learner[]} */
    this.learners = [];
    this.catchingUp = false;
    /** @type {number | undefined} */
    this.until = undefined; // update after which to pause
  }

  get running() {
    return this.learners.some(({ progress }) => progress?.running);
  }

  /**
   * Start over with new models.
   *
   * @param {DataChoice} data
   * @param {ModelChoice[]} models
   * @param {"auto" | "wasm" | "plain"} products
   * @param {number} [kept]  number of models that go on as they are
   */
  start(data, models, products, kept = 0) {
    this.catchingUp = false;
    while (this.learners.length > models.length) this.learners.pop()?.close();
    while (this.learners.length < models.length) this.learners.push(this.createLearner());
    models.forEach((model, index) => {
      if (index >= kept) this.learners[index]?.start({ ...data }, { ...model }, products);
    });
  }

  /**
   * @param {Speed} speed
   * @param {number} [until]  update after which to pause
   */
  run(speed, until) {
    this.catchingUp = false;
    this.until = until;
    for (const each of this.learners) each.run(speed, until);
  }

  /**
   * Change the speed of those that run.
   *
   * @param {Speed} speed
   */
  setSpeed(speed) {
    for (const each of this.learners) if (each.progress?.running) each.run(speed, this.until);
  }

  /** Pause all at the update of the one that is furthest. Called again, pause where they are. */
  pause() {
    this.catchingUp = !this.catchingUp && this.learners.length > 1;
    for (const each of this.learners) each.pause();
  }

  /** Make one update. */
  step() {
    this.catchingUp = false;
    for (const each of this.learners) each.step();
  }

  /** Let those that are behind catch up, once all have paused. Called at each report. */
  level() {
    if (!this.catchingUp || this.running) return;
    const updates = this.learners.map(({ progress }) => progress?.update ?? 0);
    const most = Math.max(...updates);
    const behind = this.learners.filter((_, index) => (updates[index] ?? 0) < most);
    this.catchingUp = behind.length > 0;
    this.until = most;
    for (const each of behind) each.run("fast", most);
  }
}
