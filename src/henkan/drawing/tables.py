"""Tables of text in any script."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Format rows as lines with aligned columns; the columns in `right` are right-aligned.

    Cells must be escaped (`henkan.text.escaping`): a tab or a line break would break the alignment. Japanese and
    Korean characters are two cells wide, combining characters none.
    """
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cell_len(cell))
            cells.append(space + cell if column in right else cell + space)
        lines.append("  ".join(cells).rstrip())
    return lines


def shortened(text: str, cells: int) -> str:
    """Shorten a text that is wider than this number of cells: its middle is replaced by `…`.

    >>> shortened("spanish-1000-words", 10)
    'spanis…rds'
    """
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= cells:
        return text
    end, width = "", (cells - 1) // 3
    for character in reversed(text):
        if cell_len(character + end) > width:
            break
        end = character + end
    return f"{set_cell_size(text, cells - 1 - cell_len(end)).rstrip()}…{end}"
