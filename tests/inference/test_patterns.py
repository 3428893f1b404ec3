"""Patterns match what Python's `re` matches, and their size is limited."""

import random
import re

import pytest

from henkan.errors import SettingsError
from henkan.inference.patterns import Pattern

pytest.importorskip("interegular", reason="interegular is not installed; install `henkan[patterns]`")


def random_pattern(generator, depth=0):
    """Return a random pattern of letters, sets, alternatives, repetitions, lookaheads and flags."""

    def part():
        return random_pattern(generator, depth + 1)

    kind = generator.randrange(9 if depth < 3 else 3)
    if kind < 2:
        return generator.choice("abc")
    if kind == 2:
        return generator.choice(["[ab]", "[^a]", ".", r"\d", r"\w", "[a-c]"])
    if kind < 5:
        return part() + part()
    if kind == 5:
        return f"(?:{part()}|{part()})"
    if kind == 6:
        return f"(?:{part()})" + generator.choice(["*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}"])
    if kind == 7:
        return f"(?:(?{generator.choice('=!')}{part()}){part()}{part()})"
    return f"(?{generator.choice('is')}:{part()})"


def test_random_patterns_match_what_re_matches():
    generator, compared, matching = random.Random(0), 0, 0
    for _ in range(600):
        pattern = random_pattern(generator)
        try:
            compiled = [(Pattern(pattern), 1), (Pattern(pattern, reverse=True), -1)]
        except SettingsError as error:
            assert "goes beyond its group" in str(error)
            continue
        for _ in range(12):
            text = "".join(generator.choice("abcA1\nz") for _ in range(generator.randrange(6)))
            expected = re.fullmatch(pattern, text, re.ASCII) is not None
            for each, step in compiled:
                assert each.accepts(each.after(each.start, text[::step])) == expected, (pattern, text)
            compared += 1
            matching += expected
    assert compared > 5000
    assert matching > 300


@pytest.mark.parametrize(
    "pattern",
    [
        "(.*a.{12})",
        "(.?){30}.*x.{8}y.{8}",
        "(?:a{1000}){1000}",
        "(" * 200 + "a" + ")" * 200,
        "[\x00-\U0010ffff]",
        "a{4294967294}",
        "(?=.*a)(?=.*b)(?=.*c)(?=.*d)(?=.*e)(?=.*f)(?=.*g)(?=.*h)(?=.*i)(?=.*j).{5,20}",
    ],
)
def test_a_pattern_that_is_too_complex_is_refused(pattern):
    with pytest.raises(SettingsError, match="is too complex; write a simpler or shorter one"):
        Pattern(pattern, max_states=1000)


def test_the_limit_is_on_states():
    assert len(Pattern(r"\w{1,99}", max_states=100)) == 100
    with pytest.raises(SettingsError, match="is too complex"):
        Pattern(r"\w{1,100}", max_states=100)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", r"is not a regular expression: missing \)"),
        ("a{99999999999}", "is not a regular expression"),
        (r"(a)\1", "uses what an automaton cannot express: Group references"),
        ("(?<=a)b", "uses what an automaton cannot express"),
        ("a(?=b)", "goes beyond its group"),
        ("(?m:a)", "flags other than i and s"),
        ("a*+a", r"cannot express: the possessive quantifier \*\+"),
        ("(?:a{2}+)", r"cannot express: the possessive quantifier \{2\}\+"),
        (r"a\0", "cannot express: its syntax"),
    ],
)
def test_other_patterns_are_refused_with_a_reason(pattern, message):
    with pytest.raises(SettingsError, match=message):
        Pattern(pattern)


def test_a_lookahead_restricts_what_follows():
    compiled = Pattern(r"(?=.*\d)(?!ab).{3}")
    for text, expected in [("xy1", True), ("xyz", False), ("ab1", False), ("a1b", True)]:
        assert compiled.accepts(compiled.after(compiled.start, text)) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "[]a]+",
        "[^]a]+",
        "[]-a]+",
        r"[a\]*+]+",
        r"[\u3041-\u3093]+",
        r"\u005b\U0000005d",
        r"[\u005d\u002d\u005e]+",
        r"\\u3042",
        "a{",
        "a{x}",
        "{}",
        "a}+",
        r"\*+",
        "a(?#]+)b",
    ],
)
def test_special_characters_and_codes_are_read_as_in_re(pattern):
    generator, compiled, matching = random.Random(0), [(Pattern(pattern), 1), (Pattern(pattern, reverse=True), -1)], 0
    likely = [
        "".join(generator.choice("ab]^-*[{}x\\u3042ねこ") for _ in range(generator.randrange(4))) for _ in range(5000)
    ]
    for text in [*likely, "{}", "a{x}", r"\u3042", "[]"]:
        expected = re.fullmatch(pattern, text) is not None
        for each, step in compiled:
            assert each.accepts(each.after(each.start, text[::step])) == expected, text
        matching += expected
    assert matching
