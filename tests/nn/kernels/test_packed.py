"""The matrix product with packed weights, and vector code, on this processor and on others."""

import os
import subprocess
import sys

import numpy as np
import pytest

packed = pytest.importorskip("henkan.nn.kernels.packed", reason="numba is not installed; install `henkan[fast]`")
if not packed.SUPPORTED:
    pytest.skip("this processor has no vector registers that multiply and add", allow_module_level=True)


def multiplied(n, K, M):
    """Return the product of the packed kernel and NumPy's, for random matrices (n + 2, K + 3) and (K, M)."""
    generator = np.random.default_rng(n * 1000 + K * 10 + M)
    A, W = (generator.normal(size=shape).astype(np.float32) for shape in ((n + 2, K + 3), (K, M)))
    out = np.full((n + 2, -(-M // packed.PANEL) * packed.PANEL), 7, np.float32)
    packed.product(n, A, packed.pack_columns(W), out)
    return out, A[:, :K] @ W


@pytest.mark.parametrize("n", [*range(1, 18), 64])
def test_product_of_any_number_of_rows(n):
    out, expected = multiplied(n, 20, 50)
    np.testing.assert_allclose(out[:n, :50], expected[:n], rtol=1e-4, atol=1e-5)
    assert (out[:n, 50:] == 0).all()
    assert (out[n:] == 7).all()


@pytest.mark.parametrize("M", [1, 15, 16, 17, 31, 32, 33, 64, 100])
@pytest.mark.parametrize("K", [1, 2, 33, 128])
def test_product_of_any_number_of_columns(K, M):
    out, expected = multiplied(13, K, M)
    np.testing.assert_allclose(out[:13, :M], expected[:13], rtol=1e-4, atol=1e-5)


def test_a_row_of_a_product_does_not_depend_on_the_other_rows():
    """So a prediction has the same bits whatever else is in its batch."""
    generator = np.random.default_rng(0)
    A, W = (generator.normal(size=shape).astype(np.float32) for shape in ((30, 64), (64, 96)))
    panels, rows = packed.pack_columns(W), []
    for first in (0, 3, 22):
        out = np.empty((30 - first, 96), np.float32)
        packed.product(30 - first, np.ascontiguousarray(A[first:]), panels, out)
        rows.append(out[25 - first])
    assert rows[0].tobytes() == rows[1].tobytes() == rows[2].tobytes()


@pytest.mark.parametrize(("processor", "lanes", "supported"), [("haswell", 8, True), ("x86-64", 4, False)])
@pytest.mark.skipif(not packed.REGISTERS.endswith("mm"), reason="this processor cannot run the code of these")
def test_other_processors(processor, lanes, supported):
    """Haswell has AVX2; the first 64-bit processors could not multiply and add in one instruction."""
    script = """
import numpy as np
from henkan.nn import lstm, Backend
from henkan.nn.kernels import fused, plain, vectors
generator = np.random.default_rng(0)
table, h, c, Wh, dhs = (
    generator.normal(size=shape).astype(np.float32) for shape in ((9, 80), (7, 20), (7, 20), (20, 80), (6, 7, 20))
)
rows, active = generator.integers(9, size=(6, 7)), np.array([7, 7, 5, 5, 2, 1])
results = []
for kernels in (plain, fused):
    hs, cs, backward = lstm((table, rows), (h, c), Wh / 3, active=active, backend=Backend(kernels))
    results.append([hs, cs, *(d for d in backward(dhs, None, None) if d is not None)])
for one, two in zip(*results, strict=True):
    np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)
print(vectors.LANES, fused.VECTORS)
"""
    environment = {**os.environ, "NUMBA_CPU_NAME": processor}
    command = [sys.executable, "-W", "error", "-c", script]
    result = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert result.stdout == f"{lanes} {supported}\n"
