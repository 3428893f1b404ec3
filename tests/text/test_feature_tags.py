import pytest

from henkan.config import ModelConfig
from henkan.text.feature_tags import detect_tag_separator, with_tag_separator


@pytest.mark.parametrize(
    ("tags", "separator"),
    [
        (["V;PST;3;SG", "N;NOM/ACC;PL", "V.PTCP;1+INCL"], ";"),
        (["V; PST", "V; PRS"], ";"),
        (["Case=Nom|Number=Sing", "Case=Acc,Dat|Number=Plur", "Number=Sing"], "|"),
        (["pos=V,tense=PST", "pos=N"], ","),
        (["V, PST", "V, PRS"], ","),
        (["V+PST", "V+PRS+3+SG"], "+"),
        (["V PST 3", "N PL"], " "),
        (["V", "N"], ";"),
        (["", ""], ";"),
        (["V;PST"] * 99 + ["V,PST"], ";"),
        (["V"] * 99 + ["V,PST"], ";"),
    ],
)
def test_tag_separator_is_detected(tags, separator):
    assert detect_tag_separator([f"a+b c,d\t{each}" for each in tags]) == separator


def test_given_separator_is_kept():
    sources = ["a\tV|PST"] * 3
    assert with_tag_separator(ModelConfig(features=True, tag_separator=","), sources).tag_separator == ","
    assert with_tag_separator(ModelConfig(features=True), sources).tag_separator == "|"
    assert with_tag_separator(ModelConfig(), sources).tag_separator is None
