"""Lexicons, CSV and other encodings, from the file to the prediction, without options for their layout."""

import json
import sys

import pytest

SMALL = ("--epochs", "1", "--hidden-size", "8", "--embedding-size", "4", "--dev", "none")
LEXICON = ";;; header\nhello HH AH L OW\nworld\tW ER L D # earth\ncat  K AE T\ncat(2)  K AH T\n"
DETECTED = (
    "note: lexicon.txt is read as a lexicon: word, whitespace, phones; 2 comments skipped; 1 variant such as WORD(2) "
    "read as WORD; choose another with --format if this is wrong"
)
SPLIT = "note: targets are split into symbols at spaces; choose --target-symbols characters if they are plain text"


@pytest.fixture
def lexicon(tmp_path):
    (tmp_path / "lexicon.txt").write_text(LEXICON)


def target_symbols(folder):
    return json.loads((folder / "config.json").read_text())["variants"][0]["model"]["target_symbols"]


@pytest.mark.usefixtures("lexicon")
def test_every_command_reads_a_lexicon_and_says_so(henkan, tmp_path):
    inspected = henkan("inspect", "lexicon.txt", "--test", "lexicon.txt")
    assert inspected.stderr.splitlines() == [DETECTED, DETECTED, SPLIT]
    assert "4 pairs read, 0 lines skipped" in inspected.stdout
    assert "targets: 3 to 4 symbols, median 3.5; 0 empty" in inspected.stdout

    trained = henkan("train", "lexicon.txt", *SMALL, "--dev", "lexicon.txt", "--out", "m")
    assert trained.stderr.splitlines()[:3] == [DETECTED, SPLIT, DETECTED]
    assert target_symbols(tmp_path / "m") == " "
    [vocabulary] = json.loads((tmp_path / "m/vocabulary.json").read_text())["variants"]
    assert set(vocabulary["target"]["symbols"]) >= {"HH", "AE", "OW"}
    quiet = henkan("train", "lexicon.txt", *SMALL, "--quiet", "--seed", "1", "--out", "n")
    assert quiet.stderr == ""

    assert henkan("evaluate", "m", "lexicon.txt").stderr.splitlines() == [DETECTED]
    scored = henkan("score", "m", "lexicon.txt")
    assert scored.stderr.splitlines() == [DETECTED]
    assert scored.stdout.splitlines()[0].split("\t")[1:] == ["hello", "HH AH L OW"]
    assert DETECTED in henkan("combine", "m", "n", "--dev", "lexicon.txt", "--out", "both").stderr.splitlines()


@pytest.mark.usefixtures("lexicon")
def test_options_come_before_detection(henkan, refused, tmp_path):
    read = henkan("inspect", "lexicon.txt", "--target-symbols", "characters")
    assert read.stderr.splitlines() == [DETECTED]
    henkan("train", "lexicon.txt", *SMALL, "--quiet", "--recipe", "modern", "--out", "m")
    assert target_symbols(tmp_path / "m") == " "
    assert "line 1: no delimiter (a tab)" in refused("inspect", "lexicon.txt", "--format", "pairs")
    assert "neither a delimiter nor columns" in refused(
        "inspect", "lexicon.txt", "--format", "lexicon", "--columns", "2,1"
    )
    assert "one of 'auto'" in henkan("inspect", "lexicon.txt", "--format", "xml", status=2).stderr.replace("\n", " ")


def test_no_advice_leads_to_truncated_targets(henkan, refused, tmp_path):
    (tmp_path / "four.txt").write_text("hello HH AH L OW\nworld W ER L D\ncat K AE T\ndog D AO G\n")
    advice = refused("inspect", "four.txt", "--delimiter", " ")
    assert "if the line is a word and its phones, use --format lexicon" in advice
    ignored = henkan("inspect", "four.txt", "--delimiter", " ", "--columns", "1,2").stderr
    assert ignored == (
        "note: four.txt: columns 3 to 4 in 4 of 4 lines, column 5 in 2 of 4 lines ignored; if they are phones, use "
        "--format lexicon without --columns and --delimiter\n"
    )


