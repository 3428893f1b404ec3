"""Which trainings the experiment is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from henkan.config import ModelConfig, TrainingConfig, make_configs
from henkan.errors import SettingsError
from henkan.text.pairs import Pairs, hold_out
from henkan.text.tasks import TASKS

MODELS: Mapping[str, Mapping[str, bool]] = {
    "plain": {"reverse": False, "peeky": False},
    "reversed": {"reverse": True, "peeky": False},
    "peeky": {"reverse": False, "peeky": True},
    "both": {"reverse": True, "peeky": True},
    "attention": {"reverse": True, "peeky": False, "attention": True},
}
"""The article's four models, and a fifth that looks back at the source instead of peeking."""

RECIPES = ("modern", "book")
TASK_NAMES = ("addition", "dates")


@dataclass(frozen=True)
class Size:
    """How large an experiment is.

    Attributes:
        pairs: of each task, the held-out tenth included; None: those that the task has by default.
        epochs: of each task and recipe.
        seeds: of each task, at most as many as are asked for; None: all of these.
    """

    pairs: Mapping[str, int | None]
    epochs: Mapping[tuple[str, str], int]
    seeds: Mapping[str, int | None]


FULL = Size(
    pairs={"addition": None, "dates": 10_000},
    # The book's ten epochs of 45,000 dates are as many updates as fifty of 9,000.
    epochs={("addition", "modern"): 8, ("addition", "book"): 25, ("dates", "modern"): 10, ("dates", "book"): 50},
    seeds={"addition": None, "dates": 3},
)
QUICK = Size(
    pairs={"addition": 3_000, "dates": 1_000},
    epochs={("addition", "modern"): 4, ("addition", "book"): 3, ("dates", "modern"): 2, ("dates", "book"): 1},
    seeds={"addition": 2, "dates": 2},
)


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        task: what is learnt. recipe: how. model: by which of `MODELS`. seed: from which first weights and in which
            order; the split is the same for all.
    """

    task: str
    recipe: str
    model: str
    seed: int

    @property
    def name(self) -> str:
        """What its result is called."""
        return f"{self.task}-{self.recipe}-{self.model}-{self.seed}"

    @property
    def kept(self) -> bool:
        """Whether its model is kept, to be experimented with."""
        return self.task == "addition" and self.recipe == "modern"


@dataclass(frozen=True)
class Plan:
    """An experiment.

    Attributes:
        seeds: trainings of each model.
        quick: small ones, to see that everything works.
        files: names of the files that addition's pairs come from, or empty where they are generated.
    """

    seeds: int = 10
    quick: bool = False
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.seeds <= MOST_SEEDS:
            raise SettingsError(f"seeds must be a whole number from 1 to {MOST_SEEDS}, not {self.seeds}")

    @property
    def size(self) -> Size:
        """How large it is."""
        return QUICK if self.quick else FULL

    def to_dict(self) -> dict[str, Any]:
        """As plain names and values, by which it is known again."""
        epochs = {f"{task} {recipe}": count for (task, recipe), count in self.size.epochs.items()}
        return asdict(self) | {"files": list(self.files), "pairs": dict(self.size.pairs), "epochs": epochs}

    def runs(self) -> list[Run]:
        """All trainings: the short ones first, and seed by seed, so that one can look at what is there early."""
        found = []
        for recipe in RECIPES:
            for task in TASK_NAMES:
                most = self.size.seeds[task]
                seeds = self.seeds if most is None else min(self.seeds, most)
                numbers = range(FIRST_SEED, FIRST_SEED + seeds)
                found += [Run(task, recipe, model, seed) for seed in numbers for model in MODELS]
        return found

    def configs(self, run: Run) -> tuple[ModelConfig, TrainingConfig]:
        """The settings of a training."""
        epochs = self.size.epochs[run.task, run.recipe]
        settings = {**MODELS[run.model], "epochs": epochs, "seed": run.seed}
        return make_configs(settings, recipe=run.recipe, defaults=TASKS[run.task].settings)

    def pairs(self, task: str) -> tuple[Pairs, Pairs]:
        """The pairs of a task to learn from, and those to be asked: always the same."""
        return hold_out(TASKS[task].generate(self.size.pairs[task], SPLIT_SEED), SPLIT_SEED)


MOST_SEEDS = 1000
FIRST_SEED = 0
SPLIT_SEED = 0
