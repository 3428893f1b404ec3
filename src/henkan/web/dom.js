/** Create elements. Styles are set as custom properties, which a strict Content-Security-Policy allows. */

/** @typedef {string | Node | null | undefined | false} Child */
/** @typedef {string | number | boolean | null | undefined | ((event: any) => void)} Property */

/**
 * Create an HTML element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Property>} [properties]  attributes; `onclick` and the like are listeners, `--x` a custom
 *   property of the style. An attribute that is true is empty; one that is false, null or undefined is left out.
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const created = document.createElement(tag);
  setProperties(created, properties);
  created.append(...present(children));
  return created;
}

/**
 * Create an SVG element.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Property>} [properties]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, properties = {}, ...children) {
  const created = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setProperties(created, properties);
  created.append(...present(children));
  return created;
}

/**
 * @param {HTMLElement | SVGElement} target
 * @param {Record<string, Property>} properties
 */
export function setProperties(target, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") {
      target.addEventListener(name.replace(/^on/, ""), value);
    } else if (value === false || value === null || value === undefined) {
      target.removeAttribute(name);
    } else if (name.startsWith("--")) {
      target.style.setProperty(name, String(value));
    } else {
      target.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

/**
 * Replace the children of an element.
 *
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...present(children));
}

/**
 * Return the element of the page with an id.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found;
}

/**
 * @param {Child[]} children
 * @returns {(string | Node)[]}
 */
function present(children) {
  return children.filter((child) => child !== null && child !== undefined && child !== false);
}
