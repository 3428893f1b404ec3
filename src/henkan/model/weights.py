"""The weights of an architecture: shapes, initial values, and extension to a larger vocabulary."""

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
        shape: shape of the array.
        initializers: initialization rule -> function that draws the initial values; see `henkan.nn.initializers`.
        symbol_axes: axis -> "source" or "target", for each axis with one entry per source symbol or per predicted
            symbol. These axes grow when a model is trained further on pairs with new symbols.
    """

    shape: tuple[int, ...]
    initializers: Mapping[Initialization, Initializer]
    symbol_axes: Mapping[int, Side] = field(default_factory=dict)


Specs = Mapping[str, WeightSpec]


def embedding_spec(symbols: int, size: int, side: Side | None, deviation: float = 1.0) -> WeightSpec:
    """Embeddings (V, D), normally distributed.

    Args:
        symbols: number of symbols (V).
        size: embedding size (D).
        side: "source" or "target".
        deviation: standard deviation for the rule "orthogonal"; that of the rule "book" is 0.01.
    """
    return WeightSpec(
        (symbols, size), {"orthogonal": normal(deviation), "book": normal(0.01)}, {0: side} if side else {}
    )


def matrix_spec(
    rows: int, columns: int, *, book_fan_in: int | None = None, symbol_axes: Mapping[int, Side] | None = None
) -> WeightSpec:
    """A matrix with initial values from N(0, 1 / fan-in).

    Args:
        rows, columns: its shape. The fan-in is the number of rows.
        book_fan_in: fan-in for the rule "book", if it differs: the book concatenates the inputs of a Peeky decoder.
        symbol_axes: see `WeightSpec`.
    """
    initializers: dict[Initialization, Initializer] = {
        "orthogonal": scaled_normal(),
        "book": scaled_normal(book_fan_in),
    }
    return WeightSpec((rows, columns), initializers, symbol_axes or {})


def bias_spec(size: int, *, symbol_axes: Mapping[int, Side] | None = None) -> WeightSpec:
    """A bias, initially zero."""
    return WeightSpec((size,), {"orthogonal": zeros, "book": zeros}, symbol_axes or {})


def lstm_specs(name: str, inputs: int, hidden: int, *, book_fan_in: int | None = None) -> dict[str, WeightSpec]:
    """Weights of one LSTM layer: name.Wx (D, 4H), name.Wh (H, 4H), name.b (4H,).

    Args:
        name: name of the layer.
        inputs: size of the input (D).
        hidden: hidden size (H).
        book_fan_in: see `matrix_spec`.
    """
    return {
        f"{name}.Wx": matrix_spec(inputs, 4 * hidden, book_fan_in=book_fan_in),
        f"{name}.Wh": WeightSpec((hidden, 4 * hidden), {"orthogonal": orthogonal_gates, "book": scaled_normal()}),
        f"{name}.b": WeightSpec((4 * hidden,), {"orthogonal": forget_bias, "book": zeros}),
    }


def with_prefix(prefix: str, specs: Specs) -> dict[str, WeightSpec]:
    """Add a prefix and a dot to the names of specs."""
    return {f"{prefix}.{name}": spec for name, spec in specs.items()}


def shapes_of(specs: Specs) -> dict[str, tuple[int, ...]]:
    """Return weight name -> shape."""
    return {name: spec.shape for name, spec in specs.items()}


def draw_weights(
    specs: Specs, rule: Initialization, seed: int, dtype: type[np.floating] = np.float32
) -> dict[str, Array]:
    """Draw the initial weights of a new model, the same for every engine.

    Args:
        specs: weights of the architecture, drawn in this order.
        rule: initialization rule, "orthogonal" or "book".
        seed: seed of the random number generator.
        dtype: float32, or float64 for gradient checks.

    Returns:
        weight name -> array, all views of one flat vector.
    """
    generator = np.random.default_rng(seed)
    parameters = Parameters(shapes_of(specs), dtype)
    for name, spec in specs.items():
        parameters[name][...] = spec.initializers[rule](spec.shape, generator)
    return parameters.arrays


def copy_known_symbols(
    weights: Mapping[str, Array], specs: Specs, old: Mapping[str, Array], positions: Mapping[Side, Sequence[int]]
) -> None:
    """Copy the weights of a model with fewer symbols. Entries of new symbols keep their values.

    Args:
        weights: weight name -> array, changed in place.
        specs: specs of `weights`.
        old: weights of the other model, which must have the same settings.
        positions: for "source" and "target", the id in the new model of each symbol id of the old model.
    """
    for name, spec in specs.items():
        index = [
            positions[spec.symbol_axes[axis]] if axis in spec.symbol_axes else range(size)
            for axis, size in enumerate(spec.shape)
        ]
        weights[name][np.ix_(*index)] = old[name]
