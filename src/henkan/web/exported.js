/** Starts the page of `henkan export --to html`: a model in one file, without a server. */

import { byId, element } from "./dom.js";
import { createLocalApi } from "./local_api.js";
import { start } from "./main.js";
import { unpack } from "./packed.js";
import { t } from "./texts.js";

const content = (/** @type {string} */ id) => byId(id).textContent ?? "";

/** The address of the worker's script. */
async function workerUrl() {
  return URL.createObjectURL(new Blob([await unpack(content("worker"))], { type: "text/javascript" }));
}

const url = workerUrl();

start({
  connect: () =>
    createLocalApi({
      description: JSON.parse(content("description")),
      readModel: async () => ({ data: content("model-data"), numbers: await unpack(content("numbers")) }),
      createWorker: async () => new Worker(await url),
    }),
  footer: () => [element("span", {}, t("footerLocal"))],
});
