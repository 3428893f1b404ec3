"""What to train: the models of an ensemble with their settings, and the origin of the pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from henkan.config import ModelConfig, TrainingConfig, from_dict, to_dict
from henkan.errors import SettingsError
from henkan.storage.lexicon_file import SavedLexicon
from henkan.storage.model_folder import MAX_MEMBERS
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs
from henkan.training.fitted_model import FittedModel


@dataclass(frozen=True)
class Variant:
    """Ensemble members with the same settings, which differ in their seeds.

    Attributes:
        model, training: the settings.
        members: number of members.
    """

    model: ModelConfig
    training: TrainingConfig
    members: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Convert the variant to JSON values."""
        return {"model": to_dict(self.model), "training": to_dict(self.training), "members": self.members}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Variant:
        """Restore a variant from the values of `to_dict`.

        Raises:
            SettingsError, KeyError, TypeError: if the values are invalid.
        """
        model, training = from_dict(ModelConfig, values["model"]), from_dict(TrainingConfig, values["training"])
        return cls(model, training, values["members"])


@dataclass(frozen=True)
class Unlabelled:
    """Sources without targets, for self-training or distillation.

    Attributes:
        sources: the sources.
        teacher: the model that predicts their targets (distillation); None: an ensemble that is trained on the pairs
            alone first (self-training).
        variants: the models of this ensemble; None: those of the job.
        mark: a text that identifies the teacher, which must be the same when a run is resumed.
    """

    sources: Sequence[str]
    teacher: FittedModel | None = None
    variants: Sequence[Variant] | None = None
    mark: str = ""

    def digest(self) -> str:
        """Return the SHA-256 fingerprint of the sources."""
        return Pairs(self.sources, self.sources).digest()


@dataclass(frozen=True)
class TrainingJob:
    """What to train.

    Attributes:
        variants: one for a single model or an ensemble of one kind, several for a mixed ensemble. Member k (from 0) of
            all members is trained with the seed of its variant plus k.
        data: source of the pairs; saved with the model.
        start: a trained model, with the same settings and number of members, whose weights to start from, or None.
        unlabelled: sources whose targets are predicted and then learned too, or None.
        lexicon: the lexicon to store with the model, which training does not use; None: none.

    Raises:
        SettingsError: if the number of members is out of range, or `start` does not match.
    """

    variants: Sequence[Variant]
    data: DataSource = DataSource()  # noqa: RUF009  (immutable)
    start: FittedModel | None = None
    unlabelled: Unlabelled | None = None
    lexicon: SavedLexicon | None = None

    @classmethod
    def single(
        cls,
        model: ModelConfig,
        training: TrainingConfig,
        *,
        data: DataSource = DataSource(),  # noqa: B008  (immutable)
        members: int = 1,
        start: FittedModel | None = None,
    ) -> TrainingJob:
        """Create a job with one variant; see `Variant` and `TrainingJob` for the arguments."""
        check_members(members)
        return cls([Variant(model, training, members)], data, start)

    def __post_init__(self) -> None:
        if self.start is None:
            return
        wanted = [(each.model, each.members) for each in self.variants]
        if wanted != [(each.model, len(each.members)) for each in self.start.saved.variants]:
            raise SettingsError("a model to start from must have the same settings and as many members")

    @property
    def members(self) -> int:
        """Number of members of all variants."""
        return sum(variant.members for variant in self.variants)

    @property
    def seed(self) -> int:
        """The seed of the first member."""
        return self.variants[0].training.seed

    def variant_of(self, member: int) -> int:
        """Return the variant to which a member belongs."""
        for number, variant in enumerate(self.variants):
            member -= variant.members
            if member < 0:
                return number
        raise IndexError(member)


def check_members(members: object) -> None:
    """Check the number of ensemble members.

    Raises:
        SettingsError: if it is not a whole number in the allowed range.
    """
    if not isinstance(members, int) or isinstance(members, bool) or not 1 <= members <= MAX_MEMBERS:
        raise SettingsError(
            f"ensemble must be a whole number from 1 to {MAX_MEMBERS}, not {members!r}", argument="ensemble"
        )
