"""Predictions fulfil constraints, whatever the architecture and the search."""

import re
from dataclasses import replace

import numpy as np
import pytest

from henkan import Seq2Seq
from henkan.engine.base import Execution
from henkan.errors import DataError, SettingsError
from henkan.inference.constraint import Constraint
from henkan.inference.conversion import Request
from henkan.inference.determinize import DEAD
from henkan.inference.mixture import Mixture
from henkan.inference.patterns import Pattern
from henkan.inference.search import greedy
from models import SOURCES, TAGGED, TARGETS, TRANSDUCER, small_model

pytest.importorskip("interegular", reason="interegular is not installed; install `henkan[patterns]`")

ATTENTION = {"attention": True, "peeky": False}
SETTINGS = {
    "peeky": {},
    "attention": ATTENTION,
    "reversed targets": {"target_reverse": True},
    "fixed width": {"fill": True},
    "fixed width, reversed": {"fill": True, "target_reverse": True},
    "copying": {**ATTENTION, "copy": True},
    "transducer": TRANSDUCER,
    "transducer, reversed": {**TRANSDUCER, "target_reverse": True},
    "transducer, tags": {**TRANSDUCER, "features": True},
}
DIGITS = {
    "list": (Constraint(allow=("46", "2", "5532")), ["46", "2", "5532"]),
    "pattern": (Constraint(pattern="[24]{2,3}|5*3"), "[24]{2,3}|5*3"),
    "symbols": (Constraint(symbols="35"), "[35]*"),
    "list and pattern": (Constraint(allow=("46", "2", "4"), pattern="^4.?$"), ["46", "4"]),
    "pattern and symbols": (Constraint(pattern=r"\d{2}", symbols="35"), "[35]{2}"),
}
LETTERS = {
    "list": (Constraint(allow=("abs", "c", "bbb")), ["abs", "c", "bbb"]),
    "pattern": (Constraint(pattern="(ab|Xc)+d?"), "(ab|Xc)+d?"),
    "symbols": (Constraint(symbols="abs"), "[abs]*"),
}
CASES = [(name, kind) for name in SETTINGS for kind in (LETTERS if "tags" in name else DIGITS)]


def models(name):
    """Return converters with random weights, the sources, and the constraints."""
    settings = SETTINGS[name]
    pairs, constraints = (TAGGED, LETTERS) if "features" in settings else ((SOURCES, TARGETS), DIGITS)
    found = []
    for seed in range(4):
        converter, _ = small_model(dtype=np.float32, pairs=pairs, hidden_size=16, seed=seed, **settings)
        converter.model.set_weights({name: 5 * array for name, array in converter.model.weights.items()})
        found.append(converter)
    return found, pairs[0], constraints


def fulfilled(prediction, wanted):
    return prediction in wanted if isinstance(wanted, list) else re.fullmatch(wanted, prediction) is not None


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_prediction_fulfils_the_constraint(name, kind):
    found, sources, constraints = models(name)
    constraint, wanted = constraints[kind]
    distinct, changed = set(), 0
    for converter in found:
        free = converter.convert(sources)
        for beam in (1, 3):
            for index, each in enumerate(
                converter.convert(sources, Request(beam=beam, nbest=beam, constraint=constraint))
            ):
                predictions = [answer.prediction for answer in each.nbest] or [each.prediction]
                assert all(fulfilled(prediction, wanted) for prediction in predictions), each
                assert np.isfinite(each.log_probability)
                changed += each.prediction != free[index].prediction
                distinct.update(predictions)
    assert changed
    assert len(distinct) > 1


