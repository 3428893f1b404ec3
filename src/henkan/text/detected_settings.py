"""Settings of the model that are None are chosen by the training data."""

from __future__ import annotations

from henkan.config import ModelConfig
from henkan.text.feature_tags import with_tag_separator
from henkan.text.pairs import Pairs
from henkan.text.target_symbols import with_target_symbols


def with_detected_settings(model: ModelConfig, pairs: Pairs, *, lexicon: bool = False) -> ModelConfig:
    """Return the settings with `target_symbols` and `tag_separator` filled in.

    They must be detected only once, in all training pairs: a part of them may have few tags.

    Args:
        model: settings of the model.
        pairs: the training pairs.
        lexicon: whether the pairs were read from a pronunciation lexicon.
    """
    return with_tag_separator(with_target_symbols(model, pairs, lexicon=lexicon), pairs.sources)
