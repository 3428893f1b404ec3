"""The advice of messages that are provoked or followed in another way than by an option of the same command."""

import json
import re
import shlex
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from advice import parameters
from advice_cases import SMALL, TAGGED, WORDS
from henkan.cli.main import COMMANDS
from henkan.cli.remedies import sentence
from henkan.errors import CheckpointError
from henkan.text.pairs import hold_out
from henkan.text.tasks import TASKS
from henkan.training.checkpoint_folder import CheckpointFolder
from henkan_experiments import plan
from henkan_experiments.runs import run_training

TRAIN = ("train", "words.tsv", *SMALL.split())
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
EXTRA = re.compile(r"pip install 'henkan\[([a-z]+)\]'")


def lone(message, pattern):
    """What the pattern finds in a message."""
    return re.search(pattern, message)[1]


@pytest.mark.parametrize("text", ["--column", "--column=1"])
def test_similar_option_is_the_right_one(here, workplace, text):
    workplace()
    message = here("inspect", "words.tsv", text, status=2).stderr
    assert lone(message, "Did you mean '?(--[a-z]+)'?|Possible options: (--[a-z]+)") == "--columns"
    here("inspect", "words.tsv", "--columns", "1,2")


def test_similar_command_and_task_are_the_right_ones(here, workplace):
    workplace()
    here(lone(here("predcit", "model", "ab", status=2).stderr, r"did you mean (\w+)\?"), "model", "ab")
    assert here("x", status=2).stderr.rpartition("the commands are ")[2].rstrip().split(", ") == list(COMMANDS)
    here("generate", lone(here("generate", "date", status=2).stderr, r"did you mean (\w+)\?"), "--count", 3)
    tasks = here("generate", "none", status=2).stderr.rpartition("the tasks are ")[2].rstrip().split(", ")
    assert tasks == [line.partition(":")[0] for line in here("tasks").stdout.splitlines() if not line.startswith(" ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_that_usage_errors_name_exists(here, workplace, command):
    workplace()
    message = here(command, "--no-such-option", status=2).stderr
    advised = shlex.split(lone(message, "Try '(?:.*henkan )(.*)' for help"))
    assert advised[0] == command
    assert "Usage: " in here(*advised).stdout


@pytest.mark.parametrize(
    ("columns", "advice"),
    [
        ("0,1", "--columns: column numbers start at 1, as in 1,2 for the first two columns, not"),
        ("source", "--columns must name source and target once each, as in source,target,features or 1,2,3, not"),
    ],
)
def test_columns_are_written_as_advised(here, workplace, columns, advice):
    workplace()
    Path("tagged.tsv").write_text(TAGGED)
    assert advice in here("inspect", "tagged.tsv", "--columns", columns, status=2).stderr
    for example in lone(advice, "as in (.*?)(?: for the first|, not)").split(" or "):
        here("inspect", "tagged.tsv", "--columns", example)


def test_unknown_symbols_are_treated_as_the_note_says(here, workplace):
    workplace()
    note = here("predict", "model", "a!").stderr
    assert "texts with symbols that were not in the training data: 1 (see --unknown and --json)" in note
    assert json.loads(here("predict", "model", "a!", "--json").stdout)["unknown"] == ["symbol '!'"]
    assert "not in the training data" not in here("predict", "model", "a!", "--unknown", "skip").stderr


def test_wrong_predictions_are_not_written_to_the_pairs(here, workplace):
    workplace()
    message = here("evaluate", "model", "words.tsv", "--errors", "words.tsv", status=2).stderr
    assert ": --errors would overwrite the pairs to evaluate; choose another file" in message
    here("evaluate", "model", "words.tsv", "--errors", "wrong.tsv")


@pytest.mark.parametrize("option", ["--html", "--differences"])
def test_a_comparison_is_not_written_to_the_pairs(here, workplace, option):
    workplace()
    message = here("compare", "model", "second-model", "words.tsv", option, "words.tsv", status=2).stderr
    assert f"{option} would overwrite the pairs to compare on; choose another file" in message
    here("compare", "model", "second-model", "words.tsv", option, "other")


def test_picture_has_a_known_ending(here, workplace):
    workplace()
    message = here("explain", "model", "ab", "--picture", "a.gif", status=2).stderr
    for ending in re.findall(r"\.(?:png|svg)", message):
        here("explain", "model", "ab", "--picture", f"a{ending}")


def test_diverged_training_needs_a_lower_learning_rate(here, workplace, monkeypatch):
    workplace()
    monkeypatch.setattr("henkan.cli.train_output.MAX_ROLLBACKS", -1)
    message = here(*TRAIN, "--out", "m", "--learning-rate", 0.5, status=2).stderr
    assert float(lone(message, "train again with a learning rate below ([0-9.]+)")) == 0.5
    assert "--learning-rate" in parameters("train")


def test_explanations_of_a_file_and_of_a_text(here, workplace):
    workplace()
    Path("a.txt").write_text("ab\n")

    def says(*arguments):
        return here("explain", "model", *arguments, status=2).stderr.removeprefix("henkan: ").rstrip("\n")

    assert says() == "give a TEXT, or a --file of texts"
    assert says("ab", "--file", "a.txt") == "give a TEXT or --file, not both"
    assert says("ab", "--pairs") == "--pairs needs --file with a file of pairs"
    assert says("--file", "a.txt", "--answer", "A") == "--answer and --picture explain a single TEXT; omit --file"
    assert "a.txt" not in says("--file", "b.txt")
    here("explain", "model", "--file", "a.txt")
    here("explain", "model", "--file", "words.tsv", "--pairs")
    here("explain", "model", "ab", "--answer", "AB")


def test_models_with_a_lexicon_are_used_as_advised(here, workplace):
    workplace()
    here(*TRAIN, "--keep-lexicon", "--out", "m")
    with_lexicon = here("evaluate", "m", "words.tsv").stdout
    assert "(evaluate the model alone with --no-lexicon)" in with_lexicon
    assert "from the lexicon" not in here("evaluate", "m", "words.tsv", "--no-lexicon").stdout
    note = here("train", "words.tsv", "--from", "m", "--epochs", 1, "--out", "n").stderr
    assert "to store it, with the pairs of the file, use --keep-lexicon" in note
    kept = here("train", "words.tsv", "--from", "m", "--epochs", 1, "--out", "o", "--keep-lexicon").stderr
    assert "--keep-lexicon" not in kept
    Path("lines.jsonl").write_text('["a", "b\\nc"]')
    here("lexicon", "add", "m", "lines.jsonl", "--first")
    message = here("lexicon", "show", "m", status=2).stderr
    assert "('a\\tb\\nc') cannot be written as a line of text; use --json" in message
    assert json.loads(here("lexicon", "show", "m", "--json").stdout.splitlines()[-1])["target"] == "b\nc"
    assert "is a model; the only option for a model is --json" in here("inspect", "m", "--seed", 1, status=2).stderr
    here("inspect", "m", "--json")
    assert "give sources or --all, not both" in here("lexicon", "remove", "m", "ab", "--all", status=2).stderr
    assert "give sources to remove, or --all" in here("lexicon", "remove", "m", status=2).stderr
    here("lexicon", "remove", "m", "ab")
    here("lexicon", "remove", "m", "--all")


def test_packages_that_messages_name_are_extras(here, workplace, monkeypatch):
    """They are not installed here: that needs the network."""
    workplace()
    with monkeypatch.context() as patched:
        patched.setattr("henkan.engine.choice.find_spec", lambda _: None)
        found = [here("predict", "model", "ab", "--engine", "torch", status=2).stderr]
    with monkeypatch.context() as patched:
        patched.setattr("henkan.storage.plots.explanation_picture", lambda *_, **__: None)
        found.append(here("explain", "model", "ab", "--picture", "a.png", status=2).stderr)
    assert found[0].endswith("; pip install 'henkan[torch]'\n")
    assert found[1].endswith("--picture needs matplotlib; pip install 'henkan[plot]'\n")
    with monkeypatch.context() as patched:
        patched.setattr("henkan.text.tokenizer.find_spec", lambda _: None)
        found.append(here("inspect", "words.tsv", "--source-symbols", "graphemes", status=2).stderr)
    assert found[2].endswith("requires the package regex; pip install 'henkan[graphemes]'\n")
    with monkeypatch.context() as patched:
        patched.setattr("henkan.cli.training_run.learning_curve", lambda _: None)
        found.append(here(*TRAIN, "--out", "m").stderr)
    with monkeypatch.context() as patched:
        patched.setattr("henkan.inference.patterns.find_spec", lambda _: None)
        found.append(here("predict", "model", "ab", "--pattern", "A", status=2).stderr)
    assert found[4].endswith("patterns require the package interegular; pip install 'henkan[patterns]'\n")
    with monkeypatch.context() as patched:
        patched.setattr("henkan.export.onnx.find_spec", lambda _: None)
        found.append(here("export", "model", "--to", "onnx", "--out", "a.onnx", status=2).stderr)
    assert found[5].endswith("requires the packages onnx and onnxruntime; pip install 'henkan[onnx]'\n")
    trackers = ["tensorboard", "mlflow", "wandb"]
    with monkeypatch.context() as patched:
        patched.setattr("henkan.trackers.tracker.find_spec", lambda _: None)
        found += [here(*TRAIN, "--out", "n", "--log-to", name, status=2).stderr for name in trackers]
    assert found[7] == "henkan: logging to MLflow requires the package mlflow; pip install 'henkan[mlflow]'\n"
    assert not Path("n").exists()
    extras = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = ["torch", "plot", "graphemes", "plot", "patterns", "onnx", *trackers]
    assert [lone(message, EXTRA) for message in found] == named
    assert {*named} <= extras.keys()
    here("explain", "model", "ab", "--picture", "a.png")


@pytest.mark.torch
@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed; `make test-torch` installs it")
def test_device_and_precision_are_chosen_as_advised(here, workplace):
    import torch

    workplace()
    predict = ("predict", "model", "ab", "--engine", "torch")
    if not torch.cuda.is_available():
        message = here(*predict, "--device", "cuda", status=2).stderr
        assert "choose --device cpu or --device auto" in message
        for device in re.findall("--device ([a-z]+)", message.partition(";")[2]):
            here(*predict, "--device", device)
        message = here(*predict, "--precision", "tf32", status=2).stderr
        assert "choose --precision float32 or --precision bf16" in message
        for precision in re.findall("--precision ([a-z0-9]+)", message):
            here(*predict, "--precision", precision)


SUMS = "".join(f"{a}+{b}\t{a + b}\n" for a in range(1, 9) for b in range(10, 19))


@pytest.fixture
def reproduce(here, workplace, monkeypatch):
    """Function that runs `henkan reproduce` without its training runs, which take minutes."""
    workplace()
    Path("sums.tsv").write_text(SUMS)
    few = plan.Split(*hold_out(TASKS["addition"].generate(60, 0), 0))
    monkeypatch.setattr(plan.Plan, "split", lambda *_: few)
    monkeypatch.setattr("henkan_experiments.reproduce.run_trainings", lambda *_: ())
    monkeypatch.setattr("henkan_experiments.reproduce.write_report", lambda *_, **__: Path("report.html"))

    def run(*options, status=0):
        return here("reproduce", "--quick", *options, status=status).stderr

    return run


def test_experiment_is_written_to_another_folder_as_advised(reproduce):
    from henkan.storage.folder_lock import folder_lock

    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("")
    assert "choose another --out" in reproduce("--out", "mine", status=2)
    reproduce("--out", "first")
    files = ("--train", "sums.tsv", "--test", "sums.tsv")
    assert "choose another --out" in reproduce("--out", "first", *files, status=2)
    with folder_lock(Path("first")):
        assert "wait for it, or choose another --out" in reproduce("--out", "first", status=2)
        reproduce("--out", "second", *files)
    reproduce("--out", "first")


def test_experiment_continues_after_a_full_disk_as_advised(tmp_path):
    """In this process: the command trains in others, whose disk a test cannot fill."""
    experiment = plan.Plan(quick=True, seeds=1)
    run, few = experiment.runs()[0], plan.Split(*hold_out(TASKS["addition"].generate(60, 0), 0))
    write = CheckpointFolder.write

    def fail(self, name, content):
        if name == "progress.json":
            raise OSError(28, "No space left on device")
        write(self, name, content)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(CheckpointFolder, "write", fail)
        with pytest.raises(CheckpointError) as caught:
            run_training(run, experiment, few, tmp_path)
    advice = "check permissions and free disk space, then run the same command again"
    assert sentence(caught.value).endswith(advice)
    assert run_training(run, experiment, few, tmp_path)["epochs"]


def test_files_of_an_experiment_are_given_as_advised(reproduce):
    message = reproduce("--train", "words.tsv", "--test", "words.tsv", status=2)
    assert "use files that contain only sums, or leave out --train and --test" in message
    reproduce("--train", "sums.tsv", "--test", "sums.tsv")
    reproduce("--out", "other")
    message = reproduce("--train", "sums.tsv", status=2)
    assert "--train and --test must be given together" in message
    message = reproduce("--jobs", 0, "--out", "jobs", status=2)
    assert "--jobs must be a whole number of at least 1" in message
    reproduce("--jobs", 1, "--out", "jobs")


def test_binary_files_are_not_taken_for_text_in_another_encoding(here, workplace):
    workplace()
    picture = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\n" * 3
    Path("picture.png").write_bytes(picture)
    Path("words.txt").write_bytes(WORDS.encode("utf-16-le"))
    Path("kana.txt").write_bytes("あ\tア\n".encode("utf-16-le"))
    for name in ("picture.png", "kana.txt"):
        message = here("inspect", name, status=2).stderr
        assert "(a binary or UTF-16 file?)" in message
        assert "latin-1" not in message
    assert "latin-1" not in here("predict", "model", status=2, input=picture).text
    for name in ("words.txt", "kana.txt"):
        assert "if the file is UTF-16, name its encoding" in here("inspect", name, status=2).stderr
        here("inspect", name, "--encoding", "utf-16-le")
