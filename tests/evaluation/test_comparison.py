"""Models are compared on the same distinct sources by the same rule, whatever they normalise."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from henkan.errors import DataError, SettingsError
from henkan.evaluation.common_references import CommonReferences
from henkan.evaluation.comparison import ComparedModel, Comparison, compare
from henkan.evaluation.comparison_html import fragment, page
from henkan.evaluation.comparison_text import comparison_lines, short_names
from henkan.evaluation.error_rates import Evaluation, evaluate
from henkan.evaluation.references import References
from henkan.inference.conversion import Conversion, Request
from henkan.inference.lexicon import Lexicon
from henkan.text.pairs import Pairs
from henkan.text.tokenizer import Tokenizer
from henkan.text.vocabulary import Vocabulary


class Fixed:
    """A converter with the given predictions."""

    def __init__(self, predictions, source=Tokenizer(), target=Tokenizer(), confidence=0.8):  # noqa: B008
        self.predictions, self.confidence, self.asked = predictions, confidence, []
        strings = [*predictions, *filter(None, predictions.values())]
        self.source_vocabulary = Vocabulary.of(strings, boundary=False, tokenizer=source)
        self.target_vocabulary = Vocabulary.of(strings, boundary=True, tokenizer=target)

    def convert(self, texts, request):
        assert request.confidence
        self.asked += texts
        return [self._conversion(text) for text in texts]

    def _conversion(self, text):
        if (prediction := self.predictions.get(text)) is None:
            return Conversion(text, None, None, "unknown symbol", unknown=["?"])
        return Conversion(text, prediction, -0.1, confidence=self.confidence)


def compared(pairs, *converters):
    return compare([ComparedModel(name, each) for name, each in zip("abcd", converters, strict=False)], pairs)


def words(count):
    return Pairs([f"w{row:03}" for row in range(count)], [f"{row:03}" for row in range(count)])


def predictions(pairs, wrong):
    """Predictions of which those of the rows `wrong` have one wrong symbol."""
    return {
        source: f"x{target[1:]}" if row in wrong else target
        for row, (source, target) in enumerate(zip(pairs.sources, pairs.targets, strict=True))
    }


def test_rates_differences_and_outcomes():
    pairs = words(200)
    result = compared(pairs, Fixed(predictions(pairs, range(60))), Fixed(predictions(pairs, range(50, 90))))
    assert [each.exact_match for each in result.evaluations] == [0.7, 0.8]
    assert result.outcomes == {(False, False): 10, (False, True): 50, (True, False): 30, (True, True): 110}
    (exact,), (symbol,) = result.exact_match_differences, result.symbol_error_rate_differences
    assert exact.value == pytest.approx(0.1)
    assert exact.p == pytest.approx(0.0330, abs=1e-4)  # R's binom.test(30, 80)
    standard_error = np.sqrt((80 / 200 - 0.1**2) / 200)
    assert exact.interval == pytest.approx((0.1 - 1.96 * standard_error, 0.1 + 1.96 * standard_error), abs=0.006)
    assert symbol.value == pytest.approx(-20 / 600)
    assert symbol.interval.low < -20 / 600 < symbol.interval.high < 0
    assert exact.shown
    assert symbol.shown
    lines = str(result).splitlines()
    assert re.fullmatch(r"b is better than a: \+10\.0 points \(1\.\d to 18\.\d\), p = 0\.033\.", lines[-2])
    assert re.fullmatch(r"b makes fewer symbol errors: -3\.3 points \(-6\.\d to -0\.\d\), p = 0\.0\d+\.", lines[-1])


def test_intervals_of_differences_are_paired_and_contain_the_true_difference(monkeypatch):
    """In 92 to 98 % of 300 test sets. Models that fail on the same sources differ less than their intervals suggest."""
    monkeypatch.setattr("henkan.evaluation.intervals.RESAMPLES", 1000)
    monkeypatch.setattr("henkan.evaluation.paired_tests.RESAMPLES", 10)
    generator, hits = np.random.default_rng(0), np.zeros(2)
    for _ in range(300):
        hard = generator.random(150) < 0.3
        rights = [~hard & (generator.random(150) < share) for share in (0.9, 0.95)]
        result = of_rights(*rights)
        exact, symbol = result.exact_match_differences[0], result.symbol_error_rate_differences[0]
        hits += (
            exact.interval.low <= 0.035 <= exact.interval.high,
            symbol.interval.low <= -0.0175 <= symbol.interval.high,
        )
    assert hits.min() >= 0.92 * 300
    assert hits.max() <= 0.985 * 300
    width = exact.interval.high - exact.interval.low
    separate = [each.intervals.exact_match for each in result.evaluations]
    assert width < 0.8 * max(each.high - each.low for each in separate)


def of_rights(*rights):
    """Comparison of models that are right on these sources, and otherwise write one wrong symbol of two."""
    sources = [str(row) for row in range(len(rights[0]))]
    references = References(sources, ["ab"] * len(sources))
    evaluations = [
        Evaluation(
            [Conversion(source, "ab" if each else "ax", -0.1) for source, each in zip(sources, right, strict=True)],
            references,
        )
        for right in rights
    ]
    return Comparison("abcd"[: len(rights)], evaluations)


def test_models_without_a_difference():
    pairs = words(40)
    result = compared(pairs, Fixed(predictions(pairs, [1])), Fixed(predictions(pairs, [1])))
    (exact,) = result.exact_match_differences
    assert (exact.value, exact.p, exact.shown) == (0, 1, False)
    assert exact.interval == pytest.approx((-0.0876, 0.0876), abs=1e-4)  # not of width 0: other sources may differ
    assert result.disagreements == []
    assert "No difference in exact match is shown between a and b: +0.0 points" in str(result)
    assert "All predictions are equal." in page(result)


def test_p_values_of_three_models_are_corrected():
    pairs = words(100)
    several = [Fixed(predictions(pairs, range(count))) for count in (20, 12, 5)]
    result = compared(pairs, *several)
    alone = [compared(pairs, *each).exact_match_differences[0] for each in (several[:2], several[::2], several[1:])]
    assert [(each.first, each.second) for each in result.exact_match_differences] == [(0, 1), (0, 2), (1, 2)]
    assert [each.p for each in alone] == pytest.approx([2 / 2**8, 2 / 2**15, 2 / 2**7])
    assert [each.p for each in result.exact_match_differences] == pytest.approx([4 / 2**8, 6 / 2**15, 4 / 2**8])
    for one, other in zip(alone, result.exact_match_differences, strict=True):
        assert one.interval == other.interval
    assert "corrected for 3 pairs of models" in str(result)
    assert "a and b right" not in str(result)
    assert "only b and c right" in str(result)


def test_results_are_those_of_evaluate_if_the_models_split_strings_alike(trained, words):
    pairs = Pairs([*words[0], "ab", "xy"], [*words[1], "other", "XY"])
    converter = trained._fitted.converter
    result = compare([ComparedModel("a", converter), ComparedModel("b", converter)], pairs)
    single = evaluate(converter, pairs, Request(confidence=True))
    assert [each.to_dict() for each in result.evaluations] == [single.to_dict()] * 2


def test_a_source_that_one_model_reads_like_another_counts_once_for_all():
    lower = Fixed({"Ab": "1", "c": "3"}, source=Tokenizer(case="lower"))
    exact = Fixed({"Ab": "2", "c": "3"})
    result = compared(Pairs(["Ab", "aB", "c"], ["1", "2", "3"]), lower, exact)
    assert lower.asked == exact.asked == ["Ab", "c"]
    assert [each.exact_match for each in result.evaluations] == [1, 1]
    assert list(result.evaluations[1].predictions[0].targets) == ["1", "2"]


def test_groups_of_sources_are_joined_across_tokenizers():
    """NFD joins the first two rows, lower case the last two, so that all are one source."""
    vocabularies = [
        (Vocabulary.of(["a"], boundary=False, tokenizer=tokenizer), Vocabulary.of(["a"], boundary=True))
        for tokenizer in (Tokenizer(normalization="NFD"), Tokenizer(case="lower"))
    ]
    pairs = Pairs(["x", "\u00c9", "E\u0301", "e\u0301"], ["0", "1", "2", "3"])
    common = CommonReferences(pairs, vocabularies)
    assert common.sources == ["x", "\u00c9"]
    assert list(common.references.targets_of("\u00c9")) == ["1", "2", "3"]
    assert CommonReferences(pairs, vocabularies[::-1]).sources == common.sources
    chained = Pairs(["e\u0301", "\u00c9", "E\u0301"], ["0", "1", "2"])  # the last row joins the other two
    assert CommonReferences(chained, vocabularies).sources == ["e\u0301"]


def test_predictions_are_compared_in_a_form_that_all_models_can_write():
    decomposed = Fixed({"s": "e\u0301A", "t": "b"}, target=Tokenizer(normalization="NFD"))
    upper = Fixed({"s": "\u00c9A", "t": "C"}, target=Tokenizer(normalization="NFC", case="upper"))
    for models in ((decomposed, upper), (upper, decomposed)):
        result = compared(Pairs(["s", "t"], ["\u00e9a", "B"]), *models)
        rights = [[each.right for each in evaluation.predictions] for evaluation in result.evaluations]
        assert sorted(rights) == [[True, False], [True, True]]


def test_symbols_are_characters_if_the_models_disagree_about_them():
    pairs = Pairs(["s"], ["aa bb"])
    phones = Fixed({"s": "aa bc"}, target=Tokenizer(" "))
    assert compared(pairs, phones, phones).evaluations[0].symbol_error_rate == 1 / 2
    result = compared(pairs, phones, Fixed({"s": "aa bb"}))
    assert result.evaluations[0].symbol_error_rate == 1 / 5
    assert "symbol error rates are in characters" in " ".join(str(result).split())
    assert result.to_dict()["symbols"] == "characters"


def test_each_model_has_its_own_lexicon(trained, words):
    converter = trained._fitted.converter
    request = Request(lexicon=Lexicon([("ab", "wrong")], str))
    pairs = Pairs(*words)
    result = compare([ComparedModel("plain", converter), ComparedModel("lexicon", converter, request)], pairs)
    (only,) = result.disagreements
    assert (only.source, only.right) == ("ab", (True, False))
    assert [each.counts.from_lexicon for each in result.evaluations] == [0, 1]
    assert "lexicon: 1 from the lexicon" in str(result)


def test_breakdowns():
    tagged = Tokenizer(features=True)
    sources = ["ab\tV", "ab\tN", "ac\tV", "abcd\tV", "aaaa\tV", "z\tV"]
    converter = Fixed(dict.fromkeys(sources[:5], "y"), source=tagged)
    other = Fixed(dict.fromkeys(sources, "y") | {"ab\tV": "n"}, source=tagged, confidence=0.95)
    result = compared(Pairs(sources, ["y"] * 6), converter, other)
    length, rarest, confidence = (
        {group.label: (group.totals, group.rates) for group in each.groups} for each in result.breakdowns
    )
    assert length == {"1 to 2": ([4, 4], [0.75, 0.75]), "4": ([2, 2], [1, 1])}
    assert rarest == {
        "unknown to a model": ([1, 1], [0, 1]),
        "1": ([2, 2], [1, 1]),  # the tag N, and the d of abcd
        "2 to 5": ([3, 3], [1, pytest.approx(2 / 3)]),
    }
    assert confidence["0.95 to 0.99"][0] == [0, 6]
    assert confidence["0.95 to 0.99"][1][0] is None
    assert sum(totals[1] for totals, _ in confidence.values()) == 6
    assert confidence["0.7 to 0.9"][0] == [5, 0]
    assert confidence["no estimate"][0] == [1, 0]
    low, high = result.breakdowns[0].groups[0].intervals[1]
    assert low < 0.75 < high


def test_values_can_be_converted_to_json():
    pairs = words(30)
    result = compared(pairs, Fixed(predictions(pairs, [3, 4])), Fixed(predictions(pairs, [4, 5])))
    values = json.loads(json.dumps(result.to_dict()))
    assert [each["name"] for each in values["models"]] == ["a", "b"]
    (difference,) = values["differences"]
    assert (difference["first"], difference["second"], difference["exact_match"]["p"]) == ("a", "b", 1)
    assert [each["source"] for each in values["disagreements"]] == ["w003", "w005"]
    assert values["disagreements"][0] == {
        "source": "w003", "targets": ["003"], "predictions": ["x03", "003"], "right": [False, True],
        "confidences": [0.8, 0.8],
    }  # fmt: skip
    assert {"right": ["b"], "sources": 1} in values["outcomes"]


def test_what_cannot_be_compared():
    pairs, one = words(2), Fixed(predictions(words(2), []))
    with pytest.raises(SettingsError, match="two or more models"):
        compare([ComparedModel("a", one)], pairs)
    with pytest.raises(SettingsError, match="the same name"):
        compare([ComparedModel("a", one)] * 2, pairs)
    tagged = Fixed({"a": "b"}, source=Tokenizer(features=True))
    with pytest.raises(DataError, match="b reads feature tags, but a does not"):
        compared(pairs, one, tagged)


def test_no_pairs():
    empty = Fixed({"a": "b"})
    result = compared(Pairs([], []), empty, empty)
    assert result.exact_match_differences[0].interval == (-1, 1)
    assert "0 distinct sources" in str(result)
    assert page(result)


@pytest.mark.parametrize("name", ["x" * 40, "\u65e5\u672c\u8a9e" * 8])
def test_text_for_two_models_fits_80_columns(name):
    from rich.cells import cell_len

    pairs = Pairs([f"{row:03}" * 9 for row in range(300)], [f"{row:03}" * 9 for row in range(300)])
    models = [Fixed(predictions(pairs, range(count))) for count in (299, 2)]
    names = [f"one {name}", f"two {name}"]
    result = compare([ComparedModel(*each) for each in zip(names, models, strict=True)], pairs)
    lines = list(comparison_lines(result))
    assert max(map(cell_len, lines)) <= 80
    assert any(line.endswith(names[0]) for line in lines) or cell_len(names[0]) > 60
    assert len(set(short_names(names))) == 2
    assert short_names(["same " * 9 + "1" + "same " * 9, "same " * 9 + "2" + "same " * 9]) == ["model A", "model B"]


class Page(HTMLParser):
    """Collects tags, addresses and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_page_is_complete_and_loads_nothing():
    pairs = Pairs(["<b>&\u202e", "b", "c d"], ["<i>", "bcd", "x"])
    one = Fixed({"<b>&\u202e": "<i>", "b": "bxd", "c d": "y"})
    result = compare([ComparedModel("<one>", one), ComparedModel("two", Fixed({"b": "bcd"}))], pairs, "a & b")
    html = page(result)
    parsed = Page(html)
    assert parsed.open == []
    assert {"html", "style", "table", "svg", "circle"} <= set(parsed.tags)
    assert not {"script", "link", "img", "iframe", "b", "i"} & set(parsed.tags)
    assert not [value for name, value in parsed.attributes if name in ("src", "href", "onload")]
    assert "url(" not in html
    assert "@import" not in html
    assert "<one> or two?" in parsed.text
    assert "b<ins>x</ins><del>c</del>d" in html
    assert "unknown symbol" in parsed.text
    switches = re.findall(r'<input type="checkbox" class="(kind-\d)"( checked)?>', html)
    assert len(switches) == 3
    assert all(f'<tr class="{kind}">' in html for kind, _ in switches)
    assert [bool(checked) for _, checked in switches] == [True, True, False]
    assert fragment(result) in html
    assert result._repr_html_() == fragment(result)
    positions = [float(each) for each in re.findall(r'(?:x1|x2|cx|x)="(-?[\d.]+)%"', html)]
    assert min(positions) >= 0
    assert max(positions) <= 100
