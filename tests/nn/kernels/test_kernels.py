"""The fused kernels take the same arguments and give the same results as the plain kernels."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import henkan
from henkan.nn import Backend, LayerInputs, lstm_layer
from henkan.nn.kernels import choose_kernels, plain
from henkan.nn.kernels.structures import (
    AdamStep,
    LossTargets,
    LSTMInputs,
    LSTMScratch,
    LSTMStates,
    OutputLayer,
    Pointer,
    StateGradients,
    TableRows,
)

fused = pytest.importorskip("henkan.nn.kernels.fused", reason="numba is not installed; install `henkan[fast]`")

ROOT = Path(henkan.__file__).parent
TOLERANCES = {"float64": {"rtol": 1e-10, "atol": 1e-14}, "float32": {"rtol": 1e-4, "atol": 1e-5}}
T, N, H, P = 5, 6, 17, 9
ACTIVE = {"all": [6] * 5, "falling": [6, 6, 4, 4, 1], "ended": [6, 2, 0, 0, 0]}


@pytest.fixture(params=TOLERANCES)
def dtype(request):
    return request.param


def assert_close(expected_results, actual_results, dtype):
    for expected, actual in zip(expected_results, actual_results, strict=True):
        if expected is None:
            assert actual is None
        else:
            assert actual.dtype == expected.dtype == dtype
            np.testing.assert_allclose(actual, expected, **TOLERANCES[dtype])


@pytest.mark.parametrize("active", ACTIVE)
@pytest.mark.parametrize("with_context", [True, False])
@pytest.mark.parametrize("every_h", [True, False])
@pytest.mark.parametrize("zero", [True, False])
@pytest.mark.parametrize("with_more", [True, False])
@pytest.mark.parametrize("H", [17, 32, 40])
def test_lstm_kernels_agree(dtype, active, with_context, every_h, zero, with_more, H):
    generator = np.random.default_rng(0)

    def draw(*shape):
        return generator.normal(size=shape).astype(dtype)

    running = np.array(ACTIVE[active])
    indices = generator.integers(P, size=(T, N))
    context = draw(N, 4 * H) if with_context else None
    more = TableRows(draw(4, 4 * H), generator.integers(4, size=(T, N))) if with_more else None
    table, h0, c0, Wh = draw(P, 4 * H), draw(N, H), draw(N, H), draw(H, 4 * H) / 3
    dhs, dh, dc = draw(T, N, H) if every_h else None, draw(N, H), draw(N, H)

    inputs = LSTMInputs(table, indices, Wh, running)
    states, gradients = {}, {}
    for kernels in (plain, fused):
        shapes = kernels.lstm_shapes(T, N, H, running.sum(), np.dtype(dtype))
        gates, packed, *scratch = (
            np.full(shape, np.nan, dtype) for shape in (shapes.gates, shapes.packed, *shapes.scratch)
        )
        own = LSTMStates(gates, *(np.full((T + extra, N, H), np.nan, dtype) for extra in (1, 1, 0)), packed)
        own.hs[0], own.cs[0] = (0, 0) if zero else (h0, c0)
        kernels.lstm_forward(inputs, more, context, own, zero)
        states[kernels] = (own.hs, own.cs)
        last = StateGradients(dh.copy(), dc.copy())
        results = kernels.lstm_backward(dhs, last, inputs, more, context, own, LSTMScratch(*scratch), zero)
        gradients[kernels] = (*results, *(() if zero else last))
    assert_close(states[plain], states[fused], dtype)
    assert_close(gradients[plain], gradients[fused], dtype)


@pytest.mark.parametrize("count", [7, 300])
def test_sum_rows_kernels_agree(dtype, count):
    generator = np.random.default_rng(0)
    indices, rows = generator.integers(count, size=50), generator.normal(size=(50, 3)).astype(dtype)
    expected = np.zeros((count, 3), dtype)
    np.add.at(expected, indices, rows)
    for kernels in (plain, fused):
        assert_close([expected], [kernels.sum_rows(indices, rows, count)], dtype)


@pytest.mark.parametrize("with_state", [True, False])
@pytest.mark.parametrize("with_context", [True, False])
@pytest.mark.parametrize("reversed_order", [True, False])
@pytest.mark.parametrize("every_h", [True, False])
@pytest.mark.parametrize("H", [17, 32])
def test_a_layer_in_one_call_agrees(with_state, with_context, reversed_order, every_h, H):
    generator, V, D = np.random.default_rng(0), 9, 5

    def draw(*shape):
        return generator.normal(size=shape).astype(np.float32)

    K = 6
    weights = {"Wx": draw(D, 4 * H), "Wh": draw(H, 4 * H) / 3, "b": draw(4 * H)}
    weights |= {"Wc": draw(K, 4 * H)} if with_context else {}
    running, steps = np.array(ACTIVE["falling"]), np.arange(T)[:, None]
    lengths = (running[:, None] > np.arange(N)).sum(axis=0)
    order = np.where(steps < lengths, lengths - 1 - steps, steps) if reversed_order else None
    inputs = LayerInputs(draw(V, D), running, generator.integers(V, size=(T, N)), order)
    state = (draw(N, H), draw(N, H)) if with_state else None
    context = draw(N, K) if with_context else None
    upstream = draw(T, N, H) if every_h else None, draw(N, H), draw(N, H)
    results = []
    for kernels in (plain, fused):
        gradients = {name: np.full_like(array, np.nan) for name, array in weights.items()}
        hs, cs, backward = lstm_layer(weights, inputs, state, context=context, backend=Backend(kernels))
        d = backward(*upstream, gradients)
        results.append([hs, cs, d.dx, d.dcontext, *((d.dh0, d.dc0) if with_state else ()), *gradients.values()])
    assert_close(*results, "float32")


@pytest.mark.parametrize("with_scores", [True, False])
@pytest.mark.parametrize("padding", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_output_loss_kernels_agree(dtype, with_scores, padding, smoothing):
    generator = np.random.default_rng(0)

    def draw(*shape):
        return generator.normal(size=shape).astype(dtype)

    hs, W, b, scores = draw(T, N, H), draw(H, P), draw(P), draw(N, P) if with_scores else None
    ids, valid = generator.integers(P, size=(T, N)), generator.random((T, N)) < (0.7 if padding else 1)
    layer, targets = OutputLayer(W, b), LossTargets(ids, valid, smoothing, 25)
    results = [kernels.output_loss(hs, layer, scores, targets) for kernels in (plain, fused)]
    assert results[1][0] == pytest.approx(results[0][0], rel=TOLERANCES[dtype]["rtol"])
    assert_close(results[0][1:], results[1][1:], dtype)


@pytest.mark.parametrize("with_scores", [True, False])
@pytest.mark.parametrize("padding", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_copy_loss_kernels_agree(dtype, with_scores, padding, smoothing):
    generator = np.random.default_rng(0)

    def draw(*shape):
        return generator.normal(size=shape).astype(dtype)

    S = 7
    hs, W, b, scores = draw(T, N, H), draw(H, P), draw(P), draw(N, P) if with_scores else None
    attention = np.exp(draw(N, T, S))
    attention /= attention.sum(axis=2, keepdims=True)
    attention[1] = 0  # as if the weights of all symbols that can be copied were too small for a number
    copy_ids = generator.integers(-1, P + 2, size=(S, N))
    copy_ids[:, 0] = -1  # nothing can be copied
    ids, valid = generator.integers(P, size=(T, N)), generator.random((T, N)) < (0.7 if padding else 1)
    for column in range(N):
        outside = copy_ids[copy_ids[:, column] >= P, column]
        ids[1, column] = outside[0] if len(outside) else 0
    assert (ids >= P).any()
    layer, targets = OutputLayer(W, b), LossTargets(ids, valid, smoothing, 25)
    pointer = Pointer(draw(T, N) * 3, attention, copy_ids)
    results = [kernels.copy_loss(hs, layer, scores, targets, pointer) for kernels in (plain, fused)]
    assert np.isfinite(results[0][0])
    assert results[1][0] == pytest.approx(results[0][0], rel=TOLERANCES[dtype]["rtol"])
    assert_close(results[0][1:], results[1][1:], dtype)


@pytest.mark.parametrize("kernels", [plain, fused], ids=["plain", "fused"])
@pytest.mark.parametrize("gate", [-1e4, 1e4])
def test_copy_loss_stays_finite(kernels, gate):
    """Even if the gate excludes the only way to write a symbol."""
    number = np.float32
    hs, layer = np.ones((2, 1, 2), number), OutputLayer(np.array([[1e3, -1e3], [0, 0]], number), np.zeros(2, number))
    pointer = Pointer(np.full((2, 1), gate, number), np.zeros((1, 2, 1), number), np.array([[2]]))
    targets = LossTargets(np.array([[2], [1]]), np.ones((2, 1), bool), 0.0, 2)
    loss, *gradients = kernels.copy_loss(hs, layer, None, targets, pointer)
    assert np.isfinite(loss)
    assert all(np.isfinite(each).all() for each in gradients if each is not None)


def test_adam_kernels_agree(dtype):
    generator = np.random.default_rng(0)
    vectors = [generator.normal(size=33).astype(dtype) for _ in range(3)]
    vectors.append(generator.random(33).astype(dtype))  # the second moment is never negative
    after = []
    for kernels in (plain, fused):
        after.append([vector.copy() for vector in vectors])
        kernels.adam_update(*after[-1], AdamStep(0.01, 0.99, 0.9, 0.98, 1.5, 1e-8))
    assert_close(*after, dtype)


def states_after(kernels, table, steps=5):
    """Return h (N, H) and tanh(c) (steps, N, H) with a row of a table as the input of every step, and no weights."""
    N, H, number = len(table), table.shape[1] // 4, np.float32
    shapes = kernels.lstm_shapes(steps, N, H, N * steps, np.dtype(number))
    extra = ((1, N, H), (1, N, H), (0, N, H))
    arrays = [np.zeros((more + steps, *shape), number) for more, *shape in extra]
    states = LSTMStates(np.empty(shapes.gates, number), *arrays, np.empty(shapes.packed, number))
    Wh, indices = np.zeros((H, 4 * H), number), np.tile(np.arange(N), (steps, 1))
    kernels.lstm_forward(LSTMInputs(table, indices, Wh, np.full(steps, N)), None, None, states, True)
    return states.hs[-1], states.tanh_cs


def test_saturated_gates_stay_finite():
    for kernels in (plain, fused):
        hs, tanh_cs = states_after(kernels, np.array([[1e4] * 8, [-1e4] * 8], np.float32))
        np.testing.assert_allclose(tanh_cs[:, 0], np.tanh(np.arange(1, 6))[:, None].repeat(2, axis=1), atol=1e-6)
        np.testing.assert_allclose(hs, [[np.tanh(5)] * 2, [0, 0]], atol=1e-6)


def test_fused_tanh_is_accurate():
    x = np.linspace(-12, 12, 4 * 10_000).astype(np.float32)
    table = np.zeros((10_000, 16), np.float32)
    table[:, :4], table[:, 8:12] = 1e4, x.reshape(-1, 4)  # after a step, c is tanh(x)
    _, tanh_cs = states_after(fused, table)
    exact = np.tanh(np.tanh(x.astype(np.float64)))
    assert np.abs(tanh_cs[0].reshape(-1) - exact).max() < 6e-7


def test_environment_variable_selects_the_kernels(monkeypatch):
    assert choose_kernels() is fused
    monkeypatch.setenv("HENKAN_KERNELS", "plain")
    assert choose_kernels() is plain


def test_fused_kernels_work_without_a_cache_folder(tmp_path):
    """As in a container whose files belong to another user and whose user has no home directory."""
    package = shutil.copytree(ROOT, tmp_path / "henkan", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "nn" / "kernels" / "__pycache__").touch()  # this file prevents even root from creating the folder
    cache_variables = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in cache_variables}
    environment |= {"HOME": "/dev/null", "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    script = """
import numpy as np
from henkan.nn.kernels import choose_kernels
kernels = choose_kernels()
print(kernels.__file__, kernels.FUSED)
print(kernels.sum_rows(np.array([1, 0, 1]), np.array([[1.0], [2.0], [4.0]]), 2).tolist())
"""
    command = [sys.executable, "-W", "error", "-c", script]
    result = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert result.stdout == f"{package / 'nn' / 'kernels' / 'fused.py'} True\n[[2.0], [5.0]]\n"
    assert {path.name for path in tmp_path.iterdir()} == {"henkan"}
