"""The PyTorch engine. Its weights have the same names and shapes as those of the NumPy engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, SupportsFloat

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.parallel import DistributedDataParallel

from henkan.batching.batch import Batch, Sources, Targets
from henkan.config import ModelConfig, TrainingConfig
from henkan.engine.base import Encoded, Execution, Item, ProcessGroup, Result, SingleProcess
from henkan.engine.torch.architecture import DropoutNoise, Tensors, create_network
from henkan.engine.torch.device import Loss, readable_errors
from henkan.engine.torch.process_group import TorchProcessGroup
from henkan.engine.torch.transfer import OnDevice, move
from henkan.model import Sizes, StepOutput, create_architecture, one_step_each
from henkan.text.arrays import Array

SYNC_INTERVAL = 20
"""Number of updates between two reads of the losses on a GPU or with several processes, because a read has to wait."""

PAD_TO_MULTIPLE_OF = 4
"""On a GPU, numbers of steps are rounded up to a multiple of this. With fewer distinct shapes, PyTorch and cuDNN can
reuse memory and execution plans."""

BYTES_TO_KEEP = 31 * 2**20
"""Size of a block that is allocated and freed before the first update, which makes glibc keep freed memory.

By default, glibc returns large blocks to the system immediately, and the next update allocates them again: 9,000 page
faults and a fifth of the time of an update for strings of twenty symbols. Freeing a block of up to 32 MiB raises the
threshold to the size of that block (`M_MMAP_THRESHOLD` in mallopt(3))."""


class TorchEngine:
    """An engine in PyTorch.

    Args:
        config: the model's settings.
        sizes: numbers of symbols.
        training: settings of the updates (regularisation, gradient clipping and Adam); None: the defaults.
        device: device to compute on.
        dtype: float32, or float64 for gradient checks.
        autocast: whether to compute matrix products in bfloat16.
        group: the process group that shares the work. Every process receives the complete batch and computes its own
            shard; None: a single process.
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
        self.pad_to_multiple_of = 1 if device.type == "cpu" else PAD_TO_MULTIPLE_OF
        self.end_training()

    def end_training(self) -> None:
        """Free the memory that only training needs; the first update creates it."""
        self._optimizer: torch.optim.AdamW | None = None
        self._distributed: nn.Module = self.network
        self._generator = torch.Generator(self.device)
        self._updates = 0  # Adam's own count is on the device, so reading it would have to wait
        self.network.zero_grad(set_to_none=True)

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle the engine without the state of training and the other processes."""
        dropped = ("_optimizer", "_distributed", "_generator", "_updates", "group")
        return {name: value for name, value in self.__dict__.items() if name not in dropped}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.group = SingleProcess()
        self.end_training()

    @property
    def sync_interval(self) -> int:
        """See `Engine.sync_interval`: 1 for a single process on the CPU."""
        return 1 if self.device.type == "cpu" and self.group.size == 1 else SYNC_INTERVAL

    @property
    def weights(self) -> Mapping[str, Array]:
        """Weight name -> copy of the array."""
        return self._arrays(lambda parameter: parameter.detach())

    def set_weights(self, weights: Mapping[str, Array]) -> None:
        """Copy weights in by name. All weights must be given, with the right shapes."""
        with torch.no_grad():
            for name, view in self.network.named().items():
                view.copy_(torch.from_numpy(np.ascontiguousarray(weights[name])))

    def _arrays(self, select: Callable[[nn.Parameter], Tensor]) -> dict[str, Array]:
        """Return weight name -> copy of the selected tensor, in henkan's order and shapes."""
        views = self.network.named(select)
        return {name: np.ascontiguousarray(views[name].cpu().numpy()).copy() for name in self.order}

    def session(self, execution: Execution) -> AbstractContextManager[None]:  # noqa: ARG002
        """Do nothing: PyTorch manages its own threads."""
        return nullcontext()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield function(item) for every item, in order."""
        return map(function, items)

    def prepare(self, batch: Batch) -> None:
        """Create the optimiser, and compute the gradients of a batch, which takes about as long as an update."""
        optimizer = self._training()
        with readable_errors(several=self.group.size > 1):
            self._add_gradients([batch], self._noise())
        optimizer.zero_grad()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

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
            for group in self._optimizer.param_groups:  # create Adam's moments now, so that a snapshot has them
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

    def train_step(self, parts: Sequence[Batch], learning_rate: float) -> SupportsFloat:
        """Make one update and return the loss of the batch before the update, in nats per symbol.

        Converting the loss with `float` waits for the device.
        """
        optimizer, several = self._training(), self.group.size > 1
        with readable_errors(several=several):
            optimizer.zero_grad()
            loss = self._add_gradients(parts, self._noise())
            self._clip()
            optimizer.param_groups[0]["lr"] = learning_rate
            optimizer.step()
            self._updates += 1
            return Loss(self.group.mean(loss) if isinstance(self.group, TorchProcessGroup) else loss, several)

    def _add_gradients(self, parts: Sequence[Batch], noise: DropoutNoise) -> Tensor:
        """Add the gradients of the parts of a batch, and return its loss."""
        count, losses = sum(int(part.targets.valid.sum()) for part in parts), []
        for number, part in enumerate(parts, start=1):
            with nullcontext() if number == len(parts) else self._without_exchange():
                loss = self._loss(part, count, self._distributed, noise)
                loss.backward()
            losses.append(loss.detach())
        return torch.stack(losses).sum() if len(losses) > 1 else losses[0]

    def _without_exchange(self) -> AbstractContextManager[None]:
        """Context in which gradients are not exchanged with the other processes, only added to the earlier ones."""
        distributed = self._distributed
        context: AbstractContextManager[None] = (
            distributed.no_sync() if isinstance(distributed, DistributedDataParallel) else nullcontext()
        )
        return context

    def _loss(self, batch: Batch, count: int, network: nn.Module, noise: DropoutNoise | None = None) -> Tensor:
        """Return the share of this process and this part in the loss of a batch with `count` valid steps."""
        # DistributedDataParallel averages over the processes; dividing by a number smaller by `size` makes it a sum.
        size = self.group.size
        divisor = max(count, 1) / size
        moved = self._move(batch.shard(self.group.rank, size) if size > 1 else batch, divisor)
        with self._precision():
            loss: Tensor = network(moved, noise)
        return loss

    def _precision(self) -> AbstractContextManager[None]:
        """Context with the requested precision of matrix products."""
        precision: AbstractContextManager[None] = torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.autocast
        )
        return precision

    def _clip(self) -> None:
        """Scale the gradients so that their global norm is at most the limit, without waiting for the norm."""
        gradients = [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        torch._foreach_mul_(gradients, (self.training.clip_norm / norm).clamp(max=1.0))

    def _noise(self) -> DropoutNoise:
        """Dropout for the next update, seeded by its number, so that a resumed run draws the same."""
        config, generator = self.training, self._generator
        rates = config.dropout or 0.0, config.embedding_dropout
        if any(rates):
            seed = np.random.SeedSequence([config.seed, 4, self._updates, self.group.rank]).generate_state(1, np.uint64)
            generator.manual_seed(int(seed[0]) >> 1)

        def draw(shape: torch.Size) -> Tensor:
            return torch.rand(shape, generator=generator, device=self.device)

        return DropoutNoise(*rates, config.label_smoothing, draw)

    def _move(self, batch: Batch, divisor: float) -> Tensors:
        return move(batch, divisor, self.device, self.pad_to_multiple_of)

    def loss(self, batch: Batch) -> float:
        """Mean cross-entropy over the valid steps of the batch, in nats per symbol."""
        divisor = max(int(batch.targets.valid.sum()), 1)
        with torch.inference_mode(), readable_errors(), self._precision():
            return float(self.network(self._move(batch, divisor)))

    def snapshot(self) -> dict[str, Any]:
        """Return copies of the weights and of Adam's moments, and the number of updates, as the NumPy engine does."""
        state = self._training().state
        values: dict[str, Any] = {}
        for name, select in (
            ("weights", lambda parameter: parameter.detach()),
            ("m", lambda parameter: state[parameter]["exp_avg"]),
            ("v", lambda parameter: state[parameter]["exp_avg_sq"]),
        ):
            values[name] = np.concatenate([array.ravel() for array in self._arrays(_trainable_only(select)).values()])
        return values | {"steps": self._updates}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Restore the state in which `snapshot` was taken, by this or by the NumPy engine."""
        state = self._training().state
        shapes = {name: tuple(view.shape) for name, view in self.network.named().items()}
        ends = np.cumsum([np.prod(shapes[name], dtype=int) for name in self.order])
        with torch.no_grad():
            for vector, select in (
                (snapshot["weights"], lambda parameter: parameter),
                (snapshot["m"], lambda parameter: state[parameter]["exp_avg"]),
                (snapshot["v"], lambda parameter: state[parameter]["exp_avg_sq"]),
            ):
                views = self.network.named(_trainable_only(select))
                for name, values in zip(self.order, np.split(vector, ends[:-1]), strict=True):
                    views[name].copy_(torch.from_numpy(values.reshape(shapes[name])))
            self._updates = snapshot["steps"]
            for each in state.values():
                each["step"].fill_(self._updates)

    def encode(self, sources: Sources, execution: Execution = Execution()) -> Encoded:  # noqa: ARG002, B008
        """Encode sources for decoding."""
        steps, N = sources.ids.shape
        nothing = np.empty((0, N), int)
        batch = Batch(sources, Targets(nothing, nothing, nothing.astype(bool), np.empty(0, int)))
        moved = self._move(batch, 1.0)
        with torch.inference_mode(), readable_errors(), self._precision():
            both = self.network.encode(moved.sources, moved.lengths, moved.copy_ids)
        memory, state = (OnDevice(part, self.device, steps) for part in both)
        return Encoded(memory, state, N, steps)

    def step(self, memory: OnDevice, state: OnDevice, symbols: Array) -> StepOutput:
        """Run one decoding step; `symbols` (N,) are the symbols predicted last."""
        last = torch.from_numpy(np.ascontiguousarray(symbols)).to(self.device)
        with torch.inference_mode(), readable_errors():
            with self._precision():
                logs, after, alignment = self.network.step(memory.inner, state.inner, last)
            attention = None if alignment is None else alignment[:, : memory.steps].float().cpu().numpy()
            return StepOutput(logs.cpu().numpy(), OnDevice(after, self.device, memory.steps), attention)

    def saliency(self, batch: Batch) -> Array:
        """See `henkan.model.saliency`. The gradients are computed by autograd."""
        moved = self._move(one_step_each(batch), 1.0)
        S, T = len(batch.sources.ids), len(batch.targets.ids)
        positions = torch.arange(moved.sources.numel(), device=self.device).view(moved.sources.shape)
        name = self.capabilities.source_embeddings
        rows = self.network.get_parameter(name).detach()[moved.sources.flatten()].requires_grad_()
        with readable_errors():
            loss = functional_call(self.network, {name: rows}, (replace(moved, sources=positions),))
            [gradient] = torch.autograd.grad(loss, [rows])
        norms: Array = gradient.norm(dim=1).view(positions.shape)[:S, :T].T.cpu().numpy()
        return norms


def _trainable_only(select: Callable[[nn.Parameter], Tensor]) -> Callable[[nn.Parameter], Tensor]:
    """Apply `select` to trainable parameters; return a frozen parameter, which has no moments, unchanged."""
    return lambda parameter: select(parameter) if parameter.requires_grad else parameter.detach()
