import gzip
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from henkan.cli.data_arguments import parse_columns
from henkan.errors import DataError, HenkanError, SettingsError
from henkan.text.pairs import Pairs, write_pairs
from henkan.text.reading import MAX_LINE_BYTES, Rejects, read_pairs
from henkan.text.tokenizer import Tokenizer
from henkan.text.vocabulary import Vocabulary


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "pairs.tsv"
        path.write_bytes(content)
        return path

    return write


def test_lines_are_source_tab_target(file):
    pairs = read_pairs(file("58+77\t135\nひらがな\tカタカナ\n".encode()))
    assert pairs == Pairs(["58+77", "ひらがな"], ["135", "カタカナ"])


def test_fixed_width_layout_of_the_book(file):
    pairs = read_pairs(file(b"16+75  _91  \n52+607 _659 \n"), delimiter="_", strip=True)
    assert pairs == Pairs(["16+75", "52+607"], ["91", "659"])


def test_byte_order_mark_crlf_and_missing_final_newline_are_accepted(file):
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
def test_invalid_files_are_refused_with_the_line_number(file, content, words):
    with pytest.raises(DataError, match=words):
        read_pairs(file(content))


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_pairs(tmp_path / "none.tsv")
    with pytest.raises(DataError, match="is a folder; give a file of pairs"):
        read_pairs(tmp_path)


def test_columns_are_selected_and_features_appended_to_the_source(tmp_path):
    path = tmp_path / "verbs.csv"
    path.write_text("went,go,V;PST\ngoes,go,\n")
    pairs = read_pairs(path, delimiter=",", columns=parse_columns("target,source,features"))
    assert pairs.sources == ["go\tV;PST", "go\t"]
    assert pairs.targets == ["went", "goes"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\tb\nc\0\td\n", r"line 2: contains a NUL character \(a binary or UTF-16 file\?\); remove it"),
        ("a\tb\n".encode("utf-16"), r'the file is UTF-16, not UTF-8; pass its encoding, as in encoding="utf-16"'),
        ("a\tb\n".encode("utf-32"), r'the file is UTF-32, not UTF-8; pass its encoding, as in encoding="utf-32"'),
        (b"\x89PNG\r\n\x1a\n\0\0", "line 1: not UTF-8"),
        (b"a\tb\n" + b"x" * 2 * MAX_LINE_BYTES + b"\ty\n", r"line 2: longer than 1,048,576 bytes"),
        (gzip.compress(b"a\tb\n" * 1000, mtime=0)[:-20], r"the gzip file is damaged or truncated after line"),
        (b"\x1f\x8b\x08\x00nonsense", "the gzip file is damaged"),
    ],
)
def test_files_that_are_not_text_are_refused(file, content, words):
    with pytest.raises(DataError, match=words):
        read_pairs(file(content))


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ('"a"\t"b"', ('"a"', '"b"')),
        ("\u0301\u0302\tx", ("\u0301\u0302", "x")),
        ("\u202eabc\t\u0627\u0644", ("\u202eabc", "\u0627\u0644")),
        ("\t", ("", "")),
        ("a\rb\tc", ("a\rb", "c")),
        ("x" * 500_000 + "\ty", ("x" * 500_000, "y")),
    ],
)
def test_unusual_text_is_unchanged(file, text, pair):
    assert read_pairs(file(text.encode() + b"\r\n")) == Pairs([pair[0]], [pair[1]])


def test_gzip_is_detected_from_the_content(file):
    assert read_pairs(file(gzip.compress("a\té\n".encode()))) == Pairs(["a"], ["é"])


