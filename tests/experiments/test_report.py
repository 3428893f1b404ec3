import base64
import re
from html.parser import HTMLParser

import pytest

from henkan.text.pairs import Pairs
from henkan_experiments.analysis import summarize
from henkan_experiments.drawing import learning_curves
from henkan_experiments.page import page
from henkan_experiments.report import report

SUMS = Pairs(["58+77", "1+2", "999+1", "120+34"], ["135", "3", "1000", "154"])
ABOUT = {
    "command": "henkan reproduce --quick",
    "date": "2026-01-02",
    "machine": "a machine",
    "pairs": {"addition": {"learnt": 45_000, "asked": 4, "common": 0}, "dates": {"learnt": 9, "asked": 1, "common": 1}},
}


def result(model, seed, answers, recipe="book", epochs=25):
    exact = sum(map(str.__eq__, answers, SUMS.targets)) / len(answers)
    epoch = {"exact_match": exact, "seconds": 2.0}
    return {
        "task": "addition", "recipe": recipe, "model": model, "seed": seed, "answers": answers, "weights": 7,
        "exact_match": exact, "seconds": 50.0, "epochs": [epoch] * epochs,
    }  # fmt: skip


RESULTS = [
    result("plain", 0, ["135", "3", "1", "0"]),
    result("plain", 1, ["135", "4", "1", "0"]),
    result("both", 0, list(SUMS.targets)),
    result("both", 1, ["135", "3", "1000", "155"]),
]


def made(results):
    test_sets = {"addition": SUMS}
    answers = {(r["task"], r["recipe"], r["model"]): r["answers"] for r in results if r["seed"] == 0}
    return report(
        summarize(results, test_sets), test_sets, answers, ABOUT, "## Why\n", {"addition-book": "addition-book.svg"}
    )


def test_report_compares_with_published_figures():
    text = made(RESULTS)
    assert "| plain | 37.50 ± 17.68 (25.00 to 50.00) | 9.63 ± 4.95 | - | +2.2 |" in text
    assert "| reversed + Peeky | 87.50 ± 17.68 (75.00 to 100.00) | 89.40 ± 18.76 | 98.28 | -0.1 |" in text
    assert (
        "More than two standard errors from the repetition's mean:\n\n- Plain (+27.9 points). Its training runs reach "
        "25.0 and 50.0 %; the median is 37.5. Without the run farthest from the median the mean is 50.0. Our mean is "
        "closest to the repetition's after epoch 1 (37.5). The runs form two groups, 1 run from 25.0 to 25.0 and 1 run "
        "from 50.0 to 50.0. The gap is 5.1 of the repetition's standard deviations"
    ) in text
    assert "| 58+77 | 135 | O | O |" in text
    assert "| 999+1 | 1000 | X 1 | O |" in text
    assert "| book: carries | plain | reversed + Peeky |" in text
    assert "| wrong answers | 5 | 1 |" in text
    assert "| first digit right, % | 40 | 100 |" in text
    assert "`henkan reproduce --quick`" in text
    assert "![exact match by epoch, book recipe](addition-book.svg)" in text
    assert "## Why" in text


def test_single_run_has_no_standard_error():
    text = made([result("plain", 0, ["135", "3", "1", "0"])])
    assert "| plain | 50.00 (50.00 to 50.00) | 9.63 ± 4.95 | - | - |" in text
    assert "No mean differs" not in text
    assert "A single training run has no standard error" in text


def test_test_pairs_in_the_training_set_are_counted():
    dates = [each | {"task": "dates"} for each in RESULTS]
    text = report(summarize(RESULTS + dates, {"addition": SUMS}), {"addition": SUMS}, {}, ABOUT, "", {})
    assert "45,000 training pairs and 4 test pairs, none of them also in the training set." in text
    assert "9 training pairs and 1 test pairs, 1 of which are also in the training set." in text


def test_small_experiments_are_not_compared():
    text = made([result("plain", seed, ["135", "3", "1", "0"], epochs=3) for seed in (0, 1)])
    assert (
        "The published figures are for 45,000 training pairs and 25 epochs and cannot be compared with these." in text
    )


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.outside = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.outside += [value for name, value in attributes if name in ("src", "href") and "://" in (value or "")]


def test_page_is_self_contained():
    html = page(made(RESULTS), {"addition-book.svg": b"<svg/>"})
    reader = Reader()
    reader.feed(html)
    assert reader.outside == []
    assert "script" not in reader.tags
    assert reader.tags.count("table") == html.count("</table>") >= 5
    [picture] = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    assert base64.b64decode(picture) == b"<svg/>"
    assert "<title>The article" in html
    assert "prefers-color-scheme: dark" in html


def test_markup_in_data_is_escaped():
    assert "<script" not in page("# Title\n\n| a |\n| --- |\n| <script>alert(1)</script> |\n", {})


def test_learning_curves_are_reproducible():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; `henkan[plot]` brings it")
    models = summarize(RESULTS, {"addition": SUMS})["addition"]["book"]
    first, again = (learning_curves(models, "addition") for _ in range(2))
    assert first == again
    assert first.count(b"<svg") == 1
