"""Every command as a process of its own prints what it prints in the process of the tests."""

import pytest

COMMANDS = {
    "inspect": ("inspect", "words.tsv"),
    "predict": ("predict", "model", "ab", "c", "x"),
    "evaluate": ("evaluate", "model", "words.tsv"),
    "compare": ("compare", "model", "second-model", "words.tsv"),
    "explain": ("explain", "model", "ab"),
    "score": ("score", "model", "words.tsv"),
    "next": ("next", "model", "pool.txt", "--labelled", "words.tsv"),
    "combine": ("combine", "model", "second-model", "--out", "both", "--dev", "words.tsv"),
    "generate": ("generate", "addition", "--count", 3),
    "tasks": ("tasks",),
    "a user error": ("predict", "model", "a", "--beam", 0),
}


@pytest.fixture
def workplace(workplace):
    """The folder with small models, and unlabelled words."""

    def create():
        place = workplace()
        (place / "pool.txt").write_text("abc\ncab\nxa\n")
        return place

    return create


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_print_the_same_in_any_process(here, workplace, henkan_process, name):
    status = 2 if "error" in name else 0
    arguments = COMMANDS[name]
    workplace()
    expected = here(*arguments, status=status)
    done = henkan_process(*arguments, status=status, cwd=workplace())
    assert (done.stdout, done.stderr) == (expected.stdout, expected.stderr)
    assert done.text


@pytest.mark.parametrize("data", [b"ab\nc\n", b"ab\n\xff\n"], ids=["valid", "invalid"])
def test_standard_input_is_read_the_same_in_any_process(here, workplace, henkan_process, data):
    status = 2 if b"\xff" in data else 0
    folder = workplace()
    expected = here("predict", "model", status=status, input=data)
    assert henkan_process("predict", "model", status=status, cwd=folder, input=data) == expected
