"""Fixtures for tests that run many commands on the same small models."""

import shutil
from itertools import count

import pytest

from advice_cases import TAGGED, WORDS
from commands import checked, run_here


@pytest.fixture
def here(undrawn):  # noqa: ARG001
    """The same as `henkan`, in the current folder."""
    return checked(run_here, ".")


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
