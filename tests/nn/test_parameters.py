import numpy as np

from henkan.nn import Parameters


def test_views_share_the_vector():
    parameters = Parameters({"a.W": (2, 2), "a.b": (2,), "b.W": (1,)})
    parameters["a.b"][...] = (5, 6)
    assert parameters.vector.tolist() == [0, 0, 0, 0, 5, 6, 0]
    parameters.vector[6] = 7
    assert parameters.group("b")["W"].tolist() == [7]
    assert list(parameters.group("a")) == ["W", "b"]


def test_zeros_does_not_share_memory():
    parameters = Parameters({"W": (2,)}, np.float64)
    parameters["W"][...] = 1
    other = parameters.zeros()
    assert other.vector.tolist() == [0, 0]
    assert other.vector.dtype == np.float64
    other["W"][...] = 2
    assert parameters.vector.tolist() == [1, 1]
