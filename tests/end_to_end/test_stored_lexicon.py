"""Lexicons that are stored in a model: `train --keep-lexicon`, `lexicon add`, and the commands that use them."""

import json
import shutil

import pytest

import henkan as library
from advice_cases import SMALL, TAGGED, WORDS
from henkan.training.checkpoint import Checkpoints
from henkan.training.checkpoint_folder import CheckpointFolder

PAIRS = dict(line.split("\t") for line in WORDS.splitlines())
KEEP = (*SMALL.split(), "--quiet", "--keep-lexicon", "--out", "m")
TAGS = ("--columns", "source,target,features")


def stored(folder):
    return library.load(folder).lexicon


@pytest.fixture
def kept(henkan, tmp_path):
    """A model that has hardly been trained, with its training data as a lexicon."""
    (tmp_path / "words.tsv").write_text(WORDS)
    henkan("train", "words.tsv", *KEEP)
    return tmp_path / "m"


def test_training_stores_all_pairs_of_the_file(henkan, kept):
    assert stored(kept) == {source: [target] for source, target in PAIRS.items()}
    assert henkan("predict", "m", *PAIRS).stdout.split() == list(PAIRS.values())
    known, other = map(json.loads, henkan("predict", "m", "--json", "ab", "abc").stdout.splitlines())
    assert (known["prediction"], known["origin"], known["log_probability"]) == ("AB", "lexicon", None)
    assert other["origin"] == "model"
    [alone] = map(json.loads, henkan("predict", "m", "--json", "--no-lexicon", "ab").stdout.splitlines())
    assert "origin" not in alone
    assert alone["log_probability"] < 0


def test_result_says_how_many_entries_there_are(henkan, tmp_path):
    (tmp_path / "words.tsv").write_text(WORDS)
    done = henkan("train", "words.tsv", *SMALL.split(), "--keep-lexicon", "--out", "m")
    assert "model saved in m; its lexicon has 9 entries" in done.stdout
    assert "its lexicon" not in henkan("train", "words.tsv", *SMALL.split(), "--out", "n").stdout
    assert "lexicon of 9 entries" in henkan("inspect", "m").stdout.splitlines()
    assert "no lexicon" in henkan("inspect", "n").stdout.splitlines()
    assert json.loads(henkan("inspect", "m", "--json").stdout)["lexicon"] == 9
    assert "has 9 entries, each a source" in (tmp_path / "m/README.md").read_text()
    assert json.loads((tmp_path / "n/manifest.json").read_text())["format_version"] == 3


def test_training_and_validation_do_not_use_the_lexicon(henkan, kept):
    henkan("train", "words.tsv", *SMALL.split(), "--quiet", "--out", "n")
    with_lexicon, plain = (json.loads((kept.parent / name / "metrics.json").read_text()) for name in "mn")
    assert with_lexicon["exact_match"] == plain["exact_match"] == 0
    for name in ("config.json", "vocabulary.json", "weights.safetensors"):
        assert (kept / name).read_bytes() == (kept.parent / "n" / name).read_bytes()


def test_evaluation_says_how_many_sources_are_from_the_lexicon(henkan, kept):
    (kept.parent / "test.tsv").write_text("ab\tAB\nba\tother\nabc\tABC\n")
    both = henkan("evaluate", "m", "test.tsv").stdout.splitlines()
    assert both[-2] == "2 of 3 sources answered from the lexicon (evaluate the model alone with --no-lexicon)"
    assert both[-1].startswith("exact match 33.333% (1 of 3)")
    values = json.loads(henkan("evaluate", "m", "test.tsv", "--json").stdout)
    assert (values["from_lexicon"], values["total"], values["correct"]) == (2, 3, 1)
    assert values["coverage"][-1][1] == 1  # the answers from the lexicon are the most confident
    alone = henkan("evaluate", "m", "test.tsv", "--no-lexicon").stdout
    assert "from the lexicon" not in alone
    assert "exact match 0.000% (0 of 3)" in alone


