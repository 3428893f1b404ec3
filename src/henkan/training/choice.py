"""Chooses architecture and recipe for the pairs of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from henkan.config import ModelConfig, TrainingConfig
from henkan.recipes import implied_recipe, implying, make_configs
from henkan.text.detected_settings import with_detected_settings
from henkan.text.edit_statistics import EditStatistics
from henkan.text.pairs import Pairs
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.training.job import Variant, check_members

MIN_COPIED = 0.5
MIN_EXPLAINED = 0.6
"""Share of copies, or of explained information, from which on pairs count as aligned; see `EditStatistics`."""


TEACHERS = 4
"""Number of models that predict the targets of unlabelled sources."""

NONE: Mapping[str, Any] = {}

MIXTURE: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("edits", {}),
    ("words", {}),
    ("edits", {"target_reverse": True}),
    ("words", {"target_reverse": True}),
)
"""Recipes and settings of the members of an ensemble for aligned pairs, in turn."""


@dataclass(frozen=True)
class Choice:
    """The settings of a model or an ensemble, and where they come from.

    Attributes:
        variants: the models to train.
        recipe: the recipe of the first.
        reason: why the recipe was chosen; empty if the caller named it or the architecture.
    """

    variants: Sequence[Variant]
    recipe: str
    reason: str = ""

    @property
    def model(self) -> ModelConfig:
        """Settings of the first model. The symbols of all models are the same."""
        return self.variants[0].model

    @property
    def note(self) -> str:
        """Which models were chosen, and why, in one line; empty if the caller named them."""
        if not self.reason:
            return ""
        kinds = [each.model.kind for each in self.variants]
        if len(kinds) > 1:
            kinds = [f"{each.members} x {kind}" for each, kind in zip(self.variants, kinds, strict=True)]
        return f"{'; '.join(kinds)} (recipe {self.recipe}): {self.reason}"


@dataclass(frozen=True)
class Wanted:
    """Settings that are given, and what is left open.

    Attributes:
        settings: settings by name.
        recipe: a key of `henkan.recipes.RECIPES`; None: that of the architecture that the settings select, or by the
            pairs.
        defaults: default settings of a task, or None for other data; see `henkan.recipes.make_configs`.
        members: number of ensemble members.

    Raises:
        SettingsError: see `henkan.recipes.make_configs` and `henkan.training.job.check_members`.
    """

    settings: Mapping[str, Any]
    recipe: str | None = None
    defaults: Mapping[str, Any] | None = None
    members: int = 1

    def __post_init__(self) -> None:
        check_members(self.members)
        known = self.known_recipe
        self.configs("words" if known is None else known)

    @property
    def known_recipe(self) -> str | None:
        """The recipe, if it does not depend on the pairs."""
        if self.recipe is not None:
            return self.recipe
        return "modern" if self.defaults is not None else implied_recipe(self.settings)

    def configs(
        self, recipe: str, pairs: int = 0, settings: Mapping[str, Any] = NONE
    ) -> tuple[ModelConfig, TrainingConfig]:
        """Complete the settings with more settings and a recipe for a number of pairs; given ones have priority."""
        return make_configs({**settings, **self.settings}, recipe=recipe, defaults=self.defaults, pairs=pairs)

    def choose(self, pairs: Pairs, *, lexicon: bool = False, size: int | None = None) -> Choice:
        """Choose what is left open by the training pairs.

        Args:
            pairs: the training pairs.
            lexicon: whether they were read from a pronunciation lexicon.
            size: number of pairs to train on, if models are trained on a part of the pairs. The recipe and the symbols
                are those of all pairs. None: all.
        """
        size = len(pairs) if size is None else size
        recipe, reason, aligned = self.known_recipe, "", False
        if self.recipe is None and self.defaults is None and "architecture" not in self.settings:
            setting = implying(self.settings)
            reason = f"selected by the setting {setting}" if setting else ""
        if recipe is None:
            model = with_detected_settings(self.configs("words")[0], pairs, lexicon=lexicon)
            aligned, reason = _alignment(EditStatistics.of(TokenizedPairs.of(pairs, model)))
            recipe = "edits" if aligned else "words"
        mixture = sorted(MIXTURE, key=lambda kind: kind[0] != recipe)  # the single model first
        kinds = mixture[: self.members] if aligned else [(recipe, {})]
        variants = []
        for number, (name, settings) in enumerate(kinds):
            model, training = self.configs(name, size, settings)
            members = len(range(number, self.members, len(kinds)))
            variants.append(Variant(with_detected_settings(model, pairs, lexicon=lexicon), training, members))
        return Choice(variants, recipe, reason)

    def teachers(self, pairs: Pairs, *, lexicon: bool = False) -> Sequence[Variant]:
        """Choose the models that predict the targets of unlabelled sources: an ensemble, because it errs less.

        Args:
            pairs, lexicon: as for `choose`.
        """
        return replace(self, members=max(self.members, TEACHERS)).choose(pairs, lexicon=lexicon).variants


def _alignment(statistics: EditStatistics) -> tuple[bool, str]:
    """Return whether sources and targets are aligned, and why."""
    if statistics.copied >= MIN_COPIED:
        return True, f"{statistics.copied:.0%} of the target symbols are copies of source symbols in the same order"
    if statistics.explained >= MIN_EXPLAINED:
        return True, "source and target symbols correspond from left to right"
    return False, "source and target symbols do not correspond from left to right"
