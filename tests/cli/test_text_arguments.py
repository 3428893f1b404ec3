import os

import pytest

from henkan import DataError
from henkan.cli.text_arguments import check_utf8


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_bytes_of_an_argument_are_utf8_in_every_locale(monkeypatch, encoding):
    monkeypatch.setattr(os, "fsencode", lambda text: text.encode(encoding, "surrogateescape"))
    for text in ("é", "日本", "ab", "", "😀"):
        assert check_utf8(text.encode().decode(encoding, "surrogateescape")) == text
    if encoding == "latin-1":
        assert check_utf8(b"\xe9".decode(encoding)) == "é"
    else:
        with pytest.raises(DataError, match=r"the text '\\udce9' is not UTF-8"):
            check_utf8(b"\xe9".decode(encoding, "surrogateescape"))
