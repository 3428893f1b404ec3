import io
import multiprocessing.process
import sys
from types import ModuleType, SimpleNamespace

import pytest

from henkan import Seq2Seq
from henkan.display.notebook import NotebookDisplay
from henkan.display.progress import NoDisplay, in_notebook, in_worker_process, progress_display
from henkan.display.terminal import TerminalDisplay
from henkan.errors import SettingsError
from henkan.text.pairs import Pairs
from training_events import run_of


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def ipython(monkeypatch):
    """Function that pretends that IPython runs, in a kernel or on a terminal."""

    def pretend(**shell):
        module = ModuleType("IPython")
        module.get_ipython = lambda: SimpleNamespace(**shell)
        monkeypatch.setitem(sys.modules, "IPython", module)

    return pretend


def kind(**options):
    return type(progress_display(None, **options))


def test_a_notebook_has_a_display_of_its_own(ipython):
    ipython(kernel=object())
    assert in_notebook()
    assert (kind(), kind(verbose=True), kind(verbose=False)) == (NotebookDisplay, NotebookDisplay, NoDisplay)


def test_ipython_on_a_terminal_is_no_notebook(ipython):
    ipython()
    assert not in_notebook()
    ipython(kernel=None)
    assert not in_notebook()


def test_scripts_show_nothing_unless_they_are_told(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert (kind(), kind(verbose=True), kind(verbose=1), kind(verbose=0)) == (
        NoDisplay, TerminalDisplay, TerminalDisplay, NoDisplay,
    )  # fmt: skip
    monkeypatch.setattr(sys, "stderr", None)  # as without a console on Windows
    assert kind() is kind(verbose=True) is NoDisplay


def test_terminals_are_used_unless_a_worker_process_shares_them(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert kind() is TerminalDisplay
    monkeypatch.setattr(multiprocessing.process, "parent_process", lambda: object())
    assert kind() is NoDisplay
    with progress_display(verbose=True) as show:
        assert isinstance(show, TerminalDisplay)
        assert show.live is None  # lines only
    monkeypatch.undo()
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_display(verbose=True) as show:
        assert show.live is not None


def test_a_worker_process_is_recognised():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(in_worker_process)
    assert not in_worker_process()


def test_only_the_first_process_of_a_group_shows_progress(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "run")
    monkeypatch.setenv("RANK", "1")
    assert kind(verbose=True) is NoDisplay


def test_other_values_are_refused():
    with pytest.raises(SettingsError, match=r'verbose must be True, False or "auto", not \'yes\''):
        progress_display(verbose="yes")


def test_lines_of_a_run(capsys, words):
    pairs = Pairs(words[0][:5], words[1][:5])
    with progress_display(pairs, verbose=True) as show:
        model = Seq2Seq(recipe="modern", epochs=2, hidden_size=8, calibrate_outside=False)
        model.fit(*words, dev=(pairs.sources, pairs.targets), callback=show)
    first, *lines = capsys.readouterr().err.splitlines()
    assert first.startswith("39 training pairs, 5 validation pairs; ")
    assert [line.split("  ")[0] for line in lines if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]


def test_no_display_takes_all_events():
    with NoDisplay() as show:
        for event in run_of([0.5]):
            assert show(event) is None