def test_pipes_are_read_and_endless_files_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(b"a\tb\n"))
    writer.start()
    assert read_pairs(tmp_path / "pipe") == Pairs(["a"], ["b"])
    writer.join()
    with pytest.raises(DataError, match="/dev/null: the file is empty"):
        read_pairs(Path("/dev/null"))
    with pytest.raises(DataError, match="/dev/zero, line 1: longer than"):
        read_pairs(Path("/dev/zero"))


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much of a pipe has been read")
@pytest.mark.parametrize(
    ("content", "read"),
    [
        (gzip.compress(b"a\tb\n", mtime=0), Pairs(["a"], ["b"])),
        (b"\xef\xbb\xbfa\tb\n", Pairs(["a"], ["b"])),
        (b"a\tb", Pairs(["a"], ["b"])),
        (b"\t", Pairs([""], [""])),
        ("\ufeffa\tb\n".encode("utf-32-be"), "the file is UTF-32, not UTF-8"),
        ("\ufeffa\tb\n".encode("utf-16-le"), "the file is UTF-16, not UTF-8"),
    ],
)
def test_pipes_that_deliver_one_byte_at_a_time_are_read(tmp_path, content, read):
    """The first bytes, which identify gzip and UTF-16, are each read before the next one is written."""
    import fcntl
    import termios

    os.mkfifo(tmp_path / "pipe")
    done = threading.Event()

    def write():
        with suppress(BrokenPipeError), (tmp_path / "pipe").open("wb", buffering=0) as pipe:
            for place in range(len(content)):
                pipe.write(content[place : place + 1])
                while place < 4 and unread(pipe) and not done.is_set():
                    time.sleep(0.001)

    def unread(pipe):
        return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        if isinstance(read, Pairs):
            assert read_pairs(tmp_path / "pipe") == read
        else:
            with pytest.raises(DataError, match=read):
                read_pairs(tmp_path / "pipe")
    finally:
        done.set()
        writer.join()


def test_a_million_distinct_symbols_are_read(file):
    symbols = [chr(code) for code in range(32, 0x110000) if not 0xD800 <= code < 0xE000][:1_000_000]
    lines = ["".join(symbols[k : k + 1000]) for k in range(0, len(symbols), 1000)]
    pairs = read_pairs(file("".join(f"{line}\tx\n" for line in lines).encode()))
    assert list(pairs.sources) == lines
    assert len(Vocabulary.of(pairs.sources, boundary=False)) == 1_000_000


def test_rejects_are_listed_with_reasons(file, tmp_path):
    content = b"a\tb\nc\n\xff\td\ne\tf\n" + b"y" * 2 * MAX_LINE_BYTES + b"\ng\th\n"
    rejects = Rejects(tmp_path / "rejects.tsv")
    path = file(content)
    assert read_pairs(path, rejects=rejects) == Pairs(["a", "e", "g"], ["b", "f", "h"])
    rejects.close()
    assert (rejects.skipped, rejects.lines) == (3, 6)
    header, *rows = (tmp_path / "rejects.tsv").read_bytes().splitlines()
    assert header == b"file\tline\treason\ttext"
    assert [row.split(b"\t")[:2] for row in rows] == [[str(path).encode(), line] for line in (b"2", b"3", b"5")]
    assert rows[0].split(b"\t")[3:] == [b"c"]
    assert rows[1].split(b"\t")[3:] == [b"\xff", b"d"]
    assert rows[2].split(b"\t")[3] == b"y" * (MAX_LINE_BYTES + 1)


def test_rejects_replace_only_earlier_rejects(file, tmp_path):
    path = file(b"a\tb\nc\n")
    (tmp_path / "other.tsv").write_bytes(b"mine")
    for name, words in (
        ("other.tsv", "not a list of skipped lines"),
        ("pairs.tsv", "would overwrite a file that is read"),
    ):
        with pytest.raises(SettingsError, match=words):
            read_pairs(path, rejects=(rejects := Rejects(tmp_path / name)))
        rejects.close()
    assert path.read_bytes() == b"a\tb\nc\n"
    assert (tmp_path / "other.tsv").read_bytes() == b"mine"
    for _ in range(2):  # an earlier list may be replaced
        rejects = Rejects(tmp_path / "rejects.tsv")
        read_pairs(path, rejects=rejects)
        rejects.close()
    assert len((tmp_path / "rejects.tsv").read_bytes().splitlines()) == 2


LIST = b"file\tline\treason\ttext\nold.tsv\t3\twhy\tx\ncorrected\tpair\n"
"""An earlier list in which the user has corrected a line."""


@pytest.mark.parametrize("way", ["itself", "link", "hard link"])
def test_rejects_read_as_input_are_never_overwritten(tmp_path, way):
    path = read = tmp_path / "rejects.tsv"
    path.write_bytes(LIST)
    if way != "itself":
        read = tmp_path / "same.tsv"
        read.symlink_to(path) if way == "link" else read.hardlink_to(path)
    rejects = Rejects(path)
    with pytest.raises(SettingsError, match=r"rejects\.tsv: the list of skipped lines would overwrite a file that"):
        read_pairs(read, rejects=rejects)
    rejects.close()
    assert path.read_bytes() == read.read_bytes() == LIST


