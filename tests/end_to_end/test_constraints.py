import json
import re

import pytest


@pytest.fixture(scope="module")
def dates(tmp_path_factory):
    """A model that has hardly been trained: without a constraint, its predictions are not dates."""
    from henkan import Seq2Seq
    from henkan.text.tasks import TASKS

    pairs = TASKS["dates"].generate()
    model = Seq2Seq(epochs=1, hidden_size=16, embedding_size=8, recipe="words", augment=0, calibrate_outside=False)
    folder = tmp_path_factory.mktemp("dates") / "dates"
    model.fit(pairs.sources[:400], pairs.targets[:400]).save(folder)
    return folder


TEXTS = ["september 27, 1994", "1/2/03", "THURSDAY, NOVEMBER 10, 1994", "?"]


@pytest.mark.parametrize("more", [(), ("--beam", "4", "--nbest", "4")])
def test_a_pattern_is_never_violated(henkan, dates, more):
    pytest.importorskip("interegular", reason="interegular is not installed; install `henkan[patterns]`")
    free = henkan("predict", dates, *more, *TEXTS).stdout.splitlines()
    lines = henkan("predict", dates, "--pattern", r"\d{4}-\d{2}-\d{2}", *more, *TEXTS).stdout.splitlines()
    predictions = [line.split("\t")[1] if more else line for line in lines]
    assert len(lines) >= len(TEXTS)
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", prediction) for prediction in predictions)
    assert lines != free


def test_a_list_in_a_file(henkan, dates, tmp_path):
    (tmp_path / "allowed.txt").write_text("1994-09-27\n\n2003-01-02\n1994-x\n")
    done = henkan("predict", dates, "--allow", "allowed.txt", "--json", *TEXTS, cwd=tmp_path)
    assert {json.loads(line)["prediction"] for line in done.stdout.splitlines()} <= {"1994-09-27", "2003-01-02"}
    assert "note: 1 of 3 allowed predictions have symbols that no training target had" in done.stderr


def test_an_evaluation_with_constraints(henkan, folder, words, tmp_path):
    sources, targets = words
    (tmp_path / "test.tsv").write_text("".join(map("{}\t{}\n".format, sources, targets)))
    (tmp_path / "targets.txt").write_text("\n".join(targets))
    (tmp_path / "one.txt").write_text(targets[0])
    arguments = ("evaluate", folder, "test.tsv", "--json")
    assert json.loads(henkan(*arguments, "--allow", "targets.txt", cwd=tmp_path).stdout)["exact_match"] == 1
    found = json.loads(henkan(*arguments, "--allow", "one.txt", cwd=tmp_path).stdout)
    assert found["correct"] == targets.count(targets[0])
    assert json.loads(henkan(*arguments, "--symbols", "A", cwd=tmp_path).stdout)["correct"] == sum(
        set(target) <= {"A"} for target in targets
    )


def test_a_text_without_an_allowed_prediction_gets_an_empty_line_and_a_reason(henkan, folder, tmp_path):
    (tmp_path / "long.txt").write_text("A" * 99)
    arguments = ("predict", folder, "ab", "--allow", "long.txt")
    done = henkan(*arguments, cwd=tmp_path)
    assert done.stdout == "\n"
    assert done.stderr == "note: texts without an allowed prediction, which get an empty line: 1\n"
    result = json.loads(henkan(*arguments, "--json", cwd=tmp_path).stdout)
    assert result["disallowed"] is True
    assert result["reason"] == "the constraints allow no prediction that the model can write within its length limit"


def test_mistakes_get_one_sentence(henkan, folder, tmp_path):
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "other.txt").write_text("語\n")

    def error(*options):
        done = henkan("predict", folder, "ab", *options, cwd=tmp_path, status=2)
        assert done.stdout == ""
        return done.stderr

    assert "missing.txt: cannot be read" in error("--allow", "missing.txt")
    assert error("--allow", "empty.txt") == (
        "henkan: empty.txt: the file has no allowed predictions; expected one allowed prediction per line\n"
    )
    assert error("--allow", "other.txt") == (
        "henkan: the constraints allow no prediction that this model can write; allow others, made of symbols of the "
        "training targets\n"
    )
    assert error("--symbols", "") == "henkan: --symbols is empty, so no prediction would be allowed\n"
    pytest.importorskip("interegular", reason="interegular is not installed; install `henkan[patterns]`")
    assert "the pattern '[' is not a regular expression: unterminated character set" in error("--pattern", "[")
    assert "uses what an automaton cannot express" in error("--pattern", r"a\b")


def test_a_lexicon_is_looked_up_before_the_model(henkan, folder, tmp_path):
    (tmp_path / "lexicon.tsv").write_text("ab\tone\nab\ttwo\nxyz\tthree\n")
    arguments = ("predict", folder, "--lexicon", "lexicon.tsv")
    assert henkan(*arguments, "ab", "xyz", "c", cwd=tmp_path).stdout == "one\nthree\nC\n"
    several = henkan(*arguments, "--beam", "2", "--nbest", "2", "ab", "c", cwd=tmp_path).stdout.splitlines()
    assert several[:2] == ["ab\tone\t", "ab\ttwo\t"]
    assert len(several) == 4
    known, other = map(json.loads, henkan(*arguments, "--json", "ab", "c", cwd=tmp_path).stdout.splitlines())
    assert known == {
        "source": "ab", "prediction": "one", "log_probability": None, "confidence": None, "origin": "lexicon",
    }  # fmt: skip
    assert (other["prediction"], other["origin"]) == ("C", "model")
    assert (
        "missing.tsv: cannot be read"
        in henkan("predict", folder, "--lexicon", "missing.tsv", "ab", cwd=tmp_path, status=2).stderr
    )


def test_a_file_is_looked_up_as_the_model_reads_texts(henkan, tmp_path):
    from henkan import Seq2Seq

    model = Seq2Seq(epochs=1, hidden_size=4, embedding_size=4, source_case="lower").fit(["ab", "ba"], ["AB", "BA"])
    model.save(tmp_path / "lower")
    (tmp_path / "lexicon.tsv").write_text("AB\tone\nba\ttwo\n")
    assert henkan("predict", "lower", "--lexicon", "lexicon.tsv", "Ab", "BA", cwd=tmp_path).stdout == "one\ntwo\n"


def test_an_evaluation_with_a_lexicon(henkan, folder, tmp_path):
    (tmp_path / "test.tsv").write_text("ab\tone\nc\tC\nxyz\tthree\n")
    (tmp_path / "lexicon.tsv").write_text("ab\tone\nxyz\tother\nxyz\tthree\n")
    done = henkan("evaluate", folder, "test.tsv", "--json", "--lexicon", "lexicon.tsv", cwd=tmp_path)
    assert json.loads(done.stdout)["correct"] == 2
