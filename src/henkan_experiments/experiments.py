"""Three small analyses of why reversed sources and Peeky decoders help, and one of longer sums than in training.

They query trained addition models through the engine's protocol; only linear probes are fitted. All sums are sampled
here, so that a seed gives every model the same sums. None of them, nor its mirror image, was in the training set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from henkan.inference.converter import Converter
from henkan.text.arrays import Array
from henkan.text.pairs import Pairs
from henkan_experiments.averaging import average_runs
from henkan_experiments.fading import encode_sums, fading, hidden_state
from henkan_experiments.longer import longer_sums
from henkan_experiments.probes import classify, mean_and_error
from henkan_experiments.sums import Sums, operands

DIGITS = 3  # of both operands, so that a source position has the same meaning in all sums
SALIENCY_SUMS = 200
PROBE_TRAIN, PROBE_TEST = 3000, 1000  # sums that probes are fitted to, and evaluated on
LENGTH_SUMS = 500  # for each length
MAX_KNOWN = 300_000  # of 405,450 sums of two such numbers, mirror images not counted


def reason_not_applicable(training: Pairs) -> str | None:
    """Why models with this training set cannot be analysed, as a sentence; None if they can."""
    longest = max((len(part) for source in training.sources for part in source.split("+")), default=0)
    missing = sorted(set("+0123456789").difference(*training.sources) | set("0123456789").difference(*training.targets))
    if longest != DIGITS:
        return (
            f"Not available: the analyses use sums of {DIGITS}-digit numbers, but the longest number in the training "
            f"set has {longest} digits."
        )
    if missing:
        return f"Not available: the analyses need all digits, but the training set lacks {', '.join(missing)}."
    if len(_known(training)) > MAX_KNOWN:
        return "Not available: too few sums remain that are not in the training set."
    return None


def _known(training: Pairs) -> set[tuple[int, ...]]:
    pairs = (sorted(operands(source)) for source in training.sources)
    return {tuple(pair) for pair in pairs if all(len(str(number)) == DIGITS for number in pair)}


def run_experiments(
    models: Mapping[str, Sequence[Converter]],
    seed: int,
    training: Pairs,
    on_progress: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Analyse trained models.

    Args:
        models: name -> one addition model per training run, each with a NumPy engine. The report compares the models
            "plain", "reversed", "peeky", "both" and "attention"; any of them may be missing.
        seed: determines which sums are sampled.
        training: their training set, for which `reason_not_applicable` is None. Its sums are not sampled.
        on_progress: called after each model.

    Returns:
        A JSON-compatible dictionary: "seed"; "trainings", the number of training runs of each model; and "saliency",
        "fading", "probes" and "length", each by model. See `saliency_by_position`, `fading`, `probe_digits` and
        `longer_sums`, and `average_runs` for how several training runs are combined.
    """
    generator, known = np.random.default_rng([seed, 5]), _known(training)
    sums = Sums.sample(PROBE_TRAIN + PROBE_TEST, generator, digits=(DIGITS, DIGITS), exclude=known)
    train, held_out = sums.take(slice(PROBE_TRAIN)), sums.take(slice(PROBE_TRAIN, None))
    shuffled = generator.permutation(PROBE_TRAIN)
    lengths = {
        f"{first}+{second}": Sums.sample(LENGTH_SUMS, generator, digits=(first, second), exclude=known)
        for first, second in ((DIGITS, DIGITS), (DIGITS + 1, DIGITS), (DIGITS + 1, DIGITS + 1))
    }
    analyses: dict[str, Callable[[Converter], dict[str, Any]]] = {
        "saliency": lambda model: saliency_by_position(model, held_out.take(slice(SALIENCY_SUMS))),
        "fading": lambda model: fading(model, train, held_out),
        "probes": lambda model: probe_digits(model, train, held_out, shuffled),
        "length": lambda model: {length: longer_sums(model, sums) for length, sums in lengths.items()},
    }
    results: dict[str, Any] = {"seed": seed, "trainings": {name: len(runs) for name, runs in models.items()}}
    results |= {part: {} for part in analyses}
    for name, runs in models.items():
        by_run: dict[str, list[dict[str, Any]]] = {part: [] for part in analyses}
        for model in runs:
            for part, analyse in analyses.items():
                by_run[part].append(analyse(model))
            on_progress()
        for part, found in by_run.items():
            results[part][name] = average_runs(found)
    return results


# --- saliency of each source symbol -------------------------------------------------------------------------


