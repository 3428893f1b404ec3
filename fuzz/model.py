"""Put whatever a fuzzer thinks of into a saved model: it must be refused by a `HenkanError`, or answer.

The sums in the manifest are mended, so that what lies behind them is reached. Needs a saved model:

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
WHOLE = {name: (SAVED / name).read_bytes() for name in FILES}


def try_one(data: bytes) -> None:
    """The first byte chooses a file, the next four where in it the rest is written, and over how much."""
    if len(data) < 5:
        return
    name, at, over = FILES[data[0] % len(FILES)], int.from_bytes(data[1:4], "little"), data[4]
    whole = WHOLE[name]
    at %= len(whole) + 1
    content = data[5:] if over == 255 else whole[:at] + data[5:] + whole[at + over :]
    manifest = json.loads(WHOLE["manifest.json"])
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
        (FOLDER / name).write_bytes(WHOLE[name])


if __name__ == "__main__":
    shutil.copytree(SAVED, FOLDER)
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
