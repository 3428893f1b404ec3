"""Vector code for numba: functions of up to `LANES` float32 numbers at once, generated for LLVM.

numba has no vector types. LLVM turns long loops into vector instructions by itself, but not the short ones over the
units of a tile: the checks that it needs before such a loop take longer than the loop. Here a function is written with
vectors:

    @vector_code
    def add(out, x, y):
        out[0] = x[0] + y[0]

`add(count, address(a), address(b), address(c))` in compiled code adds `count` numbers, at most `LANES`. The arguments
are addresses of numbers, or integers. `x[k]` are the `count` numbers from the k-th on; with fewer than `LANES`, no
others are read or written.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import config, types
from numba.extending import intrinsic

FLOAT, BIT, INT32, INT64 = ir.FloatType(), ir.IntType(1), ir.IntType(32), ir.IntType(64)
CONTRACT = ("contract",)  # a * b + c may be one instruction, as in `kernel`
FMA = r"vfmadd\w+\s.*%(zmm|ymm)|(fmla)\s"  # AVX-512, AVX2 and NEON


def _vector_registers() -> str:
    """The registers that numba's compiler multiplies and adds with: "zmm" (AVX-512), "ymm" (AVX2), "fmla" (NEON)."""
    vector = "<16 x float>"
    source = f"""
        declare {vector} @llvm.fma.v16f32({vector}, {vector}, {vector})
        define {vector} @f({vector} %a, {vector} %b, {vector} %c) {{
            %d = call {vector} @llvm.fma.v16f32({vector} %a, {vector} %b, {vector} %c)
            ret {vector} %d
        }}"""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    settings: Any = config
    name, features = settings.CPU_NAME, settings.CPU_FEATURES
    if features is None:
        features = "" if name else llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(cpu=name or llvm.get_host_cpu_name(), features=features)
    found = re.search(FMA, machine.emit_assembly(llvm.parse_assembly(source)))
    return (found[1] or found[2]) if found else ""


REGISTERS = _vector_registers()
LANES = {"zmm": 16, "ymm": 8}.get(REGISTERS, 4)
"""Number of float32 numbers in a vector register."""

VECTOR = ir.VectorType(FLOAT, LANES)


