/** What a worker does: it makes updates in short turns, and answers in between. */

import { Lesson } from "./lesson.js";

/** @import { Command, Report, Speed } from "./types.js" */

const TURN = 40; // milliseconds of updates, after which messages are read
const REPORT = 200; // milliseconds between reports
const TEST = 1000; // milliseconds between tests, and at most a fifth of the time
const RATED = 1; // seconds of training after which its rate is known
/** Updates per second. */
const PACE = /** @type {Record<Speed, number>} */ ({ slow: 2, medium: 20, fast: Infinity });

/** Receives commands, and sends reports. */
export class Classroom {
  /** @param {(report: Report) => void} send */
  constructor(send) {
    this.send = send;
    /** @type {Lesson | null} */
    this.lesson = null;
    this.generation = 0; // of the lesson, as the page counts them
    this.running = false;
    /** @type {Speed} */
    this.speed = "fast";
    this.until = Infinity; // update after which to pause
    this.waiting = false; // whether a turn is coming
    this.reported = 0;
    this.tested = 0;
    this.pause = TEST;
    this.since = { time: 0, update: 0 }; // when training was last started, or its speed changed
    /** @type {number | null} */
    this.rate = null;
  }

  /** @param {Command} command */
  receive(command) {
    try {
      this.obey(command);
    } catch (error) {
      const id = command.kind === "inspect" ? command.id : null;
      this.send({ kind: "failed", id, message: error instanceof Error ? error.message : String(error) });
    }
  }

  /** @param {Command} command */
  obey(command) {
    switch (command.kind) {
      case "start":
        this.running = false;
        this.rate = null;
        this.lesson = new Lesson(command.data, command.model, command.products);
        this.generation = command.generation;
        return this.report();
      case "run":
        this.speed = command.speed;
        this.until = command.until ?? Infinity;
        this.running = Boolean(this.lesson && !this.reached);
        this.since = { time: performance.now(), update: this.lesson?.trainer.update ?? 0 };
        this.rate = null;
        this.report();
        return this.wait();
      case "pause":
        this.running = false;
        return this.report();
      case "step":
        this.running = false;
        if (this.lesson && !this.lesson.trainer.finished) this.lesson.step();
        return this.report();
      case "inspect":
        return this.send({ kind: "inspected", id: command.id, value: this.lesson?.inspect(command.inspection) });
    }
  }

  /** Whether there is no update left to make. */
  get reached() {
    const trainer = this.lesson?.trainer;
    return !trainer || trainer.finished || trainer.update >= this.until;
  }

  /** Let messages arrive, then take a turn. */
  wait() {
    if (this.waiting || !this.running) return;
    this.waiting = true;
    const pace = PACE[this.speed];
    setTimeout(
      () => {
        this.waiting = false;
        this.turn();
      },
      Number.isFinite(pace) ? 1000 / pace : 0,
    );
  }

  /** Make updates for a short time: all that fit, or one at a slower pace. */
  turn() {
    const { lesson } = this;
    if (!lesson || !this.running) return;
    try {
      const end = performance.now() + (this.speed === "fast" ? TURN : 0);
      do lesson.step();
      while (performance.now() < end && !this.reached);
      if (this.reached) this.running = false;
      this.tell();
      this.wait();
    } catch (error) {
      this.running = false;
      this.send({ kind: "failed", id: null, message: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Test and report, if it is time. */
  tell() {
    const now = performance.now();
    if (this.running && now - this.tested > this.pause) {
      this.lesson?.test();
      this.tested = performance.now();
      this.pause = Math.max(TEST, 5 * (this.tested - now));
    }
    if (!this.running || now - this.reported > REPORT || this.speed !== "fast") this.report();
  }

  report() {
    if (!this.lesson) return;
    this.reported = performance.now();
    if (this.running) this.measure();
    else this.lesson.test();
    const { running, rate } = this;
    const progress = { ...this.lesson.progress(), running, rate };
    this.send({ kind: "progress", generation: this.generation, progress });
  }

  /** Updates per second as the reader sees them: pauses between the updates and tests count. */
  measure() {
    const seconds = (performance.now() - this.since.time) / 1000;
    const made = (this.lesson?.trainer.update ?? 0) - this.since.update;
    if (seconds > RATED) this.rate = made / seconds;
  }
}
