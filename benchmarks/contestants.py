"""Implementations of the article's model, for `training_speed.py` and `engines.py`.

Every builder takes the sizes and a list of batches, and returns a function that makes one update with the k-th batch.
A batch is (sources (S, N), source lengths (N,), inputs (T, N), targets (T, N), valid (T, N)); the sources are already
reversed. All use AdamW with the same settings and clip gradients at norm 5. Each handles padding in its usual way:
henkan shrinks the batch, PyTorch packs the sources, compiled implementations mask.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

RATE, BETA2, DECAY, CLIP = 1e-3, 0.98, 0.05, 5.0
Update = Callable[[int], Any]
ENTERED = ExitStack()  # contexts that remain open until the process ends


def henkan(sizes: dict[str, int], batches: list[tuple], kernels: str) -> Update:
    """The NumPy engine; `kernels` is "fused" or "plain"."""
    import os

    os.environ["HENKAN_KERNELS"] = kernels
    return _henkan(sizes, batches, {"engine": "numpy"})


def henkan_torch(sizes: dict[str, int], batches: list[tuple], options: dict[str, Any] | None = None) -> Update:
    """The PyTorch engine; `options`: device and precision. Processes started by torchrun share each batch."""
    return _henkan(sizes, batches, {"engine": "torch", **(options or {})})


def _henkan(sizes: dict[str, int], batches: list[tuple], options: dict[str, Any]) -> Update:
    from henkan.batching.batch import Batch, Sources, Targets
    from henkan.config import EngineConfig, ModelConfig
    from henkan.engine.base import Execution
    from henkan.engine.choice import choose_engines
    from henkan.model import Sizes, create_architecture, draw_weights

    def convert(sources: Any, lengths: Any, inputs: Any, targets: Any, valid: Any) -> Batch:
        running = (np.arange(len(sources))[:, None] < lengths).sum(axis=1)
        active = (valid * np.arange(1, valid.shape[1] + 1)).max(axis=1)
        return Batch(Sources(sources, running), Targets(inputs, targets, valid, active))

    attention = bool(sizes.get("attention"))
    config = ModelConfig(
        embedding_size=sizes["D"],
        hidden_size=sizes["H"],
        attention=attention,
        bidirectional=attention,
        peeky=not attention,
        layers=sizes.get("layers", 1),
    )
    numbers = Sizes(sizes["V"], sizes["V"])
    engine = choose_engines(EngineConfig(**options), together=True).make(config, numbers)
    engine.set_weights(draw_weights(create_architecture(config, numbers).specs, "orthogonal", 0))
    converted = [convert(*batch) for batch in batches]
    engine.prepare(converted[0])
    ENTERED.enter_context(engine.session(Execution(threads=True)))
    return lambda k: engine.train_step([converted[k]], RATE)


def textbook(sizes: dict[str, int], batches: list[tuple]) -> Update:
    """Textbook NumPy: a layer object for each time step, concatenated inputs, and a mask only in the loss."""
    from textbook import TextbookSeq2Seq

    model = TextbookSeq2Seq(sizes["V"], sizes["D"], sizes["H"])

    def update(k: int) -> float:
        sources, _, inputs, targets, valid = batches[k]
        return model.update(sources.T, inputs.T, targets.T, valid.T, RATE, BETA2, DECAY, CLIP)

    return update


def pytorch(sizes: dict[str, int], batches: list[tuple], compiled: bool, device: str = "cpu") -> Update:
    """nn.LSTM and fused AdamW: eager with packed sources, or torch.compile with masked ones.

    Sources that all have the same length are not packed. On a GPU, the loss is returned without synchronizing.
    """
    import torch
    from torch import nn

    class Seq2Seq(nn.Module):
        def __init__(self, V: int, D: int, H: int, layers: int = 1) -> None:
            super().__init__()
            self.encoder_embedding, self.decoder_embedding = nn.Embedding(V, D), nn.Embedding(V, D)
            self.encoder, self.decoder = nn.LSTM(D, H, layers), nn.LSTM(D + H, H, layers)
            self.output = nn.Linear(2 * H, V)

        def forward(self, sources: Any, lengths: Any, inputs: Any) -> Any:
            xs = self.encoder_embedding(sources)
            if compiled:
                hs, _ = self.encoder(xs)
                h = hs[lengths - 1, torch.arange(len(lengths))][None]
            else:
                _, (h, _) = self.encoder(xs if full else nn.utils.rnn.pack_padded_sequence(xs, lengths))
            repeated = h[-1:].expand(len(inputs), -1, -1)
            joined = torch.cat([repeated, self.decoder_embedding(inputs)], 2)
            hs, _ = self.decoder(joined, (h.contiguous(), torch.zeros_like(h)))
            return self.output(torch.cat([repeated, hs], 2))

    class Attentive(nn.Module):
        """Bidirectional encoder and Luong attention, as in henkan."""

        def __init__(self, V: int, D: int, H: int) -> None:
            super().__init__()
            self.encoder_embedding, self.decoder_embedding = nn.Embedding(V, D), nn.Embedding(V, D)
            self.encoder, self.decoder = nn.LSTM(D, H, bidirectional=True), nn.LSTM(D, H)
            self.bridge, self.keys, self.values = (
                nn.Linear(2 * H, H),
                nn.Linear(2 * H, H, False),
                nn.Linear(2 * H, H, False),
            )
            self.query, self.output = nn.Linear(H, H), nn.Linear(H, V)

        def forward(self, sources: Any, lengths: Any, inputs: Any) -> Any:
            packed = nn.utils.rnn.pack_padded_sequence(self.encoder_embedding(sources), lengths)
            states, (last, _) = self.encoder(packed)
            states, _ = nn.utils.rnn.pad_packed_sequence(states)
            h = torch.tanh(self.bridge(torch.cat([last[0], last[1]], 1)))[None]
            hs, _ = self.decoder(self.decoder_embedding(inputs), (h, torch.zeros_like(h)))
            padding = torch.arange(len(sources)) >= lengths[:, None]
            scores = hs.transpose(0, 1) @ self.keys(states).permute(1, 2, 0)
            weights = scores.masked_fill(padding[:, None], -torch.inf).softmax(2)
            contexts = (weights @ self.values(states).transpose(0, 1)).transpose(0, 1)
            return self.output(torch.tanh(contexts + self.query(hs)))

    torch.manual_seed(0)
    full = "layers" in sizes and all((batch[1] == len(batch[0])).all() for batch in batches)
    more = {"layers": sizes["layers"]} if "layers" in sizes else {}
    model = (Attentive if sizes.get("attention") else Seq2Seq)(sizes["V"], sizes["D"], sizes["H"], **more).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, BETA2), weight_decay=DECAY, fused=True)
    ready = [
        (
            torch.tensor(sources, device=device),
            torch.tensor(lengths),  # packing needs lengths on the CPU
            torch.tensor(inputs, device=device),
            torch.tensor(np.where(valid, targets, -1), device=device),
        )
        for sources, lengths, inputs, targets, valid in batches
    ]

    def loss_of(sources: Any, lengths: Any, inputs: Any, targets: Any) -> Any:
        logits = model(sources, lengths, inputs)
        return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)

    run = torch.compile(loss_of) if compiled else loss_of

    def update(k: int) -> float:
        optimiser.zero_grad()
        loss = run(*ready[k])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        return float(loss.detach()) if device == "cpu" else loss.detach()

    return update


def jax(sizes: dict[str, int], batches: list[tuple]) -> Update:
    """jit, with the recurrence as an unrolled scan, and states masked at padding."""
    import jax.numpy as jnp
    from jax import jit, lax, nn, random, tree_util, value_and_grad

    V, D, H = sizes["V"], sizes["D"], sizes["H"]
    shapes = {"Ee": (V, D), "ex": (D, 4 * H), "eh": (H, 4 * H), "eb": (4 * H,), "Ed": (V, D), "dx": (D, 4 * H)}
    shapes |= {"dc": (H, 4 * H), "dh": (H, 4 * H), "db": (4 * H,), "y": (H, V), "yc": (H, V), "yb": (V,)}
    keys = random.split(random.key(0), len(shapes))
    weights = {n: random.normal(key, s) * H**-0.5 for key, (n, s) in zip(keys, shapes.items(), strict=True)}

    def cell(state: Any, gates: Any, Wh: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(gates + h @ Wh, 4, axis=1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        return nn.sigmoid(o) * jnp.tanh(c), c

    def loss_of(w: Any, sources: Any, mask: Any, inputs: Any, targets: Any, valid: Any) -> Any:
        zero = jnp.zeros((sources.shape[1], H))

        def read(state: Any, step: Any) -> Any:
            gates, running = step
            new = cell(state, gates, w["eh"])
            return tuple(jnp.where(running[:, None], n, s) for n, s in zip(new, state, strict=True)), None

        (h, _), _ = lax.scan(read, (zero, zero), ((w["Ee"] @ w["ex"] + w["eb"])[sources], mask), unroll=True)
        context = h @ w["dc"]

        def write(state: Any, gates: Any) -> Any:
            state = cell(state, gates + context, w["dh"])
            return state, state[0]

        _, hs = lax.scan(write, (h, zero), (w["Ed"] @ w["dx"] + w["db"])[inputs], unroll=True)
        logits = hs @ w["y"] + h @ w["yc"] + w["yb"]
        log_probabilities = nn.log_softmax(logits)
        picked = jnp.take_along_axis(log_probabilities, targets[..., None], -1)[..., 0]
        return -(picked * valid).sum() / valid.sum()

    @jit
    def step(w: Any, m: Any, v: Any, t: Any, *batch: Any) -> Any:
        loss, gradient = value_and_grad(loss_of)(w, *batch)
        norm = jnp.sqrt(sum((g**2).sum() for g in gradient.values()))
        scale = jnp.minimum(1.0, CLIP / norm)
        gradient = tree_util.tree_map(lambda g: g * scale, gradient)
        m = tree_util.tree_map(lambda a, g: 0.9 * a + 0.1 * g, m, gradient)
        v = tree_util.tree_map(lambda a, g: BETA2 * a + (1 - BETA2) * g * g, v, gradient)
        rate, root = RATE / (1 - 0.9**t), jnp.sqrt(1 - BETA2**t)
        w = tree_util.tree_map(lambda x, a, b: x * (1 - RATE * DECAY) - rate * a / (jnp.sqrt(b) / root + 1e-8), w, m, v)
        return w, m, v, loss

    zeros = tree_util.tree_map(jnp.zeros_like, weights)
    state = [weights, zeros, zeros]
    ready = [
        (
            jnp.array(sources),
            jnp.array(np.arange(len(sources))[:, None] < lengths),
            jnp.array(inputs),
            jnp.array(targets),
            jnp.array(valid, jnp.float32),
        )
        for sources, lengths, inputs, targets, valid in batches
    ]
    count = [0]

    def update(k: int) -> float:
        count[0] += 1
        *state[:], loss = step(*state, float(count[0]), *ready[k])
        return float(loss)

    return update
