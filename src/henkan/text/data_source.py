"""Where training pairs came from."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from henkan.text.tasks import Task


@dataclass(frozen=True)
class DataSource:
    """Where the training pairs came from; saved with the model.

    Attributes:
        name: of the task or the file.
        task: whether it is a task, which can be drawn from again.
        pairs: how many pairs it gave, the held-out ones included.
        held_out: "tenth" of these, a "file" of its own, or "none".
        seed: decided the drawing and the split.
    """

    name: str = "pairs given in Python"
    task: bool = False
    pairs: int = 0
    held_out: str = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        if [type(value) for value in astuple(self)] != [str, bool, int, str, int] or self.pairs < 0 or self.seed < 0:
            raise ValueError("no such source of data")

    def is_of(self, task: Task) -> bool:
        """Whether the pairs were drawn from that task."""
        return self.task and self.name == task.name
