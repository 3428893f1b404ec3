"""Who may not know whom (docs/design.md): kept true by reading every import."""

import ast
from pathlib import Path

import pytest

import henkan

ROOT = Path(henkan.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
}

# Room -> what of henkan it may import, by prefix. The longest name that fits a module is its room.
ALLOWED = {
    "henkan.errors": (),
    "henkan._version": (),
    "henkan.batch": (),
    "henkan.config": ("errors",),
    "henkan.strict_json": (),
    "henkan.text": ("errors", "config", "batch", "strict_json", "text"),
    "henkan.nn": ("nn",),
    "henkan.model": ("nn", "config", "batch", "model"),
    "henkan.engine.base": ("batch", "config"),
    "henkan.engine": ("nn", "config", "batch", "model", "engine", "errors"),
    "henkan.training": ("batch", "config", "engine.base", "nn.optim", "text.batches"),
    "henkan.decoding": ("batch", "engine.base", "nn"),
    "henkan.calibration": (),
    "henkan.converter": ("batch", "decoding", "engine.base", "errors", "text"),
    "henkan.evaluation": ("calibration", "converter", "text"),
    "henkan.explanation": ("converter", "decoding", "errors", "text"),
    "henkan.suspicion": ("config", "engine.base", "errors", "fitting", "text"),
    "henkan.pictures": (),
    "henkan.reproduction": ("_version", "batch", "checkpoint", "config", "converter", "engine.base", "errors",
                            "evaluation", "fitting", "interruption", "reproduction", "storage", "text", "training"),
    "henkan.cli": ("cli", "engine.base", "engine.choice", "fitting", "artefact", "checkpoint", "interruption",
                   "converter", "evaluation", "errors", "config", "text", "training", "pictures", "explanation",
                   "reproduction", "engine.workers", "suspicion", "__version__"),
    "henkan.artefact": ("batch", "config", "errors", "limits", "metrics", "storage", "text"),
    "henkan.limits": (),
    "henkan.metrics": (),
    "henkan.storage": ("batch", "errors", "strict_json"),
    "henkan.checkpoint": ("artefact", "batch", "errors", "storage", "training"),
    "henkan.interruption": (),
    "henkan.card": ("artefact", "config"),
    "henkan.examination": ("calibration", "converter", "engine.base", "evaluation", "text.batches"),
    "henkan.fitting": ("_version", "artefact", "batch", "card", "checkpoint", "config", "converter", "engine",
                       "errors", "evaluation", "examination", "model", "storage", "text", "training"),
    "henkan.__main__": ("cli",),
    "henkan": ("_version", "converter", "errors", "estimator", "fitting", "training"),
    "henkan.estimator": ("checkpoint", "engine.choice", "fitting", "converter", "evaluation", "errors", "config",
                         "text", "training"),
}  # fmt: skip

# Outside the standard library: who may import what; the rest may import NumPy alone.
FOREIGN = {
    "henkan.artefact": {"numpy", "safetensors"},
    "henkan.storage": {"numpy", "safetensors"},
    "henkan.checkpoint": {"filelock", "numpy", "safetensors"},
    "henkan.cli": {"click", "rich"},
    "henkan.engine.torch": {"numpy", "torch"},
    "henkan.engine.workers": {"numpy", "threadpoolctl"},
    "henkan.evaluation": {"numpy", "rapidfuzz"},
    "henkan.nn.kernels.fused": {"numpy", "numba", "scipy"},
    "henkan.pictures": {"matplotlib"},
    "henkan.reproduction.drawing": {"matplotlib"},
    "henkan.reproduction.page": {"markdown_it"},
    "henkan.reproduction.reproduce": {"filelock", "numpy"},
    "henkan.text.symbols": {"regex"},
}


def imports(path):
    """Every name that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module, rooms):
    fitting = [name for name in rooms if module == name or module.startswith(name + ".")]
    return max(fitting, key=len, default=None)


@pytest.mark.parametrize("module", MODULES)
def test_knows_only_whom_it_may(module):
    name = room(module, ALLOWED)
    assert name != "henkan" or module == "henkan", f"{module} has no room in this test"
    allowed = ALLOWED[name]
    foreign = FOREIGN.get(room(module, FOREIGN), {"numpy"})
    for name in imports(MODULES[module]):
        top, _, rest = name.partition(".")
        if top == "henkan":
            fits = any(rest == each or rest.startswith(each + ".") for each in allowed)
            assert fits, f"{module} may not import {name}"
        elif top not in __import__("sys").stdlib_module_names:
            assert top in foreign, f"{module} may not import {name}"
