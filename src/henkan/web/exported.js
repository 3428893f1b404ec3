/** Starts the page of `henkan export --to html`: a model in one file, without a server. */

import { byId, element } from "./dom.js";
import { createLocalApi } from "./local_api.js";
import { start } from "./main.js";
import { t } from "./texts.js";

const text = (/** @type {string} */ id) => byId(id).textContent ?? "";
const worker = URL.createObjectURL(new Blob([text("worker")], { type: "text/javascript" }));

start({
  connect: () =>
    createLocalApi({
      description: JSON.parse(text("description")),
      data: text("model-data"),
      createWorker: () => new Worker(worker),
    }),
  footer: () => [element("span", {}, t("footerLocal"))],
});
