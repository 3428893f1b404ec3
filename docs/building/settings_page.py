"""`make settings`: write docs/settings.md from the declarations in henkan/config.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import Field, fields
from inspect import getdoc
from pathlib import Path
from typing import Any

from henkan.cli.options import option_name, recipe_defaults, value_text
from henkan.cli.recipes import by_size
from henkan.config import EngineConfig, ModelConfig, TrainingConfig
from henkan.recipes import RECIPE_HELP

PAGE = Path(__file__).parents[1] / "settings.md"
OTHER_OPTIONS = {"features": "--columns"}
"""Settings controlled by an option with a different name."""


def settings_page() -> str:
    """The page's Markdown."""
    recipes = [f"- `{name}`: {what}." for name, what in RECIPE_HELP.items()]
    return "\n".join(
        [
            "# Settings",
            "",
            "<!-- Written by `make settings` from src/henkan/config.py. Do not edit. -->",
            "",
            "Pass settings by name to `henkan.Seq2Seq`, as in `Seq2Seq(layers=2)`, or as options to `henkan train`, as",
            "in `--layers 2`. A setting that is not given has the default of the recipe (`recipe=`, `--recipe`):",
            "",
            *recipes,
            "",
            by_size(),
            "",
            "A task may have defaults of its own. Settings without an option can be set in Python only.",
            "",
            *_section("Model", "They are saved with the model.", ModelConfig),
            *_section("Training", _data_size(), TrainingConfig),
            *_section(
                "Compute engine",
                "They are not saved with the model. `henkan.load` and `henkan predict`, `evaluate` and `score` accept "
                "them too. In a training run that `torchrun` has started, the engine `auto` is torch.",
                EngineConfig,
            ),
        ]
    )


def _section(
    title: str, about: str, kind: type[ModelConfig] | type[TrainingConfig] | type[EngineConfig]
) -> Iterable[str]:
    recipes = () if kind is EngineConfig else tuple(RECIPE_HELP)
    yield from (f"## {title}", "", about, "")
    yield _row("setting", "option", *(recipes or ("default",)), "description")
    yield _row(*["---"] * (3 + (len(recipes) or 1)))
    for setting in fields(kind):
        defaults = recipe_defaults(setting) if recipes else {"default": setting.default}
        option = option_name(setting) or OTHER_OPTIONS.get(setting.name, "")
        yield _row(
            f"`{setting.name}`",
            " ".join(f"`{name}`" for name in option.split("/") if name),
            *(value_text(setting, value) for value in defaults.values()),
            f"{setting.metadata['help']} *{_allowed(setting)}.*",
        )
    yield ""


def _data_size() -> str:
    """Describe the settings that depend on the number of pairs."""
    return (getdoc(TrainingConfig.sized) or "").partition("\n\n")[2]


def _allowed(setting: Field[Any]) -> str:
    text, none = setting.metadata["allowed"].text, setting.metadata["none"]
    return text[0].upper() + text[1:] + (f", or None ({none})" if none else "")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
