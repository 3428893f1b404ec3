import json
import re

SMALL = ("--epochs", "2", "--hidden-size", "16", "--embedding-size", "4")


def test_a_task_is_trained_saved_and_used_for_prediction(henkan_process, tmp_path):
    done = henkan_process("train", "multiplication", *SMALL)
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"\s+source\s+target\s+prediction", lines[0])
    assert all(re.fullmatch(r"[OX]  \d+\*\d+\s+\d+(\s+-?\d*)?", line) for line in lines[1:11])
    assert re.fullmatch(r"exact match \d+\.\d{3}% \(\d+ of 505\)", lines[11])
    assert "models/multiplication" in lines[12]
    command = re.fullmatch(r"try it:  python -m henkan (predict models/multiplication) '(.+)'", lines[13])
    answer = henkan_process(*command[1].split(), command[2]).stdout
    assert answer.endswith("\n")
    assert "\n" not in answer[:-1]

    metrics = json.loads((tmp_path / "models/multiplication/metrics.json").read_text())
    assert [epoch["epoch"] for epoch in metrics["epochs"]] == [1, 2]
    epoch_lines = [line for line in done.stderr.splitlines() if line.startswith("epoch")]
    assert len(epoch_lines) == 2
    assert f"{metrics['epochs'][1]['exact_match']:.3%}" in epoch_lines[1]
    assert (tmp_path / "models/multiplication/learning_curve.png").read_bytes().startswith(b"\x89PNG")


def test_evaluating_on_the_task_uses_its_validation_set(henkan, tmp_path):
    done = henkan("train", "multiplication", *SMALL, "--quiet", "--seed", "5", "--out", "m")
    assert re.fullmatch(r"exact match .* of 505\)\n", done.stdout)
    assert done.stderr == ""
    result = json.loads(henkan("evaluate", "m", "multiplication", "--json").stdout)
    epochs = json.loads((tmp_path / "m/metrics.json").read_text())["epochs"]
    assert result["total"] == 505
    assert result["exact_match"] == result["correct"] / 505 == epochs[-1]["exact_match"]


def test_the_same_seed_saves_the_same_bytes(henkan, henkan_process, tmp_path, pairs_file):
    for run, out, seed in ((henkan, "a", 1), (henkan_process, "b", 1), (henkan, "c", 2)):
        run("train", pairs_file, *SMALL, "--quiet", "--seed", seed, "--out", out)
    a, b, c = ((tmp_path / out / "weights.safetensors").read_bytes() for out in "abc")
    assert a == b != c


def test_validation_set_from_a_file(henkan, tmp_path, pairs_file):
    (tmp_path / "dev.tsv").write_text("ab\tAB\nx\tX\n")
    done = henkan("train", pairs_file, "--dev", "dev.tsv", "--epochs", "60", "--batch-size", "8", "--hidden-size", 32)
    assert "exact match 50.000% (1 of 2)" in done.stdout
    assert "1 source has symbols that were not in the training data" in done.stdout
    assert henkan("predict", "models/words", "ab", "cba").stdout == "AB\nCBA\n"


def test_training_without_a_validation_set(henkan, tmp_path, pairs_file):
    done = henkan("train", pairs_file, *SMALL, "--dev", "none", "--out", "all")
    assert "39 training pairs, no validation pairs" in done.stderr
    assert re.search("^training will take about [0-9]+ s$", done.stderr, re.MULTILINE)
    assert "exact match" not in done.stdout
    assert json.loads((tmp_path / "all/metrics.json").read_text())["epochs"][0]["exact_match"] is None


def test_settings_are_saved(henkan, tmp_path, pairs_file):
    henkan(
        "train", pairs_file, *SMALL, "--quiet", "--no-reverse", "--no-peeky", "--learning-rate", "0.02", "--out", "m"
    )
    config = json.loads((tmp_path / "m/config.json").read_text())
    [variant] = config["variants"]
    wanted = {"reverse": False, "peeky": False, "embedding_size": 4, "hidden_size": 16, "fill": False}
    assert variant["model"].items() >= wanted.items()
    assert variant["training"]["learning_rate"] == 0.02
    assert config["data"]["pairs"] == 39