def test_targets_of_a_pair_file_are_split_if_they_are_phones(henkan, tmp_path):
    (tmp_path / "phones.tsv").write_text("hello\tHH AH L OW\nworld\tW ER L D\ncat\tK AE T\n")
    assert henkan("train", "phones.tsv", *SMALL, "--out", "m").stderr.splitlines()[0] == SPLIT
    assert target_symbols(tmp_path / "m") == " "
    (tmp_path / "dates.tsv").write_text("1994-09-27\tseptember 27, 1994\n2001-01-03\tjanuary 3, 2001\n")
    assert SPLIT not in henkan("train", "dates.tsv", *SMALL, "--out", "n").stderr
    assert target_symbols(tmp_path / "n") == "characters"

    more = henkan("train", "dates.tsv", "--from", "m", *SMALL, "--out", "o")  # the setting of the model is kept
    assert SPLIT not in more.stderr
    assert target_symbols(tmp_path / "o") == " "


def test_csv_is_read_and_broken_records_are_skipped(henkan, refused, tmp_path):
    (tmp_path / "pairs.csv").write_text('source,target,id\n"a, b","x ""y""",1\n"c\nd",z,2\ne,"f,3\n')
    assert (
        "pairs.csv, line 5: the quoted field that starts on this line has no closing quote within 200 lines or 1 MiB "
        "(the file is read as CSV with the delimiter ','); fix the line, choose another --format, or skip such lines "
        "with --rejects FILE"
    ) in refused("inspect", "pairs.csv")
    read = henkan("inspect", "pairs.csv", "--rejects", "rejects.tsv", "--json")
    assert set(json.loads(read.stdout)["source"]["symbols"]) == set("a, bc\nd")
    assert "the columns 'id' of the header are ignored; name all of them, as in --columns" in read.stderr
    assert (tmp_path / "rejects.tsv").read_text().splitlines()[1].split("\t")[1::2] == ["5", 'e,"f,3']


def test_encoding_is_an_option_that_errors_name(henkan, refused, tmp_path):
    (tmp_path / "latin.tsv").write_bytes("né\tné\n".encode("latin-1"))
    assert (
        "latin.tsv, line 1: not UTF-8 (byte 2 of the line); name its encoding, as in --encoding latin-1, or skip such "
        "lines with --rejects FILE"
    ) in refused("inspect", "latin.tsv")
    read = henkan("inspect", "latin.tsv", "--encoding", "latin-1", "--json")
    assert set(json.loads(read.stdout)["source"]["symbols"]) == {"n", "é"}
    (tmp_path / "utf16.tsv").write_bytes("né\tné\n".encode("utf-16"))
    assert "the file is UTF-16, not UTF-8; name its encoding, as in --encoding utf-16" in refused(
        "inspect", "utf16.tsv"
    )
    henkan("train", "utf16.tsv", "--encoding", "utf-16", *SMALL, "--out", "m")
    assert "--encoding must be a text encoding that Python knows" in refused("inspect", "latin.tsv", "--encoding", "x")


@pytest.mark.usefixtures("lexicon")
@pytest.mark.parametrize("earlier", [False, True])
def test_a_resumed_run_reads_the_lexicon_again(henkan, tmp_path, monkeypatch, earlier):
    """Also a run that an earlier version has started: it has read pairs, and its options have no format."""
    from henkan.cli import main
    from henkan.errors import Interrupted
    from henkan.training.checkpoint import Checkpoints

    def stop_at_once(self, _event, progress):
        self.keep(progress())
        raise Interrupted("", 2)

    name = "lexicon.txt"
    if earlier:
        name = "pairs.tsv"
        (tmp_path / name).write_text("hello\tHH AH L OW\nworld\tW ER L D\n")
    with monkeypatch.context() as patched:
        patched.chdir(tmp_path)
        patched.setattr(Checkpoints, "after", stop_at_once)
        patched.setattr("os._exit", sys.exit)  # which would end the tests
        symbols = ["--target-symbols", "characters"] if earlier else []
        patched.setattr("sys.argv", ["henkan", "train", name, *SMALL, *symbols, "--quiet", "--out", "m"])
        with pytest.raises(SystemExit) as exit_info:
            main()
        assert exit_info.value.code == 130
    if earlier:
        checkpoints = Checkpoints(tmp_path / "m", resume=True)
        plan = checkpoints.plan()
        del plan["options"]["format"], plan["options"]["encoding"]
        plan["options"]["delimiter"] = "\t"
        checkpoints._write_plan(plan)
    resumed = henkan("train", "--resume", "m")
    assert (DETECTED.rpartition(";")[0] in resumed.stderr.splitlines()) != earlier  # it keeps its format
    assert target_symbols(tmp_path / "m") == ("characters" if earlier else " ")
