"""The model card: a summary of a saved model in Markdown."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from henkan.config import to_dict
from henkan.storage.lexicon_file import SavedLexicon, entries
from henkan.storage.model_folder import SavedModel
from henkan.text.counts import counted

CARD = "README.md"
SECTION, USAGE = re.compile(r"^## Lexicon\n.*?(?=^## |\Z)", re.M | re.S), re.compile("^## Usage$", re.M)


def model_card(saved: SavedModel, folder: Path, version: str, *, pictured: bool) -> str:
    """Create the model card.

    Args:
        saved: the model.
        folder: the model folder.
        version: version of henkan.
        pictured: whether the folder has a learning curve.

    Returns:
        Markdown.
    """
    metrics, path = saved.metrics, folder.as_posix()
    lines = [
        f"# {folder.name}",
        "",
        f"{_kind(saved)} that converts strings to strings, trained with henkan.",
        "",
        "## Training data",
        "",
        _training_data(saved),
        "",
        "## Accuracy",
        "",
        _accuracy(saved),
        f"Training took {_seconds(metrics):.1f} s for {len(metrics.get('epochs', []))} epochs; `metrics.json` has the "
        "metrics of each epoch.",
        *(["", "![Learning curve](learning_curve.png)"] if pictured else []),
        "",
        *_lexicon(saved.lexicon),
        "## Usage",
        "",
        "```sh",
        f"henkan predict {path} TEXT",
        "```",
        "",
        "```python",
        "import henkan",
        "",
        f'model = henkan.load("{path}")',
        'model.predict(["TEXT"])',
        "```",
        "",
        "Prediction requires only NumPy and safetensors.",
        "",
        "## Settings and versions",
        "",
        "| setting | value |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in _settings(saved, version).items()),
        "",
    ]
    return "\n".join(lines)


def with_lexicon(card: str, lexicon: SavedLexicon | None) -> str:
    """Return a model card with its section about the lexicon brought up to date; the rest is unchanged."""
    card, section = SECTION.sub("", card), "".join(f"{line}\n" for line in _lexicon(lexicon))
    return USAGE.sub(lambda usage: section + usage[0], card, count=1)


def _lexicon(lexicon: SavedLexicon | None) -> list[str]:
    """Lines of the section about the lexicon."""
    if lexicon is None:
        return []
    return [
        "## Lexicon",
        "",
        f"`lexicon.jsonl` has {entries(len(lexicon))}, each a source with a target. Sources "
        "are looked up there before the model predicts. The accuracy above is that of the model without the lexicon.",
        "",
    ]


def _kind(saved: SavedModel) -> str:
    members = len(saved.members)
    return "A sequence-to-sequence model" if members == 1 else f"An ensemble of {members} sequence-to-sequence models"


def _training_data(saved: SavedModel) -> str:
    data, source, target = saved.data, saved.first.source_vocabulary, saved.first.target_vocabulary
    origin = "pairs of the task" if data.get("task") else "pairs from"
    others = (
        "Other source symbols are read as the unknown symbol."
        if source.unknown
        else "Sources with other symbols cannot be converted."
    )
    labelled = saved.metrics.get("labelled")
    more = f" It was also trained on {labelled:,} sources whose targets a model predicted." if labelled else ""
    return (
        f"{saved.metrics.get('pairs', 0):,} {origin} `{data.get('name')}`, with {len(source.symbols)} source and "
        f"{len(target.symbols)} target symbols. {others}{more}"
    )


def _accuracy(saved: SavedModel) -> str:
    metrics = saved.metrics
    measured = metrics.get("exact_match")
    if measured is None and metrics.get("held_out"):
        return "The training was interrupted, so the accuracy of these weights was not measured."
    if measured is None:
        return "The model was trained without a validation set, so its accuracy was not measured."
    single = len(saved.members) == 1
    pairs = counted(metrics.get("held_out", 0), "pair")
    kept = f"weights of epoch {metrics.get('best_epoch')}" if single else "each member: weights of its best epoch"
    return (
        f"Exact match on the validation set of {pairs}: **{measured:.3%}** ({kept}). "
        "The validation set was also used to choose the epoch and to calibrate the confidence (temperature "
        f"{saved.temperature or 1:.3g}), so this estimate is optimistic; evaluate the model on a separate test set."
    )


def _seconds(metrics: Mapping[str, Any]) -> float:
    """Training time of all members."""
    histories = metrics.get("members", [metrics])
    return sum(float(epoch["seconds"]) for history in histories for epoch in history.get("epochs", []))


def _settings(saved: SavedModel, version: str) -> dict[str, object]:
    """Rows of the table of settings and versions."""
    first, epochs = saved.first, len(saved.metrics.get("epochs", []))
    settings = {**to_dict(first.model), **to_dict(first.training), "epochs": epochs}
    return {
        **{name.replace("_", " "): _format(value) for name, value in settings.items()},
        "weights": f"{saved.metrics.get('weights', 0):,}",
        "henkan": version,
        "NumPy": np.__version__,
        "Python": platform.python_version(),
    }


def _format(value: object) -> object:
    return repr(value) if isinstance(value, str) and value != value.strip() else value
