"""Measurements of models, kept in a file, so that an interrupted command continues."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from henkan.errors import DataError
from henkan.selection.curve.measuring import Measurement
from henkan.storage.files import write_file

FORMAT = "henkan measurements 1"


class KeptMeasurements:
    """Measurements by the fingerprints of their models; see `henkan.selection.curve.measuring.fingerprint`.

    A model with other pairs or settings has another fingerprint. So the file can have the measurements of several data
    sets, and none is used for a model that it does not belong to.

    Args:
        path: the JSON file; None: keep the measurements in memory only.

    Raises:
        DataError: if the file exists and cannot be read, or has something else.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._measurements = self._read()

    def _read(self) -> dict[str, Measurement]:
        """Return the measurements in the file; none if it does not exist."""
        path = self.path
        if path is None or not path.exists():
            return {}
        try:
            if not path.is_file():  # reading a device may not end
                raise ValueError(path)
            content = json.loads(path.read_text("utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(content["format"])
            return {key: Measurement.from_dict(values) for key, values in content["models"].items()}
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror or error}); check path and permissions") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise DataError(
                f"{path}: this is not a file of measurements, or it is damaged; choose another file or delete it"
            ) from None

    def __len__(self) -> int:
        return len(self._measurements)

    def get(self, key: str) -> Measurement | None:
        """Return the measurement of a model, or None."""
        return self._measurements.get(key)

    def add(self, key: str, measurement: Measurement) -> None:
        """Add a measurement, and write the file.

        Raises:
            DataError: if it cannot be written.
        """
        self._measurements[key] = measurement
        self.save()

    def save(self) -> None:
        """Write the file. Measurements that another process has added meanwhile remain.

        Raises:
            DataError: if it cannot be read or written.
        """
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self.path):
                self._measurements = self._read() | self._measurements
                models = {key: each.to_dict() for key, each in self._measurements.items()}
                write_file(self.path, json.dumps({"format": FORMAT, "models": models}, indent=0).encode())
        except OSError as error:
            raise DataError(
                f"{self.path}: cannot be written ({error.strerror or error}); check path, permissions and free disk "
                "space, or choose another file"
            ) from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait until no other process writes a file, and keep the others waiting."""
    from filelock import FileLock

    with FileLock(path.with_name(f".{path.name}.lock")):  # not deleted: others may be waiting for this very file
        yield
