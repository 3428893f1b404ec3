"""The bridge: what the decoder gets from the encoder.

Nothing else asks how the encoder is built. For the article's model the decoder's first hidden state is the
encoder's last, its first cell state is zero, and a Peeky decoder is given the hidden state at every step
as well: (h, c) -> (h, 0, h).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.nn.parameters import Array

BridgeBackward = Callable[[Array, Array | None], tuple[Array, Array]]


def bridge(h: Array, c: Array, *, peeky: bool) -> tuple[Array, Array, Array | None, BridgeBackward]:
    """Hand the encoder's states over.

    Args:
        h, c: (N, H), the encoder's last states.
        peeky: whether the decoder sees h at every step.

    Returns:
        h0, c0 (N, H), the decoder's first states; the context (N, H) that it sees at every step, or None;
        and backward: dh0 (N, H), dcontext (N, H) or None -> dh, dc (N, H).
    """

    def backward(dh0: Array, dcontext: Array | None) -> tuple[Array, Array]:
        return dh0 if dcontext is None else dh0 + dcontext, np.zeros_like(c)

    return h, np.zeros_like(c), h if peeky else None, backward
