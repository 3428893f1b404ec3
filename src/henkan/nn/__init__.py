"""Layers on NumPy arrays, each with its derivative written out by hand.

Notation, here and everywhere: T steps, S source steps, N sequences in a batch, V symbols, D embedding
size, H hidden size. A gradient of the loss is called d + the name of its value: `dhs` belongs to `hs`.

A layer is a function that returns its value and a second function, `backward`. Given the gradient of the
value, `backward` returns the gradients of what went in, in the order in which it went in.
"""

from henkan.nn.attention import attention
from henkan.nn.gradcheck import GradientError, gradient_check, numerical_gradient
from henkan.nn.layers import affine, embedding, project_symbols
from henkan.nn.loss import log_softmax, output_loss
from henkan.nn.lstm import lstm
from henkan.nn.optim import Adam, clip_by_global_norm, one_cycle
from henkan.nn.parameters import Parameters
from henkan.nn.regularization import Regularization, dropout

__all__ = [
    "Adam",
    "GradientError",
    "Parameters",
    "Regularization",
    "affine",
    "attention",
    "clip_by_global_norm",
    "dropout",
    "embedding",
    "gradient_check",
    "log_softmax",
    "lstm",
    "numerical_gradient",
    "one_cycle",
    "output_loss",
    "project_symbols",
]
