"""What several tests need: a task that is learnt in a second, and a model that has learnt it."""

from itertools import product

import pytest

from henkan import Seq2Seq

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
