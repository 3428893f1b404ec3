/** Formulas in MathML, whose terms are connected with what is drawn. */

/** @typedef {string | Node} Part */

/**
 * @param {string} name
 * @param {Part[]} parts
 */
function node(name, ...parts) {
  const created = document.createElementNS("http://www.w3.org/1998/Math/MathML", name);
  created.append(...parts);
  return created;
}

/**
 * @param {...Part} parts  strings are operators
 */
export function math(...parts) {
  return node("math", node("mrow", ...parts.map((part) => (typeof part === "string" ? node("mo", part) : part))));
}

/**
 * A variable with an optional index.
 *
 * @param {string} name
 * @param {string} [index]  such as "t-1"
 */
export function variable(name, index = "") {
  const letter = node("mi", name);
  if (!index) return letter;
  const [first = "", less] = index.split("-");
  const below = less ? node("mrow", node("mi", first), node("mo", "−"), node("mn", less)) : node("mi", index);
  return node("msub", letter, below);
}

/**
 * A function of something, such as tanh.
 *
 * @param {string} name
 * @param {...Part} inner
 */
export function applied(name, ...inner) {
  return node(
    "mrow",
    node("mi", name),
    node("mo", "("),
    ...inner.map((part) => (typeof part === "string" ? node("mo", part) : part)),
    node("mo", ")"),
  );
}

/**
 * Mark a part of a formula as the term that a row of the picture shows.
 *
 * @template {Element} T
 * @param {string} name  of the row
 * @param {T} part
 */
export function term(name, part) {
  part.setAttribute("data-term", name);
  return part;
}

/**
 * Light up the terms and rows of one name as long as the pointer is on one of them.
 *
 * @param {HTMLElement} root
 */
export function connectTerms(root) {
  /** @param {string | null} name */
  const light = (name) => {
    for (const each of root.querySelectorAll("[data-term], [data-row]")) {
      const own = each.getAttribute("data-term") ?? each.getAttribute("data-row");
      each.toggleAttribute("data-lit", name !== null && own === name);
    }
  };
  root.addEventListener("pointerover", ({ target }) => {
    const found = /** @type {Element} */ (target).closest("[data-term], [data-row]");
    light(found ? (found.getAttribute("data-term") ?? found.getAttribute("data-row")) : null);
  });
  root.addEventListener("pointerleave", () => light(null));
}
