"""The PyTorch engine: the same model by nn.LSTM and autograd, on a GPU and on many. PyTorch is imported here alone."""

from henkan.engine.torch.engine import TorchEngine, TorchEngines

__all__ = ["TorchEngine", "TorchEngines"]
