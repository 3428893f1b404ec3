"""The page of a model: one HTML file with everything that it needs, which works without a network.

It is the page of `henkan serve` (`henkan/web/`) with another start (`exported.js`): a worker in the page, which runs
the JavaScript runtime, answers the requests instead of a server. By its Content-Security-Policy, the browser runs only
this script, and opens no connection.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from henkan._version import __version__
from henkan.config import to_dict
from henkan.errors import SettingsError
from henkan.export.description import describe_model
from henkan.export.html.bundle import bundle, read_modules
from henkan.export.html.model_data import Precision, model_data
from henkan.export.html.packing import pack, take_numbers
from henkan.inference.converter import Converter
from henkan.storage.model_folder import SavedModel
from henkan.text.data_source import DataSource

BEAM = 5
"""The beam width that the page starts with; `options_view.js` has it too."""

ARCHITECTURES = ("encoder-decoder", "transducer")  # of the runtime

LIMITS = {"texts": 10, "length": 1000, "explained_length": 200}
"""Texts in a request to the worker, between which the progress is shown; characters of a text."""

STYLE = re.compile(r'<link rel="stylesheet" href="page/([\w.]+)" />')
COMMENT_OR_INDENT = re.compile(r"/\*.*?\*/|^\s+", re.M | re.S)
START = re.compile(r'<script type="module" src="page/server\.js"[^>]*></script>')
POLICY = (
    "default-src 'none'; script-src {script} 'wasm-unsafe-eval'; worker-src blob:; style-src {styles}; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def build(
    saved: SavedModel, converter: Converter, data: DataSource, *, name: str, precision: Precision = "float16"
) -> bytes:
    """Build the page of a model.

    Args:
        saved: the model.
        converter: what converts texts with it.
        data: origin of the training pairs.
        name: name of the model, which the page shows.
        precision: how to store the weights.

    Returns:
        the contents of the file, in UTF-8.

    Raises:
        ModelFolderError: if the stored lexicon is damaged.
        SettingsError: for an architecture that the JavaScript runtime does not have.
    """
    for architecture in (variant.model.architecture for variant in saved.variants):
        if architecture not in ARCHITECTURES:
            raise SettingsError(f"the architecture {architecture!r} cannot be exported to a page")
    described = describe_model(saved, converter, data)
    facts = {"name": name, "default": True, **described, "limits": LIMITS, "card": _card(saved, data)}
    model = model_data(saved, precision)
    modules = read_modules(files("henkan") / "web")
    script = bundle("exported.js", modules)
    end = [
        _block("description", "application/json", _json(facts)),
        _block("numbers", "text/plain", pack(take_numbers(model))),
        _block("model-data", "application/json", _json(model)),
        _block("worker", "text/plain", pack(bundle("runtime/model_worker.js", modules).encode())),
        f"<script>{script}</script>",
    ]
    page, styles = _with_styles(START.sub("", _read("index.html")))
    policy = POLICY.format(script=_hash(script), styles=" ".join(map(_hash, styles)))
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}" />\n    '
        f'<meta name="generator" content="henkan {__version__}" />\n    <title>{escape(name)} – henkan</title>'
    )
    icon = f"data:image/svg+xml;base64,{b64encode(_read('icon.svg').encode()).decode()}"
    page = page.replace("<title>henkan</title>", head).replace("page/icon.svg", icon)
    return page.replace("</body>", "".join(f"{part}\n" for part in end) + "</body>").encode()


def _card(saved: SavedModel, data: DataSource) -> dict[str, Any]:
    """What the model card says besides the other facts; see `model_card.js`."""
    return {
        "data": data.name if data.task else PurePath(data.name).name,
        "task": data.task,
        "pairs": data.pairs,
        "lexicon": 0 if saved.lexicon is None else len(saved.lexicon),
        "settings": {**to_dict(saved.first.model), **to_dict(saved.first.training)},
        "henkan": __version__,
    }


def _with_styles(page: str) -> tuple[str, list[str]]:
    """Put the style sheets into a page; the page and the contents of its style elements."""
    styles = [COMMENT_OR_INDENT.sub("", _read(name)) for name in STYLE.findall(page)]
    contents = iter(styles)
    return STYLE.sub(lambda _: f"<style>{next(contents)}</style>", page), styles


def _read(name: str) -> str:
    """A text file of the page."""
    return (files("henkan") / "web" / name).read_text("utf-8")


def _block(id: str, kind: str, content: str) -> str:
    """Data in the page, which the browser does not run."""
    return f'<script id="{id}" type="{kind}">{content}</script>'


def _json(values: Any) -> str:
    """JSON that cannot end a `<script>`."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _hash(content: str) -> str:
    """The source expression of a script or style in a Content-Security-Policy."""
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
