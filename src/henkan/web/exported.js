/** Starts the page of `henkan export --to html`: a model in one file, without a server. */

import { byId, element } from "./dom.js";
import { createLocalApi } from "./local_api.js";
import { start } from "./main.js";
import { t } from "./texts.js";

const content = (/** @type {string} */ id) => byId(id).textContent ?? "";

/** The address of the worker's script, which is compressed in the page. */
async function unpackWorker() {
  const compressed = Uint8Array.from(atob(content("worker")), (character) => character.charCodeAt(0));
  const script = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return URL.createObjectURL(new Blob([await new Response(script).text()], { type: "text/javascript" }));
}

const unpacked = unpackWorker();

start({
  connect: () =>
    createLocalApi({
      description: JSON.parse(content("description")),
      data: content("model-data"),
      createWorker: async () => new Worker(await unpacked),
    }),
  footer: () => [element("span", {}, t("footerLocal"))],
});
