"""`henkan lexicon add`, killed at any moment or started twice, as processes of their own."""

import signal
import subprocess
import sys
import time

import pytest

import henkan

ENTRIES = 20_000


@pytest.fixture
def entries(folder):
    path = folder.parent / "entries.tsv"
    path.write_text("".join(f"word{number}\tnew\n" for number in range(ENTRIES)))
    return path


def start(folder, entries):
    command = [sys.executable, "-m", "henkan", "lexicon", "add", folder, entries]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_command_leaves_the_old_or_the_new_lexicon(folder, entries):
    """The first runs are killed early, the last ones late."""
    began = time.monotonic()
    done = start(folder, entries)
    _, err = done.communicate(timeout=120)
    duration = time.monotonic() - began
    assert (done.returncode, err) == (0, "")
    for share in (0.5, 0.7, 0.8, 0.9, 0.95, 1.0):
        model = henkan.load(folder)
        model.lexicon = {"ab": "old"}
        model.save(folder, force=True)
        process = start(folder, entries)
        time.sleep(share * duration)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=120)
        found = henkan.load(folder)
        assert found.predict(["ab"]) == ["old"]
        assert len(found.lexicon) in (1, ENTRIES + 1)
    last = start(folder, entries)
    last.communicate(timeout=120)
    assert last.returncode == 0
    assert henkan.load(folder).predict(["ab", "word7"]) == ["old", "new"]


def test_of_two_commands_at_once_both_succeed_or_one_is_refused_in_a_sentence(folder, entries):
    processes = [start(folder, entries) for _ in range(2)]
    errors = [process.communicate(timeout=120)[1] for process in processes]
    statuses = sorted(process.returncode for process in processes)
    assert statuses in ([0, 0], [0, 2])
    if statuses == [0, 2]:
        [message] = [error for error in errors if error]
        assert "this model" in message
        assert message.endswith("; wait until it ends\n")
    assert len(henkan.load(folder).lexicon) == ENTRIES
