"""Install a wheel in new environments, and run the README's examples there.

    python docs/building/release.py dist/henkan-0.2.0-py3-none-any.whl python3.11 python3.12 python3.13

For each Python: the wheel alone predicts with NumPy and safetensors; with the extras of the README's commands, the
Python example prints what its comments say, and each command succeeds. Training is shortened.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
EXTRAS = "fast,plot,tune,onnx,serve"
SHORT = ("--epochs", "2", "--hidden-size", "8", "--embedding-size", "4")
MORE = {
    "train": SHORT,
    "distil": SHORT,
    "curve": (*SHORT, "--seeds", "1"),
    "tune": (*SHORT, "--augment", "0", "--trials", "1"),
}
"""Command -> options that shorten its training."""

BEFORE = {"compare": "other", "combine": "a b"}
"""Command -> models that it names besides `models/names`."""


def readme_block(language: str, heading: str) -> str:
    """Return the first block of code below a heading of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"## {heading}\n")[2]
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found, heading
    return found[1]


def checked_python(code: str) -> str:
    """Return the example with an assertion for each comment that is a value."""
    lines = []
    for line in code.splitlines():
        call, _, comment = line.partition("  # ")
        is_value = re.fullmatch(r"\[.*\]|\d+\.\d+", comment)
        lines.append(f"assert ({call}) == {comment}, {call}" if is_value else line)
    return "\n".join(lines)


def run(*command: str | Path, folder: Path) -> None:
    """Run a command, and stop with its output if it fails."""
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def write_pairs(folder: Path) -> None:
    """Write the files that the README's commands read."""
    starts, middles, ends = ("Ta", "Su", "Wata", "Naka"), ("na", "zu", "be", "mu"), ("ka", "ki", "ra")
    names = ["".join(each) for each in product(starts, middles, ends)]
    for name, part in (("names", names[:36]), ("test", names[36:])):
        (folder / f"{name}.tsv").write_text("".join(f"{each}\t{each.upper()}\n" for each in part))
    (folder / "words.txt").write_text("".join(f"{each}shi\n" for each in names))


def serve(henkan: Path, words: list[str], folder: Path) -> None:
    """Start the server, ask for its page, and stop it."""
    process = subprocess.Popen([str(henkan), *words, "--port", "18731"], cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen("http://127.0.0.1:18731/") as page:
                    assert b"henkan" in page.read()
                return
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"henkan {' '.join(words)} does not answer")
                time.sleep(0.2)
    finally:
        process.terminate()
        process.wait()


def check(wheel: Path, python: str) -> None:
    """Check a wheel with a version of Python."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        run(python, "-m", "venv", folder / "env", folder=folder)
        environment = folder / "env" / "bin"
        run(environment / "pip", "install", "--quiet", wheel, folder=folder)
        run(environment / "python", "-c", checked_python(readme_block("python", "From Python")), folder=folder)
        run(environment / "pip", "install", "--quiet", f"{wheel}[{EXTRAS}]", folder=folder)
        write_pairs(folder)
        henkan = environment / "henkan"
        for model in " ".join(BEFORE.values()).split():
            seed = str(ord(model[0]))
            run(henkan, "train", "names.tsv", *SHORT, "--seed", seed, "--out", f"models/{model}", folder=folder)
        for line in readme_block("sh", "Your own pairs").splitlines():
            words = [each.strip('"') for each in line.partition(" # ")[0].split()][1:]
            if words[0] == "serve":
                serve(henkan, words, folder)
            else:
                run(henkan, *words, *MORE.get(words[0], ()), folder=folder)
    print(f"{python}: the examples of the README run with {wheel.name}")


if __name__ == "__main__":
    for each in sys.argv[2:]:
        check(Path(sys.argv[1]).resolve(), each)
