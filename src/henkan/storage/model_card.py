"""The model card: a summary of a saved model in Markdown."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np

from henkan.config import to_dict
from henkan.storage.model_folder import SavedModel


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
    data, metrics = saved.data, saved.metrics
    epochs = metrics.get("epochs", [])
    measured, members = metrics.get("exact_match"), len(saved.members)
    accuracy = "The model was trained without a validation set, so its accuracy was not measured."
    if measured is not None:
        kept = (
            f"weights of epoch {metrics.get('best_epoch')}"
            if members == 1
            else "each member: weights of its best epoch"
        )
        accuracy = (
            f"Exact match on the validation set of {metrics.get('held_out', 0):,} pairs: **{measured:.3%}** ({kept}). "
            "The validation set was also used to choose the epoch and to calibrate the confidence (temperature "
            f"{saved.temperature or 1:.3g}), so this estimate is optimistic; evaluate the model on a separate test set."
        )
    model = "A sequence-to-sequence model" if members == 1 else f"An ensemble of {members} sequence-to-sequence models"
    others = (
        "Other source symbols are read as the unknown symbol."
        if saved.source_vocabulary.unknown
        else "Sources with other symbols cannot be converted."
    )
    seconds = sum(
        epoch["seconds"] for history in metrics.get("members", [metrics]) for epoch in history.get("epochs", [])
    )
    origin = "pairs of the task" if data.get("task") else "pairs from"
    settings = {**to_dict(saved.model), **to_dict(saved.training), "epochs": len(epochs)}
    lines = [
        f"# {folder.name}",
        "",
        f"{model} that converts strings to strings, trained with henkan.",
        "",
        "## Training data",
        "",
        f"{metrics.get('pairs', 0):,} {origin} `{data.get('name')}`, "
        f"with {len(saved.source_vocabulary.symbols)} source and "
        f"{len(saved.target_vocabulary.symbols)} target symbols. {others}",
        "",
        "## Accuracy",
        "",
        accuracy,
        f"Training took {seconds:.1f} s for {len(epochs)} epochs; `metrics.json` has the metrics of each epoch.",
        *(["", "![Learning curve](learning_curve.png)"] if pictured else []),
        "",
        "## Usage",
        "",
        "```sh",
        f"henkan predict {folder.as_posix()} TEXT",
        "```",
        "",
        "```python",
        "import henkan",
        "",
        f'model = henkan.load("{folder.as_posix()}")',
        'model.predict(["TEXT"])',
        "```",
        "",
        "Prediction requires only NumPy and safetensors.",
        "",
        "## Settings and versions",
        "",
        "| setting | value |",
        "| --- | --- |",
        *(f"| {name.replace('_', ' ')} | {_format(value)} |" for name, value in settings.items()),
        f"| weights | {metrics.get('weights', 0):,} |",
        f"| henkan | {version} |",
        f"| NumPy | {np.__version__} |",
        f"| Python | {platform.python_version()} |",
        "",
    ]
    return "\n".join(lines)


def _format(value: object) -> object:
    return repr(value) if isinstance(value, str) and value != value.strip() else value
