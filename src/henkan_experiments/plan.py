"""Which training runs make up the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from henkan.config import ModelConfig, TrainingConfig
from henkan.errors import SettingsError
from henkan.recipes import make_configs
from henkan.text.pairs import Pairs, hold_out
from henkan.text.tasks import TASKS

MODEL_SETTINGS: Mapping[str, Mapping[str, bool]] = {
    "plain": {"reverse": False, "peeky": False},
    "reversed": {"reverse": True, "peeky": False},
    "peeky": {"reverse": False, "peeky": True},
    "both": {"reverse": True, "peeky": True},
    "attention": {"reverse": True, "peeky": False, "attention": True},
}
"""The article's four models, and a fifth with attention instead of a Peeky decoder."""

RECIPES = ("modern", "book")
TASK_NAMES = ("addition", "dates")
MAX_SEEDS = 1000
FIRST_SEED = 0
SPLIT_SEED = 0


class Split(NamedTuple):
    """Training set and test set of a task."""

    train: Pairs
    test: Pairs


@dataclass(frozen=True)
class ExperimentSize:
    """How large an experiment is.

    Attributes:
        pairs: task -> number of generated pairs, including the tenth that is the test set; None: the task's default.
        epochs: (task, recipe) -> number of epochs.
        seeds: task -> upper limit on the number of seeds; None: no limit.
    """

    pairs: Mapping[str, int | None]
    epochs: Mapping[tuple[str, str], int]
    seeds: Mapping[str, int | None]


FULL = ExperimentSize(
    pairs={"addition": None, "dates": 10_000},
    # 50 epochs of 9,000 dates are as many updates as the book's ten epochs of 45,000.
    epochs={("addition", "modern"): 8, ("addition", "book"): 25, ("dates", "modern"): 10, ("dates", "book"): 50},
    seeds={"addition": None, "dates": 3},
)
QUICK = ExperimentSize(
    pairs={"addition": 3_000, "dates": 1_000},
    epochs={("addition", "modern"): 4, ("addition", "book"): 3, ("dates", "modern"): 2, ("dates", "book"): 1},
    seeds={"addition": 2, "dates": 2},
)


@dataclass(frozen=True)
class TrainingRun:
    """One training run.

    Attributes:
        task, recipe: what is trained, and with which recipe.
        model: a key of `MODEL_SETTINGS`.
        seed: determines initial weights and batch order. The split is the same for all seeds.
    """

    task: str
    recipe: str
    model: str
    seed: int

    @property
    def name(self) -> str:
        """The file name of its result."""
        return f"{self.task}-{self.recipe}-{self.model}-{self.seed}"

    @property
    def saves_model(self) -> bool:
        """Whether the trained model is saved for the analyses."""
        return self.task == "addition" and self.recipe == "modern"


@dataclass(frozen=True)
class Plan:
    """An experiment.

    Attributes:
        seeds: number of seeds per model.
        quick: whether to run a small version that only shows that everything works.
        files: names of the files with the addition pairs; empty if they are generated.
    """

    seeds: int = 10
    quick: bool = False
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.seeds <= MAX_SEEDS:
            raise SettingsError(
                f"seeds must be a whole number from 1 to {MAX_SEEDS}, not {self.seeds}", argument="seeds"
            )

    @property
    def size(self) -> ExperimentSize:
        """Numbers of pairs, epochs and seeds."""
        return QUICK if self.quick else FULL

    def to_dict(self) -> dict[str, Any]:
        """Plain values from which a resumed experiment is recognized."""
        epochs = {f"{task} {recipe}": count for (task, recipe), count in self.size.epochs.items()}
        return asdict(self) | {"files": list(self.files), "pairs": dict(self.size.pairs), "epochs": epochs}

    def runs(self) -> list[TrainingRun]:
        """All training runs: short ones first, and seed by seed, so that there are results to look at early."""
        runs = []
        for recipe in RECIPES:
            for task in TASK_NAMES:
                limit = self.size.seeds[task]
                count = self.seeds if limit is None else min(self.seeds, limit)
                seeds = range(FIRST_SEED, FIRST_SEED + count)
                runs += [TrainingRun(task, recipe, model, seed) for seed in seeds for model in MODEL_SETTINGS]
        return runs

    def configs(self, run: TrainingRun) -> tuple[ModelConfig, TrainingConfig]:
        """The settings of a training run."""
        epochs = self.size.epochs[run.task, run.recipe]
        settings = {**MODEL_SETTINGS[run.model], "epochs": epochs, "seed": run.seed}
        return make_configs(settings, recipe=run.recipe, defaults=TASKS[run.task].settings)

    def split(self, task: str) -> Split:
        """The generated training and test set of a task; always the same."""
        return Split(*hold_out(TASKS[task].generate(self.size.pairs[task], SPLIT_SEED), SPLIT_SEED))
