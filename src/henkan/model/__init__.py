"""The architecture: an encoder, a bridge and a decoder, made of the layers in `henkan.nn`."""

from henkan.model.initialization import first_weights, initialize, transplant
from henkan.model.seq2seq import EncoderDecoder, parameter_shapes

__all__ = ["EncoderDecoder", "first_weights", "initialize", "parameter_shapes", "transplant"]
