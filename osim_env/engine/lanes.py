"""Eight environments in one machine instruction: the ``Lane`` number type of the engine's kernels.

A kernel of this engine reads like scalar code, ``force = stiffness * depth``, but each variable holds the values of
eight environments: a SIMD register of eight float64. Nothing is left to a compiler's auto-vectoriser; on a processor
without 512-bit registers LLVM splits the vector into two or four. Because no operation ever mixes lanes, the result of
an environment does not depend on its neighbours, on the size of the batch or on the number of threads, bit for bit.

Arithmetic is IEEE float64 without reassociation and without assumptions on NaN; the one liberty is that ``a * b + c``
may be contracted to a fused multiply-add, which rounds once instead of twice.

With ``OSIM_ENV_DISABLE_JIT=1`` the same kernels run as plain Python on numpy arrays of shape (8,).
"""

from __future__ import annotations

import hashlib
import operator
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

WIDTH = 8
"""Environments that one register holds."""

JIT_DISABLED = os.environ.get("OSIM_ENV_DISABLE_JIT", "0") not in ("", "0")
"""True when the kernels run as plain Python, slowly and readably in a debugger."""


def aligned_rows(*shape: int) -> np.ndarray:
    """Allocate zeros of shape (*shape, WIDTH) whose rows start on a 64-byte boundary, as a vector load wants them."""
    count = int(np.prod(shape)) * WIDTH
    raw = np.zeros(count + WIDTH)
    start = (-raw.ctypes.data % 64) // 8
    return raw[start : start + count].reshape(*shape, WIDTH)


if TYPE_CHECKING or JIT_DISABLED:

    def jit(function: Any) -> Any:
        """Leave a kernel as the Python function it is."""
        return function

    inline = jit

    def lanes(value: float) -> Any:
        """Return the same number in all lanes."""
        return np.full(WIDTH, float(value))

    def load(rows: Any, index: int) -> Any:
        """Read row ``index``."""
        return rows[index].copy()

    def store(rows: Any, index: int, value: Any) -> None:
        """Write row ``index``."""
        rows[index] = value

    def where(mask: Any, yes: Any, no: Any) -> Any:
        """Choose lane by lane."""
        return np.where(mask, yes, no)

    def sqrt(x: Any) -> Any:
        """Square root."""
        return np.sqrt(x)

    def absolute(x: Any) -> Any:
        """Magnitude."""
        return np.abs(x)

    def nearest(x: Any) -> Any:
        """Round to the nearest integer, ties to even."""
        return np.rint(x)

    def power_of_two(n: Any) -> Any:
        """2**n of integer-valued lanes, |n| < 1023."""
        with np.errstate(invalid="ignore"):
            return np.ldexp(1.0, np.nan_to_num(n).astype(np.int64))

    def exponent(x: Any) -> Any:
        """Binary exponent of a positive number, as float64."""
        return np.frexp(x)[1] - 1.0

    def mantissa(x: Any) -> Any:
        """Significand of a positive number, in [1, 2)."""
        return 2.0 * np.frexp(x)[0]

    def any_lane(mask: Any) -> bool:
        """Tell whether any lane of a comparison is true."""
        return bool(np.any(mask))

