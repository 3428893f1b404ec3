"""The PyTorch engine. It trains, decodes, and keeps the same weights under the same names as the NumPy one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, SupportsFloat

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.parallel import DistributedDataParallel

from henkan.batching.batch import Batch, Sources, Targets
from henkan.config import EngineConfig, ModelConfig, TrainingConfig
from henkan.engine.base import Encoded, Execution, Item, ProcessGroup, Result, SingleProcess
from henkan.engine.torch.architecture import Noise, Tensors, create_network
from henkan.engine.torch.device import choose_device, readable_errors
from henkan.engine.torch.process_group import TorchProcessGroup, local_rank
from henkan.engine.torch.transfer import move
from henkan.engine.workers import VARIABLE as THREADS
from henkan.model import Sizes, StepOutput, create_architecture, one_step_each
from henkan.text.arrays import Array

SYNC_INTERVAL = 20
"""Updates between two looks at the losses of a GPU, or of several processes: a look is a wait."""

STEPS_REPEAT = 4
"""On a GPU strings are padded to a multiple of so many steps: shapes that repeat find their memory and plans again."""

BYTES_TO_KEEP = 31 * 2**20
"""The C library of Linux gives large memory back to the system at once, and an update takes it again by the page: 9,000
page faults and a fifth of its time for strings of twenty symbols. It learns to keep what is smaller than the largest
piece that was ever freed, up to 32 MiB: so one such piece is taken and freed before the first update."""


@dataclass(frozen=True)
class OnDevice:
    """The memory or the state of a network, whose rows are chosen by NumPy arrays.

    Attributes:
        inner: what the network made.
        device: where it is.
        steps: of the sources, without the padding that this engine added.
    """

    inner: Any
    device: torch.device
    steps: int

    def take(self, rows: Array) -> OnDevice:
        """The parts of some sequences."""
        return OnDevice(self.inner.take(_index(rows, self.device)), self.device, self.steps)


def _index(rows: Array, device: torch.device) -> Tensor:
    """Rows as places on the device; booleans would have to be counted there, and waited for."""
    return torch.from_numpy(np.flatnonzero(rows) if rows.dtype == bool else rows).to(device)


@dataclass(frozen=True)
class Loss:
    """A loss that may still be on its way; what goes wrong on the device meanwhile is told of where it is asked for.

    Attributes:
        number: on the device. several: whether other processes have part in it.
    """

    number: Tensor
    several: bool

    def __float__(self) -> float:
        with readable_errors(several=self.several):
            return float(self.number)


class TorchEngine:
    """An engine in PyTorch.

    Args:
        config: the model's settings.
        sizes: numbers of symbols.
        training: settings of the updates (clipping and Adam's); None: the defaults.
        device: where to calculate.
        dtype: float32, or float64 for checking.
        autocast: multiply in bf16.
        group: the processes that share the work: each is given the whole batch, and works on its own shard of it.
    """

    def __init__(
        self,
        config: ModelConfig,
        sizes: Sizes,
        *,
        training: TrainingConfig | None = None,
        device: torch.device = torch.device("cpu"),  # noqa: B008  (it cannot be changed)
        dtype: torch.dtype = torch.float32,
        autocast: bool = False,
        group: ProcessGroup | None = None,
    ) -> None:
        self.config, self.training, self.device = config, training or TrainingConfig(), device
        self.group: ProcessGroup = group or SingleProcess()
        with readable_errors():
            self.network = create_network(config, sizes).to(device, dtype)
        architecture = create_architecture(config, sizes)
        self.order, self.capabilities = list(architecture.specs), architecture.capabilities
        self.autocast = autocast
        self.steps_repeat = 1 if device.type == "cpu" else STEPS_REPEAT
        # Made at the first update, for prediction needs none of it.
        self._optimizer: torch.optim.AdamW | None = None
        self._distributed: nn.Module = self.network
        self._generator = torch.Generator(device)
        self._updates = 0  # Adam keeps it, too, but on the device: to ask there is to wait

    @property
    def sync_interval(self) -> int:
        """A GPU, or a team, is not waited for at every update."""
        return 1 if self.device.type == "cpu" and self.group.size == 1 else SYNC_INTERVAL

    @property
    def weights(self) -> Mapping[str, Array]:
        """Name -> a copy of every weight."""
        return self._arrays(lambda parameter: parameter.detach())

    def set_weights(self, weights: Mapping[str, Array]) -> None:
        """Copy weights in, by name; every one must be there and have its shape."""
        with torch.no_grad():
            for name, view in self.network.named().items():
                view.copy_(torch.from_numpy(np.ascontiguousarray(weights[name])))

    def _arrays(self, of: Callable[[nn.Parameter], Tensor]) -> dict[str, Array]:
        """Name -> array, as henkan orders and shapes them."""
        views = self.network.named(of)
        return {name: np.ascontiguousarray(views[name].cpu().numpy()).copy() for name in self.order}

    def session(self, execution: Execution) -> AbstractContextManager[None]:  # noqa: ARG002
        """PyTorch has threads of its own."""
        return nullcontext()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """function(item) for every item, in order."""
        return map(function, items)

    def prepare(self, batch: Batch) -> None:  # noqa: ARG002
        """Nothing is compiled."""
        self._training()

    def _training(self) -> torch.optim.AdamW:
        if self._optimizer is None:
            config = self.training
            torch.empty(BYTES_TO_KEEP, dtype=torch.uint8)
            self._optimizer = torch.optim.AdamW(
                [parameter for parameter in self.network.parameters() if parameter.requires_grad],
                lr=config.learning_rate,
                betas=(0.9, config.beta2),
                weight_decay=config.weight_decay,
                fused=True,
            )
            for group in self._optimizer.param_groups:  # Adam's moments are there from the beginning, as NumPy's are
                for parameter in group["params"]:
                    self._optimizer.state[parameter] = {
                        "step": torch.tensor(0.0, device=self.device),
                        "exp_avg": torch.zeros_like(parameter),
                        "exp_avg_sq": torch.zeros_like(parameter),
                    }
            if self.group.size > 1:
                own = [self.device.index] if self.device.type == "cuda" else None
                with readable_errors(several=True):
                    self._distributed = DistributedDataParallel(self.network, own, gradient_as_bucket_view=True)
        return self._optimizer

    def train_step(self, batch: Batch, learning_rate: float) -> SupportsFloat:
        """Make one update; return the batch's loss before it, in nats a symbol, which `float` waits for."""
        optimizer, several = self._training(), self.group.size > 1
        with readable_errors(several=several):
            optimizer.zero_grad()
            loss = self._loss(batch, self._distributed, self._noise())
            loss.backward()
            self._clip()
            optimizer.param_groups[0]["lr"] = learning_rate
            optimizer.step()
            self._updates += 1
            return Loss(
                self.group.mean(loss.detach()) if isinstance(self.group, TorchProcessGroup) else loss.detach(), several
            )

    def _loss(self, batch: Batch, network: nn.Module, noise: Noise | None = None) -> Tensor:
        # DistributedDataParallel takes the mean of the members' gradients, and so of their losses; the sum is meant.
        size = self.group.size
        divisor = max(int(batch.targets.valid.sum()), 1) / size
        moved = self._move(batch.shard(self.group.rank, size) if size > 1 else batch, divisor)
        with self._multiplying():
            loss: Tensor = network(moved, noise)
        return loss

    def _multiplying(self) -> AbstractContextManager[None]:
        """The precision of products."""
        precision: AbstractContextManager[None] = torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.autocast
        )
        return precision

    def _clip(self) -> None:
        """Scale the gradients so that their global norm is at most the limit; nothing waits for the norm."""
        gradients = [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        torch._foreach_mul_(gradients, (self.training.clip_norm / norm).clamp(max=1.0))

    def _noise(self) -> Noise:
        """What is left out in the next update: drawn from its number, so a training that goes on draws the same."""
        config, generator = self.training, self._generator
        rates = config.dropout or 0.0, config.embedding_dropout
        if any(rates):
            seed = np.random.SeedSequence([config.seed, 4, self._updates, self.group.rank]).generate_state(1, np.uint64)
            generator.manual_seed(int(seed[0]) >> 1)

        def draw(shape: torch.Size) -> Tensor:
            return torch.rand(shape, generator=generator, device=self.device)

        return Noise(*rates, config.label_smoothing, draw)

    def _move(self, batch: Batch, divisor: float) -> Tensors:
        return move(batch, divisor, self.device, self.steps_repeat)

    def loss(self, batch: Batch) -> float:
        """The mean cross-entropy over the batch's valid steps, in nats a symbol."""
        divisor = max(int(batch.targets.valid.sum()), 1)
        with torch.inference_mode(), readable_errors(), self._multiplying():
            return float(self.network(self._move(batch, divisor)))

    def snapshot(self) -> dict[str, Any]:
        """Copies of the weights, of Adam's moments and of its number of updates, as the NumPy engine has them."""
        state = self._training().state
        values: dict[str, Any] = {}
        for name, of in (
            ("weights", lambda parameter: parameter.detach()),
            ("m", lambda parameter: state[parameter]["exp_avg"]),
            ("v", lambda parameter: state[parameter]["exp_avg_sq"]),
        ):
            values[name] = np.concatenate([array.ravel() for array in self._arrays(_trained_alone(of)).values()])
        return values | {"steps": self._updates}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go back to where `snapshot` was taken, by whichever engine."""
        state = self._training().state
        shapes = {name: tuple(view.shape) for name, view in self.network.named().items()}
        ends = np.cumsum([np.prod(shapes[name], dtype=int) for name in self.order])
        with torch.no_grad():
            for vector, of in (
                (snapshot["weights"], lambda parameter: parameter),
                (snapshot["m"], lambda parameter: state[parameter]["exp_avg"]),
                (snapshot["v"], lambda parameter: state[parameter]["exp_avg_sq"]),
            ):
                views = self.network.named(_trained_alone(of))
                for name, values in zip(self.order, np.split(vector, ends[:-1]), strict=True):
                    views[name].copy_(torch.from_numpy(values.reshape(shapes[name])))
            self._updates = snapshot["steps"]
            for each in state.values():
                each["step"].fill_(self._updates)

    def encode(self, sources: Sources, execution: Execution = Execution()) -> Encoded:  # noqa: ARG002, B008
        """Read sources for decoding."""
        steps, N = sources.ids.shape
        nothing = np.empty((0, N), int)
        batch = Batch(sources, Targets(nothing, nothing, nothing.astype(bool), np.empty(0, int)))
        moved = self._move(batch, 1.0)
        with torch.inference_mode(), readable_errors(), self._multiplying():
            both = self.network.encode(moved.sources, moved.lengths)
        memory, state = (OnDevice(part, self.device, steps) for part in both)
        return Encoded(memory, state, N, steps)

    def step(self, memory: OnDevice, state: OnDevice, symbols: Array) -> StepOutput:
        """One decoding step; `symbols` (N,) are the last predicted ones."""
        last = torch.from_numpy(np.ascontiguousarray(symbols)).to(self.device)
        with torch.inference_mode(), readable_errors():
            with self._multiplying():
                logs, after, alignment = self.network.step(memory.inner, state.inner, last)
            attention = None if alignment is None else alignment[:, : memory.steps].float().cpu().numpy()
            return StepOutput(logs.cpu().numpy(), OnDevice(after, self.device, memory.steps), attention)

    def saliency(self, batch: Batch) -> Array:
        """See `henkan.model.saliency`; here autograd finds the gradients."""
        moved = self._move(one_step_each(batch), 1.0)
        S, T = len(batch.sources.ids), len(batch.targets.ids)
        places = torch.arange(moved.sources.numel(), device=self.device).view(moved.sources.shape)
        name = self.capabilities.source_embeddings
        rows = self.network.get_parameter(name).detach()[moved.sources.flatten()].requires_grad_()
        with readable_errors():
            loss = functional_call(self.network, {name: rows}, (replace(moved, sources=places),))
            [gradient] = torch.autograd.grad(loss, [rows])
        norms: Array = gradient.norm(dim=1).view(places.shape)[:S, :T].T.cpu().numpy()
        return norms


def _trained_alone(of: Callable[[nn.Parameter], Tensor]) -> Callable[[nn.Parameter], Tensor]:
    """The same for the parameters that are trained; of the others, which have no moments, the parameter itself."""
    return lambda parameter: of(parameter) if parameter.requires_grad else parameter.detach()


class TorchEngines:
    """Makes engines in PyTorch.

    Args:
        config: on what, and how exactly.
        launched: whether torchrun has started this process, beside others.

    Raises:
        SettingsError: if the machine lacks what is asked of it.
        EngineError: if the other processes cannot be reached.
    """

    def __init__(self, config: EngineConfig, *, launched: bool = False) -> None:
        threads = os.environ.get(THREADS, "")
        if threads.isdecimal() and int(threads) > 0:
            torch.set_num_threads(int(threads))
        self.config = config
        self.device = choose_device(config, place=local_rank() if launched else None)
        self.group: ProcessGroup = TorchProcessGroup(self.device) if launched else SingleProcess()

    def make(self, config: ModelConfig, sizes: Sizes, *, training: TrainingConfig | None = None) -> TorchEngine:
        """An engine for such a model; its weights are still to be set."""
        return TorchEngine(
            config,
            sizes,
            training=training,
            device=self.device,
            autocast=self.config.precision == "bf16",
            group=self.group,
        )

    def describe(self) -> str:
        """PyTorch's version, the device and the precision, and how many processes share the work."""
        name = f"cuda ({torch.cuda.get_device_name(self.device)})" if self.device.type == "cuda" else self.device.type
        exact = " and deterministic" if self.config.deterministic else ""
        team = f", {self.group.size} processes" if self.group.size > 1 else ""
        return f"PyTorch {torch.__version__} on {name} in {self.config.precision}{exact}{team}"
