"""The PyTorch engine: the same models with nn.LSTM and autograd, on one or several devices.

PyTorch is imported only in this package.
"""

from henkan.engine.torch.engine import TorchEngine
from henkan.engine.torch.factory import TorchEngines

__all__ = ["TorchEngine", "TorchEngines"]
