"""Files that commands write."""

import os
import threading

import pytest

from henkan.cli.output_file import check_output, write_output
from henkan.errors import DataError, SettingsError


def test_a_file_is_replaced_only_if_wanted(tmp_path):
    out = tmp_path / "out.tsv"
    check_output(out, force=False)
    write_output(out, b"one")
    with pytest.raises(SettingsError, match="already exists; use --force or another --out"):
        check_output(out, force=False)
    check_output(out, force=True)
    write_output(out, b"two")
    assert out.read_bytes() == b"two"
    with pytest.raises(SettingsError, match="is a folder; choose another --out"):
        check_output(tmp_path, force=True)


def test_a_symbolic_link_keeps_its_place(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_output(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_replaced(tmp_path):
    """The same holds for devices such as /dev/null, which an administrator could replace by a file."""
    pipe, received = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()), daemon=True)
    reader.start()
    check_output(pipe, force=False)
    write_output(pipe, b"content")
    assert pipe.is_fifo()
    reader.join(timeout=60)  # it waits for ever if the pipe was replaced
    assert received == [b"content"]


def test_error_names_the_option(tmp_path):
    with pytest.raises(DataError, match=r"cannot be written .*; choose another --html"):
        write_output(tmp_path / "none" / "out", b"", "--html")
