"""Events of a training run in words, as terminals and notebooks show them."""

from __future__ import annotations

from henkan.training.events import Labelling, Rollback, Started


def sizes(event: Started) -> str:
    """Return the numbers of pairs and weights of a model."""
    synthetic = f" and {event.synthetic:,} synthetic ones" * (event.synthetic > 0)
    labelled = f", {event.labelled:,} sources with predicted targets" * (event.labelled > 0)
    validation = f"{event.held_out:,}" if event.held_out else "no"
    return (
        f"{event.pairs:,} training pairs{synthetic}{labelled}, {validation} validation pairs; {event.weights:,} weights"
    )


def left_out(event: Labelling) -> str:
    """Return which unlabelled sources are not used, and why; there must be some."""
    reasons = "; ".join(f"{count:,} {reason}" for reason, count in event.left_out.items())
    return f"some unlabelled sources are not used: {reasons}"


def rollback(event: Rollback) -> str:
    """Return what happened after a loss that is not finite."""
    return f"loss is not finite in epoch {event.epoch}; rolled back to update {event.step:,}, " + (
        "training stopped" if event.final else f"learning rate reduced to {event.learning_rate:.2g}"
    )
