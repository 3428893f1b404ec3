/** Asks for the token of a server that needs one. */

import { ApiError } from "./api_error.js";
import { element } from "./dom.js";
import { inEveryLanguage, t } from "./texts.js";

export function tokenDialog() {
  let refused = false;
  const title = element("h2", { id: "token-title" });
  const hint = element("p", { class: "quiet" });
  const wrong = element("p", { class: "error", id: "token-error", role: "alert" });
  const label = element("label", { for: "token" });
  const described = { "aria-describedby": "token-error" };
  const input = element("input", { id: "token", type: "password", autocomplete: "off", required: true, ...described });
  const cancel = element("button", { type: "button", onclick: () => dialog.close() });
  const send = element("button", { class: "primary" });
  const buttons = element("div", { class: "buttons" }, cancel, send);
  const form = element("form", { method: "dialog" }, title, hint, label, input, wrong, buttons);
  const dialog = element("dialog", { "aria-labelledby": "token-title" }, form);

  inEveryLanguage(() => {
    title.textContent = t("tokenTitle");
    hint.textContent = t("tokenHint");
    wrong.textContent = refused ? t("tokenWrong") : "";
    label.textContent = t("token");
    cancel.textContent = t("tokenCancel");
    send.textContent = t("tokenSend");
  });

  return {
    element: dialog,

    /**
     * Ask the user.
     *
     * @param {boolean} again  whether the last token was wrong
     * @returns {Promise<string>}  rejected if the user has none
     */
    ask(again) {
      refused = again;
      wrong.textContent = refused ? t("tokenWrong") : "";
      input.value = "";
      dialog.returnValue = "";
      dialog.showModal();
      return new Promise((resolve, reject) => {
        /** @type {string | null} */
        let token = null;
        const submit = () => (token = input.value);
        form.addEventListener("submit", submit, { once: true });
        const closed = () => {
          form.removeEventListener("submit", submit);
          if (token === null) reject(new ApiError("", 401));
          else resolve(token);
        };
        dialog.addEventListener("close", closed, { once: true });
      });
    },
  };
}
