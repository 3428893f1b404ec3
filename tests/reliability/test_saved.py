"""Model folders of every format load; damaged and hostile ones are refused or harmless."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import henkan
from henkan import HenkanError, ModelFolderError
from henkan.storage import lexicon_file, model_folder
from henkan.storage.migrations import from_1, from_2, from_3
from henkan.storage.size_limits import SizeLimit
from henkan.training.stored_lexicon import change_lexicon, entries_of, merge

SAVED = Path(__file__).parent / "saved"
PREDICTIONS = {
    "format1-words": (["abc\tPL;X", "é日b\tPL;Y", "az\tPL;X"], ["A B C", "É 日 B", "A z"]),
    "format1-book": (["16+75", "52+607"], ["91", "659"]),
    "format2-words": (["abcd\tPL;N", "BéD\tV;PST", "acebdacebd\tV;PRS"], ["A B C D S", "B É D A D", "A C E"]),
    "format3-edits": (["acda\tN;PL", "dace\tV;PRS", "aŵbŷd\tPST;V"], ["acdas", "dacing", "aŵbŷded"]),
    "format3-mixed": (["acda\tN;PL", "dace\tV;PRS", "aŵbŷd\tPST;V"], ["acdas", "daceing", "aŵbŷded"]),
    "format4-lexicon": (
        ["acda\tN;PL", "dace\tPRS;V", "aŵbŷd\tPST;V", "語\tPL;N"],
        ["acdas", "dacingly", "aŵbŷded", 'Sprache "\\'],
    ),
}
LOG_PROBABILITIES = {
    "format1-words": [-0.1644287, -0.1611528, -1.4072735],
    "format1-book": [-0.0715886, -0.1616705],
    "format2-words": [-0.0491927, -0.0498627, -1.8148003],
    "format3-edits": [-0.0799137, -1.186283, -0.1857517],
    "format3-mixed": [-1.409283, -1.727834, -1.2112469],
    "format4-lexicon": [-0.0799137, None, -0.1857517, None],
}


def predict(folder, name):
    sources, _ = PREDICTIONS[name]
    unknown = "copy" if name == "format1-words" else "use"
    return henkan.load(folder).predict(sources, unknown=unknown)


@pytest.mark.parametrize("name", PREDICTIONS)
def test_every_format_loads_with_the_same_predictions(name):
    sources, predictions = PREDICTIONS[name]
    assert predict(SAVED / name, name) == predictions
    model = henkan.load(SAVED / name)
    log_probabilities = [conversion.log_probability for conversion in model.convert(sources)]
    assert log_probabilities == pytest.approx(LOG_PROBABILITIES[name], abs=1e-4)


def test_confidence_outside_the_training_data_is_loaded():
    inside, outside, unknown = henkan.load(SAVED / "format2-words").convert(
        ["abcd\tN;PL", "acebdacebd\tV;PRS", "abz\tN;SG"], confidence=True
    )
    assert inside.confidence == pytest.approx(0.9967744, abs=1e-4)
    assert (outside.outside, outside.confidence) == (["longer than in training"], pytest.approx(0.0039728, abs=1e-4))
    assert (unknown.outside, unknown.confidence) == (["symbols not in training"], None)


def test_older_formats_are_migrated(tmp_path, monkeypatch):
    """A folder of an older format is converted by the migrations up to the current one."""

    def rename(config, vocabulary):
        return from_1({name.removeprefix("old_"): value for name, value in config.items()}, vocabulary)

    shutil.copytree(SAVED / "format1-book", tmp_path / "m")
    rewrite(tmp_path / "m", "config.json", lambda text: text.replace(b'"members"', b'"old_members"'))
    with pytest.raises(ModelFolderError, match=r"config\.json does not have the form"):
        henkan.load(tmp_path / "m")
    monkeypatch.setattr(model_folder, "MIGRATIONS", {1: rename, 2: from_2, 3: from_3})
    assert predict(tmp_path / "m", "format1-book") == ["91", "659"]


def test_model_of_format_1_reads_feature_tags_as_given(tmp_path):
    """It was trained on tags in one order, so sorting them would change its predictions."""
    henkan.load(SAVED / "format1-words").save(tmp_path / "again")
    for folder in (SAVED / "format1-words", tmp_path / "again"):
        model = henkan.load(folder)
        ordered, reversed_, repeated = model.log_probability(["ab\tPL;X", "ab\tX;PL", "ab\tPL;X;X"], ["A B"] * 3)
        assert len({ordered, reversed_, repeated}) == 3
        [spaced] = model.convert(["ab\tPL; X"])
        assert spaced.unknown == ["feature ' X'"]
        assert model.score(["ab\tPL;X", "ab\tX;PL"], ["A B", "A B"]) == 1.0


def rewrite(folder, name, change):
    """Change a file and update its checksum in the manifest, as an attacker would."""
    content = change((folder / name).read_bytes())
    (folder / name).write_bytes(content)
    if name != "manifest.json":
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["sha256"][name] = hashlib.sha256(content).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))


FILES = ("manifest.json", "config.json", "vocabulary.json", "weights.safetensors", "metrics.json", "README.md")
LEXICON = "lexicon.jsonl"
OPERATIONS = ("flip", "cut", "zero", "insert", "remove", "double", "swap")


@st.composite
def damages(draw, files=FILES):
    """Draw a file, a position and a modification; `checksum_updated` says whether the manifest is updated to match."""
    return {
        "name": draw(st.sampled_from(files)),
        "position": draw(st.floats(0, 1, exclude_max=True)),
        "operation": draw(st.sampled_from(OPERATIONS)),
        "value": draw(st.integers(1, 255)),
        "length": draw(st.integers(1, 64)),
        "checksum_updated": draw(st.booleans()),
    }


def damaged(content, damage):
    at = int(damage["position"] * len(content))
    length, value = damage["length"], damage["value"]
    if damage["operation"] == "flip":
        return content[:at] + bytes([content[at] ^ value]) + content[at + 1 :]
    if damage["operation"] == "cut":
        return content[:at]
    if damage["operation"] == "zero":
        return content[:at] + bytes(min(length, len(content) - at)) + content[at + length :]
    if damage["operation"] == "insert":
        return content[:at] + bytes([value]) * length + content[at:]
    if damage["operation"] == "remove":
        return content[:at] + content[at + length :]
    if damage["operation"] == "double":
        return content + content
    half = len(content) // 2
    return content[half:] + content[:half]


@pytest.mark.parametrize("name", PREDICTIONS)
@pytest.mark.parametrize(
    "examples", [pytest.param(300, id="short"), pytest.param(20_000, id="long", marks=pytest.mark.long)]
)
def test_any_damage_is_refused_or_harmless(tmp_path_factory, name, examples):
    """With updated checksums predictions may differ, but nothing may crash or run forever."""
    folder = tmp_path_factory.mktemp("damage") / "m"
    shutil.copytree(SAVED / name, folder)
    original = {path.name: path.read_bytes() for path in folder.iterdir()}

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    @given(damages((*FILES, LEXICON) if LEXICON in original else FILES))
    def check(damage):
        try:
            if damage["checksum_updated"]:
                rewrite(folder, damage["name"], lambda content: damaged(content, damage))
            else:
                (folder / damage["name"]).write_bytes(damaged(original[damage["name"]], damage))
            try:
                predictions = predict(folder, name)
            except HenkanError as error:
                assert "\n" not in str(error)
            else:
                assert damage["checksum_updated"] or predictions == PREDICTIONS[name][1]
                henkan.load(folder).save(folder.parent / "again", force=True)
        finally:
            for file, content in original.items():
                (folder / file).write_bytes(content)

    check()


def huge_weights():
    """Return a file of weights whose header declares far more data than it contains."""
    header = (
        b'{"members.0.encoder.E": {"dtype": "F32", "shape": [1000000, 1000000], "data_offsets": [0, 4000000000000]}}'
    )
    return len(header).to_bytes(8, "little") + header + bytes(16)


HOSTILE = {
    "huge declared shapes": ("weights.safetensors", lambda _: huge_weights()),
    "a header longer than the file": ("weights.safetensors", lambda c: (2**62).to_bytes(8, "little") + c[8:]),
    "deeply nested JSON": ("config.json", lambda _: b"[" * 500_000 + b"]" * 500_000),
    "deeply nested metrics are ignored": ("metrics.json", lambda _: b'{"epochs":' * 100_000),
    "an infinite number is ignored": (
        "metrics.json",
        lambda c: c.replace(b'"loss": 0.', b'"loss": 1e999, "old": 0.'),
    ),
    "duplicate names": ("config.json", lambda c: c.replace(b'"members": 1', b'"members": 1, "members": 1')),
    "huge layers": ("config.json", lambda c: c.replace(b'"hidden_size": 8', b'"hidden_size": 65536')),
    "a number of thousands of digits": (
        "config.json",
        lambda c: c.replace(b'"members": 1', b'"members": 1' + b"0" * 9999),
    ),
    "a huge length limit": ("vocabulary.json", lambda c: c.replace(b'"longest": ', b'"longest": 9999999999')),
    "a vocabulary of another size": ("vocabulary.json", lambda c: c.replace(b'"9"', b'"8", "9"')),
    "not a number": (
        "config.json",
        lambda c: c.replace(b'"calibration": null', b'"calibration": {"temperature": NaN}'),
    ),
    "an unknown format": ("manifest.json", lambda c: c.replace(b'"format_version": 1', b'"format_version": 99')),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_folders_are_refused_with_little_memory(tmp_path, what):
    name, change = HOSTILE[what]
    folder = tmp_path / "m"
    shutil.copytree(SAVED / "format1-book", folder)
    before = (folder / name).read_bytes()
    rewrite(folder, name, change)
    assert (folder / name).read_bytes() != before
    tracemalloc.start()
    try:
        if "ignored" in what:
            assert predict(folder, "format1-book") == ["91", "659"]
        else:
            with pytest.raises(ModelFolderError):
                henkan.load(folder)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()


ENTRY = b'{"source": "a", "target": "b"}\n'
BAD_LEXICONS = {
    "another type": b'{"source": "a", "target": 1}\n',
    "a list of targets": b'{"source": "a", "target": ["b"]}\n',
    "a repeated name": b'{"source": "a", "source": "b", "target": "c"}\n',
    "another name": b'{"source": "a", "target": "b", "more": "c"}\n',
    "no name": b'["a", "b"]\n',
    "names in another order": b'{"target": "a", "source": "b"}\n',
    "an end in the middle of an entry": ENTRY[:-4],
    "no line break at the end": ENTRY[:-1],
    "a blank line": b"\n",
    "two entries on a line": ENTRY[:-1] + ENTRY,
    "bytes that are not UTF-8": ENTRY.replace(b"b", b"\xff"),
    "an unknown escape": ENTRY.replace(b"b", b"\\x41"),
    "an incomplete escape": ENTRY.replace(b"b", b"\\u00"),
    "a control character": ENTRY.replace(b"b", b"\x01"),
    "a NUL character": ENTRY.replace(b"b", b"\0"),
    "deep nesting": b"[" * 500_000 + b"\n",
    "a long line of backslashes": b'{"source": "' + b"\\" * 1_000_001 + b'", "target": "b"}\n',
    "a long line without an end": b'{"source": "' + b"a" * 1_000_000,
}


@pytest.fixture
def with_lexicon(tmp_path):
    return shutil.copytree(SAVED / "format4-lexicon", tmp_path / "m")


@pytest.mark.parametrize("what", BAD_LEXICONS)
def test_a_lexicon_of_another_form_is_refused_when_it_is_needed(with_lexicon, what):
    """The checksum fits, as an attacker would make it."""
    rewrite(with_lexicon, LEXICON, lambda content: content + BAD_LEXICONS[what])
    model = henkan.load(with_lexicon)
    assert model.predict(["dace\tV;PRS"], lexicon=None) == ["dacing"]
    for use in (lambda: model.predict(["dace\tV;PRS"]), lambda: model.lexicon):
        with pytest.raises(ModelFolderError, match=r"m: lexicon\.jsonl is damaged; restore the file"):
            use()


def test_a_lexicon_with_another_checksum_or_of_another_size_is_refused(with_lexicon, monkeypatch):
    file = with_lexicon / LEXICON
    original = file.read_bytes()
    file.write_bytes(original + ENTRY)
    with pytest.raises(ModelFolderError, match=r"lexicon\.jsonl is damaged or was modified"):
        henkan.load(with_lexicon)
    os.truncate(file, 2**40)  # a sparse file: a terabyte that uses no disk space
    with pytest.raises(ModelFolderError, match=r"lexicon\.jsonl is damaged \(1,099,511,627,776 bytes"):
        henkan.load(with_lexicon)
    file.unlink()
    with pytest.raises(ModelFolderError, match=r"lexicon\.jsonl cannot be read"):
        henkan.load(with_lexicon)
    file.write_bytes(original)
    monkeypatch.setattr(lexicon_file, "LIMIT", SizeLimit(2**20, 3))
    with pytest.raises(ModelFolderError, match=r"lexicon\.jsonl is damaged"):
        henkan.load(with_lexicon)


def test_a_lexicon_needs_little_memory_until_it_is_used(with_lexicon):
    rewrite(with_lexicon, LEXICON, lambda _: ENTRY * 1_000_000)
    tracemalloc.start()
    try:
        henkan.load(with_lexicon)
        assert tracemalloc.get_traced_memory()[1] < 2.5 * len(ENTRY) * 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.update(format_version=3),
        lambda manifest: manifest["sha256"].pop(LEXICON),
    ],
)
def test_a_lexicon_is_never_left_out_because_the_manifest_is_damaged(with_lexicon, change):
    manifest = json.loads((with_lexicon / "manifest.json").read_text())
    change(manifest)
    (with_lexicon / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelFolderError, match=r"manifest\.json does not fit its format version; the model is damaged"):
        henkan.load(with_lexicon)


@pytest.mark.parametrize("name", sorted(PREDICTIONS))
def test_models_of_every_format_get_a_lexicon_and_lose_it_again(tmp_path, name):
    """The weights are not written again, and a model without a lexicon has the format that earlier versions read."""
    folder, weights = shutil.copytree(SAVED / name, tmp_path / "m"), (SAVED / name / "weights.safetensors").read_bytes()
    sources, predictions = PREDICTIONS[name]
    before = os.stat(folder / "weights.safetensors").st_ino
    change_lexicon(folder, lambda fitted: merge(entries_of(fitted), [(sources[0], "new")], str, "replace").lexicon)
    assert predict(folder, name) == ["new", *predictions[1:]]
    assert json.loads((folder / "manifest.json").read_text())["format_version"] == 4
    change_lexicon(folder, lambda _: None)
    assert not (folder / LEXICON).exists()
    assert json.loads((folder / "manifest.json").read_text())["format_version"] == 3
    if name != "format4-lexicon":
        assert predict(folder, name) == predictions
    assert (folder / "weights.safetensors").read_bytes() == weights
    assert os.stat(folder / "weights.safetensors").st_ino == before


def values(count):
    return b"[" + b"[]," * count + b"[]]"


LARGE = {
    "metrics of many values": ("metrics.json", lambda _: values(11_000_000)),
    "metrics of the maximum size": ("metrics.json", lambda _: values(1_400_000)),
    "metrics with many names": (
        "metrics.json",
        lambda _: b"{" + b",".join(b'"%d":0' % k for k in range(350_000)) + b"}",
    ),
    "a vocabulary of many values": ("vocabulary.json", lambda _: values(11_000_000)),
    "a vocabulary with an unknown name": (
        "vocabulary.json",
        lambda c: c.rstrip()[:-1] + b',"a":' + values(10**6) + b"}",
    ),
    "a vocabulary with a long symbol": (
        "vocabulary.json",
        lambda c: c.replace(b'"9"', '"😀'.encode() + b"9" * 64_000_000 + b'"'),
    ),
    "settings of many values": ("config.json", lambda c: c.rstrip()[:-1] + b',"a":' + values(340_000) + b"}"),
    "a manifest of many values": ("manifest.json", lambda c: c.rstrip()[:-1] + b',"a":' + values(340_000) + b"}"),
}

MEASURE = """
import sys
import henkan

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

