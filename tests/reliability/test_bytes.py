"""With arbitrary bytes as input the command exits with 0, or with 2 and an error message."""

import io
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from henkan.cli import main
from henkan.text.layout import FORMATS

SAVED = Path(__file__).parent / "saved"
LINES = st.lists(st.binary(max_size=12) | st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace")))
CONTENTS = (
    st.binary(max_size=60) | LINES.map(b"\n".join) | LINES.map(lambda each: b"\n".join(a + b"\t" + a for a in each))
)
PHONES = st.lists(st.sampled_from([b"a", b"HH", b"0.5", b" ", b"\t", b"\n", b"# x", b"(2)", b'"', b",", b"\xff"])).map(
    b"".join
)
LAYOUTS = st.sampled_from(
    [
        *(["--format", name] for name in FORMATS),
        *(["--encoding", name] for name in ("latin-1", "utf-16", "shift_jis", "utf-7")),
        ["--rejects", "rejects.tsv"],
        ["--delimiter", " ", "--columns", "1,2"],
    ]
)


@pytest.fixture
def henkan(monkeypatch, capfd):
    """Run the command in this process and return its exit status."""

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["henkan", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as exit_info:
            main()
        err = capfd.readouterr().err
        assert exit_info.value.code in (0, 2), err
        if exit_info.value.code == 2:
            assert err.splitlines()[-1].startswith(("henkan: ", "Error: ")), err
        return exit_info.value.code

    return run


SHORT = {"deadline": None, "derandomize": True, "database": None}


@pytest.mark.parametrize("examples", [pytest.param(60), pytest.param(3000, marks=pytest.mark.long)])
def test_any_bytes_as_a_file_of_pairs(henkan, tmp_path_factory, examples):
    folder = tmp_path_factory.mktemp("bytes")
    file = folder / "pairs"

    @settings(max_examples=examples, **SHORT)
    @given(CONTENTS | PHONES, st.just([]) | LAYOUTS)
    @example(b"a\tb\n\xff\xfe\n", [])
    @example(b"\x1f\x8b\x08\x00", [])
    @example(b"a\x00\tb\n", [])
    @example("\u0301\t\u202e\n".encode(), [])
    @example(b"hello HH AH L OW\nworld W ER L D\n", [])
    def check(content, layout):
        file.write_bytes(content)
        layout = [folder / each if each == "rejects.tsv" else each for each in layout]
        henkan("inspect", file, *layout)
        settings = ("--epochs", 1, "--hidden-size", 2, "--embedding-size", 2, "--quiet", "--dev", "none", *layout)
        henkan("train", file, *settings, "--recipe", "modern", "--out", folder / "m", "--force")

    check()


@pytest.mark.parametrize("examples", [pytest.param(100), pytest.param(3000, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ["format1-words", "format1-book"])
def test_any_bytes_on_standard_input(henkan, name, examples):
    @settings(max_examples=examples, **SHORT)
    @given(CONTENTS)
    def check(content):
        henkan("predict", SAVED / name, "--json", stdin=content)

    check()


def test_any_text_as_arguments(henkan):
    @settings(max_examples=60, **SHORT)
    @given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=8), min_size=1, max_size=3))
    def check(texts):
        henkan("predict", SAVED / "format1-words", "--", *texts)

    check()
