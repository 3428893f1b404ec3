"""Draw the tile of the packed matrix product, for docs/performance.md.

    python docs/pictures/tile.py

writes tile.svg to the folder of this file. The sizes are those of AVX-512; see `henkan.nn.kernels.packed`.
"""

from __future__ import annotations

from typing import Any

from make import BLUE, GREEN, GREY, HERE, LIGHT, RED, save
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

ROWS, WIDTH, COLUMNS, K = 8, 2, 6, 7  # of a tile: rows, vectors; drawn: pairs of vectors in W, columns of A


def box(axis: Any, x: float, y: float, width: float, height: float, color: str, edge: str = GREY) -> None:
    """Draw a rectangle."""
    axis.add_patch(Rectangle((x, y), width, height, facecolor=color, edgecolor=edge, linewidth=0.8))


def tile() -> Figure:
    """Draw the matrices with the parts that one step of the inner loop reads and writes."""
    figure = Figure(figsize=(7.6, 5.4), layout="constrained")
    axis = figure.subplots()
    axis.set(xlim=(-1.2, 18.2), ylim=(21.8, -1.9), aspect="equal")
    axis.set_axis_off()
    left, top = 8.5, 9.0  # of C
    # A: two blocks of rows, and the column that is read now
    for r in range(2 * ROWS):
        for k in range(K):
            now = r < ROWS and k == 3
            box(axis, k, top + 0.65 * r, 1, 0.65, RED if now else "#ffffff" if r >= ROWS else LIGHT, "#cccccc")
    axis.text(K / 2, top - 0.5, "A: states h, (N, K)", ha="center", va="bottom", fontsize=10)
    # W: panels, and the row that is read now
    for panel in range(COLUMNS // WIDTH):
        for k in range(K):
            for v in range(WIDTH):
                now = panel == 0 and k == 3
                x = left + panel * 3 + v * 1.3
                box(axis, x, k, 1.3, 1, GREEN if now else LIGHT if panel == 0 else "#ffffff", "#cccccc")
    axis.text(left + 4.3, -0.9, "W: weights, packed in panels of 2 vectors", ha="center", va="bottom", fontsize=10)
    axis.text(left + 1.3, -0.15, "i f", ha="center", va="bottom", fontsize=8, color=GREY)
    axis.text(left + 4.3, -0.15, "g o", ha="center", va="bottom", fontsize=8, color=GREY)
    axis.text(left + 7.3, -0.15, "i f, next 16 units", ha="center", va="bottom", fontsize=8, color=GREY)
    # C: the tile in registers
    for panel in range(COLUMNS // WIDTH):
        for r in range(2 * ROWS):
            for v in range(WIDTH):
                now = panel == 0 and r < ROWS
                x, y = left + panel * 3 + v * 1.3, top + 0.65 * r
                box(axis, x, y, 1.3, 0.65, BLUE if now else "#ffffff", "#cccccc")
    axis.text(left + 4.3, top - 0.5, "C: inputs of the gates, (N, 4H)", ha="center", va="bottom", fontsize=10)
    axis.annotate(
        "8 numbers,\neach in all lanes of a register",
        (3.5, top + 5.2),
        (2.2, 21.4),
        fontsize=9,
        color=RED,
        ha="center",
        arrowprops={"arrowstyle": "-", "color": RED},
    )
    axis.annotate(
        "2 vectors of 16 numbers",
        (left, 3.5),
        (4.2, 1.6),
        fontsize=9,
        color=GREEN,
        ha="center",
        arrowprops={"arrowstyle": "-", "color": GREEN},
    )
    axis.annotate(
        "16 sums stay in registers\nduring the loop over k",
        (left + 1.3, top + 5.2),
        (left + 4.3, 21.4),
        fontsize=9,
        color=BLUE,
        ha="center",
        arrowprops={"arrowstyle": "-", "color": BLUE},
    )
    return figure


if __name__ == "__main__":
    save(tile, HERE / "tile.svg")
