import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henkan import DataError
from henkan.storage import lexicon_file
from henkan.storage.lexicon_file import SavedLexicon
from henkan.storage.size_limits import SizeLimit
from henkan.text.reading import read_pairs

TEXT = st.text(st.characters() | st.sampled_from('"\\\n\r\t\0\x85\u2028\ud800/{}'))


@given(st.lists(st.tuples(TEXT, TEXT)))
def test_any_pairs_are_read_as_they_were_written(pairs):
    lexicon = SavedLexicon.of(pairs)
    distinct = list(dict.fromkeys(pairs))
    assert (lexicon is None) == (not pairs)
    if lexicon is not None:
        assert list(lexicon.pairs()) == distinct
        assert len(lexicon) == len(distinct)
        assert [tuple(json.loads(line).values()) for line in lexicon.content.splitlines()] == distinct


def test_the_file_is_readable_and_a_file_of_pairs(tmp_path):
    lexicon = SavedLexicon.of([("Tanaka", "田中"), ("walk\tV;PST", 'a "b"'), ("Tanaka", "多中")])
    assert lexicon.content.decode() == (
        '{"source": "Tanaka", "target": "田中"}\n'
        '{"source": "walk\\tV;PST", "target": "a \\"b\\""}\n'
        '{"source": "Tanaka", "target": "多中"}\n'
    )
    (tmp_path / "lexicon.jsonl").write_bytes(lexicon.content)
    pairs = read_pairs(tmp_path / "lexicon.jsonl")
    assert list(zip(pairs.sources, pairs.targets, strict=True)) == list(lexicon.pairs())


def test_too_many_pairs_are_refused(monkeypatch):
    pairs = [("a", "1"), ("b", "2")]
    size = len(SavedLexicon.of(pairs).content)
    monkeypatch.setattr(lexicon_file, "LIMIT", SizeLimit(size, 2))
    assert len(SavedLexicon.of(pairs * 2)) == 2
    with pytest.raises(DataError, match="a lexicon has at most 2 entries, not 3; store fewer pairs"):
        SavedLexicon.of([*pairs, ("c", "3")])
    with pytest.raises(DataError, match=f"at most {size:,} bytes, not {size + 1:,}; store fewer pairs"):
        SavedLexicon.of([("aa", "1"), ("b", "2")])
