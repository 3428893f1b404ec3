"""Pairs of a built-in task for evaluation."""

from __future__ import annotations

from henkan.errors import DataError
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs, hold_out
from henkan.text.tasks import Task


def task_pairs(task: Task, data: DataSource) -> Pairs:
    """Generate pairs of a task that a model was not trained on.

    If the model was trained on this task with a validation set of a tenth, that validation set is returned. If it was
    trained on this task without one, new pairs are generated after its training pairs. For a model trained on other
    data, new pairs are generated after the default number of pairs of the task, or a tenth of these if there are no
    more.

    Args:
        task: the task.
        data: the training data of the model.

    Raises:
        DataError: if the model was trained on all pairs of the task.
    """
    same_task = data.is_of(task)
    count, seed = (data.pairs, data.seed) if same_task else (task.count, 0)
    if same_task and data.held_out == "tenth":
        return hold_out(task.generate(count, seed), seed)[1]
    remaining = min(task.count // 10, task.available - count)
    if remaining > 0:
        return task.generate(remaining, seed, skip=count)
    if same_task:
        raise DataError(f"the model was trained on all pairs of {task.name}; evaluate on a file of other pairs")
    return hold_out(task.generate(count, seed), seed)[1]
