"""Three small experiments on why reversal and peeking work, and one on a length that no model was trained on.

They ask trained models of addition through the engine's protocol; nothing is trained but linear probes. All sums are
drawn here, so one seed asks every model the same; none of them was among the training pairs, nor its mirror image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from henkan.inference.converter import Converter
from henkan.text.arrays import Array
from henkan.text.pairs import Pairs
from henkan_experiments.fading import fading, hidden, read
from henkan_experiments.longer import longer_sums
from henkan_experiments.probes import classify, mean_and_error
from henkan_experiments.sums import Sums, operands
from henkan_experiments.trainings import over_trainings

DIGITS = 3  # of both numbers, so that each place of a source means the same in all of them
SALIENT = 200  # sums whose saliency is measured
TRAIN, HELD_OUT = 3000, 1000  # sums that probes are fitted to, and asked about
LONG = 500  # sums of each length
MOST_KNOWN = 300_000  # of 405,450 sums of two such numbers, mirror images not counted


def why_not(learnt: Pairs) -> str | None:
    """Why models that learnt from these sums cannot be asked, as a sentence; None if they can."""
    longest = max((len(part) for source in learnt.sources for part in source.split("+")), default=0)
    lacking = sorted(set("+0123456789").difference(*learnt.sources) | set("0123456789").difference(*learnt.targets))
    if longest != DIGITS:
        return f"They ask for sums of {DIGITS} digits; the longest number learnt from has {longest}."
    if lacking:
        return f"They need all digits; the sums learnt from, or their answers, lack {', '.join(lacking)}."
    if len(_known(learnt)) > MOST_KNOWN:
        return "They ask for sums that were not learnt from, and there are too few of these."
    return None


def _known(learnt: Pairs) -> set[tuple[int, ...]]:
    pairs = (sorted(operands(source)) for source in learnt.sources)
    return {tuple(pair) for pair in pairs if all(len(str(number)) == DIGITS for number in pair)}


def run_experiments(
    models: Mapping[str, Sequence[Converter]], seed: int, learnt: Pairs, tell: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Ask the models.

    Args:
        models: name -> trainings of a model of addition, its engine in NumPy. Of the names "plain", "reversed",
            "peeky", "both" and "attention" the description knows which differ by what; any of them may be missing.
        seed: decides which sums are asked.
        learnt: what they learnt from, for which `why_not` has no reason; these are not asked.
        tell: called whenever one of them has been asked.

    Returns:
        what JSON can hold: the seed; trainings, how many there are of each model; and the parts "saliency", "fading",
        "probes" and "length", each by name of model; `saliency_by_position`, `fading`, `probe_digits` and `longer_sums`
        say what is in them, `over_trainings` what becomes of them where there are several trainings.
    """
    generator, known = np.random.default_rng([seed, 5]), _known(learnt)
    sums = Sums.drawn(TRAIN + HELD_OUT, generator, digits=(DIGITS, DIGITS), known=known)
    train, held_out = sums.take(slice(TRAIN)), sums.take(slice(TRAIN, None))
    shuffled = generator.permutation(TRAIN)
    lengths = {
        f"{first}+{second}": Sums.drawn(LONG, generator, digits=(first, second), known=known)
        for first, second in ((DIGITS, DIGITS), (DIGITS + 1, DIGITS), (DIGITS + 1, DIGITS + 1))
    }
    parts: dict[str, Callable[[Converter], dict[str, Any]]] = {
        "saliency": lambda model: saliency_by_position(model, held_out.take(slice(SALIENT))),
        "fading": lambda model: fading(model, train, held_out),
        "probes": lambda model: probe_digits(model, train, held_out, shuffled),
        "length": lambda model: {length: longer_sums(model, each) for length, each in lengths.items()},
    }
    results: dict[str, Any] = {"seed": seed, "trainings": {name: len(each) for name, each in models.items()}}
    results |= {part: {} for part in parts}
    for name, trainings in models.items():
        found: dict[str, list[dict[str, Any]]] = {part: [] for part in parts}
        for model in trainings:
            for part, ask in parts.items():
                found[part].append(ask(model))
            tell()
        for part, each in found.items():
            results[part][name] = over_trainings(each)
    return results


