"""What a saved model is: its kind, training data, symbols, accuracy and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from henkan.config import to_dict
from henkan.storage.lexicon_file import entries
from henkan.storage.model_folder import SavedModel
from henkan.text.counts import counted
from henkan.text.data_source import DataSource
from henkan.text.side_statistics import SYMBOLS_SHOWN, show_symbol


@dataclass(frozen=True)
class ModelSummary:
    """A description of a trained model. `print` shows it; `to_dict` converts it to JSON values.

    Attributes:
        kinds: kind of model, in words -> number of ensemble members.
        weights: number of weights of all members.
        data: name of the task or file that it was trained on; "pairs given in Python" otherwise;
            None if unknown.
        pairs: number of training pairs; None if unknown.
        labelled: number of unlabelled sources with predicted targets that it was trained on as well.
        seconds: time of the updates of all members.
        held_out: number of validation pairs; None if unknown.
        exact_match: exact match on the validation set, from 0 to 1; None if not measured.
        best_epochs: for each member, the epoch whose weights were kept; None for the last.
        temperature: temperature that calibrates the confidence; None if it is not calibrated.
        source_vocabulary, target_vocabulary: the symbols, without the unknown symbol.
        unknown: whether it reads other source symbols, as the unknown symbol.
        lexicon: number of entries of its lexicon.
        settings: for each kind of model, the settings by name.
        format_version: format in which the model is saved.
    """

    kinds: Mapping[str, int]
    weights: int
    data: str | None
    pairs: int | None
    labelled: int
    seconds: float
    held_out: int | None
    exact_match: float | None
    best_epochs: Sequence[int | None]
    temperature: float | None
    source_vocabulary: Sequence[str]
    target_vocabulary: Sequence[str]
    unknown: bool
    lexicon: int
    settings: Sequence[Mapping[str, Any]]
    format_version: int

    @classmethod
    def of(cls, saved: SavedModel) -> ModelSummary:
        """Describe a model."""
        kinds: dict[str, int] = {}
        for each in saved.variants:
            kinds[each.model.kind] = kinds.get(each.model.kind, 0) + len(each.members)
        metrics, first = saved.metrics, saved.first
        histories = metrics.get("members", [metrics])
        return cls(
            kinds=kinds,
            weights=sum(array.size for member in saved.members for array in member.values()),
            data=saved.data.get("name"),
            pairs=metrics.get("pairs"),
            labelled=metrics.get("labelled", 0),
            seconds=sum(float(epoch["seconds"]) for each in histories for epoch in each.get("epochs", [])),
            held_out=metrics.get("held_out"),
            exact_match=metrics.get("exact_match"),
            best_epochs=[each.get("best_epoch") for each in histories],
            temperature=saved.temperature,
            source_vocabulary=list(first.source_vocabulary.symbols),
            target_vocabulary=list(first.target_vocabulary.symbols),
            unknown=first.source_vocabulary.unknown,
            lexicon=0 if saved.lexicon is None else len(saved.lexicon),
            settings=[{**to_dict(each.model), **to_dict(each.training)} for each in saved.variants],
            format_version=saved.format_version,
        )

    def to_dict(self) -> dict[str, Any]:
        """Convert the summary to JSON values, with the numbers of symbols as `source_symbols` and `target_symbols`."""
        sizes = {"source_symbols": len(self.source_vocabulary), "target_symbols": len(self.target_vocabulary)}
        return asdict(self) | sizes

    def __str__(self) -> str:
        name = f" from {self.data}" if self.data not in (None, DataSource.name) else ""
        labelled = (
            f" and {counted(self.labelled, 'source with a predicted target', 'sources with predicted targets')}"
            if self.labelled
            else ""
        )
        took = f" in {self.seconds:.1f} s" if self.seconds else ""
        trained = [] if self.pairs is None else [f"trained on {counted(self.pairs, 'pair')}{name}{labelled}{took}"]
        unknown = "other source symbols are read as unknown" if self.unknown else "other source symbols are not read"
        return "\n".join(
            [
                f"{', '.join(f'{count} x {kind}' for kind, count in self.kinds.items())}; {self.weights:,} weights",
                *trained,
                f"{len(self.source_vocabulary):,} source symbols, {len(self.target_vocabulary):,} target symbols; "
                f"{unknown}",
                f"    source: {_symbols(self.source_vocabulary)}",
                f"    target: {_symbols(self.target_vocabulary)}",
                self._accuracy(),
                *self._calibration(),
                f"lexicon of {entries(self.lexicon)}" if self.lexicon else "no lexicon",
                "settings:",
                *self._settings(),
            ]
        )

    def __repr__(self) -> str:
        return str(self)

    def _accuracy(self) -> str:
        if self.exact_match is None:
            return "exact match not measured"
        kept = ", ".join("last" if epoch is None else str(epoch) for epoch in self.best_epochs)
        weights = f" (weights of epoch {kept})" if len(self.best_epochs) == 1 else ""
        pairs = counted(self.held_out or 0, "pair")
        return f"exact match on the validation set of {pairs}: {self.exact_match:.3%}{weights}"

    def _calibration(self) -> list[str]:
        if self.temperature is None:
            return ["confidence not calibrated"]
        return [f"confidence calibrated on the validation set (temperature {self.temperature:.3g})"]

    def _settings(self) -> list[str]:
        """Lines with name and value of each setting, and all values where kinds of models differ."""
        width, lines = max(map(len, self.settings[0])), []
        for name in self.settings[0]:
            values = list(dict.fromkeys(_value(each[name]) for each in self.settings))
            lines.append(f"    {name:<{width}}  {' | '.join(values)}")
        return lines


def _symbols(symbols: Sequence[str]) -> str:
    rest = len(symbols) - SYMBOLS_SHOWN
    more = f"  and {rest:,} more" if rest > 0 else ""
    return " ".join(map(show_symbol, symbols[:SYMBOLS_SHOWN])) + more


def _value(value: object) -> str:
    """Format a setting, with quotes around text that is or has whitespace."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, str) and value != value.strip() else str(value)
