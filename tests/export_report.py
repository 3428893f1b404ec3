"""What `henkan export --int8 --check` prints, which is the same for all formats."""

import json
import re
from pathlib import Path

import pytest

from advice_cases import WORDS


def assert_size_and_accuracy_are_printed(here, kind, precision, *search):
    """Check both numbers of the report for the model of `workplace`.

    Args:
        here: runs a command.
        kind: "onnx" or "html".
        precision: name of the weights without `--int8`.
        search: options with which `henkan evaluate` searches as the exported file does.
    """
    export = ("export", "model", "--to", kind, "--out")
    printed = here(*export, f"a.{kind}", "--int8", "--check", "words.tsv").stdout
    found = re.fullmatch(
        rf"a\.{kind}: ([\d,]+) bytes; with {precision} weights it would have ([\d,]+), so this is (\d\.\d+) of it\n"
        r"exact match on words\.tsv, (\d+) sources: ([\d.]+) % with this file, ([\d.]+) % with the model "
        r"\(loss (-?[\d.]+) points\); (\d+) predictions differ\n",
        printed,
    )
    small, full = (int(found[k].replace(",", "")) for k in (1, 2))
    assert Path(f"a.{kind}").stat().st_size == small != full  # a tiny model may become larger: its scales need space
    assert float(found[3]) == pytest.approx(small / full, abs=1e-3)
    assert int(found[4]) == len({line.split("\t")[0] for line in WORDS.splitlines()})
    evaluated = json.loads(here("evaluate", "model", "words.tsv", "--json", *search).stdout)
    assert float(found[6]) == pytest.approx(100 * evaluated["exact_match"], abs=0.01)
    assert float(found[7]) == pytest.approx(float(found[6]) - float(found[5]), abs=0.02)
    here(*export, f"b.{kind}")
    assert Path(f"b.{kind}").stat().st_size == full
