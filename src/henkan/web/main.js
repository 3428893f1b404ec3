/** The page of `henkan serve`: puts the components together. */

import { ApiError, createApi } from "./api.js";
import { replaceChoices, segmented, selectBox } from "./controls.js";
import { byId, element, fill } from "./dom.js";
import { listView } from "./list_view.js";
import { modelView } from "./model_view.js";
import { messageOf, oneText } from "./one_text.js";
import { optionsView } from "./options_view.js";
import { applyPreferences, preferencesView } from "./preferences.js";
import { fillTexts, inEveryLanguage, t } from "./texts.js";
import { tokenDialog } from "./token_dialog.js";

/** @import { Waiting } from "./api.js" */
/** @import { Model } from "./types.js" */

applyPreferences();

/** @type {Model[]} */
let models = [];
/** @type {Model | null} */
let model = null;
let mode = "text";
/** @type {Waiting} */
let waiting = null;

const token = tokenDialog();
const api = createApi({
  askToken: token.ask,
  onWait(reason) {
    waiting = reason;
    tellWaiting();
  },
});
const options = optionsView({ onChange: () => mode === "text" && void text.convert() });
const shared = { api, options: options.values, showOptionError: options.showError };
const text = oneText({
  ...shared,
  onLines(lines) {
    list.set(lines);
    setMode("list");
    list.focus();
  },
});
const list = listView({
  ...shared,
  onOpen(source) {
    setMode("text");
    text.set(source);
    text.focus();
  },
});
const facts = modelView();

/** @param {string} wanted  "text" or "list" */
function setMode(wanted) {
  mode = wanted;
  drawMode();
}

function drawMode() {
  text.element.hidden = mode !== "text";
  list.element.hidden = mode !== "list";
  const choice = segmented(t("mode"), { text: t("modeText"), list: t("modeList") }, mode, setMode);
  replaceChoices(byId("mode"), choice);
}

function tellWaiting() {
  const seconds = String(Math.ceil(waiting?.seconds ?? 0));
  byId("waiting").textContent = waiting ? t(waiting.reason, { seconds }) : "";
}

/** @param {Model} wanted */
function showModel(wanted) {
  model = wanted;
  facts.show(wanted);
  text.showModel(wanted);
  list.showModel(wanted);
  options.showError(null);
  drawTitle();
}

function drawTitle() {
  document.title = model ? t("title", { model: model.name }) : "henkan";
  const name = model?.name ?? "henkan";
  const choices = models.map((each) => element("option", { value: each.name, selected: each === model }, each.name));
  /** @param {Event} event */
  const pick = ({ target }) => {
    const wanted = models.find((each) => each.name === /** @type {HTMLSelectElement} */ (target).value);
    if (!wanted) return;
    showModel(wanted);
    text.set(wanted.examples?.[0] ?? "");
  };
  fill(
    byId("name"),
    models.length > 1
      ? selectBox(element("select", { id: "model", "aria-label": t("model"), onchange: pick }, ...choices))
      : element("bdi", {}, name),
  );
}

async function start() {
  byId("preferences").append(preferencesView());
  byId("facts").append(facts.element);
  byId("text-mode").append(text.element);
  byId("list-mode").append(list.element);
  byId("options").append(options.element);
  options.element.open = matchMedia("(min-width: 64rem)").matches; // where they have a column of their own
  document.body.append(token.element);
  inEveryLanguage(() => {
    fillTexts(document);
    drawTitle();
    drawMode();
    tellWaiting();
  });
  await load();
}

async function load() {
  try {
    models = await api.models();
  } catch (error) {
    const refused = error instanceof ApiError && error.status === 401;
    const again = t(refused ? "tokenEnter" : "tryAgain");
    const retry = element("button", { type: "button", onclick: () => void load() }, again);
    fill(byId("problem"), messageOf(error), " ", retry);
    return;
  }
  fill(byId("problem"), models.length === 0 && t("noModels"));
  const first = models.find((each) => each.default) ?? models[0];
  byId("workspace").hidden = !first;
  byId("facts").hidden = !first;
  if (!first) return;
  showModel(first);
  text.set(first.examples?.[0] ?? "");
}

void start();