@pytest.mark.parametrize(("name", "kind"), [case for case in CASES if case[0] != "copying"])
def test_compiled_search_finds_the_same(name, kind):
    pytest.importorskip("numba", reason="numba is not installed; install `henkan[fast]`")
    found, sources, constraints = models(name)
    outputs = [[], []]
    for converter in found:
        texts, _ = converter.reader.read(sources, Request())
        [(rows, padded)] = converter.batches(texts, sources)
        rules = converter.constrained.rules(constraints[kind][0], sources)(rows)
        encoded = converter.model.encode(padded, Execution(compiled=True))
        assert encoded.greedy is not None
        for results, each in zip(outputs, (encoded, replace(encoded, greedy=None)), strict=True):
            results += greedy(converter.model, each, converter.codec, temperatures=(2.5,), rules=rules)
    for compiled, generic in zip(*outputs, strict=True):
        assert list(compiled.symbols) == list(generic.symbols)
        assert compiled.complete == generic.complete
        assert compiled.log_probability == pytest.approx(generic.log_probability, rel=1e-3, abs=1e-4)
        assert compiled.calibrated == pytest.approx(generic.calibrated, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("beam", [1, 4])
def test_probabilities_are_those_of_the_model_without_the_constraint(beam):
    converter = models("peeky")[0][0]
    for each in converter.convert(SOURCES, Request(beam=beam, constraint=DIGITS["list"][0])):
        [[expected]] = converter.score([each.source], [each.prediction]).tolist()
        assert each.log_probability == pytest.approx(expected, rel=1e-4)


def test_the_most_probable_allowed_prediction_is_found_by_a_wide_beam():
    converter, allowed = models("attention")[0][0], ["46", "2", "5532", "33", "24"]
    constraint = Constraint(allow=tuple(allowed))
    for each in converter.convert(SOURCES, Request(beam=20, nbest=5, constraint=constraint)):
        scores = dict(zip(allowed, converter.score([each.source] * 5, allowed)[0].tolist(), strict=True))
        assert {answer.prediction for answer in each.nbest} == set(allowed)
        for answer in each.nbest:
            assert answer.log_probability == pytest.approx(scores[answer.prediction], rel=1e-4)


@pytest.mark.parametrize("name", ["transducer", "copying"])
def test_symbols_that_only_the_source_has_can_be_allowed(name):
    converter, _ = small_model(dtype=np.float32, pairs=(["ab", "ba"] * 9, ["AB", "BA"] * 9), **SETTINGS[name])
    found = [
        each.prediction
        for each in converter.convert(["bab", "aa"], Request(beam=50, constraint=Constraint(allow=("bA", "B"))))
    ]
    assert found[0] in ("bA", "B")
    assert found[1] == "B"  # this source has no b to copy
    [only] = converter.convert(["bab"], Request(beam=50, constraint=Constraint(pattern="bA?")))
    assert only.prediction in ("b", "bA")


@pytest.mark.parametrize("name", ["transducer", "copying"])
@pytest.mark.parametrize("beam", [1, 3])
def test_a_symbol_that_cannot_be_copied_any_more_is_no_dead_end(name, beam):
    """Of bAb and AA, the first needs a source with two b in the right places; the second can always be written."""
    constraint, chosen = Constraint(pattern="b[Aa]b|AA"), set()
    for seed in range(30):
        pairs = ["ab", "ba"] * 9, ["AB", "BA"] * 9
        converter, _ = small_model(dtype=np.float32, pairs=pairs, hidden_size=16, seed=seed, **SETTINGS[name])
        converter.model.set_weights({key: 4 * array for key, array in converter.model.weights.items()})
        found = converter.convert(["ba", "aab", "bab"], Request(beam=beam, nbest=beam, constraint=constraint))
        assert all(re.fullmatch("b[Aa]b|AA", each.prediction) for each in found)
        chosen.update(each.prediction for each in found)
    assert "AA" in chosen


def test_a_list_of_predictions_that_are_too_long_gives_a_reason():
    converter = models("peeky")[0][0]
    for request in (Request(), Request(beam=3)):
        for each in converter.convert(SOURCES, replace(request, constraint=Constraint(allow=("2" * 50,)))):
            assert each.prediction is None
            assert each.disallowed
            assert not each.failed
            assert "no prediction that the model can write" in each.reason


def test_mixed_models_fulfil_the_constraint():
    first, second = small_model(dtype=np.float32)[0], small_model(dtype=np.float32, **TRANSDUCER)[0]
    mixture = Mixture([first, second], [1.0, 1.0])
    constraint, wanted = DIGITS["pattern"]
    for beam in (1, 3):
        for each in mixture.convert(SOURCES, Request(beam=beam, nbest=beam, constraint=constraint)):
            assert fulfilled(each.prediction, wanted)
    for each in mixture.convert(SOURCES, Request(constraint=Constraint(allow=("2" * 50,)))):
        assert each.disallowed


def test_symbols_between_separators():
    pairs = ["ab", "ba", "a"], ["k a", "a k", "kk"]
    converter, _ = small_model(dtype=np.float32, pairs=pairs, target_symbols=" ")
    for pattern, wanted in (("k a k", {"k a k"}), ("(kk )?k", {"kk k", "k"}), ("a( a)?", {"a", "a a"})):
        for each in converter.convert(pairs[0], Request(constraint=Constraint(pattern=pattern))):
            assert each.prediction in wanted
    [each] = converter.convert(["ab"], Request(constraint=Constraint(symbols="kk", pattern=".{5}")))
    assert each.prediction == "kk kk"
    [each] = converter.convert(["ab"], Request(beam=20, nbest=20, constraint=Constraint(pattern="(k a)?")))
    assert {answer.prediction for answer in each.nbest} == {"k a", ""}


def test_symbols_of_several_characters_that_are_written_backwards():
    pairs = ["ab", "ba", "a"], ["k ab", "ab k", "xy"]
    converter, _ = small_model(dtype=np.float32, pairs=pairs, target_symbols=" ", target_reverse=True)
    for constraint in (Constraint(pattern="(ab )?k xy"), Constraint(allow=("ab k xy", "k xy", "ba k yx"))):
        [each] = converter.convert(["ab"], Request(beam=20, nbest=20, constraint=constraint))
        assert {answer.prediction for answer in each.nbest} == {"ab k xy", "k xy"}


def test_a_pattern_with_too_many_transitions_is_refused(monkeypatch):
    converter = models("peeky")[0][0]
    pattern = Constraint(pattern="[2-5]{5}")  # five transitions for each of four symbols
    monkeypatch.setattr("henkan.inference.constraint.MAX_TRANSITIONS", 19)
    with pytest.raises(SettingsError, match="too complex for this model's symbols; write a simpler or shorter one"):
        converter.prepare(pattern)
    monkeypatch.setattr("henkan.inference.constraint.MAX_TRANSITIONS", 20)
    converter.prepare(pattern)


@pytest.mark.parametrize(
    "constraint", [Constraint(allow=("x", "y")), Constraint(pattern="x+"), Constraint(symbols="x")]
)
def test_constraints_that_the_model_cannot_fulfil_are_refused(constraint):
    converter = models("peeky")[0][0]
    if constraint.symbols:
        assert converter.predict(["1+2"], Request(constraint=constraint)) == [""]  # it has no x, but is allowed
        return
    with pytest.raises(SettingsError, match="allow no prediction that this model can write; allow others"):
        converter.predict(["1+2"], Request(constraint=constraint))


def test_invalid_constraints():
    model = Seq2Seq(epochs=1, hidden_size=4).fit(["ab", "ba"], ["AB", "BA"])
    with pytest.raises(SettingsError, match=r"the pattern '\(' is not a regular expression: missing \)"):
        model.predict(["ab"], pattern="(")
    with pytest.raises(SettingsError, match=r"uses what an automaton cannot express: Group references"):
        model.predict(["ab"], pattern=r"(A)\1")
    with pytest.raises(SettingsError, match="pattern must be a string, not 3"):
        model.predict(["ab"], pattern=3)
    with pytest.raises(SettingsError, match="allow is empty, so no prediction would be allowed"):
        model.predict(["ab"], allow=[])
    with pytest.raises(DataError, match=r"allow is .AB.; give a list of strings"):
        model.predict(["ab"], allow="AB")
    with pytest.raises(SettingsError, match="cannot be constrained"):
        Seq2Seq(recipe="words", epochs=1, augment=0).fit(["ab", "ba"], ["AB", "BA"]).predict(
            ["ab"], allow=["AB"], unknown="copy"
        )


def test_a_fallback_answers_where_nothing_is_allowed():
    model = Seq2Seq(epochs=1, hidden_size=4).fit(["ab", "ba"], ["AB", "BA"])
    assert model.predict(["ab"], pattern="A{50}", fallback=str.upper) == ["AB"]
    assert model.predict(["ab"], pattern="A{50}") == [""]
    assert model.convert(["ab"], allow=["BA"])[0].prediction == "BA"


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"\d{4}-\d{2}", "1987-08", "1987-8"),
        (r"^a\$$", "a$", "a"),
        (r"a\$", "a$", "a"),
        (r"a\\$", "a\\", "a"),
        ("^(?:ab|c)*$", "abcab", "abca"),
        ("[ぁ-ん]+", "ねこ", "neko"),
        ("(?i)ab", "aB", "ac"),
        ("", "", "a"),
    ],
)
def test_patterns_match_whole_texts(pattern, matching, other):
    for reverse, step in ((False, 1), (True, -1)):
        compiled = Pattern(pattern, reverse=reverse)
        assert compiled.accepts(compiled.after(compiled.start, matching[::step]))
        state = compiled.after(compiled.start, other[::step])
        assert state == DEAD or not compiled.accepts(state)


