"""The settings that are searched, and their values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from henkan.config import ModelConfig, TrainingConfig
from henkan.errors import HenkanError
from henkan.text.edit_statistics import EditStatistics
from henkan.text.pairs import Pairs
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.vocabulary import Vocabulary
from henkan.training.choice import MIN_COPIED, Choice, Wanted
from henkan.training.job import Variant
from henkan.training.synthetic import MAX_PAIRS, SYNTHETIC, augmentation_of

Point = Mapping[str, Any]
"""Setting -> value; None: its default. "recipe" is one of the settings."""

CHANGED_AT_ONCE = 3
"""Number of settings that differ from the defaults in each of the first trials."""

MANY_PAIRS = 30_000

MAX_COST = 3.0
"""Settings with which training would take more times as long as with the defaults are not tried."""


@dataclass(frozen=True)
class Space:
    """The settings to search.

    Attributes:
        wanted: the settings that are given, which are never changed.
        choice: the defaults.
        pairs: number of pairs, which some defaults depend on.
        values: setting -> its values other than the default.
    """

    wanted: Wanted
    choice: Choice
    pairs: int
    values: Mapping[str, Sequence[Any]]

    @property
    def default(self) -> Point:
        """The defaults."""
        return dict.fromkeys(self.values)

    @property
    def changes(self) -> list[tuple[str, Any]]:
        """All settings with all of their values other than the default."""
        return [(name, value) for name, values in self.values.items() for value in values]

    def variant(self, point: Point) -> Variant:
        """Return the settings of the model for a point."""
        changed = {name: value for name, value in point.items() if value is not None}
        recipe = changed.pop("recipe", self.choice.recipe)
        model, training = self.wanted.configs(recipe, self.pairs, changed)
        detected = self.choice.model
        model = replace(model, target_symbols=detected.target_symbols, tag_separator=detected.tag_separator)
        return Variant(model, training)

    def cost(self, point: Point) -> float:
        """Return about how many times as long as with the defaults training takes."""
        times = [self._time(self.variant(each)) for each in (point, self.default)]
        return times[0] / times[1]

    def _time(self, variant: Variant) -> float:
        """Return the duration of training in some unit."""
        model, training = variant.model, variant.training.sized(self.pairs)
        updates = training.updates if variant.training.epochs is None else training.total_updates(self.pairs)
        return float(updates * model.layers * model.hidden_size**1.2 * (training.batch_size or 1) ** 0.7)

    def allows(self, point: Point) -> bool:
        """Whether the settings of a point fit each other, and training does not take too long."""
        try:
            return self.cost(point) <= MAX_COST
        except HenkanError:
            return False

    def first_points(self, seed: int) -> list[Point]:
        """Return the points of the first trials: the defaults, then points that together have every value once.

        Args:
            seed: random seed of the combinations.
        """
        generator = np.random.default_rng([seed, 11])
        left = [self.changes[index] for index in generator.permutation(len(self.changes))]
        points: list[Point] = [self.default]
        while left:
            chosen: dict[str, Any] = {}
            for name, value in left:
                if name in chosen or len(chosen) == CHANGED_AT_ONCE:
                    continue
                if not chosen or self.allows({**self.default, **chosen, name: value}):
                    chosen[name] = value
            left = [each for each in left if each not in list(chosen.items())]
            points.append({**self.default, **chosen})
        return points


def key_of(point: Point) -> str:
    """Return a text that identifies a point."""
    return json.dumps(dict(point), sort_keys=True)


def space_for(wanted: Wanted, pairs: Pairs, *, lexicon: bool = False) -> Space:
    """Choose the settings to search by the pairs. Settings that are given are not searched.

    Args:
        wanted: the given settings.
        pairs: all pairs, including those that will be held out.
        lexicon: whether they were read from a pronunciation lexicon.
    """
    choice, n = wanted.choose(pairs, lexicon=lexicon), len(pairs)
    model, training = choice.variants[0].model, choice.variants[0].training
    values: dict[str, Sequence[Any]] = {}
    tokenized = TokenizedPairs.of(pairs, model)
    if wanted.known_recipe is None and choice.recipe == "edits" and EditStatistics.of(tokenized).copied < MIN_COPIED:
        values["recipe"] = ("words",)  # where most symbols are copied, the transducer is far better
    values |= _model_values(model, n) | _training_values(training, n)
    if n <= MAX_PAIRS and training.augment is None and _shared(tokenized):
        values["augment"] = (3 * SYNTHETIC,)
    values = {name: each for name, each in values.items() if name not in wanted.settings and each}
    space = Space(wanted, choice, n, values)
    usable = {
        name: tuple(value for value in each if space.allows({**space.default, name: value}))
        for name, each in values.items()
    }
    return replace(space, values={name: each for name, each in usable.items() if each})


def _model_values(model: ModelConfig, pairs: int) -> dict[str, Sequence[Any]]:
    return {
        "hidden_size": (model.hidden_size * 3 // 2,) if pairs < MANY_PAIRS else (),
        "layers": (2,) if model.layers == 1 else (1,),
        "target_reverse": (not model.target_reverse,),
    }


def _training_values(training: TrainingConfig, pairs: int) -> dict[str, Sequence[Any]]:
    sized = training.sized(pairs)
    twice = 2 * training.updates
    longer = replace(training, updates=twice).sized(pairs).epochs != sized.epochs  # there is a maximum of epochs
    rate, dropout, batch = training.learning_rate, sized.dropout or 0.0, sized.batch_size or 1
    return {
        "updates": (twice,) if training.epochs is None and (longer or pairs <= MAX_PAIRS) else (),
        "batch_size": (max(1, batch // 2), 2 * batch),
        "learning_rate": (rate / 2, 2 * rate),
        "dropout": (round(min(0.6, dropout + 0.15), 3),),
        "embedding_dropout": tuple(
            each for each in (0.0, 0.15, 0.3, 0.45) if 0.06 < abs(each - training.embedding_dropout) < 0.22
        ),
        "label_smoothing": (0.1,) if not training.label_smoothing else (0.0,),
        "weight_decay": (4 * training.weight_decay,) if training.weight_decay else (0.05,),
    }


def _shared(tokenized: TokenizedPairs) -> bool:
    """Whether synthetic pairs are added by default; see `henkan.training.synthetic`."""
    from henkan.training.synthetic import MIN_SHARE

    source = Vocabulary.from_tokens(tokenized.source, tokenized.source_tokenizer, boundary=False)
    target = Vocabulary.from_tokens(tokenized.target, tokenized.target_tokenizer, boundary=True)
    pairs = source.encode_tokens(tokenized.source), target.encode_tokens(tokenized.target)
    return augmentation_of(*pairs, source, target).share >= MIN_SHARE
