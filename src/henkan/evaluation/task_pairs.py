"""Pairs of a task for evaluation."""

from __future__ import annotations

from henkan.errors import DataError
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs, hold_out
from henkan.text.tasks import Task


def task_questions(task: Task, data: DataSource) -> Pairs:
    """Pairs of a task that a model was not trained on.

    A model of this task that held a tenth of its pairs out is asked these; one that did not, pairs drawn
    after those it was trained on. A model of something else is asked pairs drawn after the task's own number
    of them, or, where these are all there are, a tenth of them.

    Args:
        task: whose pairs.
        data: what the model was trained on.

    Raises:
        DataError: if all pairs that exist were trained on.
    """
    own = data.is_of(task)
    count, seed = (data.pairs, data.seed) if own else (task.count, 0)
    if own and data.held_out == "tenth":
        return hold_out(task.generate(count, seed), seed)[1]
    left = min(task.count // 10, task.available - count)
    if left > 0:
        return task.generate(left, seed, skip=count)
    if own:
        raise DataError(f"every pair of {task.name} was in training; evaluate on a file of other pairs")
    return hold_out(task.generate(count, seed), seed)[1]
