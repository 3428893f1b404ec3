import pytest

from henkan.cli.data_arguments import check_file, parse_columns, task_or_file
from henkan.errors import DataError, SettingsError
from henkan.text.pairs import Columns
from henkan.text.tasks import TASKS


def test_argument_is_a_task_or_an_existing_file(tmp_path):
    (tmp_path / "file").touch()
    assert task_or_file("addition") is TASKS["addition"]
    assert task_or_file(str(tmp_path / "file")) == tmp_path / "file"
    for name in (str(tmp_path / "none"), str(tmp_path / "file" / "in it"), "a\0b"):
        with pytest.raises(DataError, match=r"there is no task or file .*; the tasks are addition"):
            task_or_file(name)
    with pytest.raises(DataError, match="did you mean addition"):
        task_or_file("additoin")


def test_similar_file_is_suggested(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("names.tsv", "additions.tsv"):
        (tmp_path / name).touch()
    (tmp_path / "name.tsv").mkdir()
    for wrong, right in (("name.txt", "names.tsv"), ("additoin", "addition"), ("addition.tsv", "additions.tsv")):
        with pytest.raises(DataError, match=rf"there is no task or file '{wrong}'; did you mean {right}\?"):
            task_or_file(wrong)
    with pytest.raises(DataError, match=rf"did you mean {tmp_path}/names\.tsv\?"):
        task_or_file(str(tmp_path / "nams.tsv"))


def test_folder_is_not_a_file_of_pairs(tmp_path):
    for check in (task_or_file, check_file):
        with pytest.raises(DataError, match=f"{tmp_path} is a folder; give a file of pairs"):
            check(str(tmp_path))
    for name in ("none", "a\0b"):
        with pytest.raises(DataError, match="cannot be read"):
            check_file(name)


def test_unreadable_file_is_not_reported_as_missing(tmp_path, without_rights):
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "pairs.tsv").write_text("a\tb\n")
    (tmp_path / "closed").chmod(0)
    with without_rights(), pytest.raises(DataError, match=r"pairs\.tsv: cannot be read \(Permission denied\)"):
        task_or_file(str(tmp_path / "closed" / "pairs.tsv"))
    (tmp_path / "closed").chmod(0o700)


def test_too_long_file_name_is_rejected():
    with pytest.raises(DataError, match=r"cannot be read \(File name too long\); check path and permissions"):
        task_or_file("x" * 5000)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("source,target", Columns(0, 1, None, 2)),
        ("target, source", Columns(1, 0, None, 2)),
        ("id,features,target,source", Columns(3, 2, 1, 4)),
        ("3,1", Columns(2, 0, None, None)),
        ("1,2,3", Columns(0, 1, 2, None)),
    ],
)
def test_columns_are_parsed(text, columns):
    assert parse_columns(text) == columns


@pytest.mark.parametrize("text", ["", "source", "source,source,target", "1", "1,1", "1,2,3,4", "a,b"])
def test_invalid_columns_are_rejected(text):
    with pytest.raises(SettingsError, match="--columns must name source and target once each"):
        parse_columns(text)


@pytest.mark.parametrize("text", ["0,1", "1,0,2"])
def test_columns_are_numbered_from_1(text):
    with pytest.raises(SettingsError, match="column numbers start at 1"):
        parse_columns(text)
