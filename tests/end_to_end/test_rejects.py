import gzip
import json
import os

SMALL = ("--epochs", "1", "--hidden-size", "8", "--embedding-size", "4", "--quiet")


def test_invalid_lines_are_skipped_and_listed(henkan, refused, tmp_path, pairs_file):
    with pairs_file.open("ab") as file:
        file.write(b"no pair\nx\t\xff\n")
    assert "words.tsv, line 40: no delimiter" in refused("inspect", pairs_file)
    done = henkan("inspect", pairs_file, "--rejects", "rejects.tsv")
    assert "39 pairs read, 2 lines skipped" in done.stdout
    assert done.stderr == "2 of 41 lines skipped; rejects.tsv lists them with the reasons\n"
    rows = (tmp_path / "rejects.tsv").read_bytes().splitlines()
    assert [row.split(b"\t")[1] for row in rows[1:]] == [b"40", b"41"]

    dev = tmp_path / "dev.tsv"
    dev.write_text("ab\tAB\nbad\n")
    done = henkan("train", pairs_file, "--dev", dev, "--rejects", "rejects.tsv", *SMALL, "--out", "m")
    assert "3 of 43 lines skipped" in done.stderr
    assert (tmp_path / "rejects.tsv").read_bytes().count(b"\n") == 4
    assert json.loads((tmp_path / "m/config.json").read_text())["data"]["pairs"] == 39
    assert "1 of 2 lines" in henkan("evaluate", "m", dev, "--rejects", "r2.tsv").stderr
    assert "1 of 2 lines" in henkan("score", "m", dev, "--rejects", "r2.tsv").stderr


def test_rejects_do_not_overwrite_other_files(refused, tmp_path, pairs_file):
    (tmp_path / "list.tsv").write_bytes(b"file\tline\treason\ttext\nold.tsv\t3\twhy\tx\ncorrected\tCORRECTED\n")
    with pairs_file.open("ab") as file:
        file.write(b"no pair\n")
    for data, more, rejects, words in (
        (pairs_file, (), "m.tsv", "the file exists and is not a list of skipped lines; choose another --rejects"),
        (
            pairs_file,
            (),
            pairs_file,
            "the list of skipped lines would overwrite a file that is read; choose another --rejects",
        ),
        ("list.tsv", (), "list.tsv", "the list of skipped lines would overwrite a file that is read"),
        (
            pairs_file,
            ("--dev", "list.tsv"),
            "list.tsv",
            "the list of skipped lines would overwrite a file that is read",
        ),
    ):
        (tmp_path / "m.tsv").write_bytes(b"mine")
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert words in refused("train", data, *more, "--rejects", rejects, *SMALL)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_unwritable_rejects_are_refused(refused, tmp_path, pairs_file):
    assert "none/r.tsv: the skipped lines cannot be written (No such file" in refused(
        "train", pairs_file, "--rejects", "none/r.tsv", *SMALL
    )
    with pairs_file.open("ab") as file:
        file.write(b"no pair\n")
    if os.path.exists("/dev/full"):
        sentence = refused("train", pairs_file, "--rejects", "/dev/full", *SMALL)
        assert "/dev/full: the skipped lines cannot be written (No space left on device)" in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["words.tsv"]


def test_gzip_and_json_lines_train_the_same_model(henkan, tmp_path, words):
    (tmp_path / "words.tsv.gz").write_bytes(
        gzip.compress("".join(f"{source}\t{target}\n" for source, target in zip(*words, strict=True)).encode())
    )
    (tmp_path / "words.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in zip(*words, strict=True)))
    for name, out in (("words.tsv.gz", "a"), ("words.jsonl", "b")):
        henkan("train", name, *SMALL, "--out", out)
    a, b = ((tmp_path / out / "weights.safetensors").read_bytes() for out in "ab")
    assert a == b


def test_unreadable_input_is_refused(refused, tmp_path):
    for path, words in (("/dev/null", "is empty"), ("/dev/zero", "longer than"), (tmp_path, "is a folder")):
        assert words in refused("train", path, *SMALL)
    assert "line 1: longer than" in refused("predict", write_model(tmp_path), input="x" * 2**21)


def write_model(tmp_path):
    from henkan import Seq2Seq

    Seq2Seq(epochs=1, hidden_size=4).fit(["a", "b"], ["A", "B"]).save(tmp_path / "model")
    return tmp_path / "model"
