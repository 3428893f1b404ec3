"""Choose the compute engine. PyTorch is imported only if its engine is chosen."""

from __future__ import annotations

import os
from importlib.util import find_spec

from henkan.config import EngineConfig
from henkan.engine.base import Engines
from henkan.engine.numpy import NumpyEngines
from henkan.errors import SettingsError

TORCHRUN_VARIABLE = "TORCHELASTIC_RUN_ID"
"""Environment variable that torchrun sets in every process it starts."""


def launched_by_torchrun() -> bool:
    """Whether torchrun started this process."""
    return TORCHRUN_VARIABLE in os.environ


def process_rank() -> int:
    """Rank of this process in the torchrun group, from 0; 0 without torchrun."""
    return int(os.environ.get("RANK", "0")) if launched_by_torchrun() else 0


def choose_engines(config: EngineConfig, *, together: bool = False) -> Engines:
    """Choose the engines for the given settings.

    Args:
        config: settings of the engine.
        together: whether to join the process group if torchrun started this process.

    Raises:
        SettingsError: if PyTorch is required and not installed, or the machine lacks the requested device or precision.
        EngineError: if the other processes cannot be reached.
    """
    launched = together and launched_by_torchrun()
    if config.engine == "numpy" and launched:
        raise SettingsError("torchrun supports only the engine torch", "only_torch_with_torchrun")
    if config.engine == "numpy" or (config.engine == "auto" and not config.needs_torch and not launched):
        return NumpyEngines()
    if find_spec("torch") is None:
        raise SettingsError("the engine torch needs PyTorch, which is not installed", "install_torch")
    from henkan.engine.torch import TorchEngines

    return TorchEngines(config, launched=launched)
