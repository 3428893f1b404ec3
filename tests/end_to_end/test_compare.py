import json
import shutil
from types import SimpleNamespace

import pytest

from henkan import Seq2Seq
from henkan.text.data_source import DataSource
from henkan.text.tasks import TASKS


@pytest.fixture(scope="module")
def poor():
    """A model that writes the first letter only."""
    sources = [a + b for a in "abc" for b in "abc"]
    settings = {"epochs": 60, "batch_size": 4, "hidden_size": 24, "embedding_size": 8}
    return Seq2Seq(recipe="modern", **settings).fit(sources, [source[0].upper() for source in sources])


@pytest.fixture
def place(folder, poor, words, tmp_path):
    """A folder with two models and a test file."""
    poor.save(tmp_path / "poor")
    pairs = "".join(f"{source}\t{target}\n" for source, target in zip(*words, strict=True))
    (tmp_path / "test.tsv").write_text(f"{pairs}ab\tA\n")
    assert folder == tmp_path / "model"
    return tmp_path


def test_report_ends_with_the_conclusion(henkan, place):
    done = henkan("compare", "poor", "model", "test.tsv", "--html", "report.html", "--differences", "differences.tsv")
    lines = done.stdout.splitlines()
    assert lines[0] == "39 distinct sources of test.tsv"
    assert lines[2].split() == ["exact", "match", "95", "%", "interval", "symbol", "errors", "95", "%", "interval"]
    assert lines[4].startswith("model      100.00%  91.0% to 100.0%          0.00%  0.0% to 9.0%")
    assert lines[-2].startswith("model is better than poor: +")
    assert lines[-2].endswith("p < 0.001.")
    assert lines[-1].startswith("model makes fewer symbol errors: -")
    assert max(map(len, lines)) <= 80
    for heading in ("source symbols", "rarest symbol in", "confidence", "only model right, 5 of "):
        assert any(line.startswith(heading) for line in lines), heading
    html = (place / "report.html").read_text()
    assert html.startswith("<!doctype html>")
    assert "model is better than poor" in html
    header, *rows = [line.split("\t") for line in (place / "differences.tsv").read_text().splitlines()]
    assert header == [
        "source", "target", "poor", "poor correct", "poor confidence", "model", "model correct", "model confidence",
    ]  # fmt: skip
    by_source = {row[0]: row for row in rows}
    assert "a" not in by_source  # both models write A
    assert by_source["cab"][1] == by_source["cab"][5] == "CAB"
    assert (by_source["cab"][3], by_source["cab"][6]) == ("X", "O")
    assert 0 < float(by_source["cab"][7]) <= 1
    assert (by_source["ab"][2], by_source["ab"][3], by_source["ab"][6]) == ("A", "O", "O")  # both targets are correct


def test_json_output_is_one_object(henkan, place):  # noqa: ARG001
    result = json.loads(henkan("compare", "poor", "model", "test.tsv", "--json", "--beam", 2).stdout)
    assert [(each["name"], each["total"]) for each in result["models"]] == [("poor", 39), ("model", 39)]
    assert (result["sources"], result["folders"], result["data"]) == (39, ["poor", "model"], "test.tsv")
    (difference,) = result["differences"]
    low, high = difference["exact_match"]["interval"]
    assert low < difference["exact_match"]["difference"] < high
    assert sum(each["sources"] for each in result["outcomes"]) == 39
    assert set(result["breakdowns"]) == {"by_length", "by_rarest_symbol", "by_confidence"}


def test_constraints_and_lexicons_apply_to_all_models(henkan, place):
    (place / "lexicon.tsv").write_text("abc\tABC\n")
    arguments = ("compare", "poor", "model", "test.tsv", "--json")
    plain, known, short = (
        json.loads(henkan(*arguments, *more).stdout) for more in ((), ("--lexicon", "lexicon.tsv"), ("--symbols", "A"))
    )
    assert [each["from_lexicon"] for each in known["models"]] == [1, 1]
    assert [each["correct"] for each in known["models"]] == [plain["models"][0]["correct"] + 1, 39]
    assert short["models"][1]["correct"] < 10


def test_models_with_the_same_folder_name_and_three_models(henkan, place):
    shutil.copytree(place / "poor", place / "other/poor")
    done = henkan("compare", "poor", "model", "other/poor", "test.tsv")
    assert "other/poor" in done.stdout
    assert "only model right" in done.stdout
    assert "p-values are corrected for 3 pairs of models (Holm)." in done.stdout
    assert "No difference in exact match is shown between" in done.stdout


def test_a_task_that_a_model_was_not_trained_on(henkan, place):  # noqa: ARG001
    done = henkan("compare", "poor", "model", "multiplication")
    assert "note: the training data of poor and model may contain some of these pairs" in done.stderr
    assert "2 distinct sources" not in done.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("model", "test.tsv"), "give two or more models, and then a file or task to compare them on"),
        (("model", "poor", "./model", "test.tsv"), "model: this model is given twice; give two different models"),
        (("model", "poor", "absent.tsv"), "there is no task or file 'absent.tsv'"),
        (("model", "absent", "test.tsv"), "absent"),
        (("model", "poor", "test.tsv", "--html", "test.tsv"), "--html would overwrite the pairs to compare on"),
        (
            ("model", "poor", "test.tsv", "--differences", "none/d.tsv"),
            "none/d.tsv: cannot be written (No such file or directory); choose another --differences",
        ),
        (("model", "poor", "test.tsv", "--html", "model"), "model: is a folder; choose another --html"),
        (
            ("model", "poor", "test.tsv", "--html", "r", "--differences", "./r"),
            "--html and --differences name the same file; choose two files",
        ),
        (
            ("model", "poor", "test.tsv", "--columns", "source,target,features"),
            "model: this model was trained without feature tags",
        ),
    ],
)
def test_invalid_arguments_are_refused(refused, place, arguments, message):  # noqa: ARG001
    assert message in refused("compare", *arguments)


def test_models_of_which_only_one_reads_tags(refused, place):
    tagged = [f"{a}{b}\tV;{c}" for a in "abc" for b in "abc" for c in "xy"]
    Seq2Seq(epochs=1, hidden_size=4, features=True).fit(tagged, tagged).save(place / "tagged")
    assert "tagged: this model reads feature tags; name their column" in refused(
        "compare", "model", "tagged", "test.tsv"
    )


@pytest.mark.parametrize(
    ("pairs", "seed", "held_out", "may"),
    [(50_000, 0, "tenth", False), (50_000, 1, "tenth", True), (60_000, 0, "tenth", True), (400, 0, "none", False)],
)
def test_models_that_may_have_seen_the_pairs_of_a_task(pairs, seed, held_out, may):
    """The pairs are those after the first 50,000 of seed 0, because the first model was trained on a file."""
    from henkan.cli.compare import _may_know

    task, of_task = TASKS["addition"], DataSource("addition", True, pairs, held_out, seed)
    fitted, first = (SimpleNamespace(data=each) for each in (of_task, DataSource("names.tsv")))
    assert _may_know(fitted, first, task) == may
    assert _may_know(first, fitted, task)
