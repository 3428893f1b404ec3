"""The list of skipped lines of a pair file."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from henkan.errors import SettingsError
from henkan.text.escaping import escape

HEADER = b"file\tline\treason\ttext\n"


class Rejects:
    """A list of skipped lines, whose file is created when the first line is skipped.

    An existing list is overwritten, but a copy is kept until `close`, so that it can be restored if the list turns out
    to be one of the files to read.

    Attributes:
        path: the list's file; its tab-separated columns are file, line number, reason and, byte for byte, the line
            itself, so that it can be corrected and read again.
        skipped, lines: number of skipped lines and of all lines.
        complete: whether all skipped lines are in the list.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped = self.lines = 0
        self.complete = True
        self._file: BinaryIO | None = None
        self._earlier: BinaryIO | None = None
        self._header_written = self._replaces_list = False

    def begin(self, read: Path) -> None:
        """Check, before a file is read, that the list can be written and replaces no file other than an existing list.

        Raises:
            SettingsError: if not.
        """
        try:
            # Only regular files matter: input and list may be the same terminal.
            if self.path.is_file() and os.path.exists(read) and self.path.samefile(read):
                self._restore()
                raise SettingsError(
                    f"{self.path}: the list of skipped lines would overwrite a file that is read",
                    "another_rejects_file",
                )
            if self._file is None:
                self._check_path()
        except OSError as error:
            raise self._write_error(error) from None

    def add(self, path: Path, number: int, reason: str, raw: bytes) -> None:
        """Add a skipped line.

        Raises:
            SettingsError: if the list cannot be written.
        """
        self.skipped += 1
        line = f"{escape(str(path))}\t{number}\t{escape(reason)}\t".encode() + raw + b"\n"
        try:
            self._open().write(line)
        except OSError as error:
            raise self._write_error(error) from None

    def end(self) -> None:
        """Flush the list after a file was read.

        Raises:
            SettingsError: if it cannot be written.
        """
        try:
            if self.skipped or self._replaces_list:
                self._open().flush()
        except OSError as error:
            raise self._write_error(error) from None

    def close(self) -> None:
        """Close the list.

        Raises:
            SettingsError: if buffered lines cannot be written.
        """
        try:
            for file in (self._earlier, self._file):
                if file is not None:
                    file.close()
        except OSError as error:
            raise self._write_error(error) from None

    def _check_path(self) -> None:
        if self.path.is_file():
            with self.path.open("rb") as file:
                content = file.read(len(HEADER))
            if content not in (b"", HEADER):
                raise SettingsError(
                    f"{self.path}: the file exists and is not a list of skipped lines", "another_rejects_file"
                )
            self.path.open("ab").close()
            self._replaces_list = content == HEADER
        elif self.path.exists():  # a pipe is opened only once: closing it would mean the end to its reader
            self._file = self.path.open("wb")
        else:
            path = Path(os.path.realpath(self.path))  # a symbolic link may point to a file that does not exist yet
            path.open("xb").close()
            path.unlink()

    def _open(self) -> BinaryIO:
        """Return the open list, with its header written."""
        if self._file is None:
            if self.path.is_file():
                self._earlier = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  (`close` does)
                with self.path.open("rb") as earlier:
                    shutil.copyfileobj(earlier, self._earlier)
            self._file = self.path.open("wb")
        if not self._header_written:
            self._header_written = True
            self._file.write(HEADER)
        return self._file

    def _restore(self) -> None:
        """Restore the earlier list."""
        if self._file is None:
            return
        self.complete = False
        self._file.close()
        if self._earlier is None:
            self.path.unlink()
        else:
            self._earlier.seek(0)
            with self.path.open("wb") as file:
                shutil.copyfileobj(self._earlier, file)

    def _write_error(self, error: OSError) -> SettingsError:
        self.complete = False
        if self._file is not None:
            with suppress(OSError):  # closing tries to write the buffer again
                self._file.close()
        reason = error.strerror or error
        return SettingsError(f"{self.path}: the skipped lines cannot be written ({reason})", "another_rejects_file")
