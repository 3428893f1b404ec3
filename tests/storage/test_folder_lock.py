import subprocess
import sys

import pytest

from henkan.storage.folder_lock import LOCK_FILE, FolderLocked, folder_lock

HOLD = """
import sys
from pathlib import Path
from henkan.storage.folder_lock import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_only_one_process_holds_the_lock(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline().startswith(b"held")
    with pytest.raises(FolderLocked), folder_lock(tmp_path):
        pass
    other.communicate()
    with folder_lock(tmp_path):
        assert (tmp_path / LOCK_FILE).exists()


def test_lock_is_released_after_an_error(tmp_path):
    with pytest.raises(KeyError), folder_lock(tmp_path):
        raise KeyError
    with folder_lock(tmp_path):
        pass