def saliency_by_position(model: Converter, sums: Sums) -> dict[str, Any]:
    """Norm of the gradient of the correct answer's log-probability with respect to each source symbol's embedding.

    The norm depends on the confidence of a model: near certainty all gradients vanish. Models are therefore compared by
    shares, which add up to 1 over the symbols of a source; they are computed for each sum and then averaged.

    Returns:
        reverse: whether the source is reversed.
        steps_to_end: for each source symbol, in reading order, how many symbols the encoder reads after it.
        first: for the answer's first symbol: norms and shares, means for each source symbol; distance, the mean of
            steps_to_end weighted by the shares; later, the share of the operand that is read last in the saliency of
            all digits; n, the number of sums. A key with `_error` has the standard error over sums.
        answer: the same for the mean over all digits of the answer.
    """
    norms = [_saliency(model, *pair) for pair in zip(sums.sources, sums.targets, strict=True)]
    length = len(sums.sources[0])
    read = len(model.source_vocabulary.encode(sums.sources[0]))  # padding, where there is any, is read as well
    steps = np.arange(length) if model.capabilities.reverse else read - 1 - np.arange(length)
    return {
        "reverse": model.capabilities.reverse,
        "steps_to_end": steps.tolist(),
        "first": _shares([each[:1] for each in norms], steps),
        "answer": _shares([each[: len(target)] for each, target in zip(norms, sums.targets, strict=True)], steps),
    }


def _saliency(model: Converter, source: str, target: str) -> Array:
    """(T, S) gradient norms for each target and source symbol, in reading order and without padding."""
    pair = model.pairs.encode([source], [target]).batch(np.array([0]))
    norms: Array = model.model.saliency(pair).astype(np.float64)
    return (norms[:, ::-1] if model.capabilities.reverse else norms)[:, : len(source)]


def _shares(norms: Sequence[Array], steps: Array) -> dict[str, Any]:
    """Means over sums of the norms (T, S) and of their shares. Rows that are all zero have no shares."""
    nonzero = [each[each.sum(axis=1) > 0] for each in norms]
    rows = [(each / each.sum(axis=1, keepdims=True)).mean(axis=0) for each in nonzero if len(each)]
    shares = np.array(rows).reshape(-1, len(steps))
    by_operand = shares[:, :DIGITS].sum(axis=1), shares[:, -DIGITS:].sum(axis=1)
    later = by_operand[int(steps[0] > steps[-1])] / np.maximum(sum(by_operand), np.finfo(float).tiny)
    by_symbol = [mean_and_error(column) for column in shares.T]
    (distance, distance_error), (of_later, later_error) = mean_and_error(shares @ steps), mean_and_error(later)
    return {
        "n": len(shares),
        "norms": np.mean([each.mean(axis=0) for each in norms], axis=0).tolist(),
        "shares": [mean for mean, _ in by_symbol],
        "shares_error": [error for _, error in by_symbol],
        "distance": distance,
        "distance_error": distance_error,
        "later": of_later,
        "later_error": later_error,
    }


# --- digits and carries in h --------------------------------------------------------------------------------


def probe_digits(model: Converter, train: Sums, held_out: Sums, shuffled: Array) -> dict[str, Any]:
    """Accuracy of linear probes (`henkan_experiments.probes.classify`) that predict digits and carries from h.

    Args:
        model: h is its decoder's initial hidden state.
        train, held_out: sums to fit the probes to, and to evaluate them on.
        shuffled: a permutation of the rows of `train`, for the labels of the control.

    Returns:
        label (`Sums.labels`) -> accuracy and its standard error; accuracy of the control (shuffled); frequency of the
        most frequent label (majority); and n, the number of held-out sums.
    """
    h, h_held_out = (hidden_state(encode_sums(model, sums)[1]) for sums in (train, held_out))
    truth, results = held_out.labels(DIGITS), {}
    for name, labels in train.labels(DIGITS).items():
        accuracy, error = mean_and_error(np.equal(classify((h, labels), h_held_out), truth[name]).astype(float))
        control, _ = mean_and_error(np.equal(classify((h, labels[shuffled]), h_held_out), truth[name]).astype(float))
        _, counts = np.unique(truth[name], return_counts=True)
        results[name] = {
            "n": len(held_out),
            "accuracy": accuracy,
            "accuracy_error": error,
            "shuffled": control,
            "majority": float(counts.max() / len(held_out)),
        }
    return results
