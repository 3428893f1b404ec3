"""Text encodings other than UTF-8: a file is converted to UTF-8 while it is read."""

from __future__ import annotations

import codecs
import io
from typing import Any, BinaryIO

from henkan.errors import SettingsError

CHUNK_BYTES = 2**16
INVALID = "\ud800"
"""Stands for bytes that cannot be decoded."""

INVALID_UTF8 = b"\xff"
"""Replaces `INVALID` in the converted file. It occurs in no UTF-8 text, so the line is recognised as invalid."""


def _mark_invalid(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeDecodeError):
        return INVALID, error.end
    if isinstance(error, UnicodeEncodeError):
        return INVALID_UTF8 * (error.end - error.start), error.end
    raise error


codecs.register_error("henkan.mark_invalid", _mark_invalid)


def encoding_name(name: str) -> str:
    """Return the canonical name of an encoding; of all names of UTF-8, "utf-8".

    Raises:
        SettingsError: if there is no such text encoding.
    """
    try:
        canonical = codecs.lookup(name).name
        b"a".decode(name, "replace")  # codecs such as "hex" do not decode to text
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError, TypeError):
        raise SettingsError(
            f"encoding must be a text encoding that Python knows, such as utf-8, latin-1, cp1252, shift_jis or utf-16, "
            f"not {name!r}",
            argument="encoding",
        ) from None
    return "utf-8" if canonical == "utf-8-sig" else canonical


class Utf8Stream(io.RawIOBase):
    """A file in another encoding, read as UTF-8. Bytes that cannot be decoded become a byte that is invalid in UTF-8.

    Args:
        file: the file.
        encoding: its encoding.
    """

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file, self._ended, self._ready = file, False, b""
        self._decoder = codecs.getincrementaldecoder(encoding)("henkan.mark_invalid")

    def readable(self) -> bool:
        """Whether the file can be read: yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read converted bytes into the buffer, and return their number; 0 at the end."""
        while not self._ready and not self._ended:
            data = self._file.read1(CHUNK_BYTES)  # type: ignore[attr-defined]
            self._ended = not data
            try:
                text = self._decoder.decode(data, final=self._ended)
            except UnicodeError:  # some decoders report errors without a position
                text = INVALID
                self._decoder.reset()
            self._ready = text.encode("utf-8", "henkan.mark_invalid")
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count
