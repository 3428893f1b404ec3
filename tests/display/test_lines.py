"""Lines and a status below them."""

import io

from rich.console import Console

from henkan.display.lines import StatusLines


def on_a_terminal(**options):
    lines = StatusLines(quiet=False, **options)
    lines.console = Console(file=io.StringIO(), force_terminal=True, width=80)
    return lines


def test_what_a_callback_prints_stays_on_standard_output(capsys):
    """It may be redirected to a file, while the status is shown on a terminal."""
    with on_a_terminal() as lines:
        lines.status("epoch 1")
        print("0.5")
        lines.print("note")
    assert capsys.readouterr().out == "0.5\n"
    shown = lines.console.file.getvalue()
    assert "epoch 1" in shown
    assert "note\n" in shown
    assert "0.5" not in shown


def test_processes_that_share_a_terminal_have_no_status():
    with on_a_terminal(shared=True) as lines:
        lines.status("epoch 1")
        lines.print("note")
    assert lines.console.file.getvalue() == "note\n"
