"""The whole model: encoder, bridge and decoder, put together once, whatever the settings."""

from __future__ import annotations

from collections.abc import Callable

from henkan.batching.batch import Batch, Sources
from henkan.config import ModelConfig
from henkan.model.attention import attention_shapes, remember
from henkan.model.bridge import bridge, bridge_shapes
from henkan.model.decoder import Given, decoder_shapes, teacher_forcing
from henkan.model.encoder import encode, encode_without_backward, encoder_shapes
from henkan.nn import NONE, PLAIN, Backend, Parameters, Regularization


def parameter_shapes(config: ModelConfig, sources: int, targets: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of all weights, for so many source and target symbols (the boundary included)."""
    parts = {
        "encoder": encoder_shapes(config, sources),
        "bridge": bridge_shapes(config),
        "attention": attention_shapes(config),
        "decoder": decoder_shapes(config, targets),
    }
    return {f"{part}.{name}": shape for part, shapes in parts.items() for name, shape in shapes.items()}


class EncoderDecoder:
    """An encoder-decoder with its weights.

    Attributes:
        config: its settings.
        parameters: its weights.
    """

    def __init__(self, config: ModelConfig, parameters: Parameters) -> None:
        self.config = config
        self.parameters = parameters

    def loss(
        self,
        batch: Batch,
        count: int | None = None,
        regularization: Regularization = NONE,
        backend: Backend = PLAIN,
    ) -> tuple[float, Callable[[Parameters], None]]:
        """The mean cross-entropy over the valid target steps of a batch.

        Args:
            batch: N pairs.
            count: valid steps of the whole batch, where this is a part of it; None: those of this one.
            regularization: what is left out, and how targets are smoothed.
            backend: the kernels and where large arrays come from.

        Returns:
            the loss, in nats a symbol, and backward: gradients -> nothing; it fills them in.
        """
        encoder, to_decoder, attention, decoder = map(
            self.parameters.group, ("encoder", "bridge", "attention", "decoder")
        )
        encoded, encoder_backward = encode(encoder, self.config, batch.sources, regularization, backend)
        first, context, bridge_backward = bridge(to_decoder, self.config, encoded.last)
        memory = None
        if encoded.states is not None:
            memory, remember_backward = remember(attention, encoded.states, batch.sources)
        loss, decoder_backward = teacher_forcing(
            decoder,
            attention,
            Given(first, context, memory),
            batch.targets,
            count=count,
            regularization=regularization,
            backend=backend,
        )

        def backward(gradients: Parameters) -> None:
            attention_gradients = gradients.group("attention")
            d = decoder_backward(gradients.group("decoder"), attention_gradients)
            dlast = bridge_backward(d.dfirst, d.dcontext, gradients.group("bridge"))
            dstates = None
            if d.dkeys is not None and d.dvalues is not None:
                dstates = remember_backward(d.dkeys, d.dvalues, attention_gradients)
            encoder_backward(dstates, dlast, gradients.group("encoder"))

        return loss, backward

    def read(self, sources: Sources, backend: Backend = PLAIN) -> Given:
        """Read sources for decoding."""
        encoded = encode_without_backward(self.parameters.group("encoder"), self.config, sources, backend)
        first, context, _ = bridge(self.parameters.group("bridge"), self.config, encoded.last)
        memory = None
        if encoded.states is not None:
            memory, _ = remember(self.parameters.group("attention"), encoded.states, sources)
        return Given(first, context, memory)
