"""The check of pairs that are given as lists."""

import json

import pytest

from henkan import DataError, SettingsError, inspect
from henkan.errors import REMEDIES
from henkan.text.audit import REMEDIES_IN_LISTS

SOURCES = ["ka", "ka", "sta", "sta", "n\u0303a", "\u00f1o", " ki"]
TARGETS = ["k a", "k a", "s t a", "S t a", "n a", "n o", "k i"]


def test_pairs_are_reported_as_by_the_command():
    found = inspect(SOURCES, TARGETS, test=(["sta", "ka", "xa"], ["s t a", "k o", "ks a"]), target_symbols=" ")
    lines = str(found).splitlines()
    assert lines[:4] == [
        "7 pairs",
        "1 duplicate pair",
        "1 source with several targets",
        "    sta: s t a | S t a",
    ]
    assert "targets: 2 to 3 symbols, median 2; 0 empty" in lines
    assert lines[lines.index("test: 3 pairs") + 1] == (
        "    2 sources are also in the training set, 1 with the same target"
    )
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert len(warnings) == 4
    assert warnings[-1] == "warning: 1 source has leading or trailing whitespace; remove it, as str.strip does"
    assert "pass source_normalization=" in warnings[2]
    assert lines[-1].endswith('pass source_case="lower" to read both cases')


def test_dictionary_has_json_values():
    found = json.loads(json.dumps(inspect(SOURCES, TARGETS, dev=(["ka"], ["k a"])).to_dict()))
    assert (found["rows"], found["duplicates"]) == (7, 1)
    assert found["leaks"]["dev"]["pairs"] == 1
    assert found["source"]["symbols"]["k"] == 3
    assert any("leading or trailing whitespace; remove it" in each for each in found["warnings"])
    assert len(found["hints"]) == 1
    assert "damage" not in found


def test_settings_are_those_of_the_model():
    assert inspect(["e\u0301", "\u00e9"], ["A", "A"], source_normalization="NFC").duplicates == 1
    assert inspect(["e\u0301", "\u00e9"], ["A", "A"]).duplicates == 0
    assert inspect(SOURCES, TARGETS).target.lengths[2] == 3  # phones, as is detected
    assert inspect(SOURCES, TARGETS, target_symbols="characters").target.lengths[2] == 5
    tagged = inspect(["walk\tV;PST", "go\tV"], ["walked", "go"], features=True)
    assert {"\tV", "\tPST"} <= tagged.source.symbols.keys()
    with pytest.raises(SettingsError, match="source_case must be one of"):
        inspect(SOURCES, TARGETS, source_case="title")


def test_invalid_pairs_are_refused():
    for arguments, message in [
        ((["a"], ["b", "c"]), "1 sources but 2 targets"),
        (("a", "b"), "sources is 'a'; give a list"),
        (([], []), "there are no pairs"),
    ]:
        with pytest.raises(DataError, match=message):
            inspect(*arguments)
    with pytest.raises(DataError, match="test must be two lists"):
        inspect(["a"], ["b"], test=["a"])


def test_advice_for_lists_names_no_argument_of_reading():
    assert REMEDIES_IN_LISTS.keys() <= REMEDIES.keys()
    assert not any("=" in text for text in REMEDIES_IN_LISTS.values())
