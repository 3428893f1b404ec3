import json
import shutil
import sys

import pytest

import henkan as library

TINY = ("--epochs", "1", "--learning-rate", "1e-12", "--quiet", "--dev", "none")


@pytest.fixture
def more(tmp_path):
    """A file of pairs with symbols that are not in the model's vocabulary."""
    path = tmp_path / "more.tsv"
    path.write_text("".join(f"{a}{b}\t{b}{a}!\n" for a in "abxyz" for b in "abxyz"))
    return path


def symbols(folder, side):
    return json.loads((folder / "vocabulary.json").read_text())["variants"][0][side]["symbols"]


def test_training_starts_from_the_weights_of_the_model(henkan, folder, more, tmp_path, words):
    """With a tiny learning rate the predictions do not change, although the symbols have new ids."""
    henkan("train", more, "--from", folder, *TINY, "--out", "m")
    assert symbols(tmp_path / "m", "source") == list("abcxyz")
    assert symbols(tmp_path / "m", "target") == list("!ABCabxyz")
    before, after = library.load(folder), library.load(tmp_path / "m")
    old, new = (model.log_probability(words[0], words[1]) for model in (before, after))
    assert before.predict(words[0]) == words[1]
    assert sum(a == b for a, b in zip(after.predict(words[0]), words[1], strict=True)) > 35
    assert all(b <= a for a, b in zip(old, new, strict=True))  # the new symbols take a share of every probability


def test_new_pairs_are_learnt_with_the_settings_of_the_model(henkan, folder, more, tmp_path):
    settings = ("--epochs", 120, "--learning-rate", 0.01, "--batch-size", 8, "--dev", "none", "--dropout", 0, "--quiet")
    henkan("train", more, "--from", folder, *settings, "--out", "m")
    assert henkan("predict", "m", "xa", "bz").stdout == "ax!\nzb!\n"
    saved = [json.loads((place / "config.json").read_text()) for place in (folder, tmp_path / "m")]
    configs = [config["variants"][0]["model"] for config in saved]
    assert configs[0] == configs[1]


def test_settings_of_the_model_cannot_be_changed(refused, folder, more):
    assert "has hidden size 32, which cannot be changed to 64; omit this option" in refused(
        "train", more, "--from", folder, "--hidden-size", 64, "--quiet"
    )
    assert "has 1 members, not 3" in refused("train", more, "--from", folder, "--ensemble", 3, "--quiet")
    assert "no such folder" in refused("train", more, "--from", "none", "--quiet")


def test_feature_column_must_agree_with_the_model(henkan, refused, tmp_path, folder):
    (tmp_path / "tagged.tsv").write_text("a\tb\tX\nb\ta\tY\n")
    (tmp_path / "plain.tsv").write_text("a\tb\nb\ta\n")
    columns = ("--columns", "source,target,features")
    henkan("train", "tagged.tsv", *columns, *TINY, "--hidden-size", 8, "--embedding-size", 4, "--out", "m")
    sentence = refused("train", "plain.tsv", "--from", "m", *TINY)
    assert "this model reads feature tags; name their column" in sentence
    sentence = refused("train", "tagged.tsv", *columns, "--from", folder, *TINY)
    assert "this model was trained without feature tags" in sentence
    henkan("train", "tagged.tsv", *columns, "--from", "m", *TINY, "--out", "more")


def test_unknown_rate_is_refused_for_a_model_without_the_unknown_symbol(henkan, refused, tmp_path, more, pairs_file):
    small = ("--hidden-size", 8, "--embedding-size", 4)
    henkan("train", pairs_file, *TINY, *small, "--unknown-rate", 0, "--out", "without")
    sentence = refused("train", more, "--from", "without", "--unknown-rate", 0.2, *TINY)
    assert "has no unknown symbol, so it cannot be trained with one; omit --unknown-rate" in sentence
    henkan("train", more, "--from", "without", "--unknown-rate", 0, *TINY, "--out", "m")
    assert json.loads((tmp_path / "m/config.json").read_text())["variants"][0]["training"]["unknown_rate"] == 0


def test_every_ensemble_member_starts_from_its_own_weights(henkan, more, tmp_path, pairs_file):
    small = ("--hidden-size", 8, "--embedding-size", 4, "--epochs", 1, "--quiet")
    henkan("train", pairs_file, *small, "--ensemble", 2, "--out", "two")
    henkan("train", more, "--from", "two", *TINY, "--out", "m")
    weights = [library.load(tmp_path / name)._fitted.saved.members for name in ("two", "m")]
    for before, after in zip(*weights, strict=True):
        name = "encoder.lstm1.Wh"
        assert abs(before[name] - after[name]).max() < 1e-6
    assert abs(weights[1][0][name] - weights[1][1][name]).max() > 0.01


def test_interrupted_run_resumes_without_the_initial_model(henkan, folder, more, tmp_path):
    """The checkpoint contains a copy of it."""
    from henkan.errors import Interrupted
    from henkan.training.checkpoint import Checkpoints
    from henkan.training.fitted_model import load_model

    settings = ("--epochs", 4, "--dev", "none", "--quiet")
    henkan("train", more, "--from", folder, *settings, "--out", "uninterrupted")

    def stop_at_once(self, _event, progress):
        self.keep(progress())
        raise Interrupted("", 2)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Checkpoints, "after", stop_at_once)
        patched.setattr("os._exit", sys.exit)  # which would end the tests
        patched.setattr("sys.argv", ["henkan", "train", str(more), "--from", str(folder), *map(str, settings),
                                     "--out", str(tmp_path / "m")])  # fmt: skip
        with pytest.raises(SystemExit) as exit_info:
            __import__("henkan.cli", fromlist=["main"]).main()
        assert exit_info.value.code == 130
    shutil.rmtree(folder)
    assert load_model(tmp_path / "m/checkpoint/start").saved.metrics["pairs"] == 39
    henkan("train", "--resume", "m", "--quiet")
    a, b = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("uninterrupted", "m"))
    assert a == b