henkan.load(sys.argv[1])
before = peak()
try:
    henkan.load(sys.argv[2])
    print("loaded")
except henkan.ModelFolderError as error:
    print(str(error).removeprefix(sys.argv[2] + ": "))
print(peak() - before)
"""


@pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="the peak memory of a process is read from Linux's /proc"
)
@pytest.mark.parametrize("what", LARGE)
def test_large_json_uses_little_memory(tmp_path, what):
    """Measure the process, in kilobytes, because tracemalloc would miss the memory of the JSON parser."""
    name, change = LARGE[what]
    shutil.copytree(SAVED / "format1-book", tmp_path / "m")
    rewrite(tmp_path / "m", name, change)
    command = [sys.executable, "-c", MEASURE, SAVED / "format1-book", tmp_path / "m"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    message, peak_growth = done.stdout.splitlines()
    assert message == "loaded" if name == "metrics.json" else message.startswith(f"{name} is damaged")
    assert int(peak_growth) < 24_000


def test_files_of_the_wrong_size_are_refused_without_reading(tmp_path):
    """The file is sparse: a terabyte that uses no disk space."""
    shutil.copytree(SAVED / "format1-book", tmp_path / "m")
    for name in ("weights.safetensors", "config.json", "manifest.json"):
        original = (tmp_path / "m" / name).read_bytes()
        os.truncate(tmp_path / "m" / name, 2**40)
        with pytest.raises(ModelFolderError, match=r"is damaged \(1,099,511,627,776 bytes"):
            henkan.load(tmp_path / "m")
        (tmp_path / "m" / name).write_bytes(original)
    assert predict(tmp_path / "m", "format1-book") == ["91", "659"]


def test_links_to_outside_pipes_and_folders_are_refused_as_files(tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(SAVED / "format1-book", folder)
    file, outside = folder / "vocabulary.json", tmp_path / "vocabulary.json"
    shutil.move(file, outside)
    file.symlink_to(outside)
    with pytest.raises(ModelFolderError, match="symbolic link to a file outside the folder"):
        henkan.load(folder)
    file.unlink()
    file.symlink_to(file)
    with pytest.raises(ModelFolderError, match="cannot be read"):
        henkan.load(folder)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ModelFolderError, match="not a regular file"):
        henkan.load(folder)
    file.unlink()
    file.mkdir()
    with pytest.raises(ModelFolderError, match=r"not a regular file|cannot be read"):
        henkan.load(folder)
    file.rmdir()
    shutil.copy(outside, folder / "kept.json")
    file.symlink_to(folder / "kept.json")  # a link within the folder is accepted
    assert predict(folder, "format1-book") == ["91", "659"]


def test_files_of_another_model_are_refused(tmp_path):
    """Each file is intact but belongs to another model."""
    shutil.copytree(SAVED / "format1-book", tmp_path / "m")
    for name in ("config.json", "vocabulary.json", "weights.safetensors"):
        shutil.copy(SAVED / "format1-words" / name, tmp_path / "m" / name)
        with pytest.raises(ModelFolderError, match=rf"{name} is damaged"):
            henkan.load(tmp_path / "m")
        shutil.copy(SAVED / "format1-book" / name, tmp_path / "m" / name)
