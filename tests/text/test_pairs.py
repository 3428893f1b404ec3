import io
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henkan.errors import DataError, SettingsError
from henkan.text.pairs import Columns, Pairs, hold_out, write_pairs
from henkan.text.reading import read_pairs


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "pairs.tsv"
        path.write_bytes(content)
        return path

    return write


def test_reads_source_tab_target(file):
    pairs = read_pairs(file("58+77\t135\nひらがな\tカタカナ\n".encode()))
    assert pairs == Pairs(["58+77", "ひらがな"], ["135", "カタカナ"])


def test_the_books_fixed_width_layout(file):
    pairs = read_pairs(file(b"16+75  _91  \n52+607 _659 \n"), delimiter="_", strip=True)
    assert pairs == Pairs(["16+75", "52+607"], ["91", "659"])


def test_byte_order_mark_windows_line_ends_and_no_last_line_end(file):
    assert read_pairs(file(b"\xef\xbb\xbfa\tb\r\n\tc\r\nd\t")) == Pairs(["a", "", "d"], ["b", "c", ""])


def test_only_a_line_feed_ends_a_line(file):
    assert read_pairs(file("a\u2028b\tc\x0bd\n".encode())) == Pairs(["a\u2028b"], ["c\x0bd"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"a\tb\nc\n", r"line 2: no delimiter \(a tab\)"),
        (b"a\tb\n\n", r"line 2: no delimiter"),
        (b"a\tb\tc\n", r"line 1: 2 times the delimiter"),
        (b"a\tb\nc\t\xff\n", r"line 2: not UTF-8 \(byte 3"),
    ],
)
def test_what_is_no_pair_file_is_refused_with_its_line(file, content, words):
    with pytest.raises(DataError, match=words):
        read_pairs(file(content))


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_pairs(tmp_path / "none.tsv")
    with pytest.raises(DataError, match="cannot be read"):
        read_pairs(tmp_path)


@given(st.lists(st.tuples(*[st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"]))] * 2)))
def test_what_is_written_is_read_again(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    with path.open("wb") as out:
        write_pairs(Pairs.of([("first", "line"), *pairs]), out)
    assert read_pairs(path) == Pairs.of([("first", "line"), *pairs])


def test_written_pairs_are_lines():
    out = io.BytesIO()
    write_pairs(Pairs(["a"], ["é"]), out)
    assert out.getvalue() == "a\té\n".encode()


def test_a_tenth_is_held_out_by_the_seed():
    pairs = Pairs.of((str(k), str(-k)) for k in range(100))
    train, held_out = hold_out(pairs, seed=1)
    assert (len(train), len(held_out)) == (90, 10)
    assert sorted([*train.sources, *held_out.sources]) == sorted(pairs.sources)
    assert all(int(source) == -int(target) for source, target in zip(train.sources, train.targets, strict=True))
    assert hold_out(pairs, seed=1)[1] == held_out
    assert hold_out(pairs, seed=2)[1] != held_out


def test_equal_sources_stay_on_one_side():
    pairs = Pairs.of((str(k % 20), str(k)) for k in range(100))
    train, held_out = hold_out(pairs, seed=0)
    assert not set(train.sources) & set(held_out.sources)
    assert len(held_out) == 10


def test_one_source_cannot_be_split():
    with pytest.raises(DataError, match="too few"):
        hold_out(Pairs(["a", "a"], ["b", "c"]), seed=0)


def test_sides_of_different_length_are_refused():
    with pytest.raises(DataError, match="2 sources but 1 targets"):
        Pairs(["a", "b"], ["c"])


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("source,target", Columns(0, 1, None, 2)),
        ("target, source", Columns(1, 0, None, 2)),
        ("id,features,target,source", Columns(3, 2, 1, 4)),
        ("3,1", Columns(2, 0, None, None)),
        ("1,2,3", Columns(0, 1, 2, None)),
    ],
)
def test_columns_from_words(text, columns):
    assert Columns.parse(text) == columns


@pytest.mark.parametrize("text", ["", "source", "source,source,target", "1", "1,1", "0,1", "1,2,3,4", "a,b"])
def test_columns_that_are_none(text):
    with pytest.raises(SettingsError, match="columns must name source and target once each"):
        Columns.parse(text)


def test_columns_are_picked_and_features_join_the_source(tmp_path):
    path = tmp_path / "verbs.csv"
    path.write_text("went,go,V;PST\ngoes,go,\n")
    pairs = read_pairs(path, delimiter=",", columns=Columns.parse("target,source,features"))
    assert pairs.sources == ["go\tV;PST", "go\t"]
    assert pairs.targets == ["went", "goes"]


def test_sources_that_normalisation_makes_the_same_are_held_out_together():
    words = [f"{letter}e\u0301" for letter in "abcdefghij"]
    both = Pairs([*words, *(normalize("NFC", word) for word in words)], ["x"] * 20)
    kept, held_out = hold_out(both, 0, normalize=lambda text: normalize("NFC", text))
    assert len(held_out) == 2
    assert not {normalize("NFC", s) for s in held_out.sources} & {normalize("NFC", s) for s in kept.sources}
