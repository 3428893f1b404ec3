"""Find out whether targets are symbols separated by spaces, such as phones: `HH AH L OW`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from statistics import median
from unicodedata import east_asian_width

from henkan.config import ModelConfig
from henkan.text.pairs import Pairs

SAMPLE = 2000
CHARACTERS, SPACE = "characters", " "


def with_target_symbols(model: ModelConfig, pairs: Pairs, *, lexicon: bool = False) -> ModelConfig:
    """Return the settings with `target_symbols` filled in: if it is None, it is chosen by the data.

    Args:
        model: settings of the model.
        pairs: the training pairs.
        lexicon: whether the pairs were read from a pronunciation lexicon, whose phones are separated by spaces.
    """
    if model.target_symbols is not None:
        return model
    separated = not model.fill and (lexicon or _are_separated(pairs))
    return replace(model, target_symbols=SPACE if separated else CHARACTERS)


def _are_separated(pairs: Pairs) -> bool:
    rows = islice(range(0, len(pairs), -(-len(pairs) // SAMPLE) or 1), SAMPLE)
    return are_symbols([(pairs.sources[row], pairs.targets[row].split(SPACE)) for row in rows])


def are_symbols(pairs: Sequence[tuple[str, Sequence[str]]]) -> bool:
    """Whether the second strings of pairs, split at spaces, are symbols such as phones, and not words or numbers.

    Symbols are short, repeat often, and are about as many as the letters of the source, and so are more than its words.
    If in doubt, the answer is no: sentences that are taken for symbols give a bad model, without an error.

    Args:
        pairs: sources, and the tokens of their targets.
    """
    filled = [(source, [token for token in tokens if token]) for source, tokens in pairs]
    filled = [(source, tokens) for source, tokens in filled if source and tokens]
    tokens = [token for _, each in filled for token in each]
    if not tokens or 10 * len(filled) < 9 * len(pairs):
        return False
    several = sum(len(each) > 1 for _, each in filled) / len(filled)
    numbers = sum(_is_number(token) for token in tokens) / len(tokens)
    per_letter = median(len(each) / _letters(source) for source, each in filled)
    words = sum(len(source.split()) or 1 for source, _ in filled)
    if sum(_letters(source) for source, _ in filled) < 2 * words:  # not words, but separated symbols as well
        words = len(filled)
    return (
        several > 0.6
        and len(tokens) >= 2 * words
        and sum(map(len, tokens)) <= 2.5 * len(tokens)
        and 0.45 <= per_letter <= 2.5
        and numbers <= 0.4
        and len(set(tokens)) <= min(0.4 * len(tokens) + 15, 400)
    )


def _letters(source: str) -> int:
    """The number of letters; an ideograph, a kana or a Hangul syllable, which is wide, counts as two."""
    return max(1, sum(1 + (east_asian_width(letter) in "WF") for letter in source if not letter.isspace()))


def _is_number(token: str) -> bool:
    """Whether a token has digits and no letters, unlike `AH0`."""
    return any(map(str.isdigit, token)) and not any(map(str.isalpha, token))
