/** A worker with a model, as the page sees it. */

/** @import { Command, DataChoice, Inspection, ModelChoice, Point, Progress, Report, Speed } from "./types.js" */

/**
 * @typedef {object} Curves  since the start
 * @property {Point[]} losses
 * @property {Point[]} matches
 */

/** Sends commands to a worker, and keeps what it reports. */
export class Learner {
  /**
   * @param {Worker} worker
   * @param {object} listeners
   * @param {() => void} listeners.onProgress
   * @param {(message: string) => void} listeners.onFailure
   */
  constructor(worker, { onProgress, onFailure }) {
    this.worker = worker;
    this.onProgress = onProgress;
    this.onFailure = onFailure;
    /** @type {Progress | null} */
    this.progress = null;
    /** @type {Curves} */
    this.curves = { losses: [], matches: [] };
    /** @type {ModelChoice | null} */
    this.model = null;
    this.generation = 0; // number of models so far
    /** @type {Map<number, {resolve: (value: any) => void, reject: (reason: Error) => void}>} */
    this.asked = new Map();
    this.count = 0;
    worker.onmessage = (/** @type {MessageEvent<Report>} */ { data }) => this.receive(data);
    worker.onerror = (event) => onFailure(event.message || "the worker stopped");
  }

  /**
   * Start over with a new model.
   *
   * @param {DataChoice} data
   * @param {ModelChoice} model
   * @param {"auto" | "wasm" | "plain"} products
   */
  start(data, model, products) {
    this.curves = { losses: [], matches: [] };
    this.progress = null;
    this.model = model;
    this.generation += 1;
    this.command({ kind: "start", generation: this.generation, data, model, products });
  }

  /**
   * @param {Speed} speed
   * @param {number} [until]  update after which to pause
   */
  run(speed, until) {
    this.command({ kind: "run", speed, until });
  }

  pause() {
    this.command({ kind: "pause" });
  }

  /** Make one update. */
  step() {
    this.command({ kind: "step" });
  }

  /**
   * Look at the model as it is.
   *
   * @param {Inspection} inspection
   * @returns {Promise<any>}
   */
  inspect(inspection) {
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      this.command({ kind: "inspect", id, inspection });
    });
  }

  /** End the worker. Nothing that was asked for is answered any more. */
  close() {
    this.worker.terminate();
    this.asked.clear();
  }

  /** @param {Command} command */
  command(command) {
    this.worker.postMessage(command);
  }

  /** @param {Report} report */
  receive(report) {
    if (report.kind === "progress") {
      if (report.generation !== this.generation) return; // of the model before
      this.progress = report.progress;
      this.curves.losses.push(...report.progress.losses);
      this.curves.matches.push(...report.progress.matches);
      return this.onProgress();
    }
    const waiting = report.id === null ? undefined : this.asked.get(report.id);
    if (report.id !== null) this.asked.delete(report.id);
    if (report.kind === "inspected") waiting?.resolve(report.value);
    else if (waiting) waiting.reject(new Error(report.message));
    else this.onFailure(report.message);
  }
}
