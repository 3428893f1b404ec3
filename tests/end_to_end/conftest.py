"""Fixtures for tests that run the command in this process, which is faster than starting another."""

import io
import shutil
import sys
from dataclasses import dataclass
from itertools import count

import pytest

from advice_cases import TAGGED, WORDS
from henkan.cli.main import main


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def text(self):
        """All that the command has printed."""
        return self.out + self.err


def run_here(arguments, capsys, stdin=b""):
    """Run the command line in this process."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("os._exit", sys.exit)  # which would end the tests
        patched.setattr("sys.argv", ["henkan", *map(str, arguments)])
        patched.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        with pytest.raises(SystemExit) as exit_info:
            main()
    captured = capsys.readouterr()
    return Done(exit_info.value.code, captured.out, captured.err)


@pytest.fixture
def here(capsys, monkeypatch):
    """Function that runs the command in this process, in the current folder."""
    monkeypatch.setattr("henkan.cli.training_run.learning_curve", lambda _: b"")  # drawing takes longer than training

    def run(*arguments, status=0, stdin=b""):
        done = run_here(arguments, capsys, stdin)
        assert done.status == status, done.text
        return done

    return run


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Small models: with and without attention, without an unknown symbol, with feature tags, and of other seeds."""
    from henkan import Seq2Seq

    folder = tmp_path_factory.mktemp("models")
    sources, targets = zip(*(line.split("\t") for line in WORDS.splitlines()), strict=True)
    small = {"epochs": 1, "hidden_size": 4, "embedding_size": 4}
    for name, settings in {
        "model": {"attention": True},
        "second-model": {"attention": True, "seed": 1},
        "plain": {"attention": False},
        "book": {"recipe": "book"},
    }.items():
        Seq2Seq(**{**small, **settings}).fit(sources, targets).save(folder / name)
    rows = [line.split("\t") for line in TAGGED.splitlines()]
    for seed, name in enumerate(("tagged", "second-tagged")):
        tagged = Seq2Seq(**small, seed=seed, features=True)
        tagged.fit([f"{source}\t{tags}" for source, _, tags in rows], [row[1] for row in rows]).save(folder / name)
    return folder


@pytest.fixture
def workplace(models, tmp_path, monkeypatch):
    """Function that changes to a new folder, which has these models and a file of pairs."""
    folders = count()

    def create():
        place = shutil.copytree(models, tmp_path / str(next(folders)))
        (place / "words.tsv").write_text(WORDS)
        monkeypatch.chdir(place)
        return place

    return create
