"""What several tests need: a task that is learnt in a second, and a model that has learnt it."""

import os
import subprocess
import sys
from contextlib import contextmanager
from itertools import product

import pytest

from henkan import Seq2Seq

NOBODY = 65534
WORDS = ["".join(letters) for length in (1, 2, 3) for letters in product("abc", repeat=length)]


@pytest.fixture(scope="session")
def words():
    """All words of one to three letters, and the same in capitals."""
    return WORDS, [word.upper() for word in WORDS]


@pytest.fixture(scope="session")
def trained(words):
    """A model that has learnt them."""
    settings = {"epochs": 80, "batch_size": 8, "hidden_size": 32, "embedding_size": 8, "unknown_rate": 0.25}
    return Seq2Seq(recipe="modern", **settings).fit(*words)


@pytest.fixture
def folder(trained, tmp_path):
    """The same model, saved."""
    trained.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def without_rights():
    """Within it, even root has no more rights than anybody."""

    @contextmanager
    def as_anybody():
        user = os.geteuid()
        if user == 0:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(user)

    return as_anybody


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