@pytest.mark.parametrize("content", [b"a\tb\nc\n", b"a\tb\n"])
@pytest.mark.parametrize("earlier", [LIST, b"", None])
def test_rejects_read_as_second_input_are_restored(file, tmp_path, content, earlier):
    """By then the rejected lines of the first file have replaced them."""
    path = tmp_path / "rejects.tsv"
    if earlier is not None:
        path.write_bytes(earlier)
    rejects = Rejects(path)
    assert read_pairs(file(content), rejects=rejects) == Pairs(["a"], ["b"])
    if path.exists():
        with pytest.raises(SettingsError, match="would overwrite a file that is read"):
            read_pairs(path, rejects=rejects)
    rejects.close()
    assert (path.read_bytes() if path.exists() else None) == earlier


def test_rejects_are_written_as_soon_as_the_file_has_been_read(file, tmp_path):
    """Not only when training ends; a file without rejected lines replaces an earlier list by an empty one."""
    path = tmp_path / "rejects.tsv"
    for content, listed in ((b"a\tb\nc\n", [b"c"]), (b"a\tb\n", [])):
        rejects = Rejects(path)
        read_pairs(file(content), rejects=rejects)
        assert [row.split(b"\t")[-1] for row in path.read_bytes().splitlines()] == [b"text", *listed]
        rejects.close()


def test_unreadable_input_keeps_the_earlier_rejects(tmp_path):
    (tmp_path / "rejects.tsv").write_bytes(LIST)
    rejects = Rejects(tmp_path / "rejects.tsv")
    with pytest.raises(DataError, match=r"none\.tsv: cannot be read"):
        read_pairs(tmp_path / "none.tsv", rejects=rejects)
    rejects.close()
    assert (tmp_path / "rejects.tsv").read_bytes() == LIST


@pytest.mark.parametrize("content", [b"a\tb\nc\n", b"a\tb\n"])
@pytest.mark.parametrize(
    ("name", "reason"), [("none/rejects.tsv", "No such file"), (".", "Is a directory"), ("x" * 300, "too long")]
)
def test_unwritable_rejects_are_refused_even_without_rejected_lines(file, tmp_path, content, name, reason):
    path, rejects = file(content), Rejects(tmp_path / name)
    with pytest.raises(SettingsError) as caught:
        read_pairs(path, rejects=rejects)
    assert str(caught.value).startswith(f"{tmp_path / name}: the skipped lines cannot be written (")
    assert reason in str(caught.value)
    rejects.close()
    assert [each.name for each in tmp_path.iterdir()] == ["pairs.tsv"]


def test_rejects_without_write_permission_are_refused(file, without_rights):
    with tempfile.TemporaryDirectory() as folder:  # readable by other users, unlike tmp_path
        public = Path(folder)
        path = Path(shutil.move(file(b"a\tb\n"), public))
        (public / "rejects.tsv").write_bytes(LIST)
        (public / "rejects.tsv").chmod(0o444)
        public.chmod(0o555)
        for name in ("rejects.tsv", "other.tsv"):
            words = rf"{name}: the skipped lines cannot be written \(Permission denied\)"
            with without_rights(), pytest.raises(SettingsError, match=words):
                read_pairs(path, rejects=Rejects(public / name))
        assert (public / "rejects.tsv").read_bytes() == LIST
        public.chmod(0o700)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_full_disk_is_reported_after_reading_the_file(file):
    rejects = Rejects(Path("/dev/full"))
    with pytest.raises(SettingsError, match=r"^/dev/full: the skipped lines cannot be written \(No space left"):
        read_pairs(file(b"a\tb\nc\n"), rejects=rejects)
    rejects.close()
    assert not rejects.complete


