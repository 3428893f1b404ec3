/** The choice of language and colours. Without a choice, they are those of the browser. */

import { selectBox } from "./controls.js";
import { element, fill } from "./dom.js";
import { inEveryLanguage, language, LANGUAGES, setLanguage, t } from "./texts.js";

/** @import { Language } from "./texts.js" */

const LANGUAGE = "henkan-language";
const THEME = "henkan-theme";
const THEMES = /** @type {const} */ ({ system: "themeSystem", light: "themeLight", dark: "themeDark" });

/**
 * Apply the saved choices. Call it before anything is shown.
 *
 * @param {{language?: string | null, theme?: string | null}} [wanted]  choices that have precedence
 */
export function applyPreferences({ language = null, theme = null } = {}) {
  const found = language ?? read(LANGUAGE) ?? navigator.language.slice(0, 2);
  chooseLanguage(found === "ja" ? "ja" : "en");
  showTheme(theme ?? read(THEME) ?? "system");
}

/** @param {Language} wanted */
function chooseLanguage(wanted) {
  document.documentElement.lang = wanted;
  setLanguage(wanted);
}

/** @param {string} theme */
function showTheme(theme) {
  const root = document.documentElement;
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else delete root.dataset.theme;
}

/** Create the two selects. */
export function preferencesView() {
  const languages = element("select", { id: "language", onchange: () => pickLanguage() });
  const themes = element("select", { id: "theme", onchange: () => pickTheme() });

  function pickLanguage() {
    const wanted = /** @type {Language} */ (languages.value);
    write(LANGUAGE, wanted);
    chooseLanguage(wanted);
  }

  function pickTheme() {
    write(THEME, themes.value);
    showTheme(themes.value);
  }

  inEveryLanguage(() => {
    languages.setAttribute("aria-label", t("language"));
    themes.setAttribute("aria-label", t("theme"));
    fill(
      languages,
      ...Object.entries(LANGUAGES).map(([value, name]) =>
        element("option", { value, lang: value, selected: value === language() }, name),
      ),
    );
    const theme = document.documentElement.dataset.theme ?? "system";
    fill(
      themes,
      ...Object.entries(THEMES).map(([value, key]) => element("option", { value, selected: value === theme }, t(key))),
    );
  });
  return element("div", { class: "preferences" }, selectBox(languages), selectBox(themes));
}

/** @param {string} key */
function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // the browser may forbid it
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function write(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // then the choice lasts until the page is closed
  }
}
