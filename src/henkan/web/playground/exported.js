/** Starts the playground in one file, whose worker is in the page. */

import { byId } from "../dom.js";
import { start } from "./page.js";

const worker = URL.createObjectURL(new Blob([byId("worker").textContent ?? ""], { type: "text/javascript" }));

start(() => new Worker(worker));
