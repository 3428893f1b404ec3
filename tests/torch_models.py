"""Small models in both engines, for tests that need PyTorch."""

import numpy as np
import torch

from henkan.engine.torch import TorchEngine
from models import small_model


def engines(*, training=None, dtype="float64", **settings):
    """Return the same small model in both engines, a batch, and the converter."""
    hidden_size = 3 if settings.get("tied") else 4
    converter, batch = small_model(dtype=getattr(np, dtype), hidden_size=hidden_size, training=training, **settings)
    numpy_engine = converter.model
    torch_engine = TorchEngine(numpy_engine.config, numpy_engine.sizes, training=training, dtype=getattr(torch, dtype))
    torch_engine.set_weights(numpy_engine.weights)
    return numpy_engine, torch_engine, batch, converter


def torch_loss_and_gradients(engine, batch, noise=None):
    """Return the loss of a batch and its gradients by parameter name, computed by autograd."""
    loss = engine._loss(batch, int(batch.targets.valid.sum()), engine.network, noise)
    loss.backward()
    return loss.item(), engine.network.named(lambda parameter: parameter.grad if parameter.requires_grad else parameter)


def assert_same_gradients(actual, expected, rtol, atol):
    assert set(actual) == set(expected.arrays)
    for name, gradient in actual.items():
        np.testing.assert_allclose(gradient.numpy(), expected[name], rtol=rtol, atol=atol, err_msg=name)
