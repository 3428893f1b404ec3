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


def one_pair(converter, place):
    return encoded(converter, SOURCES[place : place + 1], TARGETS[place : place + 1]).batch(np.arange(1))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("place", [0, 1])
def test_it_is_the_norm_of_the_numerical_gradient(settings, place):
    """Each place's embedding is moved by itself: in a model where every place of the source has a symbol of its own."""
    converter, _ = small_model(**settings)
    batch, engine = one_pair(converter, place), converter.model
    found = saliency(engine.architecture, engine.parameters, batch)
    S, T = len(batch.sources.ids), len(batch.targets.ids)
    assert found.shape == (T, S)
    for t in range(T):
        only = np.zeros_like(batch.targets.valid)
        only[t] = True
        for s in range(S):
            expected = numerical(engine, batch, only, s)
            assert found[t, s] == pytest.approx(np.linalg.norm(expected), rel=1e-5, abs=1e-9)


def numerical(engine, batch, only, place):
    """Central differences of the loss of one step by the embedding at one place."""
    E = engine.parameters["encoder.E"]
    symbol, D = batch.sources.ids[place, 0], E.shape[1]
    ids = batch.sources.ids.copy()
    spare = 0 if (ids != 0).all() else next(v for v in range(len(E)) if v not in ids)
    ids[place] = spare
    moved = type(batch)(type(batch.sources)(ids, batch.sources.active), _only(batch.targets, only))
    kept, gradient = E[spare].copy(), np.zeros(D)
    for d in range(D):
        sides = []
        for step in (1e-5, -1e-5):
            E[spare] = E[symbol]
            E[spare, d] += step
            sides.append(engine.loss(moved))
        gradient[d] = (sides[0] - sides[1]) / 2e-5
        E[spare] = kept
    return gradient


def _only(targets, valid):
    return type(targets)(targets.inputs, targets.ids, valid, targets.active)


def test_it_is_of_one_pair():
    converter, batch = small_model()
    with pytest.raises(ValueError, match="of one pair, not of 6"):
        saliency(converter.model.architecture, converter.model.parameters, batch)
