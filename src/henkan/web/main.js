/** Puts the components of the page together. `server.js` and `exported.js` start it. */

import { ApiError } from "./api_error.js";
import { replaceChoices, segmented, selectBox } from "./controls.js";
import { byId, element, fill } from "./dom.js";
import { listView } from "./list_view.js";
import { modelView } from "./model_view.js";
import { messageOf, oneText } from "./one_text.js";
import { optionsView } from "./options_view.js";
import { applyPreferences, preferencesView } from "./preferences.js";
import { fillTexts, inEveryLanguage, t } from "./texts.js";

/** @import { Child } from "./dom.js" */
/** @import { Api, Model, Waiting } from "./types.js" */

/**
 * Show the page.
 *
 * @param {object} settings
 * @param {(onWait: (waiting: Waiting) => void) => Api} settings.connect  creates what answers the requests, and is given
 *   what to call when a request waits
 * @param {() => Child[]} settings.footer  in the chosen language
 */
export function start({ connect, footer }) {
  applyPreferences();

  /** @type {Model[]} */
  let models = [];
  /** @type {Model | null} */
  let model = null;
  let mode = "text";
  /** @type {Waiting} */
  let waiting = null;

  const api = connect((reason) => {
    waiting = reason;
    tellWaiting();
  });
  const options = optionsView({
    onChange: () => mode === "text" && void text.convert(),
    constraints: api.constraints,
  });
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

  byId("preferences").append(preferencesView());
  byId("facts").append(facts.element);
  byId("text-mode").append(text.element);
  byId("list-mode").append(list.element);
  byId("options").append(options.element);
  options.element.open = matchMedia("(min-width: 64rem)").matches; // where they have a column of their own
  inEveryLanguage(() => {
    fillTexts(document);
    fill(byId("footer"), ...footer());
    drawTitle();
    drawMode();
    tellWaiting();
  });
  void load();
}
