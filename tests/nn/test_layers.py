import numpy as np
import pytest

from henkan.nn import affine, embedding, gradient_check, project_symbols


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def test_embedding_looks_up_rows():
    E = np.array([[1.0, 2.0], [3.0, 4.0]])
    y, _ = embedding(np.array([1, 0, 1]), E)
    assert y.tolist() == [[3, 4], [1, 2], [3, 4]]


def test_affine_matches_a_hand_computed_example():
    y, backward = affine(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 3.0]]), np.array([10.0, 20.0]))
    assert y.tolist() == [[11, 26]]
    dx, dW, db = backward(np.array([[1.0, 1.0]]))
    assert dx.tolist() == [[1, 3]]
    assert dW.tolist() == [[1, 1], [2, 2]]
    assert db.tolist() == [1, 1]


@pytest.mark.parametrize("symbols", [5, 300])  # the gradients of equal symbols are summed in two ways
def test_embedding_gradient(generator, symbols):
    ids = generator.integers(symbols, size=(4, 3))
    E, dy = generator.normal(size=(symbols, 2)), generator.normal(size=(4, 3, 2))
    _, backward = embedding(ids, E)
    gradient_check(lambda: float((embedding(ids, E)[0] * dy).sum()), {"E": E}, {"E": backward(dy)})


def test_embedding_gradient_of_an_empty_batch():
    _, backward = embedding(np.zeros((0, 3), np.intp), np.ones((300, 2)))
    assert not backward(np.zeros((0, 3, 2))).any()


@pytest.mark.parametrize("shape", [(3,), (2, 4, 3)])
def test_affine_gradients(generator, shape):
    arrays = {"x": generator.normal(size=shape), "W": generator.normal(size=(3, 2)), "b": generator.normal(size=2)}
    dy = generator.normal(size=(*shape[:-1], 2))
    _, backward = affine(**arrays)
    dx, dW, db = backward(dy)
    gradient_check(lambda: float((affine(**arrays)[0] * dy).sum()), arrays, {"x": dx, "W": dW, "b": db})


@pytest.mark.parametrize("symbols", [3, 400])  # a vocabulary smaller and larger than the batch
def test_project_symbols_equals_embedding_followed_by_affine(generator, symbols):
    ids = generator.integers(symbols, size=(5, 4))
    arrays = {
        "E": generator.normal(size=(symbols, 2)),
        "W": generator.normal(size=(2, 3)),
        "b": generator.normal(size=3),
    }
    dy = generator.normal(size=(5, 4, 3))

    def output():
        table, indices, _ = project_symbols(ids, **arrays)
        return table[indices]

    np.testing.assert_allclose(output(), arrays["E"][ids] @ arrays["W"] + arrays["b"], rtol=1e-12)
    table, indices, backward = project_symbols(ids, **arrays)
    dtable = np.zeros_like(table)
    np.add.at(dtable, indices, dy)
    dE, dW, db = backward(dtable)
    gradient_check(lambda: float((output() * dy).sum()), arrays, {"E": dE, "W": dW, "b": db})
