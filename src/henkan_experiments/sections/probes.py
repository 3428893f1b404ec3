"""The section on linear probes of h."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from henkan_experiments.formatting import (
    Results,
    bullets,
    comparison,
    enumerated,
    image,
    label_title,
    model_title,
    percent,
    table,
    value_range,
    with_error,
)

METHOD = (
    "A linear probe (linear discriminant analysis) is fitted to h and predicts each digit and each carry of {sums:,} "
    "held-out sums. The control is fitted to shuffled labels, so its accuracy is that of chance. The answer's "
    "thousands are the carry out of the hundreds."
)
LIMITS = (
    "h may contain information in a form that no linear probe finds, and the decoder does not necessarily use what a "
    "probe finds. A decoder with attention can also look digits up without h."
)


def describe_probes(results: Results, pictures: Sequence[str]) -> Iterable[str]:
    """Paragraphs on `henkan_experiments.experiments.probe_digits`, by model."""
    yield "### Digits and carries in h"
    by_label = next(iter(results.values()))
    yield METHOD.format(sums=next(iter(by_label.values()))["n"])
    yield from map(image("Accuracy of linear probes for each digit and carry"), pictures)
    rows = []
    for label in by_label:
        by_model = [numbers[label] for numbers in results.values()]
        cells = [with_error(numbers["accuracy"], numbers["accuracy_error"]) for numbers in by_model]
        controls = value_range([numbers["shuffled"] for numbers in by_model])
        rows.append([label_title(label), *cells, controls, *percent(by_model[0]["majority"])])
    yield table(["", *map(model_title, results), "shuffled control", "most frequent label"], rows)
    yield bullets(_readable_labels(model, numbers) for model, numbers in results.items())
    yield LIMITS


def _readable_labels(model: str, numbers: Results) -> str:
    readable = [f"the {label_title(label)}" for label, each in numbers.items() if each["accuracy"] >= 0.95]
    absent = [f"the {label_title(label)}" for label, each in numbers.items() if not _beats_chance(each)]
    text = f"{model_title(model)}: at least 95 % accuracy for {enumerated(readable) or 'no label'}"
    return f"{text}; no better than chance for {enumerated(absent)}." if absent else f"{text}."


def _beats_chance(numbers: Results) -> bool:
    """Whether a probe is significantly better than its control and than always predicting the most frequent label."""
    chance = max(numbers["shuffled"], numbers["majority"])
    error = (chance * (1 - chance) / numbers["n"]) ** 0.5
    words = "worse", "better", "same"
    return comparison((numbers["accuracy"], chance), (numbers["accuracy_error"], error), words) == "better"
