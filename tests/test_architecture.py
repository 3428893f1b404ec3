"""Every import follows the package dependencies described in docs/design.md."""

import ast
import sys
from pathlib import Path

import pytest

import henkan

SRC = Path(henkan.__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("henkan", "henkan_experiments")
    for path in (SRC / package).rglob("*.py")
}
TOP_LEVEL_MODULES = {"errors", "config", "recipes", "_version", "__main__"}

# Package -> modules of henkan that it may import besides itself and, except for `nn`, `errors`.
# Ordered from low level to high level.
ALLOWED = {
    "config": set(),
    "recipes": {"config"},
    "text": {"config"},
    "drawing": {"text"},
    "batching": {"text"},
    "nn": set(),
    "model": {"config", "text", "batching", "nn"},
    "engine": {"config", "text", "batching", "nn", "model"},
    "storage": {"config", "text"},
    "inference": {"text", "drawing", "batching", "nn", "model.codec", "model.rules", "engine.base"},
    "evaluation": {"text", "drawing", "inference"},
    "training": {
        "_version", "config", "recipes", "text", "batching", "nn", "model", "engine", "storage", "inference",
        "evaluation",
    },
    "export": {
        "_version", "config", "text", "batching", "nn.kernels.structures", "model", "storage", "inference",
        "evaluation",
    },
}  # fmt: skip
ALLOWED["serve"] = {
    "_version", "config", "text", "engine.choice", "engine.workers", "storage.model_folder", "inference",
    "training.fitted_model", "export.description",
}  # fmt: skip
ALLOWED["trackers"] = {"_version", "engine.choice", "training"}
ALLOWED["selection"] = {
    "_version", "config", "recipes", "text", "drawing", "engine", "storage", "inference", "evaluation", "training",
    "display.durations",
}  # fmt: skip
ALLOWED["display"] = {
    "config", "recipes", "text", "drawing", "engine.choice", "storage.lexicon_file", "storage.model_folder",
    "inference", "evaluation", "training.events", "training.fitted_model", "training.synthetic",
}  # fmt: skip
LIBRARY = set(ALLOWED) - {"nn", "model", "serve"} | {"_version"}
ALLOWED |= {
    "estimator": LIBRARY,
    "cli": LIBRARY | {"cli", "serve", "__version__"},
    "henkan_experiments": LIBRARY | {"cli.options"},
}

# Module or package -> third-party packages that it may import besides NumPy.
THIRD_PARTY = {
    "cli": {"click"},
    "cli.tune_display": {"rich"},
    "display.notebook": {"IPython"},
    "display.lines": {"rich"},
    "display.terminal": {"rich"},
    "drawing.tables": {"rich"},
    "engine.torch": {"torch"},
    "engine.workers": {"threadpoolctl"},
    "estimator.parameters": {"sklearn"},
    "evaluation": {"rapidfuzz"},
    "export.onnx": {"onnx", "onnxruntime"},
    "inference.patterns": {"interegular"},
    "nn.kernels.compiled": {"numba"},
    "nn.kernels.fused": {"scipy"},
    "nn.kernels.packed": {"llvmlite", "numba"},
    "nn.kernels.vectors": {"llvmlite", "numba"},
    "selection.curve.kept": {"filelock"},
    "selection.curve.picture": {"matplotlib"},
    "selection.tuning.study": {"optuna"},
    "serve": {"fastapi", "starlette", "pydantic", "uvicorn", "h11", "prometheus_client"},
    "storage": {"safetensors", "matplotlib"},
    "storage.folder_lock": {"filelock"},
    "text.tokenizer": {"regex"},
    "trackers.mlflow": {"mlflow"},
    "trackers.tensorboard": {"tensorboardX"},
    "trackers.wandb": {"wandb"},
    "training.checkpoint": {"safetensors"},
    "henkan_experiments": {"click", "rich", "matplotlib", "markdown_it"},
}


def imports(path):
    """Yield every name that a module imports, including imports inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name, prefixes):
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_what_its_package_may_import(module):
    if module in ("henkan", "henkan.__main__", "henkan.errors", "henkan._version"):
        return
    name = module.removeprefix("henkan.")
    package = name.partition(".")[0]
    third_party = {"numpy"}.union(*(allowed for importer, allowed in THIRD_PARTY.items() if within(name, [importer])))
    for imported in imports(MODULES[module]):
        top = imported.partition(".")[0]
        if top in ("henkan", "henkan_experiments"):
            allowed = ALLOWED[package] | {package} | ({"errors"} if package != "nn" else set())
            is_allowed = within(imported.removeprefix("henkan."), allowed)
            assert is_allowed, f"{module} may not import {imported}"
        elif top not in sys.stdlib_module_names:
            assert top in third_party, f"{module} may not import {imported}"


def test_only_listed_modules_are_outside_a_package():
    top_level = {
        name.removeprefix("henkan.") for name in MODULES if name.count(".") == 1 and name.startswith("henkan.")
    }
    packages = {name for name in top_level if (SRC / "henkan" / name).is_dir()}
    assert top_level - packages == TOP_LEVEL_MODULES
