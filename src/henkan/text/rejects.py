"""The list of the lines that were no pairs, and were left out."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from henkan.errors import SettingsError

HEADER = b"file\tline\treason\ttext\n"


class Rejects:
    """A list of the lines that were left out; it is written as soon as there is one.

    A list of an earlier time is kept until the end: should it turn out to be one of the files that are read, it is put
    back.

    Attributes:
        path: of the list: file, line number, reason and the line as it was, with tabs between them.
        left_out, lines: how many were, of how many.
        complete: whether the list has all of them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.left_out = self.lines = 0
        self.complete = True
        self._file: BinaryIO | None = None
        self._earlier: BinaryIO | None = None
        self._begun = self._replaces = False

    def begin(self, read: Path) -> None:
        """Before a file is read: see that the list can be written, and takes the place of nothing but such a list.

        Raises:
            SettingsError: if not.
        """
        try:
            # A terminal may be both, and has nothing to lose.
            if self.path.is_file() and os.path.exists(read) and self.path.samefile(read):
                self._put_back()
                raise SettingsError(
                    f"{self.path}: rejects cannot be listed in a file that is read; choose another --rejects"
                )
            if self._file is None:
                self._look_at_place()
        except OSError as error:
            raise self._unwritten(error) from None

    def add(self, path: Path, number: int, reason: str, raw: bytes) -> None:
        """Leave a line out.

        Raises:
            SettingsError: if it cannot be listed.
        """
        self.left_out += 1
        line = f"{path}\t{number}\t{reason}\t".encode("utf-8", "surrogateescape") + raw + b"\n"
        try:
            self._open().write(line)
        except OSError as error:
            raise self._unwritten(error) from None

    def end(self) -> None:
        """After a file was read: have the list say what there is to say up to here.

        Raises:
            SettingsError: if it cannot be written.
        """
        try:
            if self.left_out or self._replaces:
                self._open().flush()
        except OSError as error:
            raise self._unwritten(error) from None

    def close(self) -> None:
        """Let go of the list.

        Raises:
            SettingsError: if what is left of it cannot be written.
        """
        try:
            for file in (self._earlier, self._file):
                if file is not None:
                    file.close()
        except OSError as error:
            raise self._unwritten(error) from None

    def _look_at_place(self) -> None:
        if self.path.is_file():
            with self.path.open("rb") as file:
                content = file.read(len(HEADER))
            if content not in (b"", HEADER):
                raise SettingsError(
                    f"{self.path}: there is a file that is no list of rejects; choose another --rejects"
                )
            self.path.open("ab").close()
            self._replaces = content == HEADER
        elif self.path.exists():  # opened once alone: whoever reads a pipe would take a second time for the end
            self._file = self.path.open("wb")
        else:
            place = Path(os.path.realpath(self.path))  # a link may lead to where no file is yet
            place.open("xb").close()
            place.unlink()

    def _open(self) -> BinaryIO:
        """The list's file, with its header."""
        if self._file is None:
            if self.path.is_file():
                self._earlier = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  (`close` does)
                with self.path.open("rb") as earlier:
                    shutil.copyfileobj(earlier, self._earlier)
            self._file = self.path.open("wb")
        if not self._begun:
            self._begun = True
            self._file.write(HEADER)
        return self._file

    def _put_back(self) -> None:
        """Have what was there before."""
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

    def _unwritten(self, error: OSError) -> SettingsError:
        self.complete = False
        if self._file is not None:
            with suppress(OSError):  # it would try once more to write what it could not
                self._file.close()
        return SettingsError(
            f"{self.path}: the list of rejects cannot be written ({error.strerror or error}); choose another --rejects"
        )
