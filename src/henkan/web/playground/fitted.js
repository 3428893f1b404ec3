/** Pictures that fit the width of their box. */

/**
 * Draw again whenever the width of a box has changed.
 *
 * @param {HTMLElement} box
 * @param {(width: number) => void} draw  called with the width in pixels
 */
export function onWidth(box, draw) {
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    draw(width);
  }).observe(box);
}

/**
 * Give a picture its size and its name.
 *
 * @param {SVGElement} picture
 * @param {number} width
 * @param {number} height
 * @param {string} label
 */
export function prepare(picture, width, height, label) {
  picture.setAttribute("width", String(width));
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  picture.setAttribute("aria-label", label);
}
