import numpy as np
import pytest

from henkan.config import ModelConfig
from henkan.model import Sizes, create_architecture, draw_weights

H, D = 64, 48


def draw(rule, *, peeky=True):
    config = ModelConfig(embedding_size=D, hidden_size=H, peeky=peeky)
    return draw_weights(create_architecture(config, Sizes(50, 40)).specs, rule, 0, np.float64)


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("encoder.E", 0.01),
        ("decoder.E", 0.01),
        ("encoder.lstm1.Wx", D**-0.5),
        ("encoder.lstm1.Wh", H**-0.5),
        ("decoder.lstm1.Wx", (H + D) ** -0.5),
        ("decoder.Wc", (H + D) ** -0.5),
        ("decoder.Wy", (2 * H) ** -0.5),
        ("decoder.Wyc", (2 * H) ** -0.5),
    ],
)
def test_book_initialization(name, deviation):
    assert draw("book")[name].std() == pytest.approx(deviation, rel=0.05)


def test_book_initialization_without_peeking():
    parameters = draw("book", peeky=False)
    assert parameters["decoder.lstm1.Wx"].std() == pytest.approx(D**-0.5, rel=0.05)
    assert parameters["decoder.Wy"].std() == pytest.approx(H**-0.5, rel=0.05)
    assert not parameters["decoder.lstm1.b"].any()
    assert not parameters["encoder.lstm1.b"].any()


def test_orthogonal_initialization():
    parameters = draw("orthogonal")
    for gate in np.split(parameters["encoder.lstm1.Wh"], 4, axis=1):
        np.testing.assert_allclose(gate.T @ gate, np.eye(H), atol=1e-12)
    assert parameters["encoder.E"].std() == pytest.approx(1, rel=0.05)
    assert parameters["decoder.lstm1.Wx"].std() == pytest.approx(D**-0.5, rel=0.05)
    assert parameters["decoder.Wc"].std() == pytest.approx(H**-0.5, rel=0.05)
    for name in ("encoder.lstm1.b", "decoder.lstm1.b"):  # the second quarter is the forget gate's bias
        np.testing.assert_array_equal(np.split(parameters[name], 4), np.array([[0], [1], [0], [0]]) * np.ones(H))
    assert not parameters["decoder.by"].any()
