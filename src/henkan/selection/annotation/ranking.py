"""Rank unlabelled sources: those whose labels probably improve a model most come first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from henkan.drawing.tables import aligned
from henkan.errors import DataError
from henkan.inference.conversion import Conversion, Request
from henkan.selection.annotation.contexts import Contexts
from henkan.selection.annotation.diversity import context_uncertainty, cover
from henkan.text.arrays import Array
from henkan.text.escaping import escape
from henkan.text.training_range import UNKNOWN_KINDS
from henkan.text.vocabulary import Vocabulary
from henkan.training.fitted_model import FittedModel
from henkan.training.labelling import check_tags
from henkan.training.stored_lexicon import entries_of

MAX_POOL = 100_000
"""Of more sources, so many are drawn at random, so that ranking takes a minute at most."""

MIN_FREQUENCY, MIN_SHARE = 2, 0.001
"""A new symbol is urgent if it is in so many of the sources, and in this share of them."""

CONTEXTS_SHOWN = 3


@dataclass(frozen=True)
class Proposal:
    """A source to label.

    Attributes:
        source: the source.
        target: the prediction of the model; None if there is none.
        confidence: its confidence; None if it cannot be estimated.
        reasons: why the source was chosen: what is outside the training data, and its most valuable contexts.
    """

    source: str
    target: str | None
    confidence: float | None
    reasons: Sequence[str]


@dataclass(frozen=True)
class Ranking:
    """Sources to label.

    `print` shows them as a table.

    Attributes:
        proposals: the sources, the most valuable one first.
        candidates: number of sources that were compared.
        left_out: why others were not -> how many.
        labelled: number of distinct sources that are known to be labelled.
    """

    proposals: Sequence[Proposal]
    candidates: int
    left_out: Mapping[str, int]
    labelled: int

    def __str__(self) -> str:
        rows = [("source", "prediction", "confidence", "reasons")]
        for each in self.proposals:
            confidence = "" if each.confidence is None else f"{each.confidence:.3f}"
            rows.append((escape(each.source), escape(each.target or ""), confidence, escape(", ".join(each.reasons))))
        return "\n".join(aligned(rows, right=(2,)))

    def __repr__(self) -> str:
        return str(self)


def rank(fitted: FittedModel, sources: Sequence[str], count: int, labelled: Iterable[str] = ()) -> Ranking:
    """Rank unlabelled sources such that every beginning of the ranking is a good choice of sources to label.

    A source is valuable if it has contexts (see `contexts.py`) that are frequent in the unlabelled sources and rare in
    the labelled ones, and that make the model uncertain. The weight of a context in `diversity.py` is

        w(g) = number of unlabelled sources with g * sqrt(uncertainty of g)

    The root is a compromise: the uncertainty of a model that has seen few pairs is a rough estimate.

    The uncertainty of a source is the negative log-probability of its prediction; in an ensemble, it includes how much
    the members disagree.

    Args:
        fitted: the model.
        sources: unlabelled sources, with feature tags after a tab if the model reads them. Those that are repeated, or
            labelled, are left out.
        count: number of sources to choose.
        labelled: sources that are labelled, in addition to those of the model's lexicon.

    Raises:
        DataError: if no source is left, or feature tags are missing or unexpected.
        ModelFolderError: if the stored lexicon of the model is damaged.
    """
    vocabulary = fitted.converter.source_vocabulary
    check_tags(sources, vocabulary)
    known = {fitted.normalize(source): source for source in labelled}
    known |= {fitted.normalize(source): source for source, _ in entries_of(fitted)}
    candidates, left_out = _candidates(sources, known.keys(), fitted.normalize)
    conversions = fitted.converter.convert(candidates, Request(confidence=True))
    contexts = Contexts.of([*candidates, *known.values()], vocabulary.tokenizer)
    pool = contexts.take(slice(len(candidates)))
    counts = contexts.counts(slice(len(candidates), None))
    counts = np.maximum(counts, _read_by_model(contexts, vocabulary))
    weights = pool.counts(slice(None)) * np.sqrt(context_uncertainty(pool, _uncertainty(conversions)))
    chosen = islice(cover(pool, weights, counts, _urgent(pool, counts)), count)
    proposals = [_proposal(conversions[row], pool, pool[row][np.argsort(-gains)]) for row, gains in chosen]
    return Ranking(proposals, len(candidates), left_out, len(known))


def _candidates(
    sources: Sequence[str], known: Iterable[str], normalize: Callable[[str], str]
) -> tuple[list[str], Counter[str]]:
    """Return the sources to compare, and why how many others are left out."""
    left_out: Counter[str] = Counter()
    labelled, seen, found = set(known), set(), []
    for source in sources:
        name = normalize(source)
        if not name.strip():
            left_out["blank"] += 1
        elif name in labelled:
            left_out["labelled already"] += 1
        elif name in seen:
            left_out["repeated"] += 1
        else:
            seen.add(name)
            found.append(source)
    if not found:
        reasons = "; ".join(f"{number:,} {reason}" for reason, number in left_out.most_common()) or "there are none"
        raise DataError(f"there is no source to label ({reasons}); give sources that are not labelled yet")
    if len(found) > MAX_POOL:
        left_out["not drawn at random"] = len(found) - MAX_POOL
        rows = np.random.default_rng(0).choice(len(found), MAX_POOL, replace=False)
        found = [found[row] for row in np.sort(rows).tolist()]
    return found, left_out


def _uncertainty(conversions: Sequence[Conversion]) -> Array:
    """The negative log-probability of each prediction; without a prediction, the largest of the others."""
    found = [np.nan if each.log_probability is None else -each.log_probability for each in conversions]
    values, missing = np.array(found), np.isnan(found)
    uncertainty: Array = np.where(missing, values[~missing].max(initial=1.0), np.maximum(values, 0.0))
    return uncertainty


def _read_by_model(contexts: Contexts, vocabulary: Vocabulary) -> Array:
    """1 for the contexts of a single symbol or tag that was in the training data, otherwise 0."""
    return np.array([len(each) == 1 and vocabulary.knows(each[0]) for each in contexts.symbols], np.int64)


def _urgent(pool: Contexts, counts: Array) -> Array:
    """The frequencies of the symbols that are new, but not of those in a few odd sources; 0 for other contexts."""
    frequencies = pool.counts(slice(None))
    single = np.array([len(each) == 1 for each in pool.symbols], bool)
    new = single & (counts == 0) & (frequencies >= max(MIN_FREQUENCY, MIN_SHARE * len(pool)))
    return np.where(new, frequencies, 0)


def _proposal(conversion: Conversion, pool: Contexts, contexts: Array) -> Proposal:
    """Create a proposal with its reasons.

    Args:
        conversion: the prediction.
        pool: the contexts of all sources.
        contexts: those of the source, by decreasing gain.
    """
    reasons = [f"new {each}" for each in conversion.unknown]
    reasons += [each for each in conversion.outside if each not in UNKNOWN_KINDS]
    names: list[str] = []
    for context in contexts.tolist():
        name = pool.name(context)
        if len(pool.symbols[context]) > 1 and not any(name in each or each in name for each in names):
            names.append(name)
        if len(names) == CONTEXTS_SHOWN:
            break
    return Proposal(conversion.source, conversion.prediction, conversion.confidence, [*reasons, *names])