def test_a_file_comes_before_the_stored_lexicon(henkan, kept):
    (kept.parent / "mine.tsv").write_text("ab\tmine\nabc\tmine too\n")
    arguments = ("predict", "m", "ab", "abc", "ba", "--lexicon", "mine.tsv")
    assert henkan(*arguments).stdout == "mine\nmine too\nBA\n"
    only_file = henkan(*arguments, "--no-lexicon").stdout.splitlines()
    assert only_file[:2] == ["mine", "mine too"]
    assert only_file[2] == henkan("predict", "m", "ba", "--no-lexicon").stdout.rstrip("\n") != "BA"
    (kept.parent / "test.tsv").write_text("ab\tmine\n")
    done = henkan("evaluate", "m", "test.tsv", "--lexicon", "mine.tsv").stdout
    assert "1 of 1 source answered from the lexicon\nexact match 100.000% (1 of 1)" in done


@pytest.mark.parametrize("arguments", [("explain", "ab", "--json"), ("score", "words.tsv")])
def test_explanations_and_scores_are_those_of_the_model(henkan, kept, arguments):
    shutil.copytree(kept, kept.parent / "plain")
    henkan("lexicon", "remove", "plain", "--all")
    command, *others = arguments
    assert henkan(command, "m", *others).stdout == henkan(command, "plain", *others).stdout


@pytest.mark.parametrize("options", [("--dev", "none"), ("--ensemble", "2"), ("--dev", "dev.tsv")])
def test_kept_pairs_do_not_depend_on_the_validation_set(henkan, tmp_path, options):
    (tmp_path / "words.tsv").write_text(WORDS)
    (tmp_path / "dev.tsv").write_text("cab\tCAB\n")
    henkan("train", "words.tsv", *KEEP, *options)
    assert stored(tmp_path / "m") == {source: [target] for source, target in PAIRS.items()}


@pytest.mark.parametrize("resumed", [False, True], ids=["at the start", "when it is resumed"])
def test_a_resumed_run_keeps_the_lexicon(henkan, tmp_path, monkeypatch, resumed):
    (tmp_path / "words.tsv").write_text(WORDS)
    keep = Checkpoints.keep

    def stop(self, progress):
        keep(self, progress)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "keep", stop)
        henkan(
            "train", "words.tsv", *(option for option in KEEP if option != "--keep-lexicon" or not resumed), status=130
        )
    henkan("train", "--resume", "m", *(["--keep-lexicon"] if resumed else []))
    assert len(stored(tmp_path / "m")) == 9


def test_further_training_takes_the_lexicon_over_on_request(henkan, kept):
    (kept.parent / "more.tsv").write_text("ab\tnew\nd\tD\n")
    more = ("train", "more.tsv", "--from", "m", "--epochs", 1, "--dev", "none")
    assert "note: the lexicon of the model to start from is not stored" in henkan(*more, "--out", "without").stderr
    assert stored(kept.parent / "without") == {}
    assert "note: the lexicon" not in henkan(*more, "--keep-lexicon", "--out", "with").stderr
    expected = {"ab": ["new", "AB"], "d": ["D"], **{s: [t] for s, t in PAIRS.items() if s != "ab"}}
    assert stored(kept.parent / "with") == expected


def test_distillation_stores_the_pairs_and_not_the_lexicon_of_the_teacher(henkan, kept):
    (kept.parent / "some.tsv").write_text("".join(WORDS.splitlines(keepends=True)[:8]))
    (kept.parent / "unlabelled.txt").write_text("cc\nc\na\nb\n")
    distil = ("distil", "m", "--data", "some.tsv", "--unlabelled", "unlabelled.txt", *SMALL.split(), "--quiet")
    henkan(*distil, "--out", "plain")
    henkan(*distil, "--out", "with", "--keep-lexicon")
    assert stored(kept.parent / "plain") == {}
    assert stored(kept.parent / "with").keys() == set(list(PAIRS)[:8])


def test_combined_models_have_all_entries(henkan, kept):
    henkan("train", "words.tsv", *SMALL.split(), "--quiet", "--seed", 1, "--out", "n")
    (kept.parent / "mine.tsv").write_text("ab\tmine\nx\ty\n")
    henkan("lexicon", "add", "n", "mine.tsv")
    done = henkan("combine", "n", "m", "--out", "both")
    assert done.stdout.endswith("saved in both; its lexicon has 11 entries\n")
    assert stored(kept.parent / "both")["ab"] == ["mine", "AB"]


