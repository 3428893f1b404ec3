"""The advice of every message works: each command is run, its advice is followed, and the message is gone."""

import shlex
from pathlib import Path

import pytest

from advice_cases import CASES


def write(files):
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.command[:60]} -> {case.says[:40]}")
def test_advice_works(case, here, workplace):
    workplace()
    write(case.files)
    first = here(*shlex.split(case.command), status=case.status, input=case.input)
    assert case.says in first.text
    commands, _ = case.followed()
    assert commands
    for command, files in commands:
        workplace()
        write(case.files)
        write(files)
        done = here(*command, input=case.input)
        assert case.says not in done.text, command
