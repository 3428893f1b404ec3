"""Read a file of texts: sources without targets, or allowed predictions."""

from __future__ import annotations

from pathlib import Path

from henkan.errors import DataError
from henkan.text.lines import decode_line, lines


def read_sources(path: Path, encoding: str = "utf-8", *, kind: str = "source") -> list[str]:
    """Read sources, one per line, as `henkan predict` reads them. Lines of whitespace alone are ignored.

    A byte order mark, Windows line ends and gzip are supported.

    Args:
        path: the file, which may be a pipe.
        encoding: its encoding.
        kind: what a text is called in error messages.

    Raises:
        DataError: if the file cannot be read, has no texts, or has a line that is not text.
    """
    try:
        with path.open("rb", buffering=0) as file:
            texts = [
                decode_line(raw, f"{path}, line {number}", first=number == 1, encoding=encoding)
                for number, raw in enumerate(lines(file, path, encoding), start=1)
            ]
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; give a file with one {kind} per line") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check path and permissions") from None
    sources = [text for text in texts if text.strip()]
    if not sources:
        raise DataError(f"{path}: the file has no {kind}s; expected one {kind} per line")
    return sources
