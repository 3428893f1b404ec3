"""The weights of an architecture: their shapes, their first values, and how they grow with a vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from henkan.config import Initialization
from henkan.nn import Array, Parameters
from henkan.nn.initializers import Initializer, forget_bias, normal, orthogonal_gates, scaled_normal, zeros

Side = Literal["source", "target"]


@dataclass(frozen=True)
class WeightSpec:
    """One weight array.

    Attributes:
        shape: its shape.
        initializers: rule of initialization -> what draws the first values; see `henkan.nn.initializers`.
        symbol_axes: axis -> "source" or "target", for each axis that has one entry per source symbol or per
            predicted symbol. These axes grow when a model is trained further on pairs with new symbols.
    """

    shape: tuple[int, ...]
    initializers: Mapping[Initialization, Initializer]
    symbol_axes: Mapping[int, Side] = field(default_factory=dict)


Specs = Mapping[str, WeightSpec]


def embedding_spec(symbols: int, size: int, side: Side, deviation: float = 1.0) -> WeightSpec:
    """Embeddings (V, D). Symbols differ from the first update on, unless the rule is the book's.

    Args:
        symbols: V.
        size: D.
        side: whose symbols.
        deviation: standard deviation of the rule "orthogonal".
    """
    return WeightSpec((symbols, size), {"orthogonal": normal(deviation), "book": normal(0.01)}, {0: side})


def matrix_spec(
    rows: int, columns: int, *, book_fan_in: int | None = None, symbol_axes: Mapping[int, Side] | None = None
) -> WeightSpec:
    """A matrix whose first values are N(0, 1 / fan-in).

    Args:
        rows, columns: its shape; the fan-in is the number of rows.
        book_fan_in: the fan-in of the rule "book" where it differs: the book joins the inputs of a Peeky decoder.
        symbol_axes: see `WeightSpec`.
    """
    initializers: dict[Initialization, Initializer] = {
        "orthogonal": scaled_normal(),
        "book": scaled_normal(book_fan_in),
    }
    return WeightSpec((rows, columns), initializers, symbol_axes or {})


def bias_spec(size: int, *, symbol_axes: Mapping[int, Side] | None = None) -> WeightSpec:
    """A bias, zero at first."""
    return WeightSpec((size,), {"orthogonal": zeros, "book": zeros}, symbol_axes or {})


def lstm_specs(name: str, inputs: int, hidden: int, *, book_fan_in: int | None = None) -> dict[str, WeightSpec]:
    """The weights of one LSTM layer: name.Wx (D, 4H), name.Wh (H, 4H), name.b (4H,).

    Args:
        name: of the layer.
        inputs: D, size of the input. hidden: H.
        book_fan_in: see `matrix_spec`.
    """
    return {
        f"{name}.Wx": matrix_spec(inputs, 4 * hidden, book_fan_in=book_fan_in),
        f"{name}.Wh": WeightSpec((hidden, 4 * hidden), {"orthogonal": orthogonal_gates, "book": scaled_normal()}),
        f"{name}.b": WeightSpec((4 * hidden,), {"orthogonal": forget_bias, "book": zeros}),
    }


def with_prefix(prefix: str, specs: Specs) -> dict[str, WeightSpec]:
    """The same specs, their names preceded by a prefix and a dot."""
    return {f"{prefix}.{name}": spec for name, spec in specs.items()}


def shapes_of(specs: Specs) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every weight."""
    return {name: spec.shape for name, spec in specs.items()}


def draw_weights(
    specs: Specs, rule: Initialization, seed: int, dtype: type[np.floating] = np.float32
) -> dict[str, Array]:
    """The first weights of a new model, the same for every engine.

    Args:
        specs: of the architecture; weights are drawn in this order.
        rule: "orthogonal" or "book".
        seed: of the random number generator.
        dtype: float32, or float64 for gradient checks.

    Returns:
        name -> array, views of one flat vector.
    """
    generator = np.random.default_rng(seed)
    parameters = Parameters(shapes_of(specs), dtype)
    for name, spec in specs.items():
        parameters[name][...] = spec.initializers[rule](spec.shape, generator)
    return parameters.arrays


def copy_known_symbols(
    weights: Mapping[str, Array], specs: Specs, old: Mapping[str, Array], positions: Mapping[Side, Sequence[int]]
) -> None:
    """Copy the weights of a model with fewer symbols; entries of symbols that it lacks keep their values.

    Args:
        weights: by name, changed in place.
        specs: of `weights`.
        old: the weights of the other model, whose settings are the same.
        positions: for the source symbols and for the predicted symbols: for every id in the old model, the id of the
            same symbol in the new one.
    """
    for name, spec in specs.items():
        index = [
            positions[spec.symbol_axes[axis]] if axis in spec.symbol_axes else range(size)
            for axis, size in enumerate(spec.shape)
        ]
        weights[name][np.ix_(*index)] = old[name]
