"""The model card: what a person should know of a saved model."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np

from henkan.config import to_dict
from henkan.storage.model_folder import Artefact


def model_card(artefact: Artefact, folder: Path, version: str, *, pictured: bool) -> str:
    """The card's Markdown."""
    data, metrics = artefact.data, artefact.metrics
    epochs = metrics.get("epochs", [])
    measured, members = metrics.get("exact_match"), len(artefact.members)
    accuracy = "No pairs were held out, so its accuracy was not measured in training."
    if measured is not None:
        kept = (
            f"epoch {metrics.get('best_epoch')} was kept" if members == 1 else "each member is that of its best epoch"
        )
        accuracy = (
            f"Exact match on {metrics.get('held_out', 0):,} held-out pairs: **{measured:.3%}** ({kept}). The same "
            f"pairs chose that and fitted its confidence (temperature {artefact.temperature or 1:.3g}): a test part "
            "that nothing was chosen on is a fairer measure."
        )
    model = "A sequence-to-sequence model" if members == 1 else f"An ensemble of {members} sequence-to-sequence models"
    others = "It reads others as unknown." if artefact.source_vocabulary.unknown else "It knows no others."
    seconds = sum(
        epoch["seconds"] for history in metrics.get("members", [metrics]) for epoch in history.get("epochs", [])
    )
    kind = "pairs of the task" if data.get("task") else "pairs from"
    settings = {**to_dict(artefact.model), **to_dict(artefact.training), "epochs": len(epochs)}
    lines = [
        f"# {folder.name}",
        "",
        f"{model} that turns strings into strings, trained with henkan.",
        "",
        "## What it was trained on",
        "",
        f"{metrics.get('pairs', 0):,} {kind} `{data.get('name')}`, "
        f"with {len(artefact.source_vocabulary.symbols)} source and "
        f"{len(artefact.target_vocabulary.symbols)} target symbols. {others}",
        "",
        "## How good it is",
        "",
        accuracy,
        f"Training took {seconds:.1f} s for {len(epochs)} epochs; `metrics.json` has them one by one.",
        *(["", "![Learning curve](learning_curve.png)"] if pictured else []),
        "",
        "## How to use it",
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
        "Prediction needs NumPy and safetensors alone.",
        "",
        "## Settings and versions",
        "",
        "| setting | value |",
        "| --- | --- |",
        *(f"| {name.replace('_', ' ')} | {_shown(value)} |" for name, value in settings.items()),
        f"| weights | {metrics.get('weights', 0):,} |",
        f"| henkan | {version} |",
        f"| NumPy | {np.__version__} |",
        f"| Python | {platform.python_version()} |",
        "",
    ]
    return "\n".join(lines)


def _shown(value: object) -> object:
    return repr(value) if isinstance(value, str) and value != value.strip() else value
