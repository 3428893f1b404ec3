import platform
import sys

import numpy as np
import pytest

from henkan import Seq2Seq, Step
from henkan.config import TrainingConfig
from henkan.engine.numpy import NumpyEngines
from henkan.engine.workers import WORKERS, use_one_blas_thread
from models import SOURCES, TARGETS, encoded, loss_and_gradients, small_model


@pytest.mark.parametrize("kernels", ["plain", "fused"])
def test_results_are_bitwise_equal_for_any_number_of_threads(words, monkeypatch, kernels):
    if kernels == "fused":
        pytest.importorskip("numba", reason="numba is not installed; install `henkan[fast]`")
    monkeypatch.setenv("HENKAN_KERNELS", kernels)
    results = []
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("HENKAN_THREADS", threads)
        model = Seq2Seq(epochs=3, batch_size=8, hidden_size=32).fit(*words)
        results.append([conversion.log_probability for conversion in model.convert(words[0])])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_losses_and_gradients_of_shards_add_up(count):
    converter, batch = small_model()
    engine = converter.model
    steps = int(batch.targets.valid.sum())
    loss, gradients = loss_and_gradients(engine, batch)
    assert batch.size == 6
    shards = [batch.shard(first, count) for first in range(min(count, 6))]
    parts = [loss_and_gradients(engine, shard, steps) for shard in shards]
    assert sum(part for part, _ in parts) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(sum(part.vector for _, part in parts), gradients.vector, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("kernels", ["plain", "fused"])
def test_update_in_parts_equals_the_update_with_the_whole_batch(monkeypatch, kernels):
    if kernels == "fused":
        pytest.importorskip("numba", reason="numba is not installed; install `henkan[fast]`")
    monkeypatch.setenv("HENKAN_KERNELS", kernels)
    settings = {"attention": True, "bidirectional": True, "training": TrainingConfig(clip_norm=0.05, weight_decay=0.1)}
    (whole, batch), (divided, _) = small_model(**settings), small_model(**settings)
    pairs = encoded(divided, SOURCES, TARGETS)
    parts = [pairs.batch(np.array(rows)) for rows in ([1], [0, 5, 4], [2, 3])]
    for _ in range(5):
        loss = whole.model.train_step([batch], 0.01)
        assert divided.model.train_step(parts, 0.01) == pytest.approx(loss, rel=1e-12)
    vectors = [converter.model.parameters.vector for converter in (whole, divided)]
    np.testing.assert_allclose(*vectors, rtol=1e-8, atol=1e-12)


def test_parts_draw_different_dropout():
    """Parts with the same pairs would have the same loss if their masks were the same."""
    converter, batch = small_model(hidden_size=32, training=TrainingConfig(dropout=0.5))
    engine = converter.model
    engine.prepare(batch)
    losses = [engine._part_loss_and_gradients(batch, part, 10)[0] for part in (0, 1, 0)]
    assert losses[0] == losses[2] != losses[1]


def test_training_in_parts_is_bitwise_equal_for_any_number_of_threads(monkeypatch):
    sources = ["ab" * 40, "a", "b", *["ba" * n for n in range(1, 12)]] * 2  # so long that each batch is divided
    results = []
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("HENKAN_THREADS", threads)
        model = Seq2Seq(epochs=2, batch_size=128, by_length=False, hidden_size=16, dropout=0.2)
        model.fit(sources, sources, dev=(sources, sources))
        results.append([conversion.log_probability for conversion in model.convert(sources[:5])])
    assert results[0] == results[1] == results[2]


def test_session_restores_the_switch_interval(monkeypatch):
    monkeypatch.setenv("HENKAN_THREADS", "2")
    before = sys.getswitchinterval()
    with WORKERS.session():
        pass
    assert sys.getswitchinterval() == before


def test_accelerated_decoding_gives_the_same_predictions(monkeypatch):
    pytest.importorskip("numba", reason="numba is not installed; install `henkan[fast]`")
    converter, _ = small_model()
    expected = converter.convert(SOURCES * 5)
    monkeypatch.setattr("henkan.inference.source_reader.MIN_SOURCES_FOR_THREADS", 2)
    monkeypatch.setattr("henkan.inference.source_reader.MIN_SYMBOLS_FOR_KERNELS", 2)
    monkeypatch.setattr("henkan.inference.converter.BATCH_SIZE", 4)
    for expected_conversion, conversion in zip(expected, converter.convert(SOURCES * 5), strict=True):
        assert expected_conversion.prediction == conversion.prediction
        assert expected_conversion.log_probability == pytest.approx(conversion.log_probability, rel=1e-10)


def test_workers_keep_the_order_inside_and_outside_a_session():
    with WORKERS.session(), WORKERS.session():  # sessions can be nested
        assert list(WORKERS.map(lambda x: x * x, range(50))) == [x * x for x in range(50)]
        assert list(WORKERS.map(str, [])) == []
    assert list(WORKERS.map(str, [1, 2])) == ["1", "2"]


@pytest.mark.parametrize(("kernels", "limited"), [("plain", False), ("fused", True)])
def test_blas_is_limited_to_one_thread_only_with_fused_kernels(words, monkeypatch, kernels, limited):
    threadpoolctl = pytest.importorskip(
        "threadpoolctl", reason="threadpoolctl is not installed; install `henkan[fast]`"
    )
    monkeypatch.setenv("HENKAN_KERNELS", kernels)

    def threads():
        return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}

    seen = []

    def record_threads(event):
        if isinstance(event, Step):
            seen.append(threads())

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        Seq2Seq(epochs=1, hidden_size=8).fit(*words, callback=record_threads)
        assert threads() == {2}  # restored afterwards
    assert seen == [{1} if limited else {2}] * len(seen)
    assert seen


def test_description_names_everything_that_affects_the_results(monkeypatch):
    pytest.importorskip("numba", reason="numba is not installed; install `henkan[fast]`")
    import llvmlite
    import numba
    import scipy

    monkeypatch.delenv("HENKAN_KERNELS", raising=False)
    versions = f"numba {numba.__version__}, llvmlite {llvmlite.__version__}, scipy {scipy.__version__}"
    machine = platform.machine()
    fused = NumpyEngines().describe()
    assert fused.startswith(f"NumPy {np.__version__} with fused kernels ({versions}) on {machine}")
    monkeypatch.setenv("HENKAN_KERNELS", "plain")
    plain = NumpyEngines().describe()
    assert plain.startswith(f"NumPy {np.__version__} with plain kernels on {machine}")
    assert "\n" not in fused + plain
    monkeypatch.setattr(platform, "machine", lambda: "abacus")
    assert " on abacus" in NumpyEngines().describe()


def test_blas_can_be_limited_to_one_thread():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="install `henkan[fast]`")
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        use_one_blas_thread()
        counts = {each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"}
    assert counts == {1}
