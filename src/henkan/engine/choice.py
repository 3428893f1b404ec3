"""Which engine: the one place that chooses. PyTorch is loaded here, and only if it is chosen."""

from __future__ import annotations

import os
from importlib.util import find_spec

from henkan.config import EngineConfig
from henkan.engine.base import Engines
from henkan.engine.numpy import NumpyEngines
from henkan.errors import SettingsError

LAUNCHED = "TORCHELASTIC_RUN_ID"
"""What torchrun sets in the environment of every process that it starts."""


def has_a_team() -> bool:
    """Whether torchrun has started this process."""
    return LAUNCHED in os.environ


def member_of_a_team() -> int:
    """Which of torchrun's processes this is, from 0; 0 where it has not started us."""
    return int(os.environ.get("RANK", "0")) if has_a_team() else 0


def choose_engines(config: EngineConfig, *, together: bool = False) -> Engines:
    """What makes the engines that are asked for.

    Args:
        config: the wish.
        together: join the other processes that torchrun has started, if it has.

    Raises:
        SettingsError: if PyTorch is asked for and not installed, or the machine lacks what is asked of it.
        EngineError: if the other processes cannot be reached.
    """
    launched = together and has_a_team()
    if config.engine == "numpy" and launched:
        raise SettingsError("torchrun trains with the engine torch alone; leave --engine numpy out, or torchrun")
    if config.engine == "numpy" or (config.engine == "auto" and not config.needs_torch and not launched):
        return NumpyEngines()
    if find_spec("torch") is None:
        raise SettingsError("the engine torch needs PyTorch, which is not installed; pip install 'henkan[torch]'")
    from henkan.engine.torch import TorchEngines

    return TorchEngines(config, launched=launched)