def test_rejects_can_be_written_to_a_pipe(file, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    rejects = Rejects(tmp_path / "pipe")
    read_pairs(path := file(b"a\tb\nc\n"), rejects=rejects)
    read_pairs(path, rejects=rejects)
    rejects.close()
    reader.join()
    assert [row.split(b"\t")[-1] for row in read[0].splitlines()] == [b"text", b"c", b"c"]


@pytest.mark.parametrize("count", [500, 5000])  # within and after the lines from which the format is detected
def test_line_number_of_a_truncated_file_is_correct(tmp_path, count):
    numbers = random.Random(0)
    lines = [f"{numbers.random()}\tx\n" for _ in range(count)]
    (tmp_path / "pairs.gz").write_bytes(gzip.compress("".join(["no pair\n", *lines]).encode())[:-1000])
    rejects = Rejects(tmp_path / "rejects.tsv")
    with pytest.raises(DataError, match=r"damaged or truncated after line \d{3,4};") as caught:
        read_pairs(tmp_path / "pairs.gz", rejects=rejects)
    rejects.close()
    assert f"after line {rejects.lines};" in str(caught.value)
    assert rejects.skipped == 1


def test_a_file_without_valid_lines_is_refused(file, tmp_path):
    rejects = Rejects(tmp_path / "rejects.tsv")
    with pytest.raises(DataError, match=r"no line is a pair; see .*rejects\.tsv for the reasons"):
        read_pairs(file(b"a\nb\n"), rejects=rejects)
    rejects.close()


@pytest.mark.parametrize(
    ("line", "columns", "pair"),
    [
        ('["a", "b"]', "source,target", ("a", "b")),
        ('{"target": "b", "source": "a", "id": 3}', "source,target", ("a", "b")),
        ('{"source": "a\\tb\\n", "target": "\\ud800"}', "source,target", ("a\tb\n", "\ud800")),
        ('{"source": "go", "target": "went", "features": "PST"}', "source,target,features", ("go\tPST", "went")),
    ],
)
def test_json_lines_are_read(tmp_path, line, columns, pair):
    for name, pack in (("p.jsonl", bytes), ("p.jsonl.gz", gzip.compress)):
        (tmp_path / name).write_bytes(pack(line.encode() + b"\n"))
        assert read_pairs(tmp_path / name, columns=parse_columns(columns)) == Pairs([pair[0]], [pair[1]])


@pytest.mark.parametrize(
    "line",
    ['["a"]', '["a", 3]', '{"source": "a"}', "a\tb", "3", '{"source": "a", "source": "b", "target": "c"}', "[" * 9999],
)
def test_invalid_json_lines_are_refused(tmp_path, line):
    (tmp_path / "p.jsonl").write_text('["a", "b"]\n' + line + "\n")
    with pytest.raises(DataError, match=r"p\.jsonl, line 2: not a JSON object of strings"):
        read_pairs(tmp_path / "p.jsonl")


ANY = st.text(st.characters(exclude_categories=[])) | st.text("\0\t\r\n\ufeff\ud800a\u0301")
QUICK = settings(deadline=None, derandomize=True, database=None, max_examples=200)


@QUICK
@given(st.lists(st.tuples(ANY, ANY), min_size=1, max_size=5), st.sampled_from(["characters", "graphemes"]))
def test_any_strings_are_encoded_and_decoded_unchanged(tmp_path_factory, pairs, unit):
    path = tmp_path_factory.mktemp("any") / "pairs.jsonl"
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    read = read_pairs(path)
    assert read == Pairs.of(pairs)
    for strings in (read.sources, read.targets):
        vocabulary = Vocabulary.of(strings, boundary=True, tokenizer=Tokenizer(unit))
        assert [vocabulary.decode(vocabulary.encode(string)) for string in strings] == list(strings)


@QUICK
@given(st.lists(st.tuples(ANY, ANY), min_size=1, max_size=5))
@example([("\ufeffa", "b")])
@example([("a", "b\r")])
def test_written_pairs_are_read_unchanged(tmp_path_factory, pairs):
    """Unless writing was refused because a line cannot contain them."""
    path = tmp_path_factory.mktemp("written") / "pairs.tsv"
    try:
        with path.open("wb") as out:
            write_pairs(Pairs.of(pairs), out)
    except DataError:
        assert any(set("\t\r\n\0\ufeff") & set(a + b) or not _is_utf8(a + b) for a, b in pairs)
    else:
        assert read_pairs(path) == Pairs.of(pairs)


def _is_utf8(text):
    try:
        return bool(text.encode()) or True
    except UnicodeEncodeError:
        return False


@QUICK
@given(st.binary(max_size=80), st.sampled_from(["p.tsv", "p.jsonl"]))
def test_any_bytes_give_pairs_or_an_error(tmp_path_factory, content, name):
    path = tmp_path_factory.mktemp("bytes") / name
    path.write_bytes(content)
    try:
        assert len(read_pairs(path))
    except HenkanError as error:
        assert "\n" not in str(error)
