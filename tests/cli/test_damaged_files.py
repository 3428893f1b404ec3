"""`henkan inspect` finds what is wrong with a damaged file, and the options that it advises remove the warning."""

import re
import shlex

import pytest
from click.testing import CliRunner

from henkan.cli.main import cli
from lexicon import LEXICON, some

OPTION = re.compile(r"--[a-z-]+(?: '[^']*'| [^\s,;]+)?")


def inspect(path, rows, *options):
    """Write a file, inspect it, and return its warnings."""
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    done = CliRunner().invoke(cli, ["inspect", str(path), *options])
    assert done.exit_code == 0, done.output
    return [line for line in done.stdout.splitlines() if line.startswith("warning: ")]


ADVISED = {
    "variants": ([*LEXICON, *((f"{s}(2)", t) for s, t in LEXICON[:5])], [], "5 of 495 sources have brackets"),
    "remarks": (some(lambda s, t: (s, f"{t} # foreign word")), [], "12 of 490 targets have comments"),
    "comments": (some(lambda s, t: (f"# {s}", t)), [], "12 of 490 sources have comments"),
    "quotes": (some(lambda s, t: (s, f'"{t}"')), [], "12 of 490 targets are in quotation marks"),
    "phones as characters": (LEXICON, ["--target-symbols", "characters"], "but are split into characters"),
    "whitespace": (some(lambda s, t: (f"{s} ", t)), [], "12 sources have leading or trailing whitespace"),
    "two Unicode forms": (
        [(s + ("e\u0301" if number % 40 == 30 else "\u00e9"), f"{t} e") for number, (s, t) in enumerate(LEXICON)],
        [],
        "the sources mix composed and decomposed characters",
    ),
    "capitals": (
        [(s.upper() if number % 4 else s, t) for number, (s, t) in enumerate(LEXICON)],
        [],
        "123 of 490 sources are in lower case, and others are not",
    ),
    "tags of another separator": (
        [(f"{s}s" if "PL" in tags else s, s, tags) for s, _ in LEXICON[:40] for tags in ("N|SG", "N|PL")],
        ["--columns", "target,source,features", "--tag-separator", ";"],
        "the feature tags are not separated by ';'",
    ),
}


@pytest.mark.parametrize("damage", ADVISED)
def test_advised_option_removes_the_warning(tmp_path, damage):
    rows, options, phrase = ADVISED[damage]
    [warning] = inspect(tmp_path / "data.tsv", rows, *options)
    assert phrase in warning
    advised = shlex.split(OPTION.findall(warning.rpartition(";")[2])[0])
    replaced = [each for k, each in enumerate(options) if advised[0] not in options[max(0, k - 1) : k + 1]]
    assert inspect(tmp_path / "data.tsv", rows, *replaced, *advised) == []


EDITED = {
    "header": ([("word", "pronunciation"), *LEXICON], [], "the first row looks like a header"),
    "half of the targets": (
        [(s, t if number % 2 else "") for number, (s, t) in enumerate(LEXICON)],
        [],
        "245 of 490 targets are empty",
    ),
    "placeholders": (some(lambda s, _: (s, "N/A")), [], "12 of 490 targets are placeholders"),
    "swapped columns": (some(lambda s, t: (t, s)), [], "12 of 490 targets seem to be in the wrong column"),
    "no transcription": (some(lambda s, _: (s, s)), [], "12 of 490 targets are the same as their source"),
    "lost characters": (some(lambda s, t: (f"{s}\ufffd", t)), [], "12 of 490 sources have the replacement character"),
    "wrong encoding": (
        [(s, t.encode().decode("latin-1")) for s, t in LEXICON],
        [],
        "targets are UTF-8 text that was decoded in another encoding",
    ),
    "HTML": (some(lambda s, t: (f"{s}&#39;s", t)), [], "12 of 490 sources have HTML entities"),
    "escapes": (some(lambda s, t: (s, f"{t}\\t")), [], "12 of 490 targets have escape sequences"),
    "commas": (some(lambda s, t: (s, f"{t},")), [], "12 of 490 targets end with a separator"),
    "several variants": (some(lambda s, t: (s, f"{t}, {t} s")), [], "12 of 490 targets list several variants"),
    "brackets": (some(lambda s, t: (f"{s} (noun)", t)), [], "12 of 490 sources have brackets"),
    "alike letters": (some(lambda s, t: (f"{s}\u0430", t)), [], "12 of 490 sources have letters of another script"),
    "very long source": ([*LEXICON, ("ba" * 1000, "b a")], [], "1 of 491 sources are much longer than nearly all"),
    "very long target": ([*LEXICON, ("ba", "b a " * 999 + "b")], [], "1 of 491 targets are much longer than nearly"),
    "invisible characters": ([*LEXICON, ("\ufeffba", "b a")], [], "the sources contain 1 invisible character"),
    "missing tags": (
        [*((f"{s}s", s, "N;PL") for s, _ in LEXICON), ("bas", "ba", "")],
        ["--columns", "target,source,features"],
        "1 of 491 sources have no feature tags",
    ),
}


@pytest.mark.parametrize("damage", EDITED)
def test_damage_that_must_be_edited_is_found(tmp_path, damage):
    rows, options, phrase = EDITED[damage]
    [warning] = inspect(tmp_path / "data.tsv", rows, *options)
    assert phrase in warning
    assert "; " in warning


def test_numbers_of_lines_are_found_and_ignored_with_columns(tmp_path):
    rows = [(str(number), *row) for number, row in enumerate(LEXICON, start=1)]
    two = inspect(tmp_path / "data.tsv", rows, "--columns", "source,target,-")
    assert "the sources seem to be or to begin with line numbers" in two[0]
    assert inspect(tmp_path / "data.tsv", rows, "--columns", "-,source,target") == []


def test_undamaged_files_give_no_warning(tmp_path):
    assert inspect(tmp_path / "data.tsv", LEXICON) == []
    assert (
        inspect(tmp_path / "data.tsv", [(target, source) for source, target in LEXICON], "--source-symbols", " ") == []
    )