class Lanes:
    """`LANES` numbers in generated code, with the operators of Python."""

    def __init__(self, builder: ir.IRBuilder, value: Any) -> None:
        self.builder, self.value = builder, value

    def _apply(self, operation: str, first: Any, second: Any) -> Lanes:
        values = (each.value if isinstance(each, Lanes) else constant(each) for each in (first, second))
        return Lanes(self.builder, getattr(self.builder, operation)(*values, flags=CONTRACT))

    def __add__(self, other: Lanes | float) -> Lanes:
        return self._apply("fadd", self, other)

    def __sub__(self, other: Lanes | float) -> Lanes:
        return self._apply("fsub", self, other)

    __radd__ = __add__

    def __rsub__(self, other: float) -> Lanes:
        return self._apply("fsub", other, self)

    def __mul__(self, other: Lanes | float) -> Lanes:
        return self._apply("fmul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Lanes) -> Lanes:
        return self._apply("fdiv", self, other)

    def limited(self, limit: float) -> Lanes:
        """Return the numbers limited to -limit .. limit."""
        value = self.value
        for sign, bound in (">", limit), ("<", -limit):
            value = self.builder.select(self.builder.fcmp_ordered(sign, value, constant(bound)), constant(bound), value)
        return Lanes(self.builder, value)


def constant(number: float) -> Any:
    """Return a vector of one number."""
    return ir.Constant(VECTOR, [float(np.float32(number))] * LANES)


def tanh(x: Lanes) -> Lanes:
    """Tanh as a quotient of polynomials. The coefficients are those of the linear algebra library Eigen; error 3e-7."""
    y = x.limited(7.90531110763549805)
    s = y * y
    p = (4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08, -8.60467152213735e-11)
    q = (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)
    return y * _polynomial(s, (*p, 2.00018790482477e-13, -2.76076847742355e-16)) / _polynomial(s, q)


def _polynomial(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    result = x * coefficients[-1] + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        result = x * result + coefficient
    return result


def sigmoid(x: Lanes) -> Lanes:
    """1 / (1 + exp(-x))."""
    return tanh(x * 0.5) * 0.5 + 0.5


class Argument:
    """An argument of vector code: an integer, or the address of float32 numbers."""

    def __init__(self, builder: ir.IRBuilder, value: Any, mask: Any) -> None:
        self.builder, self.value, self.mask = builder, value, mask

    def __mul__(self, factor: int) -> Argument:
        return Argument(self.builder, self.builder.mul(self.value, ir.Constant(INT64, factor)), self.mask)

    def _pointer(self, offset: int | Argument) -> Any:
        number = offset.value if isinstance(offset, Argument) else ir.Constant(INT64, offset)
        numbers = self.builder.inttoptr(self.value, FLOAT.as_pointer())
        return self.builder.bitcast(self.builder.gep(numbers, [number]), VECTOR.as_pointer())

    def __getitem__(self, offset: int | Argument) -> Lanes:
        pointer = self._pointer(offset)
        if self.mask is None:
            return Lanes(self.builder, self.builder.load(pointer, align=4))
        load = self._masked("load", VECTOR, [pointer.type, INT32, self.mask.type, VECTOR])
        return Lanes(self.builder, self.builder.call(load, [pointer, ir.Constant(INT32, 4), self.mask, constant(0)]))

    def __setitem__(self, offset: int | Argument, lanes: Lanes) -> None:
        pointer = self._pointer(offset)
        if self.mask is None:
            self.builder.store(lanes.value, pointer, align=4)
            return
        store = self._masked("store", ir.VoidType(), [VECTOR, pointer.type, INT32, self.mask.type])
        self.builder.call(store, [lanes.value, pointer, ir.Constant(INT32, 4), self.mask])

    def _masked(self, operation: str, result: Any, parameters: list[Any]) -> Any:
        module, name = self.builder.module, f"llvm.masked.{operation}.v{LANES}f32.p0"
        return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, parameters), name)


def vector_code(function: Callable[..., None]) -> Any:
    """Turn a function of `Argument` into one that compiled code can call; see the module."""
    parameters = list(inspect.signature(function).parameters)

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Sequence[Any]) -> Any:
        count, arguments = values[0], values[1:]
        with builder.if_else(builder.icmp_signed("==", count, ir.Constant(INT64, LANES))) as (all_lanes, some_lanes):
            with all_lanes:
                function(*(Argument(builder, value, None) for value in arguments))
            with some_lanes:
                mask = _mask(builder, count)
                function(*(Argument(builder, value, mask) for value in arguments))
        return _context.get_dummy_value()

    return compiled_call(generate, ["count", *parameters])


def _mask(builder: ir.IRBuilder, count: Any) -> Any:
    """LANES bits, of which the first `count` are 1."""
    vector = ir.VectorType(INT64, LANES)
    numbers = ir.Constant(vector, list(range(LANES)))
    return builder.icmp_signed("<", numbers, splat(builder, count, vector))


def splat(builder: ir.IRBuilder, value: Any, vector: Any) -> Any:
    """Return a vector whose numbers are all one value."""
    undefined = ir.Constant(vector, ir.Undefined)
    everywhere = ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES)
    return builder.shuffle_vector(
        builder.insert_element(undefined, value, ir.Constant(INT32, 0)), undefined, everywhere
    )


def compiled_call(generate: Callable[..., Any], parameters: Sequence[str]) -> Any:
    """Return a function without a result, with integer parameters, whose code `generate` writes."""
    signature = types.void(*[types.intp] * len(parameters))

    def typing(_context: Any, *_: Any) -> tuple[Any, Callable[..., Any]]:
        return signature, generate

    # numba reads the number of arguments from the signature.
    typing.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in ["typing_context", *parameters]]
    )
    return intrinsic(typing)
