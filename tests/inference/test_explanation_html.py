import re

import pytest

from henkan import Seq2Seq
from henkan.inference.alignment import Alignment, Link, align
from henkan.inference.explanation import Choice, Explanation, explain
from markup import Markup

SETTINGS = {"epochs": 60, "batch_size": 8, "hidden_size": 32, "embedding_size": 8, "calibrate_outside": False}


@pytest.fixture(scope="module")
def attentive(words):
    return Seq2Seq(recipe="words", **SETTINGS).fit(*words)._fitted.converter


def explanation(source="ab", choices=(), **values):
    values = {"answer": "AB", "confidence": 0.875, "symbols": list(source), "unknown": (), "cut_off": False} | values
    return Explanation(source=source, choices=choices, by=values.pop("by", "attention"), **values)


def shades(shown):
    """The opacity of each cell of the heat map."""
    found = [
        re.search(r"background:rgba\(59,130,246,([\d.]+)\)", cell.get("style") or "") for cell in shown.elements("td")
    ]
    return [float(each[1]) for each in found if each]


def test_the_heat_map_has_a_row_for_each_step_and_a_column_for_each_source_symbol(attentive):
    explained = explain(attentive, "cab")
    shown = Markup(explained._repr_html_())
    [[header, *rows]] = shown.tables
    assert header == ["symbol", "c", "a", "b", "probability", "alternatives"]
    assert [row[0] for row in rows] == ["C", "A", "B", "(end)"]
    for row, choice in zip(rows, explained.choices, strict=True):
        percent = [f"{100 * weight:.0f}" for weight in choice.weights]
        assert row[1:4] == ["" if each == "0" else each for each in percent]
        assert row[4] == f"{choice.probability:.3f}"
        assert row[5].split(", ")[0] == f"{choice.runners_up[0][0] or '(end)'} {choice.runners_up[0][1]:.3f}"
    weights = [weight for choice in explained.choices for weight in choice.weights]
    assert shades(shown) == pytest.approx([0.6 * weight for weight in weights], abs=0.001)


def test_the_text_is_a_table(attentive):
    explained = explain(attentive, "cab")
    first, empty, header, *rows = str(explained).splitlines()
    confidence = f"{explained.confidence:.3f} (not calibrated)"
    assert first == f"cab -> {explained.answer}   confidence {confidence}   weights from attention"
    assert empty == ""
    assert header.split() == ["symbol", "probability", "alternatives", "c", "a", "b"]
    assert [row.split()[:2] for row in rows] == [
        [choice.symbol or "(end)", f"{choice.probability:.3f}"] for choice in explained.choices
    ]
    assert [row.split()[-3:] for row in rows] == [
        [f"{100 * weight:.0f}" for weight in choice.weights] for choice in explained.choices
    ]


def test_actions_of_a_transducer_are_named():
    choices = [
        Choice("a", 0.9, [("substitute b", 0.05)], [1.0, 0.0], "copy"),
        Choice("", 0.8, [], [0.0, 1.0], "delete"),
        Choice("", 0.7, [], [0.0, 0.0], "end"),
    ]
    [[_, *rows]] = Markup(explanation(choices=choices, by="pointer")._repr_html_()).tables
    assert [row[:3] for row in rows] == [["copy a", "\u25cf", ""], ["delete", "", "\u25cf"], ["(end)", "", ""]]
    assert rows[0][4] == "substitute b 0.050"


def test_everything_from_users_is_escaped():
    attack = "<script>"
    shown = Markup(
        explanation(
            attack,
            [Choice("<i>", 1.0, [("<u>", 0.0)], [0.125] * 8)],
            answer="<b>",
            unknown=["<s>"],
            cut_off=True,
        )._repr_html_()
    )
    assert {"script", "i", "u", "b", "s"}.isdisjoint(name for name, _ in shown.tags)
    assert "<script> → <b>" in shown.text
    assert "read as unknown: <s>" in shown.text
    assert "the prediction reached the length limit and was cut off" in shown.text


def test_text_from_right_to_left_and_combining_characters():
    choices = [Choice("a", 1.0, [], [0.5, 0.5])]
    assert Markup(explanation("אב", choices)._repr_html_()).elements("table")[0]["dir"] == "rtl"
    shown = Markup(explanation("ab", choices, symbols=["a", "\u0301"])._repr_html_())
    assert "dir" not in shown.elements("table")[0]
    assert shown.tables[0][0][1:3] == ["a", "\u25cc\u0301"]


def test_an_unknown_confidence_is_named():
    assert "confidence unknown; shares of the saliency" in explanation(confidence=None, by="saliency")._repr_html_()
    assert "confidence 87.5%" in explanation()._repr_html_()
    assert "confidence unknown   weights from" in str(explanation(confidence=None))


def test_an_alignment_has_a_column_for_each_symbol(attentive):
    [aligned] = align(attentive, ["cab"])
    [rows] = Markup(aligned._repr_html_()).tables
    assert [row[0] for row in rows] == ["source", "prediction", "probability"]
    assert rows[0][1:] == ["cab"[link.start] for link in aligned.links]
    assert rows[1][1:] == [link.symbol for link in aligned.links]
    assert rows[2][1:] == [f"{link.probability:.2f}" for link in aligned.links]
    title, _, header, *lines = str(aligned).splitlines()
    assert title == f"cab -> {aligned.prediction}"
    assert header.split() == ["symbol", "from", "probability"]
    assert [line.split()[0] for line in lines] == list(aligned.prediction)


def test_symbols_of_an_alignment_may_be_missing_on_either_side():
    edited = Alignment("<a>b", "x", ["<a>", "b"], [Link("", 0, 1, 0.5), Link("x", 1, 1, 0.75)])
    [rows] = Markup(edited._repr_html_()).tables
    assert [row[1:] for row in rows] == [["<a>", ""], ["", "x"], ["0.50", "0.75"]]
    assert str(edited).splitlines()[-1].split() == ["x", "0.750"]


def test_a_missing_alignment_says_why():
    missing = Alignment("<a>", None, reason="unknown symbol '<'")
    assert Markup(missing._repr_html_()).text.split("\n")[2:4] == ["<a>", "no alignment: unknown symbol '<'"]
    assert str(missing) == "<a>   no alignment: unknown symbol '<'"
    assert "there is no prediction" in str(Alignment("a", None))
