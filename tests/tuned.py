"""What the tests of a search share: pairs, their search space, and made-up measurements."""

from henkan.selection.tuning.space import space_for
from henkan.selection.tuning.trial import TrialResult
from henkan.text.pairs import Pairs
from henkan.training.choice import Wanted

LETTERS = "abcdefgh"
UPPER = Pairs([a + b for a in LETTERS for b in LETTERS], [(a + b).upper() for a in LETTERS for b in LETTERS])
"""64 pairs whose symbols correspond from left to right, without a copy."""

SMALL = {"hidden_size": 4, "embedding_size": 4, "epochs": 2, "batch_size": 8, "target_symbols": None}


def space(settings=SMALL, pairs=UPPER, **more):
    """The space for some pairs, where settings are given."""
    return space_for(Wanted({"target_symbols": None, **settings}, **more), pairs)


def measured(value, rows=100, seconds=1.0):
    """A measurement in which the first rows are right."""
    return TrialResult(value, value, [row < round(value * rows) for row in range(rows)], 10, seconds)
