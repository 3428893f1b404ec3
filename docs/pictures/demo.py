"""Draw the output of `make demo`: the terminal in the READMEs and the pictures on the front page of the site.

    python docs/pictures/demo.py

writes terminal.svg, front-learning.svg and front-attention.svg to the folder of this file. The output is read from the
block of README.md that begins with `$ make demo`: when it changes, paste the new output there and run this script.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

from make import BLUE, HERE, heat_map, save, simplify
from matplotlib.figure import Figure
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

README = HERE.parents[1] / "README.md"
REPRODUCTION = HERE.parent / "results" / "reproduction" / "results.json"
BLOCK = re.compile(r"^```\n(\$ make demo\n.*?)^```$", re.MULTILINE | re.DOTALL)
FRONT = (4.3, 2.5)  # inches; two fit side by side
STYLES = (
    (r"^\$", "bold green"),
    (r"(?<=^\$ ).*", "bold"),
    (r"^(?:installing|\.venv).*", "bright_black"),
    (r"^epoch \d+/\d+", "cyan"),
    (r"exact match +[\d.]+%(?: \(.*\))?", "green"),
    (r"learning rate .*", "bright_black"),
    (r"^ +source .*", "bright_black"),
    (r"^O(?= )", "bold green"),
    (r"^X(?= )", "bold red"),
    (r"(?<=^try it:  ).*", "bold"),
)
# The terminal has a dark background on both light and dark pages.
GROUND, GREY, WHITE = (22, 27, 34), (145, 152, 161), (230, 237, 243)
RED, LIME, YELLOW, SKY, VIOLET, CYAN = (
    (255, 123, 114),
    (86, 211, 100),
    (227, 179, 65),
    (121, 192, 255),
    (210, 168, 255),
    (118, 227, 234),
)
THEME = TerminalTheme(
    GROUND,
    WHITE,
    [GROUND, RED, LIME, YELLOW, SKY, VIOLET, CYAN, WHITE],
    [GREY, RED, LIME, YELLOW, SKY, VIOLET, CYAN, WHITE],
)
# rich's default template loads a font from another site; this one uses the reader's monospace font.
FRAME = """<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}">
<title>The output of make demo</title>
<style>
.{unique_id}-matrix {{
  font: {char_height}px ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
  line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def output() -> str:
    """Return the output of the demo as shown in README.md."""
    block = BLOCK.search(README.read_text(encoding="utf-8"))
    if block is None:
        raise LookupError(f"{README} has no block that begins with $ make demo")
    return block[1]


def terminal() -> str:
    """Draw the output in a terminal, as SVG."""
    lines = output().splitlines()
    console = Console(
        record=True, file=io.StringIO(), width=max(map(len, lines)) + 1, force_terminal=True, color_system="truecolor"
    )
    for line in lines:
        text = Text(line)
        for pattern, style in STYLES:
            text.highlight_regex(pattern, style)
        console.print(text)
    return console.export_svg(title="", theme=THEME, code_format=FRAME, unique_id="demo")


def learning() -> Figure:
    """Draw the exact match of reversed + Peeky with the recipe `modern` by epoch, the mean of ten seeds."""
    figures = json.loads(REPRODUCTION.read_text())["figures"]["addition"]["modern"]["both"]["by_epoch"]
    shares = [100 * epoch["mean"] for epoch in figures]
    epochs = range(1, len(shares) + 1)
    figure = Figure(figsize=FRONT, layout="constrained")
    axis = figure.subplots()
    axis.plot(epochs, shares, color=BLUE, marker="o", markersize=4)
    axis.set(xlabel="epoch", ylabel="exact match (%)", xticks=epochs, ylim=(0, 105))
    axis.set_title("Learning: sums it has never seen", fontsize=10)
    return simplify(figure)


def attention() -> Figure:
    """Draw the attention weights of a model that converts romaji to kana."""
    figure = Figure(figsize=FRONT, layout="constrained")
    axis = figure.subplots()
    heat_map(axis, "hen'kan'", "attention", lambda english, _: english)
    axis.set_title("Attending: from hen'kan' to へんかん", fontsize=10)
    axis.set_xlabel("source")
    return figure


def draw(folder: Path) -> None:
    """Write the three pictures."""
    (folder / "terminal.svg").write_text(terminal(), encoding="utf-8")
    save(learning, folder / "front-learning.svg")
    save(attention, folder / "front-attention.svg")


if __name__ == "__main__":
    draw(HERE)
