"""The parameters of a model, with the methods that scikit-learn expects of an estimator."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import numpy as np

from henkan.config import (
    AttentionKind,
    Case,
    Device,
    EngineConfig,
    EngineName,
    Initialization,
    ModelConfig,
    Normalization,
    Precision,
    Schedule,
    TrainingConfig,
)
from henkan.errors import SettingsError

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from henkan.training.choice import Wanted

Auto = Literal["auto"]
AUTO: Auto = "auto"
"""A parameter that is not given. None cannot mean this: for some settings it is a value."""

SETTINGS = (*fields(ModelConfig), *fields(TrainingConfig))


@dataclass(kw_only=True, eq=False, repr=False)
class Parameters:
    """The parameters, as they are given. They are used by `fit`, which checks them, and not by predictions.

    The constructor and `set_params` check no values, as scikit-learn requires: parameters may be set one after another,
    and a search over parameters goes on after an invalid combination.
    """

    recipe: str | None = "auto"
    ensemble: int | Auto = "auto"

    architecture: str = "auto"
    reverse: bool | Auto = "auto"
    peeky: bool | Auto = "auto"
    attention: bool | Auto = "auto"
    attention_kind: AttentionKind | Auto = "auto"
    copy: bool | Auto = "auto"
    bidirectional: bool | Auto = "auto"
    target_reverse: bool | Auto = "auto"
    layers: int | Auto = "auto"
    tied: bool | Auto = "auto"
    embedding_size: int | Auto = "auto"
    hidden_size: int | Auto = "auto"
    fill: bool | Auto = "auto"
    source_symbols: str = "auto"
    target_symbols: str | None = "auto"
    source_normalization: Normalization | Auto = "auto"
    target_normalization: Normalization | Auto = "auto"
    source_case: Case | Auto = "auto"
    features: bool | Auto = "auto"
    tag_separator: str | None = "auto"
    sort_tags: bool | Auto = "auto"

    epochs: int | Auto | None = "auto"
    updates: int | Auto = "auto"
    batch_size: int | Auto | None = "auto"
    by_length: bool | Auto = "auto"
    learning_rate: float | Auto = "auto"
    schedule: Schedule | Auto = "auto"
    warmup: float | Auto = "auto"
    beta2: float | Auto = "auto"
    weight_decay: float | Auto = "auto"
    clip_norm: float | Auto = "auto"
    initialization: Initialization | Auto = "auto"
    dropout: float | Auto | None = "auto"
    embedding_dropout: float | Auto = "auto"
    label_smoothing: float | Auto = "auto"
    unknown_rate: float | Auto = "auto"
    augment: int | Auto | None = "auto"
    patience: int | Auto | None = "auto"
    calibrate_outside: bool | Auto = "auto"
    seed: int | Auto = "auto"

    engine: EngineName = "auto"
    device: Device = "auto"
    precision: Precision = "float32"
    deterministic: bool = False

    verbose: bool | Auto = "auto"

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the parameters by name, as they were given to the constructor or to `set_params`.

        They are what the next `fit` uses. `settings_` has the settings of the trained model.

        >>> Seq2Seq(epochs=50).get_params()["epochs"]
        50

        Args:
            deep: for scikit-learn; without effect, because no parameter is an estimator.
        """
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def set_params(self, **params: Any) -> Self:
        """Change parameters. A trained model predicts as before until it is trained again.

        >>> Seq2Seq().set_params(epochs=50, hidden_size=32)
        Seq2Seq(hidden_size=32, epochs=50)

        Args:
            params: parameters of the constructor by name. `fit` checks their values.

        Returns:
            self.

        Raises:
            SettingsError: if there is no parameter with a name. Nothing is changed then.
        """
        names = [each.name for each in fields(self)]
        for name in params:
            if name not in names:
                raise SettingsError(f"there is no parameter {name!r}; {_similar(name, names)}")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __sklearn_tags__(self) -> Tags:
        """Describe the estimator to scikit-learn, which alone calls this: sources are strings, and targets are needed.

        It has no type of estimator. As a classifier, scikit-learn would divide the pairs so that each part has the same
        targets, although most targets occur once.
        """
        from sklearn.utils import InputTags, Tags, TargetTags

        strings = InputTags(one_d_array=True, two_d_array=False, string=True)
        return Tags(estimator_type=None, target_tags=TargetTags(required=True), input_tags=strings)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._changed().items())})"

    def _changed(self) -> dict[str, Any]:
        """Return the parameters that differ from their defaults."""
        values = ((each, getattr(self, each.name)) for each in fields(self))
        return {each.name: value for each, value in values if not _equal(value, each.default)}

    def _given(self) -> dict[str, Any]:
        """Return the settings of the model and the training run that are given."""
        values = {each.name: getattr(self, each.name) for each in SETTINGS}
        return {name: value for name, value in values.items() if not _is_auto(value)}

    def _members(self) -> Any:
        """Return the number of ensemble members, not checked, or None if it is not given."""
        return None if _is_auto(self.ensemble) else _python(self.ensemble)

    def _recipe(self) -> Any:
        """Return the name of the recipe, not checked, or None if it is not given."""
        return None if _is_auto(self.recipe) else self.recipe

    def _wanted(self) -> Wanted:
        """Return what is given, and check it.

        Raises:
            SettingsError: if a value, or a combination of values, is invalid.
        """
        from henkan.training.choice import Wanted  # predictions do not need it

        members = self._members()
        return Wanted(self._given(), self._recipe(), members=1 if members is None else members)

    def _engine(self) -> EngineConfig:
        """Return the settings of the compute engine, and check them.

        Raises:
            SettingsError: if they are invalid.
        """
        return EngineConfig(**{each.name: _python(getattr(self, each.name)) for each in fields(EngineConfig)})


Parameters.__init__.__qualname__ = "Seq2Seq.__init__"  # the name in the error about an unknown parameter


def _is_auto(value: object) -> bool:
    return isinstance(value, str) and value == AUTO


def _equal(value: object, default: object) -> bool:
    """Whether a value of any type is the default of its parameter; arrays and 1 instead of True are not."""
    return type(value) is type(default) and value == default


def _python(value: Any) -> Any:
    """Convert a number of NumPy, as in a grid of parameters, to one of Python."""
    return value.item() if isinstance(value, np.generic) else value


def _similar(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, names, n=1)
    return f"did you mean {found[0]}?" if found else "get_params() has all names"


Documented = TypeVar("Documented", bound=type)


def with_settings(kind: Documented) -> Documented:
    """Add the help texts of all settings to the end of a docstring, which must be its list of arguments."""
    lines = [(kind.__doc__ or "").rstrip()]
    for each in (*SETTINGS, *fields(EngineConfig)):
        none = each.metadata["none"]
        lines.append(f"        {each.name}: {each.metadata['help']}" + (f" None: {none}." if none else ""))
    kind.__doc__ = "\n".join([*lines, "    "])
    return kind
