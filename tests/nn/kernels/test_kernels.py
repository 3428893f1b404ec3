"""The fused kernels are the plain ones' twins: same arguments, same results."""

import numpy as np
import pytest

from henkan.nn.kernels import choose_kernels, plain

fused = pytest.importorskip("henkan.nn.kernels.fused", reason="numba is not installed; `henkan[fast]` brings it")

TOLERANCES = {"float64": {"rtol": 1e-10, "atol": 1e-14}, "float32": {"rtol": 1e-4, "atol": 1e-6}}
T, N, H, P = 5, 6, 17, 9
ACTIVE = {"all": [6] * 5, "falling": [6, 6, 4, 4, 1], "ended": [6, 2, 0, 0, 0]}


@pytest.fixture(params=TOLERANCES)
def dtype(request):
    return request.param


def assert_alike(plain_results, fused_results, dtype):
    for one, other in zip(plain_results, fused_results, strict=True):
        if one is None:
            assert other is None
        else:
            assert other.dtype == one.dtype == dtype
            np.testing.assert_allclose(other, one, **TOLERANCES[dtype])


@pytest.mark.parametrize("active", ACTIVE)
@pytest.mark.parametrize("peeking", [True, False])
@pytest.mark.parametrize("every_h", [True, False])
def test_lstm(dtype, active, peeking, every_h):
    generator = np.random.default_rng(0)

    def draw(*shape):
        return generator.normal(size=shape).astype(dtype)

    running = np.array(ACTIVE[active])
    places = generator.integers(P, size=(T, N))
    context = draw(N, 4 * H) if peeking else None
    table, h0, c0, Wh = draw(P, 4 * H), draw(N, H), draw(N, H), draw(H, 4 * H)
    ends = draw(T, N, H) if every_h else None, draw(N, H), draw(N, H)

    kept, gradients = {}, {}
    for kernels in (plain, fused):
        kept[kernels] = kernels.lstm_forward(table, places, context, h0, c0, Wh, running)
        gates, hs, cs, tanh_cs = kept[plain]
        gradients[kernels] = kernels.lstm_backward(*ends, gates, hs, cs, tanh_cs, table, places, context, Wh, running)
    assert_alike(kept[plain][1:3], kept[fused][1:3], dtype)
    for t, n in enumerate(running):
        assert_alike([kept[plain][0][t, :n]], [kept[fused][0][t, :n]], dtype)
    assert_alike(gradients[plain], gradients[fused], dtype)


@pytest.mark.parametrize("count", [7, 300])
def test_sum_rows(dtype, count):
    generator = np.random.default_rng(0)
    places, rows = generator.integers(count, size=50), generator.normal(size=(50, 3)).astype(dtype)
    expected = np.zeros((count, 3), dtype)
    np.add.at(expected, places, rows)
    for kernels in (plain, fused):
        assert_alike([expected], [kernels.sum_rows(places, rows, count)], dtype)


def test_adam(dtype):
    generator = np.random.default_rng(0)
    vectors = [generator.normal(size=33).astype(dtype) for _ in range(3)]
    vectors.append(generator.random(33).astype(dtype))  # v is never negative
    after = []
    for kernels in (plain, fused):
        after.append([vector.copy() for vector in vectors])
        kernels.adam_update(*after[-1], 0.01, 0.99, 0.9, 0.98, 1.5, 1e-8)
    assert_alike(*after, dtype)


def test_saturated_gates_stay_finite():
    table = np.array([[1e4] * 8, [-1e4] * 8], np.float32)
    places, states, Wh = np.array([[0, 1]]), np.zeros((2, 2), np.float32), np.zeros((2, 8), np.float32)
    for kernels in (plain, fused):
        gates, hs, _, _ = kernels.lstm_forward(table, places, None, states, states, Wh, np.array([2]))
        np.testing.assert_allclose(gates[0, 0], 1, atol=1e-6)
        np.testing.assert_allclose(gates[0, 1], [0, 0, 0, 0, -1, -1, 0, 0], atol=1e-6)
        np.testing.assert_allclose(hs[1], [[np.tanh(1)] * 2, [0, 0]], atol=1e-6)


def test_the_error_of_the_fused_tanh():
    x = np.linspace(-12, 12, 4 * 10_000).astype(np.float32)
    table = np.zeros((10_000, 16), np.float32)
    table[:, 8:12] = x.reshape(-1, 4)  # the cell gate is tanh alone
    places, states, Wh = np.arange(10_000)[None], np.zeros((10_000, 4), np.float32), np.zeros((4, 16), np.float32)
    gates, *_ = fused.lstm_forward(table, places, None, states, states, Wh, np.array([10_000]))
    assert np.abs(gates[0, :, 8:12].reshape(-1) - np.tanh(x.astype(np.float64))).max() < 4e-7


def test_one_place_chooses(monkeypatch):
    assert choose_kernels() is fused
    monkeypatch.setenv("HENKAN_KERNELS", "plain")
    assert choose_kernels() is plain
