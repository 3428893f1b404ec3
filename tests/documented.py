"""The code of the page on deployment that converts strings with an exported file."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "deployment.md"


def code(language, containing):
    """Return the code block of a language that contains a text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    [found] = [block for block in blocks if containing in block]
    return found
