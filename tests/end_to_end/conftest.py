"""The real commands, in processes of their own."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def henkan(tmp_path):
    """Runs `henkan` with some arguments in an empty folder; the result has returncode, stdout and stderr."""

    def run(*arguments, status=0, **options):
        options = {
            "cwd": tmp_path,
            "capture_output": True,
            "encoding": "utf-8",
            "stdin": subprocess.DEVNULL,
            "timeout": 300,
        } | options
        if "input" in options:
            del options["stdin"]
        if isinstance(options.get("input"), bytes):
            del options["encoding"]
        environment = {**os.environ, "PYTHONUTF8": "1"}
        done = subprocess.run([sys.executable, "-m", "henkan", *map(str, arguments)], env=environment, **options)
        assert done.returncode == status, (done.stdout, done.stderr)
        assert "Traceback" not in str(done.stderr)
        return done

    return run


@pytest.fixture
def refused(henkan):
    """Runs a command that must fail with exit status 2 and one sentence, which is returned."""

    def run(*arguments, **options):
        done = henkan(*arguments, status=2, **options)
        [sentence] = done.stderr.strip().splitlines()
        assert sentence.startswith("henkan: ")
        return sentence

    return run


@pytest.fixture
def pairs_file(tmp_path, words):
    """The words and their capitals as a file of pairs."""
    path = tmp_path / "words.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in zip(*words, strict=True)))
    return path
