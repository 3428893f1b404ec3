import pytest

from henkan.errors import CheckpointError, ModelFolderError
from henkan.storage.lexicon_file import SavedLexicon
from henkan.training.checkpoint_folder import CheckpointFolder
from henkan.training.stored_lexicon import Merge, change_lexicon, merge, without

OLD = [("ab", "1"), ("c", "2"), ("ab", "3")]
NEW = [("AB", "4"), ("ab", "3"), ("ab", "5"), ("D", "6"), ("d", "6"), ("c", "2")]


@pytest.mark.parametrize(
    ("place", "entries", "removed"),
    [
        ("last", [("ab", "1"), ("ab", "3"), ("ab", "4"), ("ab", "5"), ("c", "2"), ("D", "6")], 0),
        ("first", [("ab", "4"), ("ab", "3"), ("ab", "5"), ("ab", "1"), ("c", "2"), ("D", "6")], 0),
        ("replace", [("ab", "4"), ("ab", "3"), ("ab", "5"), ("c", "2"), ("D", "6")], 1),
    ],
)
def test_new_targets_go_after_before_or_in_place_of_the_others(place, entries, removed):
    merged = merge(OLD, NEW, str.lower, place)
    assert list(merged.lexicon.pairs()) == entries
    assert (merged.added, merged.known, merged.further, merged.removed) == (3, 2, 1, removed)


def test_merging_nothing():
    assert merge([], [], str) == Merge()
    assert merge(OLD, [], str).lexicon == SavedLexicon.of([("ab", "1"), ("ab", "3"), ("c", "2")])


def test_removed_sources_are_compared_as_the_model_reads_them():
    assert list(without(OLD, ["AB"], str.lower).pairs()) == [("c", "2")]
    assert without(OLD, ["ab", "C"], str.lower) is None


def test_a_change_needs_the_lock_of_the_folder(folder):
    """During a training run or another change, it is refused."""
    change = lambda _: SavedLexicon.of(OLD)  # noqa: E731
    refused = pytest.raises(CheckpointError, match=r"process \d+ on .* has been training this model since")
    with CheckpointFolder(folder).held(), refused:
        change_lexicon(folder, change)

    def change_at_the_same_time(_):
        with pytest.raises(CheckpointError, match="has been changing the lexicon of this model since"):
            change_lexicon(folder, change)
        return SavedLexicon.of(OLD)

    change_lexicon(folder, change_at_the_same_time)
    assert not (folder / "checkpoint").exists()


@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_created_in_a_folder_that_is_not_a_model(tmp_path, there):
    folder = tmp_path / "m"
    if there:
        folder.mkdir()
    with pytest.raises(ModelFolderError, match="is not a model" if there else "there is no such folder"):
        change_lexicon(folder, lambda _: SavedLexicon.of(OLD))
    assert [path.name for path in tmp_path.rglob("*")] == (["m"] if there else [])
