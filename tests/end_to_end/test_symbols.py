"""Separators, feature tags and columns, from the file to the prediction."""

import json

TAGS = {"V;PST": "ed", "V;PRS": "s", "V;PTCP": "ing"}
SMALL = ["--hidden-size", "32", "--embedding-size", "8", "--epochs", "60", "--batch-size", "8", "--quiet"]


def test_inflection_with_feature_tags_in_a_separate_column(henkan, tmp_path):
    lemmas = [a + b for a in "klmnpt" for b in "aeiou"]
    rows = [f"{lemma}{ending}\t{lemma}\t{tags}\n" for lemma in lemmas for tags, ending in TAGS.items()]
    (tmp_path / "verbs.tsv").write_text("".join(rows))
    layout = ["--columns", "target,source,features"]
    henkan("train", "verbs.tsv", *layout, *SMALL, "--dev", "none", "--out", "m")
    assert henkan("predict", "m", "ka\tV;PST", "tu\tV;PTCP").stdout == "kaed\ntuing\n"
    assert "\nexact match 100.000% (90 of 90)" in henkan("evaluate", "m", "verbs.tsv", *layout).stdout
    assert "unknown feature 'FUT'" in henkan("predict", "m", "ka\tV;FUT", "--unknown", "error", status=2).stderr
    symbols = json.loads((tmp_path / "m/vocabulary.json").read_text())["variants"][0]["source"]["symbols"]
    assert {"\tV", "\tPST", "\tPRS", "\tPTCP"} < set(symbols)


def test_order_and_separator_of_feature_tags(henkan, refused, tmp_path):
    lemmas = [a + b for a in "klmnpt" for b in "aeiou"]
    named = {"tense=pst,pos=v": "ed", "pos=v,tense=prs": "s", "mood=ptcp, pos=v": "ing"}
    rows = [f"{lemma}{ending}\t{lemma}\t{tags}\n" for lemma in lemmas for tags, ending in named.items()]
    (tmp_path / "verbs.tsv").write_text("".join(rows))
    layout = ["--columns", "target,source,features"]
    henkan("train", "verbs.tsv", *layout, *SMALL, "--dev", "none", "--out", "m")
    assert json.loads((tmp_path / "m/config.json").read_text())["variants"][0]["model"]["tag_separator"] == ","
    orders = ["ka\tpos=v,tense=pst", "ka\ttense=pst,pos=v", "ka\ttense=pst, pos=v,pos=v"]
    assert henkan("predict", "m", *orders).stdout == "kaed\n" * 3
    (tmp_path / "test.tsv").write_text("kaed\tka\tpos=v,tense=pst\nkated\tka\ttense=pst , pos=v\n")
    assert "(1 of 1), 95 %" in henkan("evaluate", "m", "test.tsv", *layout).stdout  # one source with two targets
    scores = henkan("score", "m", "test.tsv", *layout).stdout.splitlines()
    assert [score.split("\t")[1:] for score in scores] == [
        ["ka\\tpos=v,tense=pst", "kaed"],
        ["ka\\ttense=pst , pos=v", "kated"],
    ]
    henkan("train", "verbs.tsv", *layout, "--tag-separator", ";", "--no-sort-tags", "--epochs", "1", "--out", "given")
    symbols = json.loads((tmp_path / "given/vocabulary.json").read_text())["variants"][0]["source"]["symbols"]
    assert "\ttense=pst,pos=v" in symbols
    message = refused("train", "verbs.tsv", "--columns", "target,source,-", "--tag-separator", ",")
    assert message.endswith(
        "needs sources with feature tags; name their column, as in --columns source,target,features"
    )


def test_sources_in_another_case(henkan, tmp_path):
    words = [a + b for a in "KLMNPT" for b in "AEIOU"]
    (tmp_path / "words.tsv").write_text("".join(f"{word}\t{word.lower()}x\n" for word in words))
    henkan("train", "words.tsv", *SMALL, "--source-case", "lower", "--dev", "none", "--out", "m")
    assert henkan("predict", "m", "ka", "KA", "Ka").stdout == "kax\n" * 3
    assert henkan("predict", "m", "kA\u00c9", "--unknown", "copy", "--json").stdout.count("symbol '\u00e9'") == 1
    (tmp_path / "test.tsv").write_text("Ka\tkax\nkA\tother\n")
    assert "(1 of 1), 95 %" in henkan("evaluate", "m", "test.tsv").stdout
    assert "KA" not in henkan("explain", "m", "KA").stdout.splitlines()[2]
    found = json.loads(henkan("inspect", "words.tsv", "--test", "test.tsv", "--source-case", "lower", "--json").stdout)
    assert found["leaks"]["test.tsv"]["sources"] == 2


def test_symbols_of_several_characters(henkan, tmp_path):
    sounds = {"k": "k", "a": "a\u0320", "s": "ts\u02b0", "o": "o\u031e"}
    words = [a + b + c for a in "ks" for b in "ao" for c in "ks"] + [a + b for a in "ks" for b in "ao"]
    rows = [f"{word}\t{' '.join(sounds[letter] for letter in word)}\n" for word in words]
    (tmp_path / "lexicon.tsv").write_text("".join(rows))
    henkan("train", "lexicon.tsv", "--target-symbols", " ", *SMALL, "--epochs", "150", "--dev", "none", "--out", "m")
    assert henkan("predict", "m", "kas").stdout == "k a\u0320 ts\u02b0\n"
    # repeated separators do not change the target
    (tmp_path / "test.tsv").write_text("kas\tk  a\u0320 ts\u02b0 \n")
    assert "\nexact match 100.000% (1 of 1)" in henkan("evaluate", "m", "test.tsv").stdout


def test_columns_by_number_and_invalid_columns(henkan, refused, tmp_path):
    (tmp_path / "wide.tsv").write_text("1\tA\tx\ta\n2\tB\ty\tb\n")
    found = json.loads(henkan("inspect", "wide.tsv", "--columns", "4,2", "--json").stdout)
    assert set(found["source"]["symbols"]) == {"a", "b"}
    assert set(found["target"]["symbols"]) == {"A", "B"}
    assert "4 columns" in refused("inspect", "wide.tsv", "--columns", "source,target,features")
    assert "5" in refused("inspect", "wide.tsv", "--columns", "5,1")
    assert "source and target once each" in refused("inspect", "wide.tsv", "--columns", "source,features")
