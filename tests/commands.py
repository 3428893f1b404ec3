"""Ways to run `henkan`: in this process, which takes no time to start, and as a process of its own."""

import io
import os
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass

import pytest

from henkan.cli.main import main


@dataclass(frozen=True)
class Done:
    """A command that has ended; its output is text, or bytes if its input was."""

    returncode: int
    stdout: str | bytes
    stderr: str | bytes

    @property
    def text(self):
        """All that the command has printed, as text."""
        printed = self.stdout + self.stderr
        return printed.decode() if isinstance(printed, bytes) else printed


def run_here(*arguments, cwd=".", input=""):
    """Run a command in this process, in the folder `cwd`."""
    given = input if isinstance(input, bytes) else input.encode()
    streams = {
        "stdin": io.TextIOWrapper(io.BytesIO(given), "utf-8"),
        "stdout": io.TextIOWrapper(io.BytesIO(), "utf-8"),
        "stderr": io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace"),
    }
    with pytest.MonkeyPatch.context() as patched, chdir(cwd):
        for name, stream in streams.items():
            patched.setattr(sys, name, stream)
        patched.setattr(sys, "argv", ["henkan", *map(str, arguments)])
        patched.setattr(os, "_exit", sys.exit)  # which would end the tests
        with pytest.raises(SystemExit) as exit_info:
            main()
        for name in ("stdout", "stderr"):
            streams[name].flush()
    out, err = (streams[name].buffer.getvalue() for name in ("stdout", "stderr"))
    if not isinstance(input, bytes):
        out, err = out.decode(), err.decode()
    return Done(exit_info.value.code, out, err)


def run_process(*arguments, cwd=".", input=""):
    """Run a command as a process, in the folder `cwd`."""
    done = subprocess.run(
        [sys.executable, "-m", "henkan", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONUTF8": "1"},
        input=input,
        capture_output=True,
        encoding=None if isinstance(input, bytes) else "utf-8",
        timeout=300,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def checked(run, folder):
    """Return a function that runs a command in a folder and checks its exit status."""

    def run_and_check(*arguments, status=0, cwd=folder, input=""):
        done = run(*arguments, cwd=cwd, input=input)
        assert done.returncode == status, (done.stdout, done.stderr)
        assert "Traceback" not in str(done.stderr)
        return done

    return run_and_check
