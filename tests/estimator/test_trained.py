"""What a trained model knows about itself, and what its methods share with the commands."""

import numpy as np
import pytest

from henkan import DataError, NotFittedError, Seq2Seq, SettingsError, UnanswerableError, combine, load

SMALL = {"epochs": 2, "hidden_size": 8, "embedding_size": 4, "calibrate_outside": False}
COLUMNS = ["member", "epoch", "loss", "exact_match", "dev_loss", "learning_rate", "seconds"]


def test_history_has_a_row_for_each_epoch_of_each_member(words, tmp_path):
    events = []
    model = Seq2Seq(**SMALL, ensemble=2, recipe="modern").fit(*words, dev=words, callback=events.append)
    epochs = [each for each in events if hasattr(each, "dev_loss")]
    assert [list(row) for row in model.history_] == [COLUMNS] * 4
    assert [(row["member"], row["epoch"]) for row in model.history_] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    for name in COLUMNS[1:]:
        assert [row[name] for row in model.history_] == [getattr(each, name) for each in epochs]
    model.save(tmp_path / "m")
    assert load(tmp_path / "m").history_ == model.history_


def test_history_without_metrics_is_empty(folder):
    (folder / "metrics.json").unlink()
    assert load(folder).history_ == []
    assert repr(load(folder)).endswith(" trained>")


def test_attributes(words):
    model = Seq2Seq(**SMALL).fit(*words, dev=(["ab", "x"], ["AB", "?"]))
    assert model.source_vocabulary_ == ["a", "b", "c"]
    assert model.target_vocabulary_ == ["A", "B", "C"]
    assert model.exact_match_ == model.score(["ab", "x"], ["AB", "?"])
    assert model.temperature_ == model._fitted.saved.temperature > 0
    assert (model.settings_["epochs"], model.settings_["hidden_size"]) == (2, 8)
    assert Seq2Seq(**SMALL).fit(*words).exact_match_ is None


def test_summary_describes_the_model(words):
    model = Seq2Seq(**SMALL, recipe="modern").fit(*words, dev=words)
    model.lexicon = {"ab": "one"}
    summary = model.summary()
    assert summary.kinds == {"encoder-decoder": 1}
    assert summary.weights == sum(each.size for each in model._fitted.saved.members[0].values())
    assert (summary.pairs, summary.held_out, summary.lexicon) == (39, 39, 1)
    assert summary.exact_match == model.exact_match_
    values = summary.to_dict()
    assert (values["source_symbols"], values["target_vocabulary"]) == (3, ["A", "B", "C"])
    lines = str(summary).splitlines()
    assert lines[0] == f"1 x encoder-decoder; {summary.weights:,} weights"
    assert lines[1].startswith("trained on 39 pairs in ")
    assert lines[2:5] == [
        "3 source symbols, 3 target symbols; other source symbols are not read",
        "    source: a b c",
        "    target: A B C",
    ]
    assert lines[5].startswith("exact match on the validation set of 39 pairs: ")
    assert lines[6] == f"confidence calibrated on the validation set (temperature {summary.temperature:.3g})"
    assert lines[7:9] == ["lexicon of 1 entry", "settings:"]
    assert [line.split() for line in lines if "hidden_size" in line] == [["hidden_size", "8"]]


def test_summary_of_a_mixed_ensemble_has_all_settings(words):
    mixed = combine([Seq2Seq(**SMALL, recipe=recipe).fit(*words) for recipe in ("edits", "words")])
    summary = mixed.summary()
    assert summary.kinds == {"transducer": 1, "encoder-decoder": 1}
    assert summary.weights == sum(each.size for member in mixed._fitted.saved.members for each in member.values())
    assert [each["architecture"] for each in summary.settings] == ["transducer", "encoder-decoder"]
    lines = str(summary).splitlines()
    assert lines[0].startswith("1 x transducer, 1 x encoder-decoder; ")
    assert [line.split(maxsplit=1)[1] for line in lines if line.startswith("    architecture")] == [
        "transducer | encoder-decoder"
    ]
    assert "exact match not measured" in lines
    assert "confidence not calibrated" in lines


