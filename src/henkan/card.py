"""The model card: what a person should know of a saved model."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np

from henkan.artefact import Artefact
from henkan.config import to_dict


def model_card(artefact: Artefact, folder: Path, version: str, *, pictured: bool) -> str:
    """The card's Markdown."""
    data, metrics = artefact.data, artefact.metrics
    epochs = metrics.get("epochs", [])
    last = epochs[-1] if epochs else {}
    measured = last.get("exact_match")
    accuracy = (
        f"Exact match on {metrics.get('held_out', 0):,} held-out pairs after the last epoch: **{measured:.3%}**."
        if measured is not None
        else "No pairs were held out, so its accuracy was not measured in training."
    )
    kind = "pairs of the task" if data.get("task") else "pairs from"
    settings = {**to_dict(artefact.model), **to_dict(artefact.training), "epochs": len(epochs)}
    lines = [
        f"# {folder.name}",
        "",
        "A sequence-to-sequence model that turns strings into strings, trained with henkan.",
        "",
        "## What it was trained on",
        "",
        f"{metrics.get('pairs', 0):,} {kind} `{data.get('name')}`, "
        f"with {len(artefact.source_vocabulary.symbols)} source and "
        f"{len(artefact.target_vocabulary.symbols)} target symbols. It knows no others.",
        "",
        "## How good it is",
        "",
        accuracy,
        f"Training took {sum(epoch.get('seconds', 0) for epoch in epochs):.1f} s for {len(epochs)} epochs; "
        "`metrics.json` has them one by one.",
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
        *(f"| {name.replace('_', ' ')} | {value} |" for name, value in settings.items()),
        f"| weights | {metrics.get('weights', 0):,} |",
        f"| henkan | {version} |",
        f"| NumPy | {np.__version__} |",
        f"| Python | {platform.python_version()} |",
        "",
    ]
    return "\n".join(lines)
