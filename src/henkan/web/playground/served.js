/** Starts the playground from its modules, as a server has them. */

import { start } from "./page.js";

start(() => new Worker("worker.js", { type: "module" }));
