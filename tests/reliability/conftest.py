"""Fixtures that start training runs as processes which tests can interrupt."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest


@pytest.fixture
def run(tmp_path):
    """Start `henkan` as a process in an empty folder; a running one is killed after the test.

    `before` is Python code that the process executes first.
    """
    started = []

    def start(*arguments, **options):
        environment = {**os.environ, **options.pop("environment", {})}
        before = options.pop("before", None)
        options = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        program = ["-m", "henkan"] if before is None else ["-c", f"{before}\nimport henkan.cli\nhenkan.cli.main()"]
        process = subprocess.Popen([sys.executable, *program, *map(str, arguments)], env=environment, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()


def wait_for(condition, process=None):
    """Wait until a condition holds; fail if the process ends first."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.01)


def write_lexicon(path):
    """Write 400 pairs of random words and their reversed uppercase forms."""
    generator = random.Random(1)
    words = ["".join(generator.choice("abcdefgh") for _ in range(generator.randint(1, 8))) for _ in range(400)]
    path.write_text("".join(f"{word}\t{word[::-1].upper()}\n" for word in words))
    return path


@pytest.fixture
def lexicon(tmp_path):
    """A file of 400 pairs."""
    return write_lexicon(tmp_path / "lexicon.tsv")
