"""The architecture: an encoder, a bridge and a decoder, made of the layers in `henkan.nn`."""

from henkan.model.initialization import first_weights, initialize, transplant
from henkan.model.saliency import one_step_each, saliency
from henkan.model.seq2seq import EncoderDecoder, parameter_shapes

__all__ = [
    "EncoderDecoder",
    "first_weights",
    "initialize",
    "one_step_each",
    "parameter_shapes",
    "saliency",
    "transplant",
]
