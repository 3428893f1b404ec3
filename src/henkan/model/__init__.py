"""Model architectures, built from the layers of `henkan.nn`. Their interface is `henkan.model.architecture`."""

from henkan.model.architecture import (
    Architecture,
    Capabilities,
    Sizes,
    StepOutput,
    create_architecture,
    find_architecture,
    register_architecture,
    target_codec,
)
from henkan.model.codec import PlainTargets, TargetCodec
from henkan.model.encoder_decoder import EncoderDecoder
from henkan.model.saliency import one_step_each, saliency
from henkan.model.transducer import Transducer
from henkan.model.weights import WeightSpec, copy_known_symbols, draw_weights, shapes_of

__all__ = [
    "Architecture",
    "Capabilities",
    "EncoderDecoder",
    "PlainTargets",
    "Sizes",
    "StepOutput",
    "TargetCodec",
    "Transducer",
    "WeightSpec",
    "copy_known_symbols",
    "create_architecture",
    "draw_weights",
    "find_architecture",
    "one_step_each",
    "register_architecture",
    "saliency",
    "shapes_of",
    "target_codec",
]
