import enum
from collections import OrderedDict, UserList, deque

import numpy as np
import pytest

from henkan import DataError, Seq2Seq, combine
from henkan.text.string_lists import string_list


class Series:
    """Has the attributes by which a column of pandas or polars is recognised."""

    def __init__(self, values):
        self.values = values

    def __iter__(self):
        return iter(self.values)

    @property
    def shape(self):
        return (len(self.values),)


class Frame:
    """A table: iterating over it yields the column names."""

    def __init__(self, **columns):
        self._columns = columns

    def __iter__(self):
        return iter(self._columns)

    @property
    def columns(self):
        return list(self._columns)

    @property
    def shape(self):
        return (2, len(self._columns))


class Table(Frame):
    """A table of pyarrow or of Hugging Face: iterating over it yields rows."""

    columns = None
    column_names = Frame.columns


class Scalar:
    """A pyarrow scalar."""

    def __init__(self, value):
        self.value = value

    def as_py(self):
        return self.value


class OldSequence:
    """Iterable by its indices alone."""

    def __getitem__(self, index):
        return "ab"[index]


class Letter(enum.StrEnum):
    A = "a"
    B = "b"


class NAType:
    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")


@pytest.mark.parametrize(
    "values",
    [
        ["a", "b"],
        ("a", "b"),
        iter(["a", "b"]),
        (letter for letter in "ab"),
        deque("ab"),
        UserList("ab"),
        OldSequence(),
        np.array(["a", "b"]),
        np.array(["a", "b"], object),
        [np.str_("a"), np.str_("b")],
        list(Letter),
        Series(["a", "b"]),
        [Scalar("a"), Scalar("b")],
    ],
    ids=lambda values: type(values).__name__,
)
def test_sequences_of_strings_become_lists_of_str(values):
    strings = string_list(values, "sources")
    assert strings == ["a", "b"]
    assert {type(string) for string in strings} == {str}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a", "b"}, "sources is a set, which has no order; give a list of strings"),
        (frozenset("ab"), "sources is a frozenset, which has no order"),
        ({"a": "b"}, "sources is a dict; give a list of strings"),
        (OrderedDict(a="b"), "sources is a OrderedDict; give a list"),
        ({"a": "b"}.keys(), "sources is a dict_keys; give a list"),
        ({"a": "b"}.values(), "sources is a dict_values; give a list"),
        ({"a": "b"}.items(), "sources is a dict_items, which has no order"),
        ("ab", "sources is 'ab'; give a list of strings"),
        (b"ab", "sources is b'ab'; give a list of strings"),
        (3, "sources is 3; give a list of strings"),
        (np.array("ab"), "sources is an array of 0 dimensions"),
        (np.array([["a"], ["b"]]), r"sources is an array of 2 dimensions; give .*, such as array\[:, 0\]"),
        (np.array([1, 2]), r"sources\[0\] is np.int64\(1\), not a string"),
        (np.array([b"a"]), r"sources\[0\] is np.bytes_\(b'a'\), not a string"),
        (Frame(w=["a"]), r'sources is a table \(Frame\); give one of its columns, such as df\["w"\]'),
        (Table(w=["a"], v=["b"]), r'sources is a table \(Table\); give one of its columns, such as df\["'),
        (["a", None], r"sources\[1\] is missing \(None\); remove or fill missing values"),
        (["a", float("nan")], r"sources\[1\] is missing \(nan\)"),
        (np.array(["a", np.nan], object), r"sources\[1\] is missing \(nan\)"),
        (["a", NAType()], r"sources\[1\] is missing"),
        (np.ma.array(["a", "b"], mask=[False, True]), r"sources\[1\] is missing \(masked\)"),
        ([Scalar("a"), Scalar(None)], r"sources\[1\] is missing \(None\)"),
        (["a", ["b"]], r"sources\[1\] is \['b'\], not a string"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else None,
)
def test_values_that_are_not_ordered_strings_are_refused(values, message):
    with pytest.raises(DataError, match=message):
        string_list(values, "sources")


def test_every_method_checks_its_strings(trained):
    """And nothing is trained or changed."""
    before, bad = trained.predict(["ab"]), {"a", "b"}
    good = ["a", "b"]
    for call in (
        lambda: trained.predict(bad),
        lambda: trained.convert(bad),
        lambda: trained.score(bad, good),
        lambda: trained.score(good, bad),
        lambda: trained.log_probability(bad, good),
        lambda: trained.fit(bad, good),
        lambda: trained.fit(good, Frame(w=good)),
        lambda: trained.fit(good, good, dev=(good, bad)),
        lambda: combine([trained, Seq2Seq()._of(trained._fitted, trained._engine())], dev=(bad, good)),
    ):
        with pytest.raises(DataError, match=r"sources|targets|dev\[[01]\]"):
            call()
    assert trained.predict(["ab"]) == before


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas")


@pytest.fixture
def polars():
    return pytest.importorskip("polars")


@pytest.fixture
def pyarrow():
    return pytest.importorskip("pyarrow")


def test_columns_of_pandas(pandas, trained):
    frame = pandas.DataFrame({"w": ["ab", "c"], "columns": ["x", "y"]}, index=["columns", "shape"])
    for kind in ("object", "string", "category"):
        assert trained.predict(frame["w"].astype(kind)) == ["AB", "C"]
    assert trained.predict(pandas.Index(["ab"])) == ["AB"]
    assert trained.predict(frame["w"].to_numpy()) == ["AB", "C"]
    for table in (frame, frame[["w"]]):
        with pytest.raises(DataError, match=r'sources is a table \(DataFrame\); .* such as df\["w"\]'):
            trained.predict(table)
    for missing in (None, float("nan"), pandas.NA):
        with pytest.raises(DataError, match=r"sources\[1\] is missing"):
            trained.predict(pandas.Series(["ab", missing], index=[7, 8]))
    with pytest.raises(DataError, match=r"sources\[1\] is missing"):
        trained.predict(pandas.Series(["ab", None], dtype="string"))


def test_columns_of_polars(polars, trained):
    frame = polars.DataFrame({"w": ["ab", "c"]})
    assert trained.predict(frame["w"]) == ["AB", "C"]
    for table in (frame, frame.lazy()):
        with pytest.raises(DataError, match=r"sources is a table"):
            trained.predict(table)
    with pytest.raises(DataError, match=r"sources\[0\] is missing"):
        trained.predict(polars.Series([None, "ab"]))


def test_columns_of_pyarrow(pyarrow, trained):
    table = pyarrow.table({"w": ["ab", "c"]})
    assert trained.predict(table["w"]) == ["AB", "C"]
    assert trained.predict(pyarrow.array(["ab"]).dictionary_encode()) == ["AB"]
    with pytest.raises(DataError, match=r'such as df\["w"\]'):
        trained.predict(table)
    with pytest.raises(DataError, match=r"sources\[1\] is missing"):
        trained.predict(pyarrow.array(["ab", None]))
