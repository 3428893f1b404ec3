/** Trains a model beside the page, so that the page stays responsive. */

import { Classroom } from "./classroom.js";

/** @import { Command, Report } from "./types.js" */

const classroom = new Classroom((/** @type {Report} */ report) => postMessage(report));
addEventListener("message", (/** @type {MessageEvent<Command>} */ { data }) => classroom.receive(data));
