"""The example notebook runs, and shows what its text says."""

import json
import re
from html.parser import HTMLParser

import pytest

from notebook import NOTEBOOK, executed


@pytest.fixture(scope="module")
def cells():
    for name in ("nbclient", "ipykernel", "pandas", "sklearn", "matplotlib"):
        pytest.importorskip(name)
    return {cell.source: cell.outputs for cell in executed().cells if cell.cell_type == "code"}


def shown(cells, start, kind="text/plain", *, first=False):
    """Return the last output, or the first, of the cell with a line that begins like this."""
    (outputs,) = (each for source, each in cells.items() if re.search(rf"(?m)^{re.escape(start)}", source))
    output = outputs[0 if first else -1]
    return output.text if output.output_type == "stream" else output.data.get(kind, "")


def test_notebook_that_is_kept_has_outputs():
    cells = [each for each in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if each["cell_type"] == "code"]
    assert [each["execution_count"] for each in cells] == list(range(1, len(cells) + 1))
    assert not any(output["output_type"] == "error" for each in cells for output in each["outputs"])


@pytest.mark.workbench
def test_notebook_runs_and_shows_what_its_text_says(cells):
    assert "no warnings" in shown(cells, "print(henkan.inspect(")
    assert re.search(r"exact match \d\d", shown(cells, "model.fit(", first=True))
    assert "'MCMLXXXVII'" in shown(cells, "model.predict(")
    assert shown(cells, "history.plot(", "image/png")
    assert float(re.search(r"exact match ([\d.]+)%", shown(cells, "evaluation = "))[1]) > 75
    assert "1987 -> MCMLXXXVII" in shown(cells, "model.explain(")
    assert "twice the data (800 pairs)" in shown(cells, "henkan.learning_curve(")
    assert "600 pairs is better than 400 pairs" in shown(cells, 'henkan.compare({"400 pairs"')
    assert "'MCMLXXXVII'" in shown(cells, "print(loaded.predict(", first=True)


@pytest.mark.workbench
def test_html_of_its_outputs_is_well_formed(cells):
    class Checker(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open = []

        def handle_starttag(self, tag, _attributes):
            if tag not in ("br", "hr", "img", "input", "meta", "link", "col"):
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    pages = [
        output.data["text/html"]
        for outputs in cells.values()
        for output in outputs
        if "text/html" in output.get("data", {})
    ]
    assert len(pages) >= 7
    for page in pages:
        checker = Checker()
        checker.feed(page)
        assert checker.open == []
