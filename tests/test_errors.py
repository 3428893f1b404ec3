"""Every error suggests a remedy in terms of the interface in use: Python or the command line."""

import ast
import pickle
import re
from pathlib import Path

import click
import pytest

import henkan
from henkan.cli.main import COMMANDS, cli
from henkan.cli.remedies import OPTIONS, WITHOUT_OPTION, sentence
from henkan.errors import (
    REMEDIES,
    CheckpointError,
    DataError,
    HenkanError,
    Interrupted,
    Message,
    SettingsError,
    UnanswerableError,
)

SRC = Path(henkan.__file__).parent
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
TORCHRUN = {"--nproc-per-node"}
VALUES = {
    "columns": "source,target,-",
    "encoding": "latin-1",
    "fix": "fix the line",
    "folder": "models/m",
    "minutes": 30,
    "processes": 2,
    "side": "source",
    "case": "lower",
    "separator": "|",
}


def flags(text):
    return set(FLAG.findall(text)) - TORCHRUN


def modules(*, cli):
    for path in sorted(SRC.rglob("*.py")):
        if path.is_relative_to(SRC / "cli") == cli:
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def strings(tree):
    """Yield all string literals except docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and has_doc(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def has_doc(node):
    return ast.get_docstring(node) is not None


def test_both_interfaces_have_the_same_remedies():
    assert REMEDIES.keys() == OPTIONS.keys()
    assert list(REMEDIES) == sorted(REMEDIES)
    assert list(OPTIONS) == sorted(OPTIONS)


def test_remedies_use_only_known_placeholders():
    for key, text in {**REMEDIES, **OPTIONS}.items():
        assert "{" not in text.format(**VALUES), key


def test_every_remedy_is_used():
    used = {
        text
        for path, tree in [*modules(cli=False), *modules(cli=True)]
        if path.name not in ("errors.py", "remedies.py")
        for text in strings(tree)
    }
    assert set(REMEDIES) <= used


def test_every_raised_remedy_exists():
    """The second argument of an error or a `Message` is the key of a remedy."""
    errors = {each.__name__ for each in HenkanError.__subclasses__()} | {"Message"}
    for path, tree in [*modules(cli=False), *modules(cli=True)]:
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in errors:
                for key in call.args[1:2]:
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        assert key.value in REMEDIES, f"{path}, line {key.lineno}"


@pytest.mark.parametrize("key", REMEDIES)
def test_python_remedies_do_not_mention_the_command_line(key):
    assert not flags(REMEDIES[key])
    assert not re.search(r"\bhenkan [a-z]", REMEDIES[key])


@pytest.mark.parametrize("key", OPTIONS)
def test_command_line_remedies_do_not_mention_python(key):
    assert not re.search(r"\w=|\bpass\b|\bfit\b", OPTIONS[key])


def test_command_line_remedies_name_existing_options():
    context = click.Context(cli)
    commands = [cli.get_command(context, name) for name in cli.list_commands(context)]
    known = {option for command in commands for each in command.params for option in each.opts}
    for text in OPTIONS.values():
        assert flags(text.format(**VALUES)) <= known


def test_library_strings_do_not_mention_the_command_line():
    command = re.compile(rf"\bhenkan ({'|'.join(COMMANDS)}) ")
    for path, tree in modules(cli=False):
        for text in strings(tree):
            assert not flags(text), f"{path}: {text!r}"
            assert not command.search(text) or (
                path.name == "model_card.py"  # how to use a model from a shell
            ), f"{path}: {text!r}"


def test_errors_can_be_pickled():
    error = DataError("f.tsv, line 3: not UTF-8", "skip_lines", fix="convert it")
    restored = pickle.loads(pickle.dumps(error))
    assert (type(restored), restored.message) == (DataError, error.message)
    assert str(restored) == "f.tsv, line 3: not UTF-8; convert it, or pass rejects to skip such lines"
    assert sentence(restored) == "f.tsv, line 3: not UTF-8; convert it, or skip such lines with --rejects FILE"

    interrupted = Interrupted("training interrupted", 15, "resume", folder="models/m")
    restored = pickle.loads(pickle.dumps(interrupted))
    assert (restored.signal, restored.message, str(restored)) == (15, interrupted.message, str(interrupted))
    assert sentence(restored) == "training interrupted; resume with --resume models/m"

    unanswerable = UnanswerableError("a語", 7, "unknown symbol '語'")
    restored = pickle.loads(pickle.dumps(unanswerable))
    assert (restored.text, restored.index, restored.reason) == ("a語", 7, "unknown symbol '語'")
    assert str(restored) == sentence(restored) == str(unanswerable) == "unknown symbol '語' in 'a語'"
    with_remedy = UnanswerableError("a", 0, "unknown symbol 'a'", "strip")
    assert pickle.loads(pickle.dumps(with_remedy)).message == with_remedy.message


def test_command_line_shows_the_option_of_an_argument():
    error = SettingsError("abstain_below must be 1", "strip", argument="abstain_below")
    assert str(error) == "abstain_below must be 1; pass strip=True to remove it"
    assert sentence(error) == "--abstain-below must be 1; remove it with --strip"


def test_error_without_a_remedy_shows_only_its_message():
    assert str(CheckpointError("damaged")) == sentence(CheckpointError("damaged")) == "damaged"
    assert sentence(Message("padded", "strip")) == "padded; remove it with --strip"


def test_advice_names_only_options_of_the_command():
    damaged = CheckpointError("progress.json is damaged", "restart")
    assert sentence(damaged, {"--resume", "--force"}) == (
        "progress.json is damaged; start over with --force instead of --resume"
    )
    assert sentence(damaged, {"--out"}) == (
        "progress.json is damaged; delete the folder and run the same command again"
    )
    assert sentence(Message("padded", "strip"), {"--beam"}) == "padded; remove it from the file"
    assert sentence(Message("mixed", "normalize", {"side": "source"}), {"--beam"}) == "mixed"
    assert sentence(SettingsError("patience needs a validation set", argument="patience"), {"--beam"}) == (
        "patience needs a validation set"
    )
    processes = CheckpointError("too many", "fewer_processes", processes=2)
    assert sentence(processes, set()) == "too many; start torchrun with --nproc-per-node 2"


def test_advice_for_a_resumed_run_keeps_its_folder():
    held = CheckpointError("m: another process is training this model", "wait_or_another_checkpoint")
    assert sentence(held, {"--out"}).endswith("; wait until it ends, or choose another --out")
    assert sentence(held, {"--out"}, resumed=True).endswith("; wait until it ends")


def test_folders_in_advice_are_quoted_for_a_shell():
    interrupted = Interrupted("training interrupted", 15, "resume", folder="models/my model")
    assert sentence(interrupted) == "training interrupted; resume with --resume 'models/my model'"


def test_remedies_without_options_name_none():
    for key, text in WITHOUT_OPTION.items():
        assert flags(OPTIONS[key])
        assert not flags(text)
