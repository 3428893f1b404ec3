"""The page of a model: one HTML file with everything that it needs, which works without a network.

It is the page of `henkan serve` (`henkan/web/`) with another start (`exported.js`): a worker in the page, which runs
the JavaScript runtime, answers the requests instead of a server. By its Content-Security-Policy, the browser runs only
this script, and opens no connection.
"""

from __future__ import annotations

import json
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
from henkan.export.html.one_file import one_file, read_file
from henkan.export.html.packing import pack, take_numbers
from henkan.inference.converter import Converter
from henkan.storage.model_folder import SavedModel
from henkan.text.data_source import DataSource

BEAM = 5
"""The beam width that the page starts with; `options_view.js` has it too."""

ARCHITECTURES = ("encoder-decoder", "transducer")  # of the runtime

LIMITS = {"texts": 10, "length": 1000, "explained_length": 200}
"""Texts in a request to the worker, between which the progress is shown; characters of a text."""


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
    blocks = {
        "description": ("application/json", _json(facts)),
        "numbers": ("text/plain", pack(take_numbers(model))),
        "model-data": ("application/json", _json(model)),
        "worker": ("text/plain", pack(bundle("runtime/model_worker.js", modules).encode())),
    }
    html = read_file("index.html").replace('href="page/', 'href="')  # where the server has the files
    page = one_file(html, bundle("exported.js", modules), blocks)
    return page.replace("<title>henkan</title>", f"<title>{escape(name)} – henkan</title>", 1).encode()


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


def _json(values: Any) -> str:
    """JSON that cannot end a `<script>`."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
