"""A tracker that remembers what is logged."""

from dataclasses import dataclass, field

from henkan.trackers import Run, Tracker


@dataclass
class Remembered:
    """A run, with (name, value, step) for each logged value."""

    run: Run
    logged: list = field(default_factory=list)
    outcomes: list = field(default_factory=list)

    def values(self, name):
        """Step -> value."""
        found = [(step, value) for each, value, step in self.logged if each == name]
        assert len(dict(found)) == len(found), "a step is logged twice"
        return dict(found)

    @property
    def names(self):
        return [name for name, _, _ in self.logged]


class FakeTracker(Tracker):
    """Remembers all runs; `fails` names the method that fails, `continued` is what a run has logged already."""

    label, package, extra = "a fake", "json", "fake"

    def __init__(self, fails=None, continued=(0, 0), **options):
        super().__init__(**options)
        self.runs, self.order, self.fails, self.continued = [], [], fails, continued

    def start(self, run):
        self._fail("start")
        self.runs.append(Remembered(run))
        self.order.append(f"start {run.member or 0}")
        return self.runs[-1]

    def logged(self, _):
        return self.continued

    def log(self, handle, values, step):
        self._fail("log")
        handle.logged += [(name, value, step) for name, value in values.items()]

    def finish(self, handle, outcome):
        handle.outcomes.append(outcome)
        self.order.append(f"finish {handle.run.member or 0}")
        self._fail("finish")

    def _fail(self, place):
        if self.fails == place:
            raise OSError("no space left\nand more")
