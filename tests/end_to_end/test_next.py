"""`henkan next`: the words to label next."""

import codecs
import gzip
import json

import pytest

import henkan as library


@pytest.fixture(autouse=True)
def place(workplace):
    """A folder with small models, the pairs that they were trained on, and words."""
    place = workplace()
    (place / "pool.txt").write_text("abc\nab\ncab\n\nbaab\nxab\nbax\ncab\n")
    (place / "tagged.txt").write_text("abx\tV;x\nabb\tV;y\nbx\tV;q\n")
    return place


def rows(text):
    return [line.split("\t") for line in text.splitlines()]


def test_words_are_printed_as_pairs(here):
    done = here("next", "model", "pool.txt", "--labelled", "words.tsv")
    found = rows(done.stdout)
    assert sorted(source for source, _ in found) == ["abc", "baab", "bax", "cab", "xab"]
    assert "x" in found[0][0]
    model = library.load("model")
    assert [target for _, target in found] == model.predict([source for source, _ in found])
    assert "note: some words are not compared: 1 labelled already; 1 repeated\n" in done.stderr
    assert "henkan train" not in done.stderr
    assert here("next", "model", "pool.txt", "--labelled", "words.tsv", "--count", "2").stdout == "".join(
        f"{source}\t{target}\n" for source, target in found[:2]
    )


def test_reasons_are_columns(here):
    found = rows(here("next", "model", "pool.txt", "--labelled", "words.tsv", "--reasons").stdout)
    assert {len(row) for row in found} == {4}
    assert found[0][3].startswith("new symbol 'x', ")
    assert all(0 <= float(row[2]) <= 1 for row in found if row[2])


def test_tags_are_the_third_column(here):
    found = rows(here("next", "tagged", "tagged.txt").stdout)
    assert sorted((source, tags) for source, _, tags in found) == [("abb", "V;y"), ("abx", "V;x"), ("bx", "V;q")]
    objects = [json.loads(line) for line in here("next", "tagged", "tagged.txt", "--json").stdout.splitlines()]
    assert [[each["source"], each["target"], each["features"]] for each in objects] == found
    assert any("new feature 'q'" in each["reasons"] for each in objects)


def test_tagged_pairs_can_be_labelled_already(here, place):
    (place / "pairs.tsv").write_text("abx\tabs\tx;V\n")
    done = here("next", "tagged", "tagged.txt", "--labelled", "pairs.tsv")
    assert sorted(source for source, *_ in rows(done.stdout)) == ["abb", "bx"]


def test_words_without_prediction_have_an_empty_target(here, place):
    (place / "long.txt").write_text("ab\n" + 50 * "ab" + "\n")
    done = here("next", "book", "long.txt")
    assert [50 * "ab", ""] in rows(done.stdout)
    assert "note: words without a prediction, which have an empty target: 1\n" in done.stderr


def test_existing_file_is_kept(here, place):
    (place / "next.tsv").write_text("corrected\n")
    done = here("next", "model", "pool.txt", "--out", "next.tsv", status=2)
    assert "next.tsv: already exists; use --force or another --out" in done.stderr
    assert (place / "next.tsv").read_text() == "corrected\n"
    here("next", "model", "pool.txt", "--out", "next.tsv", "--force")
    assert len(rows((place / "next.tsv").read_text())) == 6


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "the file has no sources; expected one source per line"),
        ("\n \n", "the file has no sources; expected one source per line"),
        ("ab\nba\n", "there is no source to label (2 labelled already); give sources that are not labelled yet"),
        ("ab\tAB\n", "1 of 1 unlabelled sources contain a tab"),
        ("a\0b\n", "line 1"),
    ],
)
def test_words_that_cannot_be_ranked_are_an_error(here, place, words, says):
    (place / "pool.txt").write_text(words)
    done = here("next", "model", "pool.txt", "--labelled", "words.tsv", status=2)
    assert says in done.stderr
    assert done.stdout == ""


def test_words_of_a_model_with_tags_need_them(here):
    done = here("next", "tagged", "pool.txt", status=2)
    assert "have no feature tags" in done.stderr


def test_encoding_of_the_words(here, place):
    (place / "pool.txt").write_bytes("äb\nöb\n".encode("latin-1"))
    assert {row[0] for row in rows(here("next", "model", "pool.txt", "--encoding", "latin-1").stdout)} == {"äb", "öb"}
    assert "not UTF-8" in here("next", "model", "pool.txt", status=2).stderr


def test_files_that_are_read_are_not_replaced(refused, folder, tmp_path):
    (tmp_path / "names.tsv").write_text("ab\tAB\nba\tBA\n")
    (tmp_path / "words.txt").write_text("abc\ncab\n")
    for out, what in (("names.tsv", "labelled pairs"), ("words.txt", "words")):
        before = (tmp_path / out).read_bytes()
        message = refused("next", folder, "words.txt", "--labelled", "names.tsv", "--out", out, "--force")
        assert message == f"henkan: {out}: this file has the {what}; choose another --out"
        assert (tmp_path / out).read_bytes() == before


@pytest.mark.parametrize("start", [b"", codecs.BOM_UTF8, None])
def test_only_plain_lines_are_added_by_cat(henkan, folder, tmp_path, start):
    content = b"ab\tAB\nba\tBA\n"
    name = "names.tsv" if start is not None else "names.tsv.gz"
    (tmp_path / name).write_bytes(gzip.compress(content) if start is None else start + content)
    (tmp_path / "words.txt").write_text("abc\ncab\n")
    done = henkan("next", folder, "words.txt", "--labelled", name, "--out", "next.tsv")
    assert (f"  cat {name} >> next.tsv\n" in done.stderr) == (start == b"")
