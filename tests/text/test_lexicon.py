from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from henkan.errors import DataError, SettingsError
from henkan.text.layout import Layout
from henkan.text.pairs import Columns, Pairs
from henkan.text.reading import Rejects, read_pair_file, read_pairs


@pytest.fixture
def file(tmp_path):
    def write(text, name="lexicon.txt"):
        path = tmp_path / name
        path.write_text(text, newline="")
        return path

    return write


HELLO = Pairs(["hello", "world"], ["HH AH L OW", "W ER L D"])


@pytest.mark.parametrize(
    "text",
    [
        "hello HH AH L OW\nworld W ER L D\n",
        "hello  HH AH L OW\r\nworld\tW ER L D\r\n",
        "hello \t HH AH\tL  OW \n\tworld W ER L D",
        ";;; header\n# comment\n\nhello HH AH L OW # greeting\nworld W ER L D\t;;; earth\n \t\n",
        "hello 1.0 HH AH L OW\nworld 0.25 W ER L D\n",
        "hello\t0.99\t0.2\t1.05\t1.0\tHH AH L OW\nworld\t1\t0.2\t1.0\t1e-05\tW ER L D\n",
    ],
)
@pytest.mark.parametrize("layout", [{}, {"format": "lexicon"}])
def test_lexicons_of_cmudict_kaldi_and_mfa_are_read(file, text, layout):
    assert read_pairs(file(text), **layout) == HELLO


def test_variants_belong_to_their_word(file):
    text = "READ R EH D\nREAD(2) R IY D\n(2) T UW\nF(X) EH F\nF()(13) EH F\n"
    assert read_pairs(file(text), format="lexicon").sources == ["READ", "READ", "(2)", "F(X)", "F()"]


def test_whitespace_other_than_spaces_and_tabs_is_part_of_words_and_phones(file):
    assert read_pairs(file("a\u00a0b\u3000 x\u2009y z\n"), format="lexicon") == Pairs(
        ["a\u00a0b\u3000"], ["x\u2009y z"]
    )


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("ma 1 2\nni 3 4\n", ["1 2", "3 4"]),  # tones, without a decimal point
        ("ma 0.5\nni 0.5\n", ["0.5", "0.5"]),  # the last string is always a phone
        ("ma 12.5 a\nni 0.5 b\n", ["12.5 a", "0.5 b"]),  # not probabilities
        ("ma 0.5 a\nni n i\nsa s a\n", ["0.5 a", "n i", "s a"]),  # not a column
        ("ma 0.5 2 a\nni 0.5 3 b\n", ["2 a", "3 b"]),  # only one column has a decimal point
        ("".join(["ma 0.5 a\n"] * 19) + "ni n i\n", ["a"] * 19 + ["n i"]),  # some entries have no probability
    ],
)
def test_probabilities_are_recognised_by_the_whole_column(file, text, targets):
    assert read_pairs(file(text), format="lexicon").targets == targets


def test_notes_say_what_was_detected_skipped_and_ignored(file):
    text = ";;; CMUdict\n# more\nhello 1.0 HH AH L OW # x\n\nworld 0.5 W ER L D\nworld(2) 0.5 W R L D\n"
    path = file(text)
    assert [str(note) for note in read_pair_file(path, Layout()).notes] == [
        f"{path} is read as a lexicon: word, whitespace, phones; 3 comments skipped; 1 blank line skipped; 1 column of "
        "probabilities ignored; 1 variant such as WORD(2) read as WORD; pass another format if this is wrong"
    ]
    assert [str(note) for note in read_pair_file(path, Layout(format="lexicon")).notes] == [
        f"{path}: 3 comments skipped",
        f"{path}: 1 blank line skipped",
        f"{path}: 1 column of probabilities ignored",
        f"{path}: 1 variant such as WORD(2) read as WORD",
    ]


def test_a_word_without_phones_is_an_error_or_a_reject(file, tmp_path):
    path = file("hello HH AH L OW\n# comment\nbroken # no phones\nworld W ER L D\n")
    with pytest.raises(
        DataError, match="line 3: a word without phones; fix the line, pass another format, or pass rej"
    ):
        read_pairs(path, format="lexicon")
    rejects = Rejects(tmp_path / "rejects.tsv")
    assert read_pairs(path, format="lexicon", rejects=rejects) == HELLO
    rejects.close()
    assert (tmp_path / "rejects.tsv").read_text().splitlines()[1:] == [
        f"{path}\t3\ta word without phones\tbroken # no phones"
    ]


def test_an_error_in_a_detected_lexicon_names_the_format(file):
    path = file("hello HH AH L OW\n" * 20 + "broken\n")
    with pytest.raises(
        DataError,
        match=r"line 21: a word without phones \(the file is read as a lexicon.*; fix the line, pass another f",
    ):
        read_pairs(path)


@pytest.mark.parametrize("layout", [{"delimiter": " "}, {"columns": Columns(1, 0)}])
def test_a_lexicon_has_no_delimiter_and_no_columns(layout):
    with pytest.raises(SettingsError, match="the format lexicon has neither a delimiter nor columns"):
        read_pairs(Path("none"), format="lexicon", **layout)


PHONES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r \t#;\ufeff"), min_size=1)
NOT_NUMBERS = PHONES.filter(lambda text: not text[0].isdigit() and not text.startswith("."))


@settings(deadline=None, derandomize=True, database=None, max_examples=100)
@given(
    st.lists(st.tuples(PHONES, st.lists(NOT_NUMBERS, min_size=1, max_size=5)), min_size=1, max_size=5),
    st.sampled_from([" ", "\t", "  ", " \t"]),
    st.sampled_from(["", " 0.5", "\t0.5\t1.0"]),
)
def test_lexicons_are_read_as_written(tmp_path_factory, entries, space, probabilities):
    entries = [(word, phones) for word, phones in entries if not word.endswith(")")]
    path = tmp_path_factory.getbasetemp() / "written.txt"
    lines = [f"{word}{probabilities}{space}{space.join(phones)}\n" for word, phones in entries]
    path.write_text(";;; a comment\n" + "".join(lines), newline="", encoding="utf-8")
    if entries:
        read = read_pairs(path, format="lexicon")
        assert read == Pairs([word for word, _ in entries], [" ".join(phones) for _, phones in entries])
