import platform
import sys

import numpy as np
import pytest

from henkan import Seq2Seq, Step
from henkan.engine.numpy import NumpyEngines
from henkan.engine.workers import WORKERS
from models import SOURCES, loss_and_gradients, small_model


@pytest.mark.parametrize("kernels", ["plain", "fused"])
def test_the_bits_do_not_depend_on_the_number_of_threads(words, monkeypatch, kernels):
    if kernels == "fused":
        pytest.importorskip("numba", reason="numba is not installed; `henkan[fast]` brings it")
    monkeypatch.setenv("HENKAN_KERNELS", kernels)
    answers = []
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("HENKAN_THREADS", threads)
        model = Seq2Seq(epochs=3, batch_size=8, hidden_size=32).fit(*words)
        answers.append([conversion.log_probability for conversion in model.convert(words[0])])
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_shards_add_up_to_the_batch(count):
    converter, batch = small_model()
    engine = converter.model
    steps = int(batch.targets.valid.sum())
    loss, gradients = loss_and_gradients(engine, batch)
    assert batch.size == 6
    shards = [batch.shard(first, count) for first in range(min(count, 6))]
    parts = [loss_and_gradients(engine, shard, steps) for shard in shards]
    assert sum(part for part, _ in parts) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(sum(part.vector for _, part in parts), gradients.vector, rtol=1e-10, atol=1e-14)


def test_python_is_left_as_it_was_found(monkeypatch):
    monkeypatch.setenv("HENKAN_THREADS", "2")
    before = sys.getswitchinterval()
    with WORKERS.session():
        pass
    assert sys.getswitchinterval() == before


def test_decoding_many_is_the_same_by_faster_means(monkeypatch):
    pytest.importorskip("numba", reason="numba is not installed; `henkan[fast]` brings it")
    converter, _ = small_model()
    few = converter.convert(SOURCES * 5)
    monkeypatch.setattr("henkan.inference.converter.MIN_SOURCES_FOR_THREADS", 2)
    monkeypatch.setattr("henkan.inference.converter.MIN_SYMBOLS_FOR_KERNELS", 2)
    monkeypatch.setattr("henkan.inference.converter.BATCH_SIZE", 4)
    for one, other in zip(few, converter.convert(SOURCES * 5), strict=True):
        assert one.prediction == other.prediction
        assert one.log_probability == pytest.approx(other.log_probability, rel=1e-10)


def test_work_is_shared_out_in_order_and_only_while_at_work():
    with WORKERS.session(), WORKERS.session():  # whoever else is inside makes no difference
        assert list(WORKERS.map(lambda x: x * x, range(50))) == [x * x for x in range(50)]
        assert WORKERS.share(lambda x: x * x, range(5)) == [0, 1, 4, 9, 16]
    assert list(WORKERS.map(str, [1, 2])) == WORKERS.share(str, [1, 2]) == ["1", "2"]


@pytest.mark.parametrize(("kernels", "held_back"), [("plain", False), ("fused", True)])
def test_blas_is_held_to_one_thread_only_where_ours_share_the_work(words, monkeypatch, kernels, held_back):
    threadpoolctl = pytest.importorskip(
        "threadpoolctl", reason="threadpoolctl is not installed; `henkan[fast]` brings it"
    )
    monkeypatch.setenv("HENKAN_KERNELS", kernels)

    def threads():
        return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}

    seen = []

    def look(event):
        if isinstance(event, Step):
            seen.append(threads())

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        Seq2Seq(epochs=1).fit(
            *words, callback=lambda event: seen.append(threads()) if isinstance(event, Step) else None
        )
        assert threads() == {2}  # given back afterwards
    assert seen == [{1} if held_back else {2}] * len(seen)
    assert seen


def test_all_is_named_that_its_bits_may_depend_on(monkeypatch):
    pytest.importorskip("numba", reason="numba is not installed; `henkan[fast]` brings it")
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