# --- how much of each source symbol reaches the answer -------------------------------------------------------


def saliency_by_position(model: Converter, sums: Sums) -> dict[str, Any]:
    """How fast the true answer's log-probability changes with each source symbol's embedding (`henkan.model.saliency`).

    The norm of that gradient depends on how sure a model is: near certainty all of it vanishes. So models are compared
    by shares, which add up to 1 over a source's symbols; they are made sum by sum, and then averaged.

    Returns:
        reverse: whether the source is read backwards.
        steps_to_end: for each source symbol, in reading order, how many are read after it.
        first: of the answer's first symbol: norms and shares, the means for each source symbol, in nats and as parts of
            1; distance, the mean of steps_to_end weighted by the shares; later, of the digits' saliency the share of
            that number which is read last; n, the sums. A name with `_error` has the standard error over sums.
        answer: the same, of the mean over all digits of the answer.
    """
    pairs, reverse = model.encode_pairs(sums.sources, sums.targets), model.capabilities.reverse
    length, read = len(sums.sources[0]), int(pairs.sources.lengths()[0])  # filling, where there is any, is read as well
    first, answer = [], []
    for row, target in enumerate(sums.targets):
        norms = model.model.saliency(pairs.batch(np.array([row]))).astype(np.float64)
        norms = (norms[:, ::-1] if reverse else norms)[:, :length]
        first.append(norms[:1])
        answer.append(norms[: len(target)])
    steps = np.arange(length) if reverse else read - 1 - np.arange(length)
    return {
        "reverse": reverse,
        "steps_to_end": steps.tolist(),
        "first": _shares(first, steps),
        "answer": _shares(answer, steps),
    }


def _shares(norms: Sequence[Array], steps: Array) -> dict[str, Any]:
    """Means over sums of norms (T, S), and of their shares; a symbol that nothing reaches has no shares."""
    reached = [each[each.sum(axis=1) > 0] for each in norms]
    made = [(each / each.sum(axis=1, keepdims=True)).mean(axis=0) for each in reached if len(each)]
    shares = np.array(made).reshape(-1, len(steps))
    numbers = shares[:, :DIGITS].sum(axis=1), shares[:, -DIGITS:].sum(axis=1)
    later = numbers[int(steps[0] > steps[-1])] / np.maximum(sum(numbers), np.finfo(float).tiny)
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


# --- where the digits and the carries live in h --------------------------------------------------------------


def probe_digits(model: Converter, train: Sums, held_out: Sums, shuffled: Array) -> dict[str, Any]:
    """What a linear probe (`henkan_experiments.probes.classify`) reads off h about held-out sums.

    Args:
        model: whose h, the decoder's first hidden state, is probed.
        train, held_out: the probe's sums.
        shuffled: a permutation of the training sums, by which the control's labels are out of order.

    Returns:
        name of a label (`Sums.labels`) -> accuracy and its standard error, that of the control (shuffled), the share of
        the most frequent label (majority), and n, the held-out sums.
    """
    h, h_held_out = (hidden(read(model, sums)[1]) for sums in (train, held_out))
    truth, found = held_out.labels(DIGITS), {}
    for name, labels in train.labels(DIGITS).items():
        accuracy, error = mean_and_error(np.equal(classify((h, labels), h_held_out), truth[name]).astype(float))
        control, _ = mean_and_error(np.equal(classify((h, labels[shuffled]), h_held_out), truth[name]).astype(float))
        _, counts = np.unique(truth[name], return_counts=True)
        found[name] = {
            "n": len(held_out),
            "accuracy": accuracy,
            "accuracy_error": error,
            "shuffled": control,
            "majority": float(counts.max() / len(held_out)),
        }
    return found
