"""What `henkan next` advises: the printed command trains on the corrected pairs."""

import json
import shlex
import subprocess

import pytest

import henkan as library

SMALL = ("--epochs", "2", "--dev", "none", "--quiet")


@pytest.fixture
def place(workplace):
    """A folder with small models, the pairs that they were trained on, and words."""
    place = workplace()
    (place / "pool.txt").write_text("abc\nab\ncab\nbaab\nxab\nbax\n")
    (place / "tagged.txt").write_text("abx\tV;x\nabb\tV;y\nbx\tV;q\n")
    return place


def follow(here, done):
    """Run the printed command, and return the model."""
    [command] = [line for line in done.stderr.splitlines() if line.startswith("  henkan train ")]
    arguments = shlex.split(command)[1:]
    assert (arguments[-4], arguments[-2]) == ("--from", "--out")
    here(*arguments, *SMALL)
    return library.load(arguments[-1])


def test_corrected_pairs_are_trained_on_with_the_earlier_ones(here, place):
    done = here("next", "model", "pool.txt", "--labelled", "words.tsv", "--out", "next.tsv", "--count", "4")
    assert done.stdout == ""
    assert (
        "correct the targets in next.tsv, delete the words that you did not check, add the pairs of words.tsv, which"
        in done.stderr
    )
    sources = [line.split("\t")[0] for line in (place / "next.tsv").read_text().splitlines()]
    assert len(sources) == 4
    (place / "next.tsv").write_text("".join(f"{source}\t{source.upper()}!\n" for source in sources))
    assert "\n  cat words.tsv >> next.tsv\n" in done.stderr
    subprocess.run("cat words.tsv >> next.tsv", shell=True, check=True, cwd=place)
    follow(here, done)
    saved = json.loads((place / "model-2" / "vocabulary.json").read_text())["variants"][0]
    assert "!" in saved["target"]["symbols"]
    assert "x" in saved["source"]["symbols"]
    assert json.loads((place / "model-2" / "config.json").read_text())["data"]["pairs"] == 4 + 9


@pytest.mark.parametrize("options", [(), ("--reasons",), ("--json",)])
@pytest.mark.parametrize(("model", "words"), [("model", "pool.txt"), ("tagged", "tagged.txt")])
@pytest.mark.parametrize("out", ["next.tsv", "my next.jsonl"])
def test_printed_command_reads_the_output(here, place, options, model, words, out):  # noqa: ARG001
    if ("--json" in options) < out.endswith(".jsonl"):
        return  # such a name is that of JSON Lines
    done = here("next", f"./{model}", words, "--out", out, *options)
    assert "add the pairs that the model was trained on, which it would forget otherwise" in done.stderr
    assert ("--format jsonl" in done.stderr) == ("--json" in options and out == "next.tsv")
    assert follow(here, done).predict(["ab\tV;x" if model == "tagged" else "ab"])


def test_new_model_is_not_in_the_folder_of_the_old_one(here, place):
    done = here("next", ".", "../pool.txt", "--out", "../next.tsv", cwd=place / "model")
    assert done.stderr.endswith("  henkan train ../next.tsv --from . --out .-2\n")


def test_second_round_has_another_model_and_all_pairs(here, place):
    done = here("next", "model", "pool.txt", "--labelled", "words.tsv", "--out", "next.tsv", "--count", "2")
    subprocess.run("cat words.tsv >> next.tsv", shell=True, check=True, cwd=place)
    follow(here, done)
    done = here("next", "model-2", "pool.txt", "--labelled", "next.tsv", "--out", "next-2.tsv", "--count", "2")
    assert done.stderr.endswith(
        "  cat next.tsv >> next-2.tsv\n  henkan train next-2.tsv --from model-2 --out model-3\n"
    )
    first, second = (
        {line.split("\t")[0] for line in (place / name).read_text().splitlines()} for name in ("next.tsv", "next-2.tsv")
    )
    assert len(second) == 2
    assert not first & second


@pytest.mark.parametrize(("name", "options"), [("words.csv", ()), ("words.tsv", ("--json",)), ("words.jsonl", ())])
def test_lines_of_another_format_are_not_added(here, place, name, options):
    pairs = [line.split("\t") for line in (place / "words.tsv").read_text().splitlines()]
    as_line = {
        "words.csv": lambda pair: ",".join(pair),
        "words.tsv": "\t".join,
        "words.jsonl": lambda pair: json.dumps(dict(zip(("source", "target"), pair, strict=True))),
    }[name]
    (place / name).write_text("".join(f"{as_line(pair)}\n" for pair in pairs))
    done = here("next", "model", "pool.txt", "--labelled", name, "--out", "next.tsv", *options)
    assert f"add the pairs of {name}, which" in done.stderr
    assert "  cat " not in done.stderr


def test_earlier_pairs_can_be_added_to_pairs_with_reasons(here, place):
    done = here("next", "model", "pool.txt", "--labelled", "words.tsv", "--out", "next.tsv", "--reasons")
    with (place / "next.tsv").open("a") as file:
        file.write((place / "words.tsv").read_text())
    follow(here, done)
    assert json.loads((place / "model-2" / "config.json").read_text())["data"]["pairs"] == 5 + 9


def test_pairs_that_are_no_lines_are_written_as_json(here, place):
    library.Seq2Seq(epochs=200, hidden_size=16, embedding_size=8).fit(["a", "b"], ["a\nb", "b\nb"]).save("lines")
    (place / "pool.txt").write_text("a\n")
    message = here("next", "lines", "pool.txt", status=2).stderr
    assert "word 1 ('a\\ta\\nb') cannot be written as a line of text; use --json" in message
    assert json.loads(here("next", "lines", "pool.txt", "--json").stdout)["target"] == "a\nb"


def test_another_file_is_chosen_for_the_output(here, place):
    command = ("next", "model", "pool.txt", "--labelled", "words.tsv", "--count", "2", "--force")
    for out, what in (("pool.txt", "words"), ("words.tsv", "labelled pairs")):
        message = here(*command, "--out", out, status=2).stderr
        assert f"{out}: this file has the {what}; choose another --out" in message
    here(*command, "--out", "next.tsv")
    assert len((place / "next.tsv").read_text().splitlines()) == 2