def test_entries_are_added_last_first_or_in_place_of_others(henkan, kept):
    (kept.parent / "mine.tsv").write_text("ab\tmine\nab\tAB\nx\ty\nx\tz\n")
    weights = (kept / "weights.safetensors").stat()
    done = henkan("lexicon", "add", "m", "mine.tsv")
    assert done.stdout == (
        "3 entries added, 1 was already there, 1 source has further targets\nm has a lexicon of 12 entries\n"
    )
    assert done.stderr == "note: further targets follow those that were there, which stay the predictions\n"
    assert henkan("predict", "m", "ab", "x").stdout == "AB\ny\n"
    assert henkan("lexicon", "add", "m", "mine.tsv", "--first").stdout == (
        "0 entries added, 4 were already there\nm has a lexicon of 12 entries\n"
    )
    several = henkan("predict", "m", "ab", "--beam", 2, "--nbest", 2).stdout
    assert several == "ab\tmine\t\nab\tAB\t\n"
    (kept.parent / "other.tsv").write_text("ab\tother\n")
    assert henkan("lexicon", "add", "m", "other.tsv", "--replace").stdout == (
        "1 entry added, 0 were already there, 2 entries replaced, 1 source has new targets\n"
        "m has a lexicon of 11 entries\n"
    )
    assert henkan("predict", "m", "ab").stdout == "other\n"
    after = (kept / "weights.safetensors").stat()
    assert (weights.st_ino, weights.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize(
    ("name", "content", "options", "expected"),
    [
        ("a.tsv", "x y\t1 2\n", (), {"x y": ["1 2"]}),
        ("a.csv", 'id,source,target\n1,"x, y","1 2"\n', ("--columns", "2,3"), None),
        ("a.jsonl", '{"source": "x y", "target": "1 2"}\n', (), {"x y": ["1 2"]}),
        ("a.txt", "1 2_x y\n", ("--delimiter", "_", "--columns", "2,1"), {"x y": ["1 2"]}),
        ("a.dict", "x HH AH\nx(2) HH OW\ny K AE\n", ("--format", "lexicon"), {"x": ["HH AH", "HH OW"], "y": ["K AE"]}),
    ],
)
def test_entries_come_from_every_format_of_pairs(henkan, folder, name, content, options, expected):
    (folder.parent / name).write_text(content)
    henkan("lexicon", "add", folder, name, *options)
    if expected is None:
        assert stored(folder)["x, y"] == ["1 2"]
    else:
        assert stored(folder) == expected


@pytest.mark.parametrize("form", ["tsv", "jsonl"])
def test_what_is_shown_can_be_added_again(henkan, kept, form):
    (kept.parent / "mine.tsv").write_text('ab\tmine\nC:\\new\ta "b"\n語\tgo\n')
    henkan("lexicon", "add", "m", "mine.tsv")
    before = stored(kept)
    shown = henkan("lexicon", "show", "m", *(["--json"] if form == "jsonl" else [])).stdout
    assert len(shown.splitlines()) == 12
    (kept.parent / f"shown.{form}").write_text(shown)
    assert henkan("lexicon", "remove", "m", "--all").stdout == "12 entries removed\nm has no lexicon now\n"
    assert henkan("lexicon", "show", "m").stdout == ""
    henkan("lexicon", "add", "m", f"shown.{form}")
    assert stored(kept) == before


@pytest.mark.parametrize("form", ["tsv", "jsonl"])
def test_sources_with_feature_tags(henkan, refused, tmp_path, form):
    (tmp_path / "tagged.tsv").write_text(TAGGED)
    (tmp_path / "words.tsv").write_text(WORDS)
    henkan("train", "tagged.tsv", *TAGS, *KEEP)
    assert henkan("predict", "m", input="ax\tx;V\nax\tV ; x\n").stdout == "as\nas\n"
    before = stored(tmp_path / "m")
    assert len(before) == len(TAGGED.splitlines())
    assert "this model reads feature tags; name their column" in refused("lexicon", "add", "m", "words.tsv")
    shown = henkan("lexicon", "show", "m", *(["--json"] if form == "jsonl" else [])).stdout
    (tmp_path / f"shown.{form}").write_text(shown)
    henkan("lexicon", "remove", "m", "--all")
    henkan("lexicon", "add", "m", f"shown.{form}", *TAGS)
    assert stored(tmp_path / "m") == before


@pytest.mark.parametrize("form", ["tsv", "jsonl"])
def test_a_file_for_a_model_with_feature_tags_has_them_too(henkan, refused, tmp_path, form):
    (tmp_path / "tagged.tsv").write_text(TAGGED)
    henkan("train", "tagged.tsv", *TAGS, *SMALL.split(), "--quiet", "--out", "m")
    entries = [("ax", "mine", "V;x"), ("b", "c", "N")]
    keys = ("source", "target", "features")
    lines = (
        map("\t".join, entries)
        if form == "tsv"
        else (json.dumps(dict(zip(keys, each, strict=True))) for each in entries)
    )
    (tmp_path / f"mine.{form}").write_text("".join(f"{line}\n" for line in lines))
    (tmp_path / "words.tsv").write_text(WORDS)
    assert henkan("predict", "m", "--lexicon", f"mine.{form}", "ax\tx;V", "b\tN").stdout == "mine\nc\n"
    [other] = map(json.loads, henkan("predict", "m", "--lexicon", f"mine.{form}", "--json", "b").stdout.splitlines())
    assert other["origin"] == "model"
    found = json.loads(henkan("evaluate", "m", "tagged.tsv", *TAGS, "--lexicon", f"mine.{form}", "--json").stdout)
    assert found["from_lexicon"] == 1
    expected = "words.tsv, line 1: 2 columns separated by the delimiter (a tab), expected 3 (source, target, features)"
    assert refused("predict", "m", "b", "--lexicon", "words.tsv") == f"henkan: {expected}"
    assert refused("evaluate", "m", "tagged.tsv", *TAGS, "--lexicon", "words.tsv") == f"henkan: {expected}"


def test_sources_are_removed(henkan, refused, kept):
    assert henkan("lexicon", "remove", "m", "ab", "ba").stdout == "2 entries removed\nm has a lexicon of 7 entries\n"
    assert refused("lexicon", "remove", "m", "aa", "xyz") == (
        "henkan: m: the lexicon does not have 'xyz'; nothing was removed"
    )
    assert len(stored(kept)) == 7
    henkan("lexicon", "remove", "m", *stored(kept))
    assert "no lexicon" in henkan("inspect", "m").stdout.splitlines()


def test_sources_are_removed_and_combined_as_the_model_reads_them(henkan, tmp_path):
    for seed, entries in enumerate(({"Ab": "1", "ba": "2"}, {"aB": "3"})):
        model = library.Seq2Seq(epochs=1, hidden_size=4, embedding_size=4, source_case="lower", seed=seed)
        model.fit(["ab", "ba"], ["AB", "BA"])
        model.lexicon = entries
        model.save(tmp_path / str(seed))
    henkan("combine", "0", "1", "--out", "both")
    assert stored(tmp_path / "both") == {"Ab": ["1", "3"], "ba": ["2"]}
    assert henkan("lexicon", "remove", "0", "AB").stdout == "1 entry removed\n0 has a lexicon of 1 entry\n"


@pytest.mark.parametrize("source", ["a\tb", "a\nb", "\ud800", "\ufeffa"])
def test_what_a_line_cannot_hold_is_shown_as_json_only(henkan, refused, kept, source):
    model = library.load(kept)
    model.lexicon = {source: "A"}
    model.save(kept, force=True)
    assert "cannot be written as a line of text; use --json" in refused("lexicon", "show", "m")
    assert json.loads(henkan("lexicon", "show", "m", "--json").stdout) == {"source": source, "target": "A"}


def test_mistakes_get_one_sentence(refused, kept):
    assert "missing.tsv: cannot be read" in refused("lexicon", "add", "m", "missing.tsv")
    assert refused("lexicon", "add", "none", "words.tsv") == (
        "henkan: none: there is no such folder; give a folder written by `henkan train`"
    )
    (kept.parent / "bad.tsv").write_text("a\tb\nc\n")
    assert "bad.tsv, line 2: no delimiter" in refused("lexicon", "add", "m", "bad.tsv")
    with CheckpointFolder(kept).held():
        message = refused("lexicon", "add", "m", "words.tsv")
        assert "has been training this model since" in message
        assert message.endswith("; wait until it ends")
    (kept / "lexicon.jsonl").write_bytes(b"")
    assert "lexicon.jsonl is damaged or was modified" in refused("predict", "m", "ab")
    assert not (kept / "checkpoint").exists()
