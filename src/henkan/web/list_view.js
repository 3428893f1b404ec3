/** Many lines: a table of results that can be copied or saved. */

import { confidenceText, notesOf, reasonOf } from "./answer_view.js";
import { bar } from "./controls.js";
import { element, fill } from "./dom.js";
import { messageOf } from "./one_text.js";
import { showText } from "./symbols.js";
import { inEveryLanguage, t } from "./texts.js";
import { parts, toLines, toTsv } from "./tsv.js";

/** @import { Api, ConvertOptions, Model, Result } from "./types.js" */

const PART = 100; // lines in a request, so that the progress is seen; fewer if the server allows fewer
const WORK = 100_000; // characters in a request times the beam width; the server refuses requests that are too large
const SHOWN = 500; // rows of the table; a file may have any number

const PLAIN = { type: "button", class: "plain" };

/** @typedef {{source: string, result: Result | null, note: string}} Row  without a result, the line was not sent */

/**
 * @param {object} settings
 * @param {Api} settings.api
 * @param {() => ConvertOptions} settings.options
 * @param {(argument: string | null, message?: string) => boolean} settings.showOptionError
 * @param {(source: string) => void} settings.onOpen  the user wants to see one line in detail
 */
export function listView({ api, options, showOptionError, onOpen }) {
  /** @type {Model | null} */
  let model = null;
  /** @type {Row[]} */
  let rows = [];
  /** @type {AbortController | null} */
  let running = null;
  let total = 0;
  let message = "";

  const label = element("label", { for: "lines" });
  const text = element("textarea", { id: "lines", rows: 8, spellcheck: "false", dir: "auto", oninput: draw });
  const start = element("button", { type: "button", class: "primary", onclick: () => (running ? stop() : void run()) });
  const counted = element("span", { class: "quiet" });
  const progress = element("progress", { max: 1, value: 0, hidden: true });
  const status = element("p", { class: "status", role: "status" });
  const copy = element("button", { type: "button", onclick: () => void copyTable() });
  const save = element("button", { type: "button", onclick: saveTable });
  const tools = element("div", { class: "tools", hidden: true }, copy, save);
  const head = element("tr");
  const body = element("tbody");
  const table = element("div", { class: "table", tabindex: 0, role: "region", hidden: true });
  table.append(element("table", {}, element("thead", {}, head), body));
  const view = element(
    "div",
    { class: "list" },
    label,
    text,
    element("div", { class: "run" }, start, counted),
    progress,
    element("div", { class: "result-line" }, status, tools),
    table,
  );

  function draw() {
    label.textContent = t("lines");
    text.placeholder = t("linesPlaceholder");
    start.textContent = t(running ? "stop" : "convert");
    progress.setAttribute("aria-label", t("convert"));
    table.setAttribute("aria-label", t("prediction"));
    counted.textContent = t("lineCount", { count: toLines(text.value).length });
    copy.textContent = t("copyTable");
    save.textContent = t("save");
    const names = [t("number"), t("source"), t("prediction"), t("confidence"), t("note")];
    fill(head, ...names.map((name) => element("th", { scope: "col" }, name)));
    fill(body);
    addRows(0);
    tell();
  }

  function tell() {
    const done = rows.length;
    progress.hidden = !running;
    progress.value = total ? done / total : 0;
    table.hidden = done === 0;
    tools.hidden = done === 0 || running !== null;
    const state = running ? "progress" : done < total ? "stopped" : "finished";
    const more = !running && done > SHOWN ? ` ${t("shownRows", { count: SHOWN })}` : "";
    status.textContent = message || (total ? t(state, { done, count: total }) + more : "");
    status.classList.toggle("error", message !== "");
  }

  /** @param {number} first */
  function addRows(first) {
    const added = rows.slice(first, SHOWN);
    body.append(...added.map((row, index) => tableRow(row, first + index + 1, () => onOpen(row.source))));
  }

  function stop() {
    running?.abort();
  }

  async function run() {
    if (!model) return;
    const lines = toLines(text.value);
    const longest = model.limits?.length ?? Infinity;
    const { signal } = (running = new AbortController());
    const wanted = { ...options(), nbest: 1 };
    [rows, total, message] = [[], lines.length, ""];
    showOptionError(null);
    draw();
    try {
      for (const part of parts(lines, Math.min(PART, model.limits?.texts ?? PART), WORK / wanted.beam)) {
        const short = part.filter((line) => [...line].length <= longest);
        const results = short.length ? await api.convert(model.name, short, wanted, signal) : [];
        const first = rows.length;
        for (const source of part) {
          const sent = [...source].length <= longest;
          const result = (sent && results.shift()) || null;
          rows.push({ source, result, note: sent ? "" : t("tooLongLine", { count: longest }) });
        }
        addRows(first);
        tell();
      }
    } catch (error) {
      if (!signal.aborted) {
        const text = messageOf(error);
        const argument = /** @type {{argument?: string | null}} */ (error).argument ?? null;
        if (!showOptionError(argument, text)) message = text;
      }
    }
    running = null;
    start.textContent = t("convert");
    tell();
  }

  function tsv() {
    return toTsv([
      ["source", "prediction", "confidence", "note"],
      ...rows.map((row) => {
        const confidence = row.result?.confidence ?? null;
        const sure = confidence === null ? "" : confidence.toFixed(4);
        return [row.source, row.result?.prediction ?? "", sure, noteOf(row)];
      }),
    ]);
  }

  async function copyTable() {
    try {
      await navigator.clipboard.writeText(tsv());
      status.textContent = t("copied");
    } catch {
      status.textContent = t("copyFailed"); // as on a page that is not served over HTTPS
    }
  }

  function saveTable() {
    const url = URL.createObjectURL(new Blob([tsv()], { type: "text/tab-separated-values;charset=utf-8" }));
    element("a", { href: url, download: `${model?.name ?? "henkan"}.tsv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  inEveryLanguage(draw);

  return {
    element: view,
    focus: () => text.focus(),

    /** @param {string} lines */
    set(lines) {
      text.value = lines;
      draw();
    },

    /** @param {Model} wanted */
    showModel(wanted) {
      stop();
      model = wanted;
      [rows, total, message] = [[], 0, ""];
      draw();
    },
  };
}

/** @param {Row} row */
function noteOf({ result, note }) {
  return [note, ...(result ? [reasonOf(result), ...notesOf(result)] : [])].filter(Boolean).join("; ");
}

/**
 * @param {Row} row
 * @param {number} number
 * @param {() => void} onclick
 */
function tableRow(row, number, onclick) {
  const { source, result } = row;
  const asked = result !== null && (result.confidence !== null || result.prediction !== null);
  const sure = asked && result.origin !== "lexicon" ? confidenceText(result.confidence) : "";
  return element(
    "tr",
    {},
    element("td", { class: "number" }, String(number)),
    element("td", { dir: "auto" }, element("button", { ...PLAIN, title: t("openLine"), onclick }, showText(source))),
    element("td", { dir: "auto", class: "prediction" }, showText(result?.prediction ?? "")),
    element(
      "td",
      { class: "confidence" },
      typeof result?.confidence === "number" && bar(result.confidence),
      element("span", { class: "number" }, sure),
    ),
    element("td", { class: "quiet" }, noteOf(row)),
  );
}
