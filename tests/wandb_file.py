"""Read the file of a run that Weights & Biases has written offline: a LevelDB log of protocol buffers."""

import json
import struct
from dataclasses import dataclass, field

BLOCK, FILE_HEADER, RECORD_HEADER = 32768, 7, 7
WHOLE, LAST = 1, 4


@dataclass
class OfflineRun:
    """A run: its description, settings, history (a dictionary for each call of `log`) and exit code."""

    id: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    config: dict = field(default_factory=dict)
    history: list = field(default_factory=list)
    axes: set = field(default_factory=set)
    exit_code: int | None = None

    def values(self, name):
        """Step -> value."""
        found = [(each["update"], each[name]) for each in self.history if name in each]
        assert len(dict(found)) == len(found), "a step is logged twice"
        return dict(found)


def read(path):
    from wandb.proto.wandb_internal_pb2 import Record

    run = OfflineRun()
    for content in _records(path.read_bytes()):
        record = Record()
        record.ParseFromString(content)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found = record.run
            run.id, run.name, run.group, run.job_type = (
                found.run_id,
                found.display_name,
                found.run_group,
                found.job_type,
            )
        elif kind == "config":
            run.config |= _values(record.config.update)
        elif kind == "history":
            run.history.append(_values(record.history.item))
        elif kind == "metric":
            run.axes.add((record.metric.name or record.metric.glob_name, record.metric.step_metric))
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
    return run


def _values(items):
    return {each.key or ".".join(each.nested_key): json.loads(each.value_json) for each in items}


def _records(data):
    position, parts = FILE_HEADER, b""
    while position + RECORD_HEADER <= len(data):
        left = BLOCK - position % BLOCK
        if left < RECORD_HEADER:
            position += left
            continue
        _, size, kind = struct.unpack_from("<IHB", data, position)
        start = position + RECORD_HEADER
        parts, position = parts + data[start : start + size], start + size
        if kind in (WHOLE, LAST):
            yield parts
            parts = b""
