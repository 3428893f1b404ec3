"""The examples in the help of every command are run as they are printed, with small models."""

import re
import shlex
import shutil
from importlib import import_module
from itertools import product

import click
import pytest

from commands import checked, run_here
from henkan.cli.main import COMMANDS

SMALL = ("--epochs", "2", "--hidden-size", "8", "--embedding-size", "4", "--batch-size", "64")
"""Options that make training quick."""

MORE = {
    "train": (*SMALL, "--force"),
    "distil": (*SMALL, "--force"),
    "inspect": (),
    "generate": (),
    "export": ("--force",),
    "combine": ("--force",),
    "curve": (*SMALL, "--jobs", "1"),
    "tune": (*SMALL, "--force", "--augment", "0", "--trials", "1", "--jobs", "1"),
}
"""Command -> options that are added to its examples."""

STAYS = {"serve", "play", "reproduce"}
"""Commands that take long, or until they are stopped: their examples are only parsed."""

FIRST = {"henkan tune --resume models/tuned": "henkan tune names.tsv --out models/tuned"}
"""Example -> the example that must be run before."""

NEEDS = {"export": "onnx", "tune": "optuna"}
"""Command -> package that its examples need."""

NAMES = ["".join(each) for length in (2, 3) for each in product("aeioknst", repeat=length)]
WORDS = [name.capitalize() for name in NAMES[::11]] + ["Tanaka"]


def commands():
    """Yield every command with its name; a group of commands has several."""
    for name, (module, function, _) in COMMANDS.items():
        command = getattr(import_module(module), function)
        yield (name,), command
        if isinstance(command, click.Group):
            yield from (((name, each), command.commands[each]) for each in command.commands)


def examples(command):
    """Return the examples in the help of a command: the lines of a block without line wrapping."""
    blocks = re.findall(r"\x08\n(.*?)(?:\n\n|$)", re.sub(r"(?m)^ +", "", command.help or ""), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("henkan ")]
    return [re.split(r"\s{2,}", line)[0] for line in lines]


EXAMPLES = [line for _, command in commands() for line in examples(command)]


def shell_words(line):
    """Split an example into the arguments of henkan and the file that it reads from standard input."""
    words = shlex.split(line)[1:]
    ends = [words.index(sign) for sign in ("<", ">", "|") if sign in words]
    read = words[words.index("<") + 1] if "<" in words else None
    return words[: min(ends, default=len(words))], read


def test_every_command_has_an_example():
    without = {" ".join(names) for names, command in commands() if len(names) == 1 and not examples(command)}
    assert without == {"tasks"}  # which has no arguments


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """Folder with the files and models that the examples name."""
    folder = tmp_path_factory.mktemp("examples")
    henkan = checked(run_here, folder)
    pairs = [f"{word}\t{word.upper()}" for word in WORDS]
    for name in ("names", "names.test", "test", "more", "pairs", "corrections"):
        (folder / f"{name}.tsv").write_text("\n".join(pairs) + "\n")
    (folder / "names.dev.tsv").write_text("\n".join(f"{word}i\t{word.upper()}I" for word in WORDS) + "\n")
    (folder / "lexicon.tsv").write_text("\n".join(f"{word}\t{' '.join(word.upper())}" for word in WORDS) + "\n")
    (folder / "sums.txt").write_text("16+75  _91  \n52+607 _659 \n75+22  _97  \n63+22  _85  \n" * 5)
    (folder / "names.txt").write_text("\n".join(WORDS) + "\n")
    (folder / "words.txt").write_text("\n".join(word + "en" for word in WORDS) + "\n")
    shape = ("--hidden-size", "8", "--embedding-size", "4", "--dev", "none", "--quiet")
    henkan("train", "names.tsv", "--epochs", "5", *shape, "--keep-lexicon")
    henkan("train", "addition", "--epochs", "1", "--batch-size", "512", *shape)
    dates = [f"august {day}, 1987\t1987-08-{day:02}" for day in range(1, 32)]
    (folder / "dates.tsv").write_text("\n".join(dates) + "\n")
    henkan("train", "dates.tsv", "--epochs", "2", *shape)
    for seed, name in enumerate(("a", "b", "ensemble")):
        henkan("train", "names.tsv", "--epochs", "2", *shape, "--seed", seed, "--out", f"models/{name}")
    for name, copy in (("a", "words"), ("b", "edits")):
        shutil.copytree(folder / "models" / name, folder / "models" / copy)
    return folder


@pytest.mark.parametrize("line", EXAMPLES)
def test_example(line, stock, tmp_path):
    words, read = shell_words(line)
    name = words[0]
    if name in STAYS:
        command = dict(commands())[(name,)]
        assert command.make_context(name, list(words[1:]))
        return
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    place = shutil.copytree(stock, tmp_path / "place")
    added = () if "--resume" in words else MORE.get(name, ())
    given = (place / read).read_text() if read else ""
    if line in FIRST:
        checked(run_here, place)(*shell_words(FIRST[line])[0], *MORE[name])
    done = checked(run_here, place)(*words, *added, input=given)
    assert done.stdout or done.stderr
    if "--out" in words:
        assert (place / words[words.index("--out") + 1]).exists()
