import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from henkan.text.escaping import escape

ANY_STRING = st.text(
    st.one_of(st.characters(exclude_categories=()), st.sampled_from("\\ntru\n\r\t\v\f\x1c\x85\u2028\ud800"))
)


def unescape(text):
    """The inverse of `escape`, written without it."""
    short = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}
    return re.sub(r"\\(?:u(....)|(.))", lambda m: chr(int(m[1], 16)) if m[1] else short[m[2]], text)


@given(ANY_STRING)
@example("\\u2028")
@example("\ud83d\ude00")
def test_strings_are_recovered_from_one_column_of_one_line(text):
    escaped = escape(text)
    assert unescape(escaped) == text
    assert len(f"{escaped}.".splitlines()) == len(f"{escaped}.".split("\t")) == 1
    escaped.encode()


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("ab\ncd", r"ab\ncd"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("C:\\new", r"C:\\new"),
        ("\v\x85\u2029", r"\u000b\u0085\u2029"),
        ("\udcff", r"\udcff"),
        ("日本\u3000é\0", "日本\u3000é\0"),
    ],
    ids=ascii,
)
def test_escapes_are_those_of_json(text, escaped):
    assert escape(text) == escaped
    if "\0" not in text:
        assert json.loads(f'"{escaped}"') == text
