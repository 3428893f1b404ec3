"""The example programs of docs/scale.md, with two workers and a million rows."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import henkan

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = {"scale_ray.py": "ray", "scale_dask.py": "distributed"}
INSTALLED = all(map(find_spec, (*PROGRAMS.values(), "pyarrow")))
ROWS = 1_000_000


def run(program, *arguments, **variables):
    command = [sys.executable, EXAMPLES / program, *arguments]
    return subprocess.run(
        list(map(str, command)), env={**os.environ, **variables}, capture_output=True, encoding="utf-8", timeout=600
    )


@pytest.fixture(scope="module")
def sums():
    """All sums from 0+0 to 999+999, in random order."""
    return [f"{k // 1000}+{k % 1000}" for k in np.random.default_rng(0).permutation(ROWS).tolist()]


@pytest.fixture(scope="module")
def model(sums, tmp_path_factory):
    """A model trained on a thirtieth of the sums, which is enough to add most of them correctly."""
    folder = tmp_path_factory.mktemp("scale") / "model"
    settings = {"reverse": True, "peeky": True, "hidden_size": 64, "epochs": 5}
    training = sums[: ROWS // 30]
    henkan.Seq2Seq(recipe="modern", **settings).fit(training, [answer(each) for each in training]).save(folder)
    return folder


@pytest.fixture(scope="module")
def expected(model, sums):
    """The predictions of one process."""
    answers = henkan.load(model).predict(sums)
    assert sum(map(str.__eq__, answers, map(answer, sums))) > ROWS / 2
    return answers


@pytest.fixture(scope="module")
def parquet(sums, tmp_path_factory):
    import pyarrow as pa
    from pyarrow import parquet

    path = tmp_path_factory.mktemp("scale") / "sums.parquet"
    parquet.write_table(pa.table({"row": range(ROWS), "source": sums}), path)
    return path


def answer(source):
    return str(sum(map(int, source.split("+"))))


@pytest.mark.scale
@pytest.mark.skipif(not INSTALLED, reason="Ray and Dask are not installed; `make test-scale` installs them")
@pytest.mark.parametrize("program", PROGRAMS)
def test_two_workers_predict_a_million_rows_like_one_process(program, model, parquet, sums, expected, tmp_path):
    from pyarrow.parquet import read_table

    done = run(program, model, parquet, tmp_path / "answers", "--workers", 2)
    assert done.returncode == 0, done.stderr
    table = read_table(tmp_path / "answers").sort_by("row")
    assert table.column_names == ["row", "source", "target"]
    assert table["row"].to_pylist() == list(range(ROWS))
    assert table["source"].to_pylist() == sums
    assert table["target"].to_pylist() == expected
    loads = re.findall(r"worker (\d+) has loaded the model", done.stdout + done.stderr)
    assert len(loads) == len(set(loads)) == 2, "each worker loads the model once"
    again = run(program, model, parquet, tmp_path / "answers")
    assert again.returncode == 1
    assert again.stderr == f"{tmp_path / 'answers'} exists; name another folder, or delete it first\n"


@pytest.mark.parametrize("program", PROGRAMS)
def test_missing_packages_are_reported_in_one_sentence(program, tmp_path):
    """Modules that cannot be imported shadow the installed ones."""
    for name in ("dask", "pyarrow", "ray"):
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError('no', name={name!r})")
    done = run(program, "model", "in", "out", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    [sentence] = done.stderr.splitlines()
    assert sentence.endswith("is not installed: pip install 'henkan[scale]'")
