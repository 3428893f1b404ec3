from itertools import count

import numpy as np

from henkan.engine.numpy import NumpyEngines
from henkan.errors import Interrupted
from henkan.recipes import make_configs
from henkan.text.pairs import Pairs
from henkan.training import validation
from henkan.training.checkpoint import Checkpoints
from henkan.training.job import TrainingJob
from henkan.training.trainer import Trainer


def test_training_resumes_from_every_possible_interruption(words, tmp_path, monkeypatch):
    """Before and after updates, after epochs, and between chunks of validation: of exact match, of loss, at the end."""
    monkeypatch.setattr(validation, "CHUNK_SIZE", 7)
    monkeypatch.setattr(validation, "BATCH_SIZE", 7)
    model, training = make_configs({"epochs": 2, "batch_size": 20, "hidden_size": 4, "embedding_size": 4})
    pairs, validation_set = Pairs(*words), Pairs(words[0][:20], words[1][:20])

    def run(checkpoints=None):
        trainer = Trainer(NumpyEngines(), checkpoints=checkpoints)
        fitted = trainer.fit(pairs, validation_set, TrainingJob.single(model, training))
        return fitted.saved.members[0], fitted.saved.temperature

    expected_weights, expected_temperature = run()
    for stop_at in count(1):
        checks = count(1)
        checkpoints = Checkpoints(tmp_path / str(stop_at), stop=lambda: 2 if next(checks) == stop_at else None)  # noqa: B023
        with checkpoints.held():
            try:
                run(checkpoints)
                break
            except Interrupted:
                pass
        checkpoints = Checkpoints(tmp_path / str(stop_at), resume=True)
        with checkpoints.held():
            weights, temperature = run(checkpoints)
        assert temperature == expected_temperature
        assert all(np.array_equal(weights[name], array) for name, array in expected_weights.items())
    assert stop_at - 1 == 1 + 2 * (2 + 3 + 3 + 1) + 3