def test_evaluation_counts_and_constraints(trained, words):
    targets = [*words[1][:-3], "x", "x", "x"]
    found = trained.evaluate(words[0], targets)
    assert found.exact_match == trained.score(words[0], targets) == pytest.approx(36 / 39)
    assert [each.conversion.prediction for each in found.predictions] == trained.predict(words[0])
    assert all(each.conversion.confidence is not None for each in found.predictions)
    assert trained.evaluate(["ab"], ["AB"], allow=["CC"]).exact_match == 0
    assert trained.evaluate(["ab"], ["one"], lexicon={"ab": "one"}).counts.from_lexicon == 1
    assert trained.evaluate(["?"], ["?"], unknown="error").counts.unanswerable == 1
    with pytest.raises(SettingsError, match="beam"):
        trained.evaluate(["ab"], ["AB"], beam=0)
    with pytest.raises(DataError, match="2 sources but 1 targets"):
        trained.evaluate(["ab", "a"], ["AB"])
    with pytest.raises(NotFittedError, match="call fit first"):
        Seq2Seq().evaluate(["ab"], ["AB"])


def test_explain_takes_one_string(trained):
    with pytest.raises(DataError, match="source must be a string, not list"):
        trained.explain(["cab"])
    with pytest.raises(DataError, match="answer must be a string, not int"):
        trained.explain("cab", 0)


def test_errors_of_python_name_the_public_class(trained):
    for name, call in {"fit": trained.fit, "predict": trained.predict, "evaluate": trained.evaluate}.items():
        with pytest.raises(TypeError, match=rf"Seq2Seq\.{name}\(\) missing"):
            call()


def test_explanation_of_a_prediction_and_of_another_answer(trained):
    found = trained.explain("cab", beam=2)
    assert (found.answer, found.by, list(found.symbols)) == ("CAB", "saliency", ["c", "a", "b"])
    other = trained.explain("cab", "CAC")
    assert other.answer == "CAC"
    assert other.choices[2].probability < found.choices[2].probability
    assert trained.explain("cab", by="saliency").choices == trained.explain("cab").choices
    with pytest.raises(SettingsError, match='this model has no attention; omit by, or pass by="saliency"'):
        trained.explain("cab", by="attention")
    with pytest.raises(UnanswerableError, match="the model cannot predict"):
        trained.explain("cab", "?")
    with pytest.raises(DataError, match="source must be a string, not int"):
        trained.explain(3)
    with pytest.raises(NotFittedError):
        Seq2Seq().explain("ab")


def test_models_to_combine_are_checked(words, trained):
    other = Seq2Seq(**SMALL, seed=1).fit(*words)
    one, two = (combine(models) for models in (iter([trained, other]), [trained, other]))
    assert one.convert(words[0]) == two.convert(words[0])
    for models, message in [
        (trained, "models must be a list of models, not <Seq2Seq"),
        ({"a": trained}, "models must be a list of models, not of 'a'"),
        (iter([trained]), "at least two models"),
    ]:
        with pytest.raises(SettingsError, match=message):
            combine(models)


@pytest.mark.parametrize("name", [3, None, b"model", "a\0b"])
def test_names_of_folders_are_checked(trained, name):
    for use in (load, trained.save):
        with pytest.raises(SettingsError, match="folder must be the name of a folder, not "):
            use(name)


def test_probabilities_may_be_numbers_of_numpy(trained):
    assert trained.convert(["ab"], abstain_below=np.float32(0.0))[0].prediction == "AB"
    with pytest.raises(SettingsError, match="abstain_below must be a probability"):
        trained.convert(["ab"], abstain_below=np.float32(1.5))
