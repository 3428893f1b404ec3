"""The whole model: encoder, bridge and decoder, put together once, whatever the settings."""

from __future__ import annotations

from collections.abc import Callable

from henkan.batch import Batch
from henkan.config import ModelConfig
from henkan.model.bridge import bridge
from henkan.model.decoder import decoder_shapes, teacher_forcing
from henkan.model.encoder import encode, encoder_shapes
from henkan.nn import Parameters
from henkan.nn.workspace import PLAIN, Backend


def parameter_shapes(config: ModelConfig, sources: int, targets: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of all weights, for so many source and target symbols (the boundary included)."""
    encoder, decoder = encoder_shapes(config, sources), decoder_shapes(config, targets)
    return {f"encoder.{name}": shape for name, shape in encoder.items()} | {
        f"decoder.{name}": shape for name, shape in decoder.items()
    }


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
        self, batch: Batch, count: int | None = None, backend: Backend = PLAIN
    ) -> tuple[float, Callable[[Parameters], None]]:
        """The mean cross-entropy over the valid target steps of a batch.

        Args:
            batch: N pairs.
            count: valid steps of the whole batch, where this is a part of it; None: those of this one.
            backend: the kernels and where large arrays come from.

        Returns:
            the loss, in nats a symbol, and backward: gradients -> nothing; it fills them in.
        """
        encoder, decoder = self.parameters.group("encoder"), self.parameters.group("decoder")
        targets = batch.targets
        h, c, encoder_backward = encode(encoder, batch.sources.ids, batch.sources.active, backend)
        h0, c0, context, bridge_backward = bridge(h, c, peeky=self.config.peeky)
        loss, decoder_backward = teacher_forcing(decoder, h0, c0, context, targets, count, backend)

        def backward(gradients: Parameters) -> None:
            dh0, dcontext = decoder_backward(gradients.group("decoder"))
            dh, dc = bridge_backward(dh0, dcontext)
            encoder_backward(dh, dc, gradients.group("encoder"))

        return loss, backward
