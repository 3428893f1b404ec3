import gzip

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from henkan.errors import DataError, SettingsError
from henkan.text.pairs import Pairs
from henkan.text.reading import Rejects, read_pairs


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("latin-1", "é\tè\n"),
        ("cp1252", "€\t\u201c\n"),
        ("shift_jis", "東京\tソ能\n"),
        ("iso2022_jp", "東京\tとうきょう\n"),
        ("gb18030", "北京\t𠀀\n"),
        ("utf-16", "a\t𠀀\n\u0a0d\tb\n"),
        ("utf-16-be", "a\tĊ\n"),
        ("utf-32", "a\tb\n"),
        ("UTF8", "é\tè\n"),
        ("utf-8-sig", "é\tè\n"),
        ("cp037", "a\tb\n"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_files_in_other_encodings_are_read(tmp_path, encoding, text, pack):
    (tmp_path / "p.tsv").write_bytes(pack(text.replace("\n", "\r\n").encode(encoding)))
    rows = [line.split("\t") for line in text.split("\n") if line]
    assert read_pairs(tmp_path / "p.tsv", encoding=encoding) == Pairs.of((a, b) for a, b in rows)


def test_formats_are_detected_in_other_encodings(tmp_path):
    (tmp_path / "p.txt").write_bytes("café k a f e\nthé t e\n".encode("utf-16"))
    assert read_pairs(tmp_path / "p.txt", encoding="utf-16") == Pairs(["café", "thé"], ["k a f e", "t e"])


@pytest.mark.parametrize("name", ["klingon", "hex", "rot13", "", "a\0b", "\udcff", "undefined"])
def test_unknown_encodings_are_refused(tmp_path, name):
    with pytest.raises(
        SettingsError, match="encoding must be a text encoding that Python knows, such as utf-8, latin-1"
    ):
        read_pairs(tmp_path / "none.tsv", encoding=name)


def test_a_file_that_is_not_utf8_names_the_remedy(tmp_path):
    (tmp_path / "p.tsv").write_bytes(b"a\tb\na\xe9\tb\n")
    with pytest.raises(DataError) as caught:
        read_pairs(tmp_path / "p.tsv")
    assert str(caught.value).endswith(
        'line 2: not UTF-8 (byte 2 of the line); pass its encoding, as in encoding="latin-1", or pass rejects to skip '
        "such lines"
    )


@pytest.mark.parametrize(
    ("encoding", "content", "place"),
    [
        ("ascii", b"a\tb\nab\xe9\tc\n", "line 2: not ascii (character 3 of the line)"),
        ("shift_jis", b"\x93\x8c\tb\n\x93\x8c\x80\tc\n", "line 2: not shift_jis (character 2 of the line)"),
        ("utf-16-le", "a\tb\nc\ud800\td\n".encode("utf-16-le", "surrogatepass"), "line 2: not utf-16-le (character 2"),
        ("utf-16-le", "a\tb\nc\td".encode("utf-16-le") + b"\n", "line 2: not utf-16-le (character 4 of the line)"),
    ],
)
def test_bytes_that_cannot_be_decoded_invalidate_their_line(tmp_path, encoding, content, place):
    (tmp_path / "p.tsv").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_pairs(tmp_path / "p.tsv", encoding=encoding)
    assert place in str(caught.value)
    assert "pass another encoding, or pass rejects" in str(caught.value)
    rejects = Rejects(tmp_path / "rejects.tsv")
    assert len(read_pairs(tmp_path / "p.tsv", encoding=encoding, rejects=rejects)) == 1
    rejects.close()
    assert rejects.skipped == 1


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\t\r\n\ufeff"))


@settings(deadline=None, derandomize=True, database=None, max_examples=100)
@given(
    st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5), st.sampled_from(["utf-16", "utf-32", "gb18030", "utf-7"])
)
@example([("+", "-")], "utf-7")
def test_pairs_are_read_unchanged_in_encodings_of_all_of_unicode(tmp_path_factory, pairs, encoding):
    path = tmp_path_factory.getbasetemp() / "written.tsv"
    path.write_bytes("".join(f"{source}\t{target}\n" for source, target in pairs).encode(encoding))
    assert read_pairs(path, format="pairs", encoding=encoding) == Pairs.of(pairs)
