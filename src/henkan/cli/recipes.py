"""The recipes of `henkan train` as tables for its help text."""

from __future__ import annotations

from dataclasses import fields

from henkan.cli.options import recipe_defaults, value_text
from henkan.config import ModelConfig, TrainingConfig
from henkan.recipes import RECIPE_HELP, RECIPES_BY_SIZE

PLAIN_WORDS = {
    "fill": "padding with spaces",
    "by length": "batches by length",
    "beta2": "Adam beta2",
    "initialization": "initial weights",
    "book": "as in the book",
}
"""Name or value of a setting in the table of the recipes -> what the table shows."""


def by_size() -> str:
    """Say which defaults depend on the number of pairs, and which recipe is the default for a file."""
    differing = []
    for recipe, sizes in RECIPES_BY_SIZE.items():
        for size, settings in sizes.items():
            named = {PLAIN_WORDS.get(name, name.replace("_", " ")): value for name, value in settings.items()}
            values = ", ".join(f"{name} {value:,}" for name, value in named.items())
            differing.append(f"{recipe} from {size:,} pairs on: {values}")
    return (
        f"Some defaults differ for many pairs ({'; '.join(differing)}). For a file, the recipe is edits if sources and "
        "targets correspond from left to right, and words otherwise."
    )


def recipe_tables() -> str:
    """Return the recipes and the settings in which they differ, as tables for `--help`."""
    rows = [("", *RECIPE_HELP)]
    for setting in (*fields(ModelConfig), *fields(TrainingConfig)):
        values = recipe_defaults(setting)
        if len(set(values.values())) > 1:
            texts = (value_text(setting, value) for value in values.values())
            name = setting.name.replace("_", " ")
            rows.append(tuple(PLAIN_WORDS.get(text, text) for text in (name, *texts)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ("   ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    longest = max(map(len, RECIPE_HELP))
    about = (f"{name.ljust(longest)}   {what}" for name, what in RECIPE_HELP.items())
    notes = (
        "Rows without an option are fixed by the recipe. A task may change some defaults; see `henkan tasks`. Peeky: "
        "the decoder sees the encoder's last hidden state at every step. by data size: the batch size is about the "
        "square root of the number of pairs, as a power of two from 16 to 256; the dropout rate is 0.3 for fewer than "
        "20,000 pairs, 0.2 for fewer than 60,000 and 0.1 otherwise. by data: see the option. from updates: the number "
        f"of epochs that gives about this number of updates. {by_size()}"
    )
    return "\n".join(["Recipes:", "", "\b", *about, "", "\b", *table, "", notes])
