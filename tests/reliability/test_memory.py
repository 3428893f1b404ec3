"""Memory: one long string costs what it costs alone, and a string that does not fit costs only its own prediction."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

resource = pytest.importorskip("resource", reason="the operating system has no memory limits")

LIMITED = """
import os, resource, sys
import henkan.cli, henkan.training.fitted_model, henkan.evaluation.error_rates
size = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (size + int(sys.argv.pop(1)) * 2**20,) * 2)
henkan.cli.main()
"""
PEAK = """
import resource, sys
import henkan, numpy
long, separately = int(sys.argv[2]), sys.argv[3] == "separately"
model, short, long = henkan.load(sys.argv[1]), ["abc"] * 255, ["abc" * (long // 3)]
for part in [short, long] if separately else [short + long]:
    {call}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
CALLS = {
    "prediction": "model.predict(part, beam=3), model.log_probability(part, part), model.score(part, part)",
    "fit": "henkan.Seq2Seq(recipe='words', augment=0, epochs=1, batch_size=256).fit(part, part)",
    "fit of a transducer": "henkan.Seq2Seq(recipe='edits', augment=0, epochs=1, batch_size=256).fit(part, part)",
    "validation": "henkan.Seq2Seq(recipe='words', augment=0, epochs=1).fit(['abc'] * 9, ['abc'] * 9, dev=(part, part))",
}


@pytest.fixture(scope="module")
def words_folder(tmp_path_factory):
    """An untrained model of the recipe `words`: attention and two directions."""
    from henkan import Seq2Seq

    folder = tmp_path_factory.mktemp("memory") / "model"
    Seq2Seq(recipe="words", augment=0, epochs=1, learning_rate=1e-9).fit(["abc"] * 9, ["abc"] * 9).save(folder)
    return folder


@pytest.mark.parametrize("call", CALLS)
def test_a_long_string_among_short_ones_needs_little_more_memory_than_alone(words_folder, call):
    peaks = []
    for how in ("separately", "together"):
        code = PEAK.replace("{call}", CALLS[call])
        output = subprocess.check_output([sys.executable, "-c", code, words_folder, "2000", how], text=True)
        peaks.append(int(output))
    assert peaks[1] < 1.3 * peaks[0]


@pytest.fixture
def limited(tmp_path):
    """Run `henkan` in a process that may use only some more megabytes than its imports."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("the size of a process is not known here")

    def run(megabytes, *arguments, **options):
        program = [sys.executable, "-c", LIMITED, str(megabytes), *map(str, arguments)]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # each of its threads reserves memory
        options = {"capture_output": True, "text": True, "timeout": 100} | options
        return subprocess.run(program, cwd=tmp_path, env=environment, **options)

    return run


MEGABYTES = 130
TOO_LONG = "abc" * 60_000  # too short for the compiled kernels, whose import needs more memory than this


def test_prediction_answers_all_lines_that_fit(limited, words_folder):
    result = limited(MEGABYTES, "predict", words_folder, input=f"abc\n{TOO_LONG}\nab\n")
    assert result.returncode == 2, result
    short, nothing, other = result.stdout.splitlines()
    assert short
    assert other
    assert nothing == ""
    message = "henkan: line 2: not enough memory for 180,000 symbols; shorten it or free memory"
    assert result.stderr.splitlines()[-1] == message
    result = limited(MEGABYTES, "predict", words_folder, "--json", input=f"abc\n{TOO_LONG}\n{TOO_LONG}\nab\n")
    values = [json.loads(line) for line in result.stdout.splitlines()]
    assert [value.get("out_of_memory", False) for value in values] == [False, True, True, False]
    assert values[1]["reason"] == "not enough memory for 180,000 symbols"
    assert "line 2: not enough memory for 180,000 symbols (and for 1 more)" in result.stderr


def test_evaluation_and_scores_report_what_does_not_fit(limited, words_folder, tmp_path):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(f"abc\tabc\n{TOO_LONG}\tabc\nab\tcb\n")
    result = limited(MEGABYTES, "evaluate", words_folder, pairs)
    assert result.returncode == 0, result
    reasons = "(blank, unknown symbols, too long, or not enough memory)"
    assert f"1 source could not be converted {reasons}, counted as wrong" in result.stdout
    result = limited(MEGABYTES, "score", words_folder, pairs)
    assert result.returncode == 2, result
    scores = [float(line.split("\t")[0]) for line in result.stdout.splitlines()]
    assert scores[0] < 0
    assert scores[2] < 0
    assert scores[1] != scores[1]
    assert "not enough memory for 1 pairs, whose score is nan" in result.stderr
