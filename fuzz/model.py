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

SAVED = Path(__file__).parent.parent / "tests" / "reliability" / "saved" / "format1-book"
FOLDER = Path(tempfile.mkdtemp()) / "model"
FILES = ("config.json", "vocabulary.json", "weights.safetensors", "manifest.json", "metrics.json")
ORIGINAL = {name: (SAVED / name).read_bytes() for name in FILES}


def try_one(data: bytes) -> None:
    """Modify one file: byte 0 selects it, bytes 1 to 3 the position, byte 4 the length replaced (255: all)."""
    if len(data) < 5:
        return
    name, at, over = FILES[data[0] % len(FILES)], int.from_bytes(data[1:4], "little"), data[4]
    original = ORIGINAL[name]
    at %= len(original) + 1
    content = data[5:] if over == 255 else original[:at] + data[5:] + original[at + over :]
    manifest = json.loads(ORIGINAL["manifest.json"])
    if name in manifest["sha256"]:
        manifest["sha256"][name] = hashlib.sha256(content).hexdigest()
    (FOLDER / "manifest.json").write_text(json.dumps(manifest))
    (FOLDER / name).write_bytes(content)
    try:
        model = henkan.load(FOLDER)
        model.predict(["1+1"])
        model.save(FOLDER.parent / "again", force=True)
    except henkan.HenkanError as error:
        assert "\n" not in str(error)
    finally:
        (FOLDER / name).write_bytes(ORIGINAL[name])


if __name__ == "__main__":
    shutil.copytree(SAVED, FOLDER)
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
