"""Check the strings that a caller passes from Python: lists, arrays, and columns of tables."""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Mapping, Set, ValuesView
from math import isnan
from typing import Any

from henkan.errors import DataError

LISTS = "a list of strings"
MISSING_TYPES = ("NAType", "NaTType", "MaskedConstant")
"""Names of the types of missing values in pandas and NumPy, which need not be installed."""


def string_list(values: Iterable[str], name: str) -> list[str]:
    """Convert strings to a list, in their order.

    Lists, tuples, iterators, one-dimensional arrays of NumPy and pyarrow, and the Series of pandas and polars are
    converted. Their types are recognised by their attributes, so no such library is imported.

    Args:
        values: the strings.
        name: name of the argument, for the error message.

    Raises:
        DataError: if `values` has no order or is not one-dimensional, or an element is missing or not a string.
    """
    _check_container(values, name)
    try:
        listed = list(values)
    except TypeError:
        raise DataError(f"{name} is {values!r:.80}; give {LISTS}") from None
    return [each if type(each) is str else _string(each, f"{name}[{index}]") for index, each in enumerate(listed)]


def _check_container(values: Any, name: str) -> None:
    kind = type(values).__name__
    if isinstance(values, str | bytes | bytearray | memoryview):
        raise DataError(f"{name} is {values!r:.80}; give {LISTS}")
    if isinstance(values, Mapping | KeysView | ValuesView):
        raise DataError(f"{name} is a {kind}; give {LISTS}, such as list({name}.values()) of a dictionary")
    if isinstance(values, Set):
        raise DataError(f"{name} is a {kind}, which has no order; give {LISTS}")
    columns = _columns(values)
    if columns is not None:
        example = next((column for column in columns if isinstance(column, str)), "NAME").replace('"', '\\"')
        raise DataError(f'{name} is a table ({kind}); give one of its columns, such as df["{example}"]')
    shape = getattr(values, "shape", None)
    if isinstance(shape, tuple) and len(shape) != 1:
        raise DataError(
            f"{name} is an array of {len(shape)} dimensions; give {LISTS}, such as array[:, 0] for the first column"
        )


def _columns(values: Any) -> list[Any] | None:
    """Return the names of the columns of a table, or None for other values.

    Only attributes of the class count: a pandas Series also has its index labels as attributes.
    """
    for attribute in ("column_names", "columns"):
        if hasattr(type(values), attribute):
            # A table without a shape is computed lazily, perhaps at some expense to know its columns.
            columns = getattr(values, attribute) if hasattr(type(values), "shape") else None
            return list(columns) if isinstance(columns, Iterable) else []
    return None


def _string(value: Any, place: str) -> str:
    """Convert an element that is not exactly a `str`: a string of NumPy or pyarrow."""
    as_python = getattr(value, "as_py", None)  # of a pyarrow scalar
    if callable(as_python):
        value = as_python()
    if isinstance(value, str):
        return str.__str__(value)  # `str(value)` of an enumeration would be the name of its member
    if value is None or type(value).__name__ in MISSING_TYPES or (isinstance(value, float) and isnan(value)):
        raise DataError(f"{place} is missing ({value!r}); remove or fill missing values first")
    raise DataError(f"{place} is {value!r:.80}, not a string")
