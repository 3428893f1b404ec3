"""Training pairs from unlabelled sources: their targets are predicted by a trained model, the teacher."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from henkan.config import ModelConfig
from henkan.errors import DataError
from henkan.inference.conversion import Conversion, Request
from henkan.inference.converter import Converter
from henkan.text.pairs import Pairs
from henkan.text.pseudowords import pseudowords
from henkan.text.tokenizer import tokenizers
from henkan.text.vocabulary import Vocabulary

CHUNK = 256
GENERATED, GENERATED_PER_PAIR = 20_000, 5
"""Number of sources that are generated if none are given: at most five for each pair."""


class Usable(NamedTuple):
    """Unlabelled sources.

    Attributes:
        sources: those that can be used.
        left_out: why others cannot -> how many.
    """

    sources: Sequence[str]
    left_out: Mapping[str, int]


def usable_sources(sources: Sequence[str], used: Iterable[str], vocabulary: Vocabulary) -> Usable:
    """Return the sources that are new and that a model can read.

    Args:
        sources: unlabelled sources.
        used: the sources of the training and validation pairs.
        vocabulary: the source vocabulary of the model.

    Raises:
        DataError: if there are none.
    """
    check_tags(sources, vocabulary)
    normalize = vocabulary.tokenizer.normalize
    seen, found = set(map(normalize, used)), []
    left_out: Counter[str] = Counter()
    for source in sources:
        name = normalize(source)
        if not source.strip():
            left_out["blank"] += 1
        elif name in seen:
            left_out["repeated or of pairs"] += 1
        elif vocabulary.unknown_symbols(source):
            left_out["with unknown symbols"] += 1
        else:
            seen.add(name)
            found.append(source)
    if not found:
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in left_out.most_common()) or "there are none"
        raise DataError(f"no unlabelled source can be used ({reasons}); give other sources, one per line")
    return Usable(found, left_out)


def check_tags(sources: Sequence[str], vocabulary: Vocabulary) -> None:
    """Check that unlabelled sources have feature tags if and only if a model reads them.

    Raises:
        DataError: if not.
    """
    tabs, tags = sum("\t" in source for source in sources), vocabulary.tokenizer.features
    if tabs and not tags and vocabulary.unknown_symbols("\t"):
        raise DataError(
            f"{tabs:,} of {len(sources):,} unlabelled sources contain a tab, as in a file of pairs; give sources "
            "alone, one per line"
        )
    if sources and not tabs and tags:
        raise DataError(
            "the unlabelled sources have no feature tags, but those of the pairs do; write the tags after each source "
            "and a tab, as in 'walk TAB V;PST'"
        )


def label(teacher: Converter, sources: Sequence[str], report: Callable[[int, int], None] = lambda *_: None) -> Pairs:
    """Predict the targets of unlabelled sources.

    Left out are sources without a complete prediction, with an empty one, and sources outside the training data of the
    teacher, such as longer ones.

    Args:
        teacher: the model that predicts.
        sources: the sources.
        report: called before and after each part of the work with the number of sources that are done, and of those
            that are used; may raise an exception to stop it.

    Raises:
        DataError: if no source is left.
    """
    found: list[Conversion] = []
    for start in range(0, len(sources), CHUNK):
        report(start, len(found))
        converted = teacher.convert(sources[start : start + CHUNK], Request(), among=len(sources))
        found += [each for each in converted if _usable(each)]
    report(len(sources), len(found))
    labelled = Pairs.of((each.source, each.prediction or "") for each in found)
    if not len(labelled):
        raise DataError(
            "no unlabelled source can be used: each is unlike the sources of the pairs, such as longer, or the model "
            "has no complete prediction for it; give other sources, or train longer"
        )
    return labelled


def _usable(conversion: Conversion) -> bool:
    return bool(conversion.prediction) and not (conversion.cut_off or conversion.unknown or conversion.outside)


def generated_sources(pairs: Pairs, model: ModelConfig, seed: int) -> Sequence[str]:
    """Generate sources that resemble those of the training pairs; see `henkan.text.pseudowords`.

    Args:
        pairs: the training pairs.
        model: settings of the model, which say how sources are split into symbols.
        seed: the random seed.

    Raises:
        DataError: if there are none.
    """
    count = min(GENERATED, GENERATED_PER_PAIR * len(pairs))
    found = pseudowords(pairs.sources, tokenizers(model)[0], count, seed)
    if not found:
        raise DataError("the sources are so few or so short that no others can be generated; give unlabelled sources")
    return found
