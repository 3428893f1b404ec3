import numpy as np
import pytest

from henkan.model import saliency
from models import SOURCES, TARGETS, encoded, small_model

SETTINGS = [
    {"reverse": reverse, "peeky": peeky, "attention": attention, "bidirectional": bidirectional, "layers": layers}
    for reverse, peeky, attention, bidirectional, layers in [
        (False, False, False, False, 1),
        (True, True, False, False, 1),
        (True, False, True, True, 1),
        (False, True, True, False, 2),
    ]
]


def one_pair(converter, row):
    return encoded(converter, SOURCES[row : row + 1], TARGETS[row : row + 1]).batch(np.arange(1))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("row", [0, 1])
def test_saliency_is_the_norm_of_the_numerical_gradient(settings, row):
    """Each position is perturbed separately, even if its symbol occurs more than once in the source."""
    converter, _ = small_model(**settings)
    batch, engine = one_pair(converter, row), converter.model
    scores = saliency(engine.architecture, engine.parameters, batch)
    S, T = len(batch.sources.ids), len(batch.targets.ids)
    assert scores.shape == (T, S)
    for t in range(T):
        only = np.zeros_like(batch.targets.valid)
        only[t] = True
        for s in range(S):
            expected = numerical_gradient(engine, batch, only, s)
            assert scores[t, s] == pytest.approx(np.linalg.norm(expected), rel=1e-5, abs=1e-9)


def numerical_gradient(engine, batch, only, position):
    """Central differences of the loss of the steps `only` with respect to the embedding at one position."""
    E = engine.parameters["encoder.E"]
    symbol, D = batch.sources.ids[position, 0], E.shape[1]
    ids = batch.sources.ids.copy()
    # A symbol that the source does not use takes over the position, so that its embedding can be changed alone.
    spare = 0 if (ids != 0).all() else next(v for v in range(len(E)) if v not in ids)
    ids[position] = spare
    perturbed = type(batch)(type(batch.sources)(ids, batch.sources.active), _only(batch.targets, only))
    original, gradient = E[spare].copy(), np.zeros(D)
    for d in range(D):
        losses = []
        for step in (1e-5, -1e-5):
            E[spare] = E[symbol]
            E[spare, d] += step
            losses.append(engine.loss(perturbed))
        gradient[d] = (losses[0] - losses[1]) / 2e-5
        E[spare] = original
    return gradient


def _only(targets, valid):
    return type(targets)(targets.inputs, targets.ids, valid, targets.active)


def test_saliency_accepts_only_one_pair():
    converter, batch = small_model()
    with pytest.raises(ValueError, match="of one pair, not of 6"):
        saliency(converter.model.architecture, converter.model.parameters, batch)
