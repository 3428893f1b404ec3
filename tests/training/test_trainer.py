from itertools import count

import numpy as np

from henkan.config import make_configs
from henkan.engine.numpy import NumpyEngines
from henkan.errors import Interrupted
from henkan.text.pairs import Pairs
from henkan.training import validation
from henkan.training.checkpoint import Checkpoints
from henkan.training.prepared import TrainingJob
from henkan.training.trainer import Trainer


def test_a_training_can_be_stopped_wherever_it_asks(words, tmp_path, monkeypatch):
    """After updates and epochs, and between the parts of an examination: the exact match, the loss, the last one."""
    monkeypatch.setattr(validation, "CHUNK_SIZE", 7)
    monkeypatch.setattr(validation, "BATCH_SIZE", 7)
    model, training = make_configs({"epochs": 2, "batch_size": 20, "hidden_size": 4, "embedding_size": 4})
    pairs, held_out = Pairs(*words), Pairs(words[0][:20], words[1][:20])

    def run(checkpoints=None):
        trainer = Trainer(NumpyEngines(), checkpoints=checkpoints)
        fitted = trainer.fit(pairs, held_out, TrainingJob(model, training))
        return fitted.saved.members[0], fitted.saved.temperature

    whole, temperature = run()
    for place in count(1):
        asked = count(1)
        checkpoints = Checkpoints(tmp_path / str(place), stop=lambda: 2 if next(asked) == place else None)  # noqa: B023
        with checkpoints.held():
            try:
                run(checkpoints)
                break
            except Interrupted:
                pass
        checkpoints = Checkpoints(tmp_path / str(place), resume=True)
        with checkpoints.held():
            again, its_temperature = run(checkpoints)
        assert its_temperature == temperature
        assert all(np.array_equal(again[name], array) for name, array in whole.items())
    assert place - 1 == 2 * (2 + 3 + 3 + 1) + 3
