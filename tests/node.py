"""Node for tests: runs a script of tests/web on a fixture that Python has written."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

NODE = shutil.which("node")
SCRIPTS = Path(__file__).parent / "web"


def packed(value):
    """The value with arrays as base64, which `unpacked` in tests/web/fixtures.js reads."""
    if isinstance(value, np.ndarray):
        kind = {"f": "<f4", "i": "<i4", "b": "u1", "u": "u1"}[value.dtype.kind]
        data = np.ascontiguousarray(value, kind)
        return {"kind": kind, "shape": list(data.shape), "base64": base64.b64encode(data.tobytes()).decode()}
    if isinstance(value, dict):
        return {name: packed(each) for name, each in value.items()}
    return [packed(each) for each in value] if isinstance(value, list | tuple) else value


def run_node(script, fixture, folder):
    """Run a script of tests/web with the path of the fixture, and return the JSON that it prints."""
    if NODE is None:
        pytest.skip("needs node")
    path = folder / "fixture.json"
    path.write_text(json.dumps(packed(fixture)), encoding="utf-8")
    done = subprocess.run([NODE, SCRIPTS / script, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_gradients_agree(cases, folder, tolerance=1e-4):
    """Losses, gradients and decoding steps of all cases are those of NumPy, with both backends."""
    results = run_node("compare_gradients.js", {"cases": cases}, folder)
    assert set(results) == {"plain", "wasm"}
    for backend, found in results.items():
        assert len(found) == len(cases)
        wrong = {
            (backend, name, what): value
            for name, differences in found.items()
            for what, value in differences.items()
            if value is None or value > tolerance
        }
        assert not wrong
        assert all(len(differences) > 10 for differences in found.values())