else:

    def _sources_digest() -> str:
        """Fingerprint of all kernel sources: a cached kernel holds the code of the kernels that it calls."""
        digest = hashlib.sha256()
        for source in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(source.read_bytes())
        return digest.hexdigest()

    _SOURCES = _sources_digest()

    def _compile(function: Any, **options: Any) -> Any:
        dispatcher = numba.njit(cache=True, error_model="numpy", nogil=True, **options)(function)
        # numba looks only at the file that a function stands in; make the cache depend on all files of the engine.
        cache_file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
        if hasattr(cache_file, "_source_stamp"):
            cache_file._source_stamp = _SOURCES
        return dispatcher

    def jit(function: Any) -> Any:
        """Compile a kernel that releases Python's lock while it runs; the machine code is cached on disk."""
        return _compile(function)

    def inline(function: Any) -> Any:
        """Compile a kernel into its callers: a call would copy every array header of its groups."""
        return _compile(function, forceinline=True)

    class LaneType(types.Type):
        """Eight float64 in a vector register."""

        def __init__(self) -> None:
            super().__init__(name="Lane")

    class MaskType(types.Type):
        """Eight truth values, the result of comparing lanes."""

        def __init__(self) -> None:
            super().__init__(name="Mask")

    LANE, MASK = LaneType(), MaskType()
    _INT32, _INT64 = ir.IntType(32), ir.IntType(64)
    _VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
    _BITS = ir.VectorType(_INT64, WIDTH)
    _TRUTH = ir.VectorType(ir.IntType(1), WIDTH)
    _FLAGS = ("contract",)

    @register_model(LaneType)
    class _LaneModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, _VECTOR)

    @register_model(MaskType)
    class _MaskModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, _TRUTH)

    _SCALARS = (types.Float, types.Integer)

    def _is_number(kind: Any) -> bool:
        return isinstance(kind, (LaneType, *_SCALARS))

    def _as_vector(context: Any, builder: Any, kind: Any, value: Any) -> Any:
        """Broadcast a scalar to all lanes; pass a lane through."""
        if isinstance(kind, LaneType):
            return value
        scalar = context.cast(builder, value, kind, types.float64)
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(_INT32, 0))
        zeros = ir.Constant(ir.VectorType(_INT32, WIDTH), [0] * WIDTH)
        return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), zeros)

    def _pairs() -> list[tuple[Any, Any]]:
        return [(LaneType, LaneType), *((LaneType, s) for s in _SCALARS), *((s, LaneType) for s in _SCALARS)]

    def _binary(function: Any, result: Any, build: Any) -> None:
        """Teach numba a binary operator on lanes and on a lane with a scalar."""

        def factory(context: Any) -> Any:
            def typer(a: Any, b: Any) -> Any:
                if (isinstance(a, LaneType) or isinstance(b, LaneType)) and _is_number(a) and _is_number(b):
                    return result
                return None

            return typer

        def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, b = (_as_vector(context, builder, k, v) for k, v in zip(signature.args, arguments, strict=True))
            return build(builder, a, b)

        type_callable(function)(factory)
        for pair in _pairs():
            lower_builtin(function, *pair)(lower)

    def _arithmetic(name: str) -> Any:
        return lambda builder, a, b: getattr(builder, name)(a, b, flags=_FLAGS)

    def _comparison(symbol: str) -> Any:
        build = "fcmp_unordered" if symbol == "!=" else "fcmp_ordered"
        return lambda builder, a, b: getattr(builder, build)(symbol, a, b)

    for _function, _name in (
        (operator.add, "fadd"),
        (operator.sub, "fsub"),
        (operator.mul, "fmul"),
        (operator.truediv, "fdiv"),
    ):
        _binary(_function, LANE, _arithmetic(_name))
    for _function, _name in (
        (operator.lt, "<"),
        (operator.le, "<="),
        (operator.gt, ">"),
        (operator.ge, ">="),
        (operator.eq, "=="),
        (operator.ne, "!="),
    ):
        _binary(_function, MASK, _comparison(_name))

    def _logic(function: Any, name: str) -> None:
        """Teach numba ``&`` and ``|`` of masks."""

        def factory(context: Any) -> Any:
            return lambda a, b: MASK if isinstance(a, MaskType) and isinstance(b, MaskType) else None

        def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, name)(*arguments)

        type_callable(function)(factory)
        lower_builtin(function, MaskType, MaskType)(lower)

    _logic(operator.and_, "and_")
    _logic(operator.or_, "or_")

    @type_callable(operator.neg)
    def _type_negation(context: Any) -> Any:
        return lambda a: LANE if isinstance(a, LaneType) else None

    @lower_builtin(operator.neg, LaneType)
    def _lower_negation(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fneg(arguments[0])

    def _call(builder: Any, name: str, x: Any) -> Any:
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{WIDTH}f64"), [x])

    def _row_pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = context.make_array(signature.args[0])(context, builder, arguments[0])
        index = context.cast(builder, arguments[1], signature.args[1], types.intp)
        first = builder.gep(rows.data, [builder.mul(index, ir.Constant(index.type, WIDTH))])
        return builder.bitcast(first, _VECTOR.as_pointer())

    def _constant_bits(value: int) -> Any:
        return ir.Constant(_BITS, [value] * WIDTH)

    @intrinsic
    def lanes(typing_context: Any, value: Any) -> Any:
        """Return the same number in all lanes."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _as_vector(context, builder, signature.args[0], arguments[0])

        return LANE(value), build

    @intrinsic
    def load(typing_context: Any, rows: Any, index: Any) -> Any:
        """Read row ``index`` of a contiguous, 64-byte aligned array of shape (n, WIDTH)."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.load(_row_pointer(context, builder, signature, arguments), align=64)

        return LANE(rows, index), build

    @intrinsic
    def store(typing_context: Any, rows: Any, index: Any, value: Any) -> Any:
        """Write row ``index`` of a contiguous, 64-byte aligned array of shape (n, WIDTH)."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vector = _as_vector(context, builder, signature.args[2], arguments[2])
            builder.store(vector, _row_pointer(context, builder, signature, arguments), align=64)
            return context.get_dummy_value()

        return types.void(rows, index, value), build

    @intrinsic
    def where(typing_context: Any, mask: Any, yes: Any, no: Any) -> Any:
        """Choose lane by lane."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, b = (_as_vector(context, builder, signature.args[i], arguments[i]) for i in (1, 2))
            return builder.select(arguments[0], a, b)

        return LANE(mask, yes, no), build

    @intrinsic
    def sqrt(typing_context: Any, x: Any) -> Any:
        """Square root."""
        return LANE(x), lambda context, builder, signature, arguments: _call(builder, "sqrt", arguments[0])

    @intrinsic
    def absolute(typing_context: Any, x: Any) -> Any:
        """Magnitude."""
        return LANE(x), lambda context, builder, signature, arguments: _call(builder, "fabs", arguments[0])

    @intrinsic
    def nearest(typing_context: Any, x: Any) -> Any:
        """Round to the nearest integer, ties to even."""
        return LANE(x), lambda context, builder, signature, arguments: _call(builder, "rint", arguments[0])

    @intrinsic
    def power_of_two(typing_context: Any, n: Any) -> Any:
        """2**n of integer-valued lanes, |n| < 1023."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            # Adding 1.5 * 2**52 leaves n, in two's complement, in the low bits of the significand.
            magic = ir.Constant(_VECTOR, [6755399441055744.0] * WIDTH)
            bits = builder.bitcast(builder.fadd(arguments[0], magic), _BITS)
            bits = builder.shl(builder.add(bits, _constant_bits(1023)), _constant_bits(52))
            return builder.bitcast(bits, _VECTOR)

        return LANE(n), build

    @intrinsic
    def exponent(typing_context: Any, x: Any) -> Any:
        """Binary exponent of a positive normal number, as float64."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            bits = builder.lshr(builder.bitcast(arguments[0], _BITS), _constant_bits(52))
            return builder.sitofp(builder.sub(bits, _constant_bits(1023)), _VECTOR)

        return LANE(x), build

    @intrinsic
    def mantissa(typing_context: Any, x: Any) -> Any:
        """Significand of a positive normal number, in [1, 2)."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            bits = builder.and_(builder.bitcast(arguments[0], _BITS), _constant_bits(0x000FFFFFFFFFFFFF))
            return builder.bitcast(builder.or_(bits, _constant_bits(0x3FF0000000000000)), _VECTOR)

        return LANE(x), build

    @intrinsic
    def any_lane(typing_context: Any, mask: Any) -> Any:
        """Tell whether any lane of a comparison is true."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            packed = builder.bitcast(arguments[0], ir.IntType(WIDTH))
            return builder.icmp_unsigned("!=", packed, ir.Constant(ir.IntType(WIDTH), 0))

        return types.boolean(mask), build


@inline
def minimum(a, b):
    """Smaller of two lanes; a NaN in ``b`` wins."""
    return where(a < b, a, b)


@inline
def maximum(a, b):
    """Larger of two lanes; a NaN in ``b`` wins."""
    return where(a > b, a, b)


@inline
def load3(rows, index):
    """Read three rows that follow each other: a vector in space."""
    return load(rows, index), load(rows, index + 1), load(rows, index + 2)


@inline
def store3(rows, index, vector):
    """Write a vector in space to three rows that follow each other."""
    store(rows, index, vector[0])
    store(rows, index + 1, vector[1])
    store(rows, index + 2, vector[2])


@inline
def add3(a, b):
    """Sum of two vectors."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@inline
def subtract3(a, b):
    """Difference of two vectors."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


@inline
def scale3(a, factor):
    """Vector times scalar."""
    return a[0] * factor, a[1] * factor, a[2] * factor


@inline
def add_scaled3(a, b, factor):
    """A + factor * b."""
    return a[0] + b[0] * factor, a[1] + b[1] * factor, a[2] + b[2] * factor


@inline
def dot3(a, b):
    """Inner product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@inline
def cross3(a, b):
    """Vector product a x b."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@inline
def rotate3(rows, index, vector):
    """Rotation matrix (nine rows, row by row) times vector."""
    x, y, z = vector
    return (
        load(rows, index) * x + load(rows, index + 1) * y + load(rows, index + 2) * z,
        load(rows, index + 3) * x + load(rows, index + 4) * y + load(rows, index + 5) * z,
        load(rows, index + 6) * x + load(rows, index + 7) * y + load(rows, index + 8) * z,
    )
