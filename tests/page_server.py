"""`henkan serve` for the tests of its page."""

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from henkan import Seq2Seq
from web_page import why_no_browser

SERVING = re.compile(r"serving .* at (http://\S+)")
SECONDS = 60


def why_not():
    """Why the page cannot be tested here; None if it can."""
    if any(find_spec(name) is None for name in ("fastapi", "uvicorn")):
        return "needs henkan[serve]"
    return why_no_browser()


def save_models(folder, words, plain):
    """Save models in a folder: with a pointer, with attention, with neither, which is given, and with feature tags."""
    small = {"batch_size": 8, "hidden_size": 32, "embedding_size": 8, "augment": 0, "calibrate_outside": False}
    models = {
        "edits": Seq2Seq(recipe="edits", epochs=20, **small).fit(*words),
        "attention": Seq2Seq(recipe="words", epochs=30, **small).fit(*words),
        "plain": plain,
        "tags": Seq2Seq(recipe="edits", epochs=20, features=True, **small).fit([f"{w}\tN" for w in words[0]], words[1]),
    }
    for name, model in models.items():
        model.save(folder / name)
    return [folder / name for name in models]


@contextmanager
def serving(*arguments, **environment):
    """Run `henkan serve` on a free port; the value is its address."""
    command = [sys.executable, "-m", "henkan", "serve", "--port", "0", "--grace", "0.2", *map(str, arguments)]
    given = {**os.environ, "PYTHONUTF8": "1", **environment}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=given) as server:
        stop = threading.Timer(SECONDS, server.kill)
        stop.start()
        try:
            printed = []
            for line in server.stderr:
                printed.append(line)
                if found := SERVING.search(line):
                    break
            else:
                pytest.fail(f"henkan serve did not start:\n{''.join(printed)}")
            stop.cancel()
            threading.Thread(target=server.stderr.read, daemon=True).start()  # so that it never waits for a reader
            yield found[1]
        finally:
            stop.cancel()
            server.terminate()
            try:
                server.wait(SECONDS)
            finally:
                server.kill()
