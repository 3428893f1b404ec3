"""Fuzz the model loader: a modified model folder must raise a `HenkanError` or load and predict.

The checksums in the manifest are updated, so that the checks after them are reached as well:

python fuzz/model.py -max_total_time=60
"""

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports():
    import henkan
    import henkan.estimator  # `henkan.load` would import it later, without instrumentation

SAVED = Path(__file__).parent.parent / "tests" / "reliability" / "saved"
ROOT = Path(tempfile.mkdtemp())
SOURCES = {
    "format1-book": "1+1",
    "format1-words": "abc\tPL;X",
    "format2-words": "abcd\tPL;N",
    "format3-edits": "acda\tN;PL",
    "format3-mixed": "acda\tN;PL",
    "format4-lexicon": "acda\tN;PL",
}
"""Folder -> a source. They have all architectures, formats and kinds of ensembles."""

ORIGINAL = {
    (folder, path.name): path.read_bytes()
    for folder in SOURCES
    for path in sorted((SAVED / folder).iterdir())
    if path.name != "README.md"
}
FILES = [*ORIGINAL]


def try_one(data: bytes) -> None:
    """Modify one file: byte 0 selects it, bytes 1 to 3 the position, byte 4 the length replaced (255: all)."""
    if len(data) < 5:
        return
    (folder, name), at, over = FILES[data[0] % len(FILES)], int.from_bytes(data[1:4], "little"), data[4]
    original, manifest_bytes = ORIGINAL[folder, name], ORIGINAL[folder, "manifest.json"]
    at %= len(original) + 1
    content = data[5:] if over == 255 else original[:at] + data[5:] + original[at + over :]
    manifest = json.loads(manifest_bytes)
    if name in manifest["sha256"]:
        manifest["sha256"][name] = hashlib.sha256(content).hexdigest()
    path = ROOT / folder
    (path / "manifest.json").write_text(json.dumps(manifest))
    (path / name).write_bytes(content)
    try:
        model = henkan.load(path)
        model.predict([SOURCES[folder]])
        model.save(ROOT / "again", force=True)
    except henkan.HenkanError as error:
        assert "\n" not in str(error)
    finally:
        (path / "manifest.json").write_bytes(manifest_bytes)
        (path / name).write_bytes(original)


if __name__ == "__main__":
    for each in SOURCES:
        shutil.copytree(SAVED / each, ROOT / each)
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
