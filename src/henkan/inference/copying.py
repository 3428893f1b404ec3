"""Copies unknown symbols of a source to its prediction."""

from __future__ import annotations

from collections.abc import Sequence

from henkan.text.vocabulary import Vocabulary


def with_copies(
    written: Sequence[str], attended: Sequence[int], text: str, vocabulary: Vocabulary, *, reverse: bool
) -> list[str]:
    """Replace predicted symbols by unknown symbols of the source, each once, where it has the largest attention weight.

    Args:
        written: the predicted symbols.
        attended: for each of them, the source step with the largest attention weight.
        text: the source.
        vocabulary: the source vocabulary.
        reverse: whether the model reads the source backwards.
    """
    read = vocabulary.tokenizer.tokenize(text)
    symbols, copied = [], set()
    for symbol, step in zip(written, attended, strict=False):  # the end symbol has attention too
        position = len(read) - 1 - step if reverse else step
        if vocabulary.knows(read[position]) or vocabulary.tokenizer.is_tag(read[position]):
            symbols.append(symbol)
        elif position not in copied:
            copied.add(position)
            symbols.append(read[position])
    return symbols
