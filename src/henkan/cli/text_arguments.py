"""Texts among the arguments of a command."""

from __future__ import annotations

import os
from typing import Any

import click

from henkan.errors import DataError


class TextType(click.types.StringParamType):
    """A text, as opposed to the name of a file: UTF-8 in every locale, as in a file or on standard input."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Decode an argument."""
        return check_utf8(str(value))


TEXT = TextType()


def check_utf8(text: str) -> str:
    """Decode as UTF-8 what Python has decoded in the encoding of the locale, such as ASCII or Latin-1.

    Bytes that are not UTF-8 keep the meaning that they have in the locale.

    Raises:
        DataError: if they have none.
    """
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        pass
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"the text {text!a:.80} is not UTF-8; convert it to UTF-8") from None
    return text
