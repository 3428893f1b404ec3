"""Shared fixtures: a task that is learnt in a second, a model trained on it, and ways to run the command line."""

import os
import signal
from contextlib import contextmanager
from itertools import product

import hypothesis
import pytest

# Workers of pytest-xdist share the cores. On small arrays, threads that wait for a busy core take most of the time.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    threads = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(name, str(threads))

from commands import checked, run_here, run_process
from henkan import Seq2Seq

hypothesis.settings.register_profile("henkan", deadline=None)  # a shared machine may be slow at any moment
hypothesis.settings.load_profile("henkan")

NOBODY = 65534
WORDS = ["".join(letters) for length in (1, 2, 3) for letters in product("abc", repeat=length)]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a background job of a shell; processes would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def words():
    """Sources: all words of one to three letters; targets: the same words in capitals."""
    return WORDS, [word.upper() for word in WORDS]


@pytest.fixture(scope="session")
def trained(words):
    """A model trained on `words`."""
    settings = {"epochs": 80, "batch_size": 8, "hidden_size": 32, "embedding_size": 8, "unknown_rate": 0.25}
    return Seq2Seq(recipe="modern", **settings).fit(*words)


@pytest.fixture
def folder(trained, tmp_path):
    """The folder in which `trained` is saved."""
    trained.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def without_rights():
    """Context manager that drops the privileges of root, so that file permissions apply."""

    @contextmanager
    def unprivileged():
        user = os.geteuid()
        if user == 0:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(user)

    return unprivileged


@pytest.fixture
def undrawn(monkeypatch):
    """Commands in this process draw no learning curve, which takes longer than training a small model."""
    monkeypatch.setattr("henkan.cli.training_run.learning_curve", lambda _: b"")


@pytest.fixture
def henkan(tmp_path, undrawn):  # noqa: ARG001
    """Function that runs `henkan` in an empty folder; its result has returncode, stdout and stderr.

    The command runs in this process, because most commands take less time than Python takes to start.
    """
    return checked(run_here, tmp_path)


@pytest.fixture
def henkan_process(tmp_path):
    """The same as `henkan`, as a process of its own."""
    return checked(run_process, tmp_path)


@pytest.fixture
def refused(henkan):
    """Function that runs a command, checks for exit status 2 and a one-line error, and returns the error message."""

    def run(*arguments, **options):
        result = henkan(*arguments, status=2, **options)
        [message] = result.stderr.strip().splitlines()
        assert message.startswith("henkan: ")
        return message

    return run


@pytest.fixture
def pairs_file(tmp_path, words):
    """A tab-separated file of `words`."""
    path = tmp_path / "words.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in zip(*words, strict=True)))
    return path
