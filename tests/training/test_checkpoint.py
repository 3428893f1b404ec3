import pytest

from henkan.errors import CheckpointError
from henkan.storage.files import seal
from henkan.training.checkpoint import Checkpoints
from henkan.training.checkpoint_folder import PLAN


def test_checkpoint_of_an_earlier_version_is_refused(tmp_path):
    checkpoints = Checkpoints(tmp_path / "m", resume=True)
    with checkpoints.held():
        checkpoints.folder.write(PLAN, seal({"format": "henkan-checkpoint", "format_version": 2, "model": {}}))
        with pytest.raises(CheckpointError, match="written by another version of henkan; resume with that version, or"):
            checkpoints.plan()
