"""What the JavaScript runtime predicts with a model, compared with the NumPy engine."""

from dataclasses import asdict

import numpy as np

from henkan.engine.numpy import NumpyEngine, NumpyEngines
from henkan.export.html.model_data import model_data
from henkan.inference.conversion import Request, json_fields
from henkan.inference.explanation import explain
from henkan.training.fitted_model import converter_of, make_domain
from node import run_node


def run(saved, folder, *, backend="plain", precision="float32", **wanted):
    """Convert and explain texts with an exported model in Node; see tests/web/predict.js for `wanted`."""
    fixture = {"model": model_data(saved, precision), "backend": backend, **wanted}
    return run_node("predict.js", fixture, folder)


def converted(fitted, texts, **options):
    """The fields of `henkan predict --json` for texts."""
    lexicon = options.pop("lexicon", fitted.lexicon)
    return [json_fields(each) for each in fitted.converter.convert(texts, Request(lexicon=lexicon, **options))]


class Float64Engines(NumpyEngines):
    """Engines that compute with float64 numbers."""

    def make(self, config, sizes, *, training=None):
        return NumpyEngine(config, sizes, training=training, dtype=np.float64)


def precise(saved):
    """A converter that computes with float64 numbers.

    The saliency of a symbol with a probability of nearly 1 is computed from 1 - p, which float32 numbers round to 1e-3.
    """
    converter = converter_of(saved, Float64Engines(), make_domain(saved))
    converter.temperature = saved.temperature
    return converter


def explained(converter, text, **options):
    """The fields of `henkan explain --json` for a text."""
    return asdict(explain(converter, text, **options))


def differences(found, expected, place=""):
    """Where two JSON values differ. Numbers may differ by 1e-4 plus 1e-5 of the number.

    Log-probabilities below -10 may differ by 1e-3. They are those of long outputs that repeat themselves. Such a
    network amplifies rounding errors: those of the NumPy engine are as large, compared with float64 numbers.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        if set(found) != set(expected):
            return [f"{place}: {sorted(found)} instead of {sorted(expected)}"]
        pairs = [(name, found[name], value) for name, value in expected.items()]
    elif isinstance(expected, list | tuple) and isinstance(found, list) and len(found) == len(expected):
        pairs = [(number, *each) for number, each in enumerate(zip(found, expected, strict=True))]
    elif type(expected) is float and type(found) in (int, float):
        tolerance = (1e-4 if expected > -10 else 1e-3) + 1e-5 * abs(expected)
        return [] if abs(found - expected) <= tolerance else [f"{place}: {found} instead of {expected}"]
    else:
        return [] if found == expected else [f"{place}: {found!r} instead of {expected!r}"]
    return [text for name, *values in pairs for text in differences(*values, f"{place}/{name}")]
