"""The advice of the commands that train many models."""

from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from advice_cases import SMALL, WORDS

COMMANDS = [("curve", "words.tsv", *SMALL.split(), "--seeds", 1, "--jobs", 1, "--sizes", 1)]


def write(name, rows):
    with open(name, "w", encoding="utf-8") as file:
        file.writelines(rows)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_validation_set_is_held_out_or_named(here, workplace, command):
    workplace()
    says = "models are compared on a validation set; omit --dev none, or name a file with --dev FILE"
    write("words.tsv", [f"{a}{b}\t{b}\n" for a in "abcd" for b in "abcd"])
    write("dev.tsv", ["ae\te\n", "be\te\n"])
    assert says in here(*command, "--dev", "none", status=2).stderr
    here(*command)
    here(*command, "--dev", "dev.tsv")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_another_validation_set_is_named(here, workplace, command):
    workplace()
    write("words.tsv", [f"{a}{b}\t{b}\n" for a in "abcd" for b in "abcd"])
    write("dev.tsv", ["ae\te\n", "be\te\n"])
    says = "all sources of the pairs are in the validation set; name another file with --dev FILE"
    assert says in here(*command, "--dev", "words.tsv", status=2).stderr
    here(*command, "--dev", "dev.tsv")


def test_pairs_that_are_too_few_for_a_validation_set(here, workplace):
    workplace()
    write("words.tsv", ["ab\tb\n"])
    write("dev.tsv", [f"{a}{b}\t{b}\n" for a in "efgh" for b in "abcd"])
    says = "; give more pairs, or name a validation set with --dev FILE\n"
    assert here(*COMMANDS[0], status=2).stderr.endswith(says)
    write("words.tsv", [f"{a}{b}\t{b}\n" for a in "abcd" for b in "abcd"])
    here(*COMMANDS[0])
    here(*COMMANDS[0], "--dev", "dev.tsv")


class LosingPool:
    """Stands for worker processes: the first model is measured, and then the system ends a process."""

    _processes = None

    def __init__(self):
        self.submitted = 0

    def submit(self, function, run):
        future = Future()
        self.submitted += 1
        if self.submitted == 1:
            future.set_result(function(run))
        else:
            future.set_exception(BrokenProcessPool("a process was terminated abruptly"))
        return future

    def shutdown(self, **_):
        pass


def test_command_continues_with_fewer_processes_if_one_is_lost(here, workplace, monkeypatch):
    workplace()
    write("words.tsv", [f"{a}{b}\t{b}\n" for a in "abcd" for b in "abcd"])
    command = ("curve", "words.tsv", *SMALL.split(), "--seeds", 2, "--sizes", 1)
    with monkeypatch.context() as patched:
        patched.setattr("henkan.selection.curve.measuring_many.worker_processes", lambda _: LosingPool())
        message = here(*command, "--jobs", 2, status=2).stderr
    assert message.endswith(
        "has ended, which happens if the system has no more memory; "
        "run the same command again to continue, with fewer --jobs\n"
    )
    assert "model 2 of 2: " in here(*command, "--jobs", 1).stderr


def test_sizes_are_fractions(here, workplace):
    workplace()
    write("words.tsv", [f"{a}{b}\t{b}\n" for a in "abcdefghijklmno" for b in "abcdefghijklmno"])
    command, advised = COMMANDS[0][:-1], "1/16,1/8,1/4,1/2,1"
    says = f"--sizes must be fractions above 0 and at most 1, as in {advised}, not '16'"
    assert says in here(*command, "16", status=2).stderr
    here(*command, advised)


def test_another_file_for_the_measurements_is_chosen(here, workplace):
    folder = workplace()
    write("words.tsv", [f"{a}{b}\t{b}\n" for a in "abcd" for b in "abcd"])
    says = ": is a folder; choose another --out"
    assert says in here(*COMMANDS[0], "--out", folder, status=2).stderr
    here(*COMMANDS[0], "--out", "other.json")
    write("other.json", WORDS)
    says = "other.json: this is not a file of measurements, or it is damaged; choose another file or delete it"
    assert says in here(*COMMANDS[0], "--out", "other.json", status=2).stderr
    here(*COMMANDS[0], "--out", "another.json")
    (folder / "other.json").unlink()
    here(*COMMANDS[0], "--out", "other.json")
