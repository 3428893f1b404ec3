import re

import pytest

from henkan.drawing import html
from markup import Markup


def luminance(colour):
    """Relative luminance, as WCAG 2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return sum(share * each for share, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("page", ["#ffffff", "#1e1e1e"])
@pytest.mark.parametrize("colour", html.COLOURS)
def test_colours_are_visible_in_light_and_dark_themes(colour, page):
    darker, lighter = sorted([luminance(colour), luminance(page)])
    assert (lighter + 0.05) / (darker + 0.05) >= 3


def test_text_from_users_cannot_become_markup():
    attack = "<script>alert('x')</script>&\"\n\ud800"
    for shown in (html.text(attack), html.string(attack), html.symbol("<b>"), html.lines(attack)):
        assert set(re.findall(r"</?\w+", shown)) <= {"<bdi", "</bdi"}
    assert Markup(html.string(attack)).text == "<script>alert('x')</script>&\"\\n\\ud800"
    shown = Markup(html.properties([("<i>", "<td>")]) + html.facts([("a & b", "<1>")]) + html.legend([("<u>", "red")]))
    assert shown.tables == [[["<i>", "<td>"]]]
    assert shown.text.endswith("a & b <1><u>")


def test_lines_keep_line_breaks():
    assert html.lines("a\n<b>\tc") == "a\n&lt;b&gt;\\tc"


def test_symbols_are_visible():
    assert Markup(html.symbol("\u0301")).text == "\u25cc\u0301"
    assert Markup(html.symbol("e\u0301")).text == "'e\\u0301'"
    assert Markup(html.symbol(" ")).text == "' '"
    assert Markup(html.symbol("\tPL")).text == "PL (feature)"
    assert Markup(html.symbol("ש")).text == "ש"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abc", False), ("שלום", True), ("12 مرحبا", True), ("a ש", False), ("123", False), ("", False)],
)
def test_direction_is_that_of_the_first_letter(text, expected):
    assert html.is_right_to_left(text) is expected


@pytest.mark.parametrize(
    ("share", "width"), [(0, "0.00"), (0.25, "25.00"), (1, "100.00"), (1.5, "100.00"), (-1, "0.00")]
)
def test_a_bar_is_filled_to_its_share(share, width):
    outer, inner = Markup(html.bar(share)).elements("div")
    assert f"width:{width}%" in inner["style"]
    assert outer["aria-valuenow"] == f"{float(width):.0f}"


def test_a_card_has_no_script_and_no_identifier():
    card = Markup(html.card("<p>a</p>", "", html.table(["x", "<y>"], [["1", "<bdi>2</bdi>"]])))
    assert card.tables == [[["x", "<y>"], ["1", "2"]]]
    assert {"script", "link"}.isdisjoint(name for name, _ in card.tags)
    assert not any("id" in attributes for _, attributes in card.tags)
