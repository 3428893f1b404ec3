import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from henkan.cli.data_arguments import parse_columns
from henkan.errors import DataError, SettingsError
from henkan.text.csv_format import MAX_RECORD_LINES
from henkan.text.layout import Layout
from henkan.text.pairs import Pairs
from henkan.text.reading import Rejects, read_pair_file, read_pairs


@pytest.fixture
def file(tmp_path):
    def write(text, name="pairs.csv"):
        path = tmp_path / name
        path.write_text(text, newline="", encoding="utf-8")
        return path

    return write


def test_quoted_fields_have_delimiters_quotes_and_line_breaks(file):
    path = file('\ufeff"a, b","say ""c"""\r\nplain,5" pipe\r\n"two\r\nlines",\r\n')
    assert read_pairs(path) == Pairs(["a, b", "plain", "two\r\nlines"], ['say "c"', '5" pipe', ""])


@pytest.mark.parametrize(
    ("text", "layout", "pairs"),
    [
        ("a;b\nc;d\n", {}, Pairs(["a", "c"], ["b", "d"])),
        ('"a"\t"b"\n"c"\t"d"\n', {}, Pairs(["a", "c"], ["b", "d"])),
        ("a|b\n", {"delimiter": "|"}, Pairs(["a"], ["b"])),
        ("a , b\n", {"strip": True}, Pairs(["a"], ["b"])),
        ("b,a,V;PST\n", {"columns": parse_columns("target,source,features")}, Pairs(["a\tV;PST"], ["b"])),
    ],
)
def test_delimiters_and_columns(file, text, layout, pairs):
    assert read_pairs(file(text), format="csv", **layout) == pairs


def test_a_header_selects_the_columns(file):
    path = file("id,Target,Source,tags\n1,b,a,N\n2,d,c,V\n")
    read = read_pair_file(path, Layout())
    assert read.pairs == Pairs(["a", "c"], ["b", "d"])
    assert [str(note) for note in read.notes] == [
        f"{path} is read as CSV with the delimiter ','; the first line is a header; pass another format if this is "
        "wrong",
        f"{path}: the columns 'id', 'tags' of the header are ignored; pass columns that name all of them to choose "
        "others or to omit this note",
    ]
    assert len(read_pairs(file("source,target\na,b\n"), format="pairs", delimiter=",")) == 2


@pytest.mark.parametrize(
    ("columns", "pairs"),
    [
        ("-,source,target,-", Pairs(["b", "d"], ["a", "c"])),
        ("3,1", Pairs(["a", "c"], ["1", "2"])),
        ("-,target,source,features", Pairs(["a\tN", "c\tV"], ["b", "d"])),
    ],
)
def test_given_columns_replace_those_of_the_header(file, columns, pairs):
    path = file("id,Target,Source,tags\n1,b,a,N\n2,d,c,V\n")
    read = read_pair_file(path, Layout(columns=parse_columns(columns)))
    assert read.pairs == pairs
    assert "; the first line is a header; " in str(read.notes[0])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('"b', "the quoted field that starts on this line has no closing quote within 200 lines or 1 MiB"),
        ('"b"c,d', "a closing quote is not followed by the delimiter"),
        ("a\rb,c", "a carriage return is not in a quoted field"),
        (f'"{"x" * 200_000}",a', "a field is longer than 131,072 characters"),
        ("b", "no delimiter ','"),
        ("", "no delimiter ','"),
        ('a,b,"c\nd"', "2 times the delimiter ','"),
    ],
)
def test_invalid_records_are_errors_or_rejects_of_one_line(file, tmp_path, line, problem):
    path = file(f'a,b\n{line}\n"c","d"\n')
    with pytest.raises(DataError) as caught:
        read_pairs(path)
    assert f"{path}, line 2: {problem}" in str(caught.value)
    rejects = Rejects(tmp_path / "rejects.tsv")
    assert read_pairs(path, rejects=rejects) == Pairs(["a", "c"], ["b", "d"])
    rejects.close()
    [row] = (tmp_path / "rejects.tsv").read_bytes().split(b"\n")[1:-1]
    assert row.startswith(f"{path}\t2\t{problem}".encode())


def test_a_quote_that_is_not_closed_does_not_hide_the_rest_of_the_file(file, tmp_path):
    path = file('"a,b\n' + "c,d\n" * 3 * MAX_RECORD_LINES)
    rejects = Rejects(tmp_path / "rejects.tsv")
    assert len(read_pairs(path, rejects=rejects)) == 3 * MAX_RECORD_LINES
    rejects.close()
    assert rejects.skipped == 1


def test_many_quotes_that_are_not_closed_take_linear_time(file, tmp_path):
    """Every line leaves a quote open, whether it is read inside or outside of quotes."""
    path = file('a","b\n' * 1000)
    rejects = Rejects(tmp_path / "rejects.tsv")
    with pytest.raises(DataError, match="no line is a pair"):
        read_pairs(path, rejects=rejects)
    rejects.close()
    assert rejects.skipped == 1000


def test_a_header_alone_has_no_pairs(file):
    with pytest.raises(DataError, match=r"pairs\.csv: the file has no pairs"):
        read_pairs(file("source,target\n"))


@pytest.mark.parametrize("delimiter", ["::", '"', "\n"])
def test_other_delimiters_are_refused(tmp_path, delimiter):
    with pytest.raises(SettingsError, match="the delimiter of CSV must be a single character other than a quote"):
        read_pairs(tmp_path / "none.csv", format="csv", delimiter=delimiter)


ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.text('",\r\n\t;a\ufeff')


@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(st.lists(st.tuples(ANY, ANY), min_size=1, max_size=5), st.sampled_from(",;\t|"))
def test_pairs_written_by_python_are_read_unchanged(tmp_path_factory, pairs, delimiter):
    path = tmp_path_factory.getbasetemp() / "written.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("source", "target"), *pairs])
    assert read_pairs(path, format="csv", delimiter=delimiter) == Pairs.of(pairs)