def test_layout_and_recipe_of_the_book(henkan, tmp_path):
    (tmp_path / "book.txt").write_text("16+75  _91  \n52+607 _659 \n75+22  _97  \n63+22  _85  \n")
    henkan("train", "book.txt", "--delimiter", "_", "--strip", "--recipe", "book", "--epochs", "1", "--dev", "none")
    [vocabulary] = json.loads((tmp_path / "models/book/vocabulary.json").read_text())["variants"]
    assert (vocabulary["source"]["width"], vocabulary["target"]["width"]) == (6, 3)
    assert " " in vocabulary["target"]["symbols"]
    assert "\t" not in henkan("predict", "models/book", "16+22").stdout


def test_a_model_is_not_overwritten_without_force(henkan, refused, tmp_path, pairs_file):
    henkan("train", pairs_file, *SMALL, "--quiet")
    before = (tmp_path / "models/words/manifest.json").read_bytes()
    assert "replace it with --force" in refused("train", pairs_file, *SMALL, "--quiet")
    assert (tmp_path / "models/words/manifest.json").read_bytes() == before
    henkan("train", pairs_file, *SMALL, "--quiet", "--force", "--seed", "1")
    assert (tmp_path / "models/words/manifest.json").read_bytes() != before


def test_wrong_files_are_reported_before_the_folder(henkan, refused, pairs_file):
    henkan("train", pairs_file, *SMALL, "--quiet")
    assert refused("train", "models/words") == "henkan: models/words is a folder; give a file of pairs"
    message = refused("train", pairs_file, "--dev", "models/words")
    assert message == "henkan: models/words is a folder; give a file of pairs"
    message = refused("train", pairs_file, "--dev", "none.tsv")
    assert message.startswith("henkan: none.tsv: cannot be read (No such file or directory)")


def test_invalid_arguments_are_refused(refused, tmp_path, pairs_file):
    assert "no task or file 'sums.tsv'; the tasks are addition" in refused("train", "sums.tsv")
    assert "did you mean addition?" in refused("train", "additon")
    (tmp_path / "empty.tsv").touch()
    assert "the file is empty" in refused("train", "empty.tsv")
    (tmp_path / "bad.tsv").write_text("a\tb\nc d\n")
    assert "bad.tsv, line 2: no delimiter" in refused("train", "bad.tsv")
    (tmp_path / "latin.tsv").write_bytes(b"a\t\xe9\n")
    assert "latin.tsv, line 1: not UTF-8" in refused("train", "latin.tsv")
    (tmp_path / "one.tsv").write_text("a\tb\n")
    assert "--dev none" in refused("train", "one.tsv")
    assert "is a folder; give a file of pairs" in refused("train", tmp_path)
    assert "--epochs must be a whole number from 1" in refused("train", pairs_file, "--epochs", "0")
    assert "--learning-rate must be a number above 0" in refused("train", pairs_file, "--learning-rate", "-1")
    assert "cannot be read" in refused("train", pairs_file, "--dev", "none.tsv")
    assert "the delimiter is empty" in refused("train", pairs_file, "--delimiter", "")
    assert "a file with this name exists; choose another --out" in refused("train", pairs_file, "--out", pairs_file)
    assert not (tmp_path / "models").exists()


def test_unknown_options_are_reported_by_click(henkan_process, pairs_file):
    assert "No such option" in henkan_process("train", pairs_file, "--fast", status=2).stderr


def test_every_command_has_help(henkan):
    commands = ("inspect", "train", "predict", "evaluate", "compare", "explain", "score", "next", "generate", "tasks")
    top = henkan("--help").stdout
    for command in commands:
        assert command in top
        assert "Usage:" in henkan(command, "--help").stdout
    recipes = henkan("train", "--help").stdout.partition("Recipes:")[2]
    rows = [line.split() for line in recipes.splitlines()]
    for row in (
        "words edits modern quick book",
        "attention yes no no no no",
        "embedding size 64 64 16 16 16",
        "learning rate 0.004 0.004 0.01 0.032 0.001",
    ):
        assert row.split() in rows
    assert henkan("--version").stdout.startswith("henkan ")


def test_transducer_is_trained_from_the_command_line(henkan, refused, pairs_file):
    train = ("train", pairs_file, "--architecture", "transducer", *SMALL, "--epochs", 30, "--out", "m", "--quiet")
    for option in ("attention", "reverse", "peeky"):
        message = f"henkan: --{option} is not supported by the architecture transducer; turn it off"
        assert refused(*train, f"--{option}") == message
    henkan(*train, "--no-attention", "--embedding-dropout", "0", "--dropout", "0.1")
    assert henkan("predict", "m", "abc", "a?b").stdout.splitlines()[0] == "ABC"
