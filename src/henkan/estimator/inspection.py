"""Check pairs before training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from henkan.config import Case, Normalization
from henkan.errors import DataError
from henkan.estimator.arguments import Validation, pairs_of, validation_pairs
from henkan.estimator.parameters import Auto, Parameters

if TYPE_CHECKING:
    from henkan.text.audit import Audit


def inspect(
    sources: Iterable[str],
    targets: Iterable[str],
    *,
    dev: Validation | None = None,
    test: Validation | None = None,
    source_symbols: str = "auto",
    target_symbols: str | None = "auto",
    source_normalization: Normalization | Auto = "auto",
    target_normalization: Normalization | Auto = "auto",
    source_case: Case | Auto = "auto",
    features: bool | Auto = "auto",
    tag_separator: str | None = "auto",
    sort_tags: bool | Auto = "auto",
) -> Audit:
    """Check pairs before training: their size, string lengths, symbols, duplicates and probable mistakes.

    Warnings and hints say what to do, such as about sources with several targets in the training and the test set,
    strings that mix composed and decomposed letters, or empty targets.

    >>> found = inspect(["ab", "ba", "ab"], ["AB", "BA ", "AB"], dev=(["ab"], ["AB"]))
    >>> found.rows, found.duplicates
    (3, 1)
    >>> for warning in found.warnings():
    ...     print(warning.problem)
    1 of 1 source in dev is also in the training set (1 with the same target), so its exact match is too optimistic
    1 target has leading or trailing whitespace

    Args:
        sources, targets: n sources and their n targets, as for `Seq2Seq.fit`.
        dev, test: sources and targets of a validation and of a test set, which are checked for overlap with the pairs.
        source_symbols, target_symbols, source_normalization, target_normalization, source_case, features: settings of
            the model; see `henkan.config.ModelConfig`. Strings that are equal after normalization count as equal.
        tag_separator, sort_tags: likewise.

    Returns:
        what was found; `print` shows it as `henkan inspect` does, and `to_dict` converts it to JSON values.

    Raises:
        DataError: if the numbers of sources and targets differ, they are not strings in an order, or there are none.
        SettingsError: if a setting is invalid.
    """
    from henkan.text.audit import audit
    from henkan.text.detected_settings import with_detected_settings
    from henkan.text.tokenized_pairs import TokenizedPairs

    pairs = pairs_of(sources, targets)
    if not len(pairs):
        raise DataError("there are no pairs to inspect")
    parameters = Parameters(
        source_symbols=source_symbols,
        target_symbols=target_symbols,
        source_normalization=source_normalization,
        target_normalization=target_normalization,
        source_case=source_case,
        features=features,
        tag_separator=tag_separator,
        sort_tags=sort_tags,
    )
    model, _ = parameters._wanted().configs("words")
    sets = {name: validation_pairs(given, name) for name, given in (("dev", dev), ("test", test))}
    tokenized = TokenizedPairs.of(pairs, with_detected_settings(model, pairs))
    return audit(tokenized, {name: each for name, each in sets.items() if each is not None})
