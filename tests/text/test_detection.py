import gzip
import threading
from os import mkfifo

import pytest

from henkan.cli.data_arguments import parse_columns
from henkan.errors import DataError
from henkan.text.detection import detect
from henkan.text.layout import Layout
from henkan.text.pairs import Pairs
from henkan.text.reading import read_pair_file, read_pairs

CMU = ["HELLO  HH AH0 L OW1", "HELLO(1)  HH EH0 L OW1", "WORLD  W ER1 L D", "'ALLO  AA2 L OW1 # foreign", "A  AH0"]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["hello HH AH L OW"], "lexicon"),
        (["hello HH AH L OW", "world W ER L D", "cat K AE T"], "lexicon"),
        ([";;; header", "# header", *CMU], "lexicon"),
        (["hello 1.0 hh ah l ow", "world 0.5 w er l d"], "lexicon"),
        (["hello\t0.9\t0.2\t1.0\t1.0\thh ah l ow", "world\t0.9\t0.1\t1.1\t0.9\tw er l d"], "lexicon"),
        (["hello\tHH AH L OW", "world W ER L D"], "lexicon"),
        (["hello\tHH AH L OW", "world\tW ER L D", ""], "lexicon"),
        (["hello\tHH\tAH\tL\tOW", "cat\tK\tAE\tT"], "lexicon"),
        (["東京 t o o k y o o", "私 w a t a sh i"], "lexicon"),
        (["你好 n i3 h ao3", "北京 b ei3 j ing1"], "lexicon"),
        (["ma m a 1", "ni n i 3", "hao h a o 3"], "lexicon"),
        # other delimiters
        *(
            ([f"hello{each}HH AH L OW", f"world{each}W ER L D"], "pairs")
            for each in (";", ",", ": ", "|", "\u3000", "\xa0")
        ),
        # exactly one tab on every line
        (["hello\tHH AH L OW", "world\tW ER L D"], "pairs"),
        (["a b\tx y", "c d\tz w"], "pairs"),
        # a pair file with an invalid line
        (["good day\tb o n Z u R", "New York\tn u j O R k", "bad"], "pairs"),
        (["bonjour\thello", "salut\thi", "bad"], "pairs"),
        (["hello\tHH AH L OW", "world\tW ER L D", "cat\tK AE T\tnoun"], "pairs"),
        # tables
        (["hello\t120\tHH AH L OW", "world\t7\tW ER L D"], "pairs"),
        (["hello\th ə l oʊ\ten", "world\tw ɜː l d\ten"], "pairs"),
        (["walk\twalked\tV;PST", "go\twent\tV;PST"], "pairs"),
        # no lexicon
        (["16+75  _91  ", "52+607 _659 "], "pairs"),
        (["september 27, 1994           _1994-09-27", "8/17/95    _1995-08-17"], "pairs"),
        (["12 + 3 4 = 46", "1 2 3 4"], "pairs"),
        (["hello bonjour", "world monde"], "pairs"),
        (["The quick brown fox jumps over the lazy dog", "It was the best of times, it was the worst"], "pairs"),
        (["SOS ... --- ...", "NO -. ---"], "pairs"),
        (["", "# only a comment"], "pairs"),
        ([], "pairs"),
        # quotes
        (['"hello, you","bonjour"', '"a",b'], "csv"),
        (['"a"\t"b"', '"c"\t"d"'], "csv"),
        (['"a"\tb', '"c"\td'], "pairs"),
        (['"a"\t"b"'], "pairs"),
        (['"Hello"', '"Bye"'], "pairs"),
    ],
)
def test_format_is_detected_by_the_first_lines(lines, found):
    assert detect("data.txt", lines, Layout()) == found


@pytest.mark.parametrize(
    ("name", "lines", "layout", "found"),
    [
        ("a.jsonl", ["x"], {}, "jsonl"),
        ("a.JSONL.gz", ["x"], {}, "jsonl"),
        ("a.csv", ["a,b"], {}, "csv"),
        ("a.csv.gz", ["a;b", "c;d"], {}, "csv"),
        ("a.csv", ["a\tb", "c\td"], {}, "pairs"),
        ("a.csv", ["a::b"], {"delimiter": "::"}, "pairs"),
        ("a.txt", ['"a"|"b"', '"c"|d'], {"delimiter": "|"}, "csv"),
        ("a.txt", CMU, {"delimiter": " "}, "pairs"),
        ("a.txt", CMU, {"columns": parse_columns("1,2")}, "pairs"),
    ],
)
def test_name_delimiter_and_columns_count(name, lines, layout, found):
    assert detect(name, lines, Layout(**layout)) == found


def test_detection_needs_no_second_pass_over_the_file(tmp_path):
    mkfifo(tmp_path / "pipe")
    content = gzip.compress(("\ufeff" + "\r\n".join(CMU)).encode())
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(content))
    writer.start()
    file = read_pair_file(tmp_path / "pipe", Layout())
    writer.join()
    assert (file.format, len(file.pairs), file.pairs.sources[0]) == ("lexicon", 5, "HELLO")


def test_a_later_line_that_contradicts_the_detection_is_an_error(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("a\tb\n" * 2000 + "hello HH AH L OW\n")
    with pytest.raises(
        DataError, match=r'line 2001: no delimiter.*if the line is a word and its phones, pass format="l'
    ):
        read_pairs(path)


def test_a_given_format_is_not_questioned(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text('"a"\tb,c\n')
    assert read_pairs(path, format="pairs") == Pairs(['"a"'], ["b,c"])
    path.write_text('["a", "b"]\n')
    assert read_pairs(path, format="jsonl") == Pairs(["a"], ["b"])


@pytest.mark.parametrize(
    ("text", "columns", "note"),
    [
        ("a b c\n" * 4, "1,2", "column 3 in 4 of 4 lines ignored; if they are phones, pass format"),
        ("a b c d\na b c d e\n", "4,1", "columns 2 to 3 in 2 of 2 lines, column 5 in 1 of 2 lines ignored"),
        ("a b\n" * 4, "1,2", None),
        ("a b c\n" * 4, "source,target,-", None),
    ],
)
def test_surplus_columns_are_counted_and_named(tmp_path, text, columns, note):
    (tmp_path / "pairs.txt").write_text(text)
    file = read_pair_file(tmp_path / "pairs.txt", Layout(delimiter=" ", columns=parse_columns(columns)))
    assert [str(each) for each in file.notes if note is None or note not in str(each)] == []
    assert len(file.notes) == (note is not None)


def test_surplus_keys_are_counted_and_named(tmp_path):
    line = '{"source": "a", "target": "b"%s}\n'
    (tmp_path / "p.jsonl").write_text(line % ', "id": 3' + line % ', "id": 4, "x": 0' + line % "")
    [note] = read_pair_file(tmp_path / "p.jsonl", Layout()).notes
    assert str(note).endswith("p.jsonl: the key 'id' in 2 of 3 lines, the key 'x' in 1 of 3 lines ignored")
