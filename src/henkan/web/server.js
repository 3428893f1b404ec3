/** Starts the page of `henkan serve`. */

import { createApi } from "./api.js";
import { element } from "./dom.js";
import { start } from "./main.js";
import { t } from "./texts.js";
import { tokenDialog } from "./token_dialog.js";

const token = tokenDialog();
document.body.append(token.element);
start({
  connect: (onWait) => createApi({ askToken: token.ask, onWait }),
  footer: () => [element("span", {}, t("footer")), element("a", { href: "docs" }, t("api"))],
});