def test_padding_may_follow_a_pattern():
    compiled = Pattern("ab$", padded=True)
    assert compiled.accepts(compiled.after(compiled.start, "ab   "))
    assert compiled.after(compiled.start, " ab") == DEAD


def test_constraints_that_were_used_before_are_kept(monkeypatch):
    compiled = []
    automaton = Constraint.automaton
    monkeypatch.setattr(
        Constraint, "automaton", lambda self, *a, **k: compiled.append(self) or automaton(self, *a, **k)
    )
    converter = models("peeky")[0][0]
    several = [Constraint(pattern=pattern) for pattern in ("4+", "5+", "2+")]
    for constraint in several:
        converter.prepare(constraint)
    assert compiled == several
    for constraint in [*several, *several]:
        converter.convert(SOURCES, Request(constraint=constraint))
    assert compiled == several
    for length in range(1, 20):
        converter.prepare(Constraint(pattern=f"4{{{length}}}"))
    converter.prepare(several[0])
    assert compiled[-1] == several[0]
    assert len(compiled) == 3 + 19 + 1


def test_a_mixed_ensemble_prepares_all_its_models(monkeypatch):
    converters = [models("peeky")[0][0], models("attention")[0][0]]
    Mixture(converters, [1.0, 1.0]).prepare(DIGITS["pattern"][0])
    monkeypatch.setattr(Constraint, "automaton", None)
    for converter in converters:
        converter.convert(SOURCES, Request(constraint=DIGITS["pattern"][0]))
