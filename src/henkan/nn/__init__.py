"""Layers on NumPy arrays, each with a hand-written derivative.

Notation, here and everywhere: T steps, S source steps, N sequences in a batch, V symbols, D embedding size, H hidden
size. The gradient of the loss with respect to a value is called d + the name of the value: `dhs` belongs to `hs`.

A layer is a function that returns its value and a second function, `backward`, which maps the gradient of the value to
the gradients of the layer's inputs.
"""

from henkan.nn.attention import AttentionGradients, attention
from henkan.nn.copying import CopyGradients, copy_log_probabilities, copy_loss
from henkan.nn.gradcheck import GradientError, gradient_check, numerical_gradient
from henkan.nn.initializers import Initializer, forget_bias, normal, orthogonal_gates, scaled_normal, zeros
from henkan.nn.kernels.structures import LossTargets, OutputLayer, Pointer
from henkan.nn.layers import (
    NONE,
    OutputGradients,
    Regularization,
    affine,
    dropout,
    embedding,
    log_softmax,
    output_loss,
    project_symbols,
)
from henkan.nn.lstm import (
    LayerGradients,
    LayerInputs,
    LSTMGradients,
    layer_shapes,
    lstm,
    lstm_layer,
)
from henkan.nn.optim import Adam, clip_by_global_norm, one_cycle
from henkan.nn.parameters import PLAIN, Array, Backend, Parameters, Weights, Workspace, group

__all__ = [
    "NONE",
    "PLAIN",
    "Adam",
    "Array",
    "AttentionGradients",
    "Backend",
    "CopyGradients",
    "GradientError",
    "Initializer",
    "LSTMGradients",
    "LayerGradients",
    "LayerInputs",
    "LossTargets",
    "OutputGradients",
    "OutputLayer",
    "Parameters",
    "Pointer",
    "Regularization",
    "Weights",
    "Workspace",
    "affine",
    "attention",
    "clip_by_global_norm",
    "copy_log_probabilities",
    "copy_loss",
    "dropout",
    "embedding",
    "forget_bias",
    "gradient_check",
    "group",
    "layer_shapes",
    "log_softmax",
    "lstm",
    "lstm_layer",
    "normal",
    "numerical_gradient",
    "one_cycle",
    "orthogonal_gates",
    "output_loss",
    "project_symbols",
    "scaled_normal",
    "zeros",
]
