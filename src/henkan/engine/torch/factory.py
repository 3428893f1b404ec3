"""Creates PyTorch engines on the device that the settings name, in every process that torchrun started."""

from __future__ import annotations

import os
from functools import partial

import torch

from henkan.config import EngineConfig, ModelConfig, TrainingConfig
from henkan.engine.base import ProcessGroup, SingleProcess
from henkan.engine.torch.device import choose_device
from henkan.engine.torch.engine import TorchEngine
from henkan.engine.torch.process_group import TorchProcessGroup, local_rank
from henkan.engine.workers import THREADS_VARIABLE
from henkan.model import Sizes

if hasattr(os, "register_at_fork"):  # in a child, OpenMP would wait for ever for the threads of the parent
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


class TorchEngines:
    """Factory for PyTorch engines.

    Args:
        config: settings of the engine (device and precision).
        launched: whether torchrun started this process.

    Raises:
        SettingsError: if the machine does not have the device or the precision.
        EngineError: if the other processes cannot be reached.
    """

    def __init__(self, config: EngineConfig, *, launched: bool = False) -> None:
        threads = os.environ.get(THREADS_VARIABLE, "")
        if threads.isdecimal() and int(threads) > 0:
            torch.set_num_threads(int(threads))
        self.config = config
        self.device = choose_device(config, local_rank=local_rank() if launched else None)
        self.group: ProcessGroup = TorchProcessGroup(self.device) if launched else SingleProcess()

    def make(self, config: ModelConfig, sizes: Sizes, *, training: TrainingConfig | None = None) -> TorchEngine:
        """Create an engine for a model with these settings. Its weights must be set before use."""
        return TorchEngine(
            config,
            sizes,
            training=training,
            device=self.device,
            autocast=self.config.precision == "bf16",
            group=self.group,
        )

    def describe(self) -> str:
        """Describe PyTorch's version, the device, the precision and the number of processes."""
        name = f"cuda ({torch.cuda.get_device_name(self.device)})" if self.device.type == "cuda" else self.device.type
        exact = " and deterministic" if self.config.deterministic else ""
        processes = f", {self.group.size} processes" if self.group.size > 1 else ""
        return f"PyTorch {torch.__version__} on {name} in {self.config.precision}{exact}{processes}"
