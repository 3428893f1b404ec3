"""The playground: a page in one file in which a model learns to add."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from henkan.export.html.bundle import bundle, read_modules
from henkan.export.html.one_file import one_file, read_file


def build_playground(docs: str | None = None) -> bytes:
    """Build the page.

    Args:
        docs: relative address of the documentation's folder, such as "" or "../", for a page that is a part of it.
            Without it, the page names the chapters of the documentation without links.

    Returns:
        the contents of the file, in UTF-8.
    """
    modules = read_modules(files("henkan") / "web")
    worker = bundle("playground/worker.js", modules)
    script = bundle("playground/exported.js", modules)
    page = one_file(read_file("playground/index.html"), script, {"worker": ("text/plain", worker)}, folder="playground")
    if docs is not None:
        page = page.replace("<html ", f'<html data-docs="{escape(docs)}" ', 1)
    return page.encode()
