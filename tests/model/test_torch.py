"""The hand-written derivatives, held against PyTorch's."""

import numpy as np
import pytest

from henkan.config import TrainingConfig
from models import loss_and_gradients, small_model

torch = pytest.importorskip("torch", reason="PyTorch is not installed; `make test-torch` installs it")
pytestmark = pytest.mark.torch


class TorchSeq2Seq(torch.nn.Module):
    """The article's model as a PyTorch user would write it: joined arrays, repeated h, one batch at a time."""

    def __init__(self, config, weights, dtype):
        super().__init__()
        self.peeky = config.peeky
        self.weights = torch.nn.ParameterDict(
            {name.replace(".", "_"): torch.tensor(array, dtype=dtype) for name, array in weights.items()}
        )

    def lstm(self, name, Wx):
        """nn.LSTM's own arithmetic with our weights (its matrices are transposed, its bias is in two parts)."""
        Wh, b = self.weights[f"{name}_lstm1_Wh"], self.weights[f"{name}_lstm1_b"]

        def run(xs, h, c):
            hs, _, _ = torch.lstm(
                xs[:, None], (h[None, None], c[None, None]), [Wx.T, Wh.T, b, torch.zeros_like(b)],
                True, 1, 0.0, False, False, False,
            )  # fmt: skip
            return hs[:, 0]

        return run

    def forward(self, sources, inputs):
        weights = self.weights
        H = len(weights["encoder_lstm1_Wh"])
        zero = torch.zeros(H, dtype=weights["encoder_lstm1_Wh"].dtype)
        h = zero
        if len(sources):
            encode = self.lstm("encoder", weights["encoder_lstm1_Wx"])
            h = encode(weights["encoder_E"][sources], zero, zero)[-1]
        xs, Wx, Wy = weights["decoder_E"][inputs], weights["decoder_lstm1_Wx"], weights["decoder_Wy"]
        repeated = h.repeat(len(inputs), 1)
        if self.peeky:
            xs, Wx = torch.cat([repeated, xs], 1), torch.cat([weights["decoder_Wc"], Wx])
        hs = self.lstm("decoder", Wx)(xs, h, zero)
        if self.peeky:
            hs, Wy = torch.cat([repeated, hs], 1), torch.cat([weights["decoder_Wyc"], Wy])
        return hs @ Wy + weights["decoder_by"]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("peeky", [False, True])
@pytest.mark.parametrize("fill", [False, True])
@pytest.mark.parametrize(("dtype", "rtol", "atol"), [("float64", 1e-9, 1e-11), ("float32", 1e-4, 1e-6)])
def test_loss_and_gradients_agree(reverse, peeky, fill, dtype, rtol, atol):
    converter, batch = small_model(dtype=getattr(np, dtype), hidden_size=16, reverse=reverse, peeky=peeky, fill=fill)
    engine = converter.engine
    loss, gradients = loss_and_gradients(engine, batch)

    model = TorchSeq2Seq(engine.model.config, engine.weights, getattr(torch, dtype))
    lengths = [int((batch.sources.active > column).sum()) for column in range(batch.sources.ids.shape[1])]
    total = 0
    for column, length in enumerate(lengths):
        steps = int(batch.targets.valid[:, column].sum())
        sources, inputs, ids = (
            torch.tensor(array[:end, column])
            for array, end in ((batch.sources.ids, length), (batch.targets.inputs, steps), (batch.targets.ids, steps))
        )
        total = total + torch.nn.functional.cross_entropy(model(sources, inputs), ids, reduction="sum")
    expected = total / int(batch.targets.valid.sum())
    expected.backward()

    assert loss == pytest.approx(expected.item(), rel=rtol, abs=atol)
    for name, gradient in gradients.arrays.items():
        theirs = model.weights[name.replace(".", "_")].grad.numpy()
        np.testing.assert_allclose(gradient, theirs, rtol=rtol, atol=atol, err_msg=name)


def test_updates_agree():
    """Ten updates with clipping: AdamW and the norm are PyTorch's too."""
    converter, batch = small_model(training=TrainingConfig(clip_norm=0.05, beta2=0.98, weight_decay=0.1))
    engine = converter.engine
    vector = torch.nn.Parameter(torch.tensor(engine.parameters.vector.copy()))
    optimiser = torch.optim.AdamW([vector], lr=0.01, betas=(0.9, 0.98), weight_decay=0.1)
    for _ in range(10):
        _, gradients = loss_and_gradients(engine, batch)
        vector.grad = torch.tensor(gradients.vector)
        torch.nn.utils.clip_grad_norm_([vector], 0.05)
        optimiser.step()
        engine.train_step(batch, 0.01)
        np.testing.assert_allclose(engine.parameters.vector, vector.detach().numpy(), rtol=1e-4, atol=1e-7)
