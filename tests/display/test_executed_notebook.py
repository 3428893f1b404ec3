"""A notebook that trains a model is executed, and its output is what a reader of the saved notebook sees."""

import json

import pytest

from markup import Markup

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")
pytestmark = [
    pytest.mark.workbench,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of pyzmq and jupyter_client
]

TRAINING = """
from itertools import product
from henkan import Seq2Seq

words = ["".join(letters) for length in (1, 2, 3) for letters in product("abc", repeat=length)]
targets = [word.upper() for word in words]
model = Seq2Seq(recipe="words", epochs=40, hidden_size=32, calibrate_outside=False)
"""
FIT = "fitted = model.fit(words, targets, dev=(words, targets))"
STOPPED = """
from henkan import Epoch

def stop(event):
    if isinstance(event, Epoch) and event.epoch == 3:
        raise KeyboardInterrupt

model.fit(words, targets, dev=(words, targets), callback=stop)
"""
SHOWN = """
import json
print(json.dumps(model._fitted.saved.metrics))
"""


class Client(nbclient.NotebookClient):
    """Counts the messages of each kind."""

    def process_message(self, message, *arguments):
        self.counts = getattr(self, "counts", {})
        kind = message["msg_type"]
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return super().process_message(message, *arguments)


@pytest.fixture
def execute(monkeypatch, tmp_path):
    """Function that executes cells in a new kernel; returns the saved notebook and the counts of messages."""
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("HENKAN_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))

    def run(*cells, **options):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        client = Client(notebook, timeout=300, kernel_name="python3", **options)
        client.execute()
        return nbformat.reads(nbformat.writes(notebook), as_version=4), client.counts

    return run


def test_training_is_one_output_that_is_updated_in_place(execute):
    notebook, counts = execute(TRAINING, FIT, SHOWN)
    _, fit, shown = notebook.cells
    [output] = fit.outputs
    assert output.output_type == "display_data"
    assert counts["display_data"] == 1
    assert counts["update_display_data"] >= 2
    metrics = json.loads(shown.outputs[0].text)
    last = Markup(output.data["text/html"])
    best = max(each["exact_match"] for each in metrics["epochs"])
    assert "Training is complete" in last.text
    assert "epoch 40/40" in last.text
    assert f"best, in epoch {metrics['best_epoch']} {best:.2%}" in last.text
    [loss, match] = last.elements("polyline")
    assert len(loss["points"].split()) == len(match["points"].split()) == 40
    assert [row[1] for row in last.tables[-1][1:]] == ["a", "b", "c", "aa", "ab", "ac", "ba", "bb", "bc", "ca"]
    assert output.data["text/plain"].startswith("Training is complete  epoch 40/40  loss ")


def test_the_state_at_an_interruption_remains(execute):
    notebook, _ = execute(TRAINING, STOPPED, allow_errors=True)
    output, error = notebook.cells[1].outputs
    assert error.ename == "KeyboardInterrupt"
    last = Markup(output.data["text/html"])
    assert "Training was interrupted in epoch 3" in last.text
    assert "epoch 3/40" in last.text
    assert len(last.elements("polyline")) == 2


def test_models_explanations_and_what_is_hidden(execute):
    quiet = TRAINING + "model.set_params(verbose=False, epochs=10)\n" + FIT
    notebook, _ = execute(quiet, "model", "model.explain('cab')")
    fit, model, explained = notebook.cells
    assert fit.outputs == []
    [facts] = Markup(model.outputs[0].data["text/html"]).tables
    assert facts[0][0] == "architecture"
    assert model.outputs[0].data["text/plain"].startswith("<Seq2Seq(recipe='words'")
    [heat_map] = Markup(explained.outputs[0].data["text/html"]).tables
    assert heat_map[0] == ["symbol", "c", "a", "b", "probability", "alternatives"]
    assert explained.outputs[0].data["text/plain"].startswith("cab -> ")
