"""Training pairs from unlabelled sources: their targets are predicted by a trained model, the teacher."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from henkan.config import ModelConfig
from henkan.errors import DataError
from henkan.inference.conversion import Conversion, Request
from henkan.inference.converter import Converter
from henkan.text.pairs import Pairs
from henkan.text.pseudowords import pseudowords
from henkan.text.tokenizer import tokenizers

CHUNK = 1024
GENERATED, GENERATED_PER_PAIR = 20_000, 5
"""Number of sources that are generated if none are given: at most five for each pair."""


def label(
    teacher: Converter, sources: Sequence[str], used: Iterable[str], pause: Callable[[], None] = lambda: None
) -> Pairs:
    """Predict the targets of unlabelled sources.

    Left out are repeated sources, sources of pairs, sources with symbols that the teacher does not know, and sources
    without a complete prediction.

    Args:
        teacher: the model that predicts.
        sources: the unlabelled sources.
        used: the sources of the training and validation pairs.
        pause: called before each part of the work; may raise an exception to stop it.

    Raises:
        DataError: if no source is left.
    """
    normalize = teacher.source_vocabulary.tokenizer.normalize
    known = set(map(normalize, used))
    distinct = {normalize(source): source for source in reversed(sources)}
    wanted = [source for name, source in reversed(distinct.items()) if name not in known]
    found: list[Conversion] = []
    for start in range(0, len(wanted), CHUNK):
        pause()
        found += teacher.convert(wanted[start : start + CHUNK], Request(), among=len(wanted))
    labelled = Pairs.of((each.source, each.prediction or "") for each in found if _usable(each))
    if not len(labelled):
        raise DataError(
            "none of the unlabelled sources can be used: all are sources of pairs, or have symbols that the pairs do "
            "not have; give other sources"
        )
    return labelled


def _usable(conversion: Conversion) -> bool:
    unfit = conversion.prediction is None or conversion.cut_off or conversion.blank or conversion.unknown
    return not unfit


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
