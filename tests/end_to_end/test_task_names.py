"""A file that has the name of a task is not taken for the task."""

import signal
import subprocess
import sys
import time

import pytest

MESSAGE = (
    "henkan: multiplication is the name of a task and of a file in this folder; give ./multiplication for the file, "
    "or task:multiplication for the task"
)
SMALL = ("--epochs", 1, "--hidden-size", 4, "--quiet")


@pytest.fixture
def ambiguous(tmp_path, pairs_file):
    """A pair file named like a task."""
    return pairs_file.rename(tmp_path / "multiplication")


@pytest.mark.usefixtures("ambiguous")
@pytest.mark.parametrize("more", [(), SMALL, ("--resume", "models/multiplication")], ids=str)
def test_train_refuses_an_ambiguous_name(refused, tmp_path, more):
    assert refused("train", "multiplication", *more) == MESSAGE
    assert not (tmp_path / "models").exists()


@pytest.mark.usefixtures("ambiguous")
def test_train_reads_the_file_by_its_path(henkan):
    assert henkan("train", "./multiplication", *SMALL).stdout.endswith(" of 4)\n")  # a tenth of the 39 words


@pytest.mark.usefixtures("ambiguous")
def test_evaluate_tells_file_and_task_apart(henkan, refused, folder):
    assert refused("evaluate", folder, "multiplication") == MESSAGE
    assert henkan("evaluate", folder, "./multiplication").stdout.count("100.000% (39 of 39)") == 1
    done = henkan("evaluate", folder, "task:multiplication")
    assert "not on the task multiplication" in done.stderr
    assert "(39 of 39)" not in done.stdout
    assert "there is no task 'multiplicate'; did you mean multiplication?" in refused(
        "evaluate", folder, "task:multiplicate"
    )


def test_a_folder_is_not_mistaken_for_a_pair_file(henkan, folder, tmp_path):
    (tmp_path / "multiplication").mkdir()
    assert "not on the task multiplication" in henkan("evaluate", folder, "multiplication").stderr


def test_an_interrupted_run_on_a_task_resumes_with_a_note(henkan, tmp_path):
    command = [sys.executable, "-m", "henkan", "train", "task:addition", "--epochs", "1", "--hidden-size", "4"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        while not (tmp_path / "models/addition/checkpoint/progress.json").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    (tmp_path / "addition").write_text("a\tb\n")
    done = henkan("train", "--resume", "models/addition", "--quiet")
    assert done.stderr == "note: this run trains on the task addition, not on the file ./addition\n"
