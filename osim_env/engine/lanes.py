"""Many environments in one machine instruction: the number types of the engine's kernels.

A kernel of this engine reads like scalar code, ``force = stiffness * depth``, but each variable holds the values of
several environments: a SIMD register of eight float64 or sixteen float32. Which one it is follows from the work rows
that a kernel is called with, so that one source serves three back ends:

==========  ==========================  =======================================================================
back end    work rows                   for
==========  ==========================  =======================================================================
float64     (n, 8) of float64           everything that is verified or reported
float32     (n, 16) of float32          training
scalar      (n,) of float64             reading, debugging, and processors without wide vectors
==========  ==========================  =======================================================================

Nothing is left to a compiler's auto-vectoriser; on a processor without 512-bit registers LLVM splits the vector into
two or four. Because no operation ever mixes lanes, the result of an environment does not depend on its neighbours, on
the size of the batch or on the number of threads, bit for bit.

Arithmetic is IEEE without reassociation and without assumptions on NaN; the one liberty is that ``a * b + c`` in lanes
may be contracted to a fused multiply-add, which rounds once instead of twice.

With ``OSIM_ENV_DISABLE_JIT=1`` the same kernels run as plain Python on numpy arrays.
"""

from __future__ import annotations

import hashlib
import operator
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, overload, register_model, type_callable

Backend = Literal["float64", "float32", "scalar"]
WIDTHS: dict[str, int] = {"float64": 8, "float32": 16, "scalar": 1}
"""Environments that one register of a back end holds."""
WIDTH = WIDTHS["float64"]

JIT_DISABLED = os.environ.get("OSIM_ENV_DISABLE_JIT", "0") not in ("", "0")
"""True when the kernels run as plain Python, slowly and readably in a debugger."""


def aligned_rows(*shape: int, backend: Backend = "float64") -> np.ndarray:
    """Allocate zeroed work rows of a back end, on a 64-byte boundary, as a vector load wants them.

    Args:
        shape: Number of rows, of any shape.
        backend: Which numbers a row holds.

    Returns:
        Shape (*shape, 8) of float64, (*shape, 16) of float32, or ``shape`` of float64 for scalars.
    """
    dtype = np.dtype(np.float32 if backend == "float32" else np.float64)
    width = WIDTHS[backend]
    count = int(np.prod(shape)) * width
    raw = np.zeros(count + 64 // dtype.itemsize, dtype)
    start = (-raw.ctypes.data % 64) // dtype.itemsize
    return raw[start : start + count].reshape(*shape, *([] if backend == "scalar" else [width]))


def get(rows: Any, index: Any, lane: Any) -> Any:
    """Read one environment's number of row ``index``."""
    return rows[index, lane] if rows.ndim == 2 else rows[index]


def put(rows: Any, index: Any, lane: Any, value: Any) -> None:
    """Write one environment's number of row ``index``."""
    if rows.ndim == 2:
        rows[index, lane] = value
    else:
        rows[index] = value


@overload(get, inline="always")
def _overload_get(rows, index, lane):  # numba wants the two signatures alike, annotations included
    if rows.ndim == 2:
        return lambda rows, index, lane: rows[index, lane]
    return lambda rows, index, lane: rows[index]


@overload(put, inline="always")
def _overload_put(rows, index, lane, value):
    if rows.ndim == 2:

        def put_lane(rows, index, lane, value):
            rows[index, lane] = value

        return put_lane

    def put_scalar(rows, index, lane, value):
        rows[index] = value

    return put_scalar


if TYPE_CHECKING or JIT_DISABLED:

    def jit(function: Any) -> Any:
        """Leave a kernel as the Python function it is."""
        return function

    inline = entry = jit

    def width(rows: Any) -> int:
        """Environments that a row holds."""
        return rows.shape[1] if rows.ndim == 2 else 1

    def lanes(like: Any, value: float) -> Any:
        """Return the same number in all lanes, in the numbers of ``like`` (work rows or a lane)."""
        lane = np.shape(like)[-1:]
        # A long row of one dimension is the workspace of the scalar back end.
        return np.full(lane, value, like.dtype) if lane and lane[0] in WIDTHS.values() else np.float64(value)

    def largest_exponent(like: Any) -> float:
        """Argument beyond which the exponential leaves the numbers of ``like``."""
        return 87.0 if np.asarray(like).dtype == np.float32 else 708.0

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

    @cache
    def _sources_digest(folder: Path) -> str:
        """Fingerprint of the sources that a kernel of a folder is made of: those of the folder and of the engine."""
        digest = hashlib.sha256()
        for home in sorted({folder, Path(__file__).parent}):
            for source in sorted(home.rglob("*.py")):
                digest.update(source.read_bytes())
        return digest.hexdigest()

    def entry(function: Any) -> Any:
        """Compile a kernel that Python calls; it releases Python's lock, and its machine code is cached on disk."""
        dispatcher = numba.njit(cache=True, error_model="numpy", nogil=True)(function)
        # numba looks only at the file that a function stands in; a cached kernel holds the code of all that it calls.
        cache_file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
        if hasattr(cache_file, "_source_stamp"):
            cache_file._source_stamp = _sources_digest(Path(function.__code__.co_filename).parent)
        return dispatcher

    def _part(function: Any, **options: Any) -> Any:
        # Unpacking groups of a hundred arrays from Python costs half of the compilation; only an entry needs it.
        return numba.njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)(function)

    def jit(function: Any) -> Any:
        """Compile a kernel that other kernels call, and Python cannot."""
        return _part(function)

    def inline(function: Any) -> Any:
        """Compile a kernel into its callers: a call would copy every array header of its groups."""
        return _part(function, forceinline=True)

    class LaneType(types.Type):
        """Several numbers in a vector register."""

        def __init__(self, backend: Backend) -> None:
            single = backend == "float32"
            self.width = WIDTHS[backend]
            self.scalar = types.float32 if single else types.float64
            self.bits = 32 if single else 64
            self.integer = ir.IntType(self.bits)
            self.vector = ir.VectorType(ir.FloatType() if single else ir.DoubleType(), self.width)
            self.integers = ir.VectorType(self.integer, self.width)
            self.fraction_bits = 23 if single else 52
            self.bias = 127 if single else 1023
            self.largest_exponent = 87.0 if single else 708.0
            super().__init__(name=f"Lane{self.bits}")

        def constant(self, value: float) -> Any:
            """Return the same number in all lanes, as LLVM's constant."""
            return ir.Constant(self.vector, [value] * self.width)

        def integer_constant(self, value: int) -> Any:
            """Return the same integer in all lanes, as LLVM's constant."""
            return ir.Constant(self.integers, [value] * self.width)

    class MaskType(types.Type):
        """Truth values of lanes, the result of comparing them."""

        def __init__(self, lane: LaneType) -> None:
            self.lane = lane
            self.truth = ir.VectorType(ir.IntType(1), lane.width)
            super().__init__(name=f"Mask{lane.width}")

    LANES = {"float64": LaneType("float64"), "float32": LaneType("float32")}
    MASKS = {lane: MaskType(lane) for lane in LANES.values()}
    _FLAGS = ("contract",)

    @register_model(LaneType)
    class _LaneModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, kind.vector)

    @register_model(MaskType)
    class _MaskModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, kind.truth)

    _SCALARS = (types.Float, types.Integer)

    def _is_number(kind: Any) -> bool:
        return isinstance(kind, (LaneType, *_SCALARS))

    def _numbers_of(like: Any) -> Any:
        """Type of number that work rows, a lane, a mask or a scalar stand for."""
        if isinstance(like, types.Array):
            return types.float64 if like.ndim == 1 else LANES[str(like.dtype)]
        if isinstance(like, MaskType):
            return like.lane
        return like if isinstance(like, LaneType) else types.float64

    def _broadcast(context: Any, builder: Any, lane: LaneType, kind: Any, value: Any) -> Any:
        """Put a scalar into all lanes; pass a lane through."""
        if isinstance(kind, LaneType):
            return value
        scalar = context.cast(builder, value, kind, lane.scalar)
        index = ir.IntType(32)
        one = builder.insert_element(ir.Constant(lane.vector, ir.Undefined), scalar, ir.Constant(index, 0))
        zeros = ir.Constant(ir.VectorType(index, lane.width), [0] * lane.width)
        return builder.shuffle_vector(one, ir.Constant(lane.vector, ir.Undefined), zeros)

    def _as_number(context: Any, builder: Any, target: Any, kind: Any, value: Any) -> Any:
        """Bring a number to the type of the result, scalar or lane."""
        if isinstance(target, LaneType):
            return _broadcast(context, builder, target, kind, value)
        return context.cast(builder, value, kind, target)

    def _pairs() -> list[tuple[Any, Any]]:
        return [(LaneType, LaneType), *((LaneType, s) for s in _SCALARS), *((s, LaneType) for s in _SCALARS)]

    def _binary(function: Any, truth: bool, build: Any) -> None:
        """Teach numba a binary operator on lanes and on a lane with a scalar."""

        def lane_of(a: Any, b: Any) -> Any:
            found = {kind for kind in (a, b) if isinstance(kind, LaneType)}
            return found.pop() if len(found) == 1 else None

        def factory(context: Any) -> Any:
            def typer(a: Any, b: Any) -> Any:
                lane = lane_of(a, b)
                if lane is None or not (_is_number(a) and _is_number(b)):
                    return None
                return MASKS[lane] if truth else lane

            return typer

        def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            lane = lane_of(*signature.args)
            pairs = zip(signature.args, arguments, strict=True)
            return build(builder, *(_broadcast(context, builder, lane, k, v) for k, v in pairs))

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
        _binary(_function, False, _arithmetic(_name))
    for _function, _name in (
        (operator.lt, "<"),
        (operator.le, "<="),
        (operator.gt, ">"),
        (operator.ge, ">="),
        (operator.eq, "=="),
        (operator.ne, "!="),
    ):
        _binary(_function, True, _comparison(_name))

    def _logic(function: Any, name: str) -> None:
        """Teach numba ``&`` and ``|`` of masks."""

        def factory(context: Any) -> Any:
            return lambda a, b: a if isinstance(a, MaskType) and a is b else None

        def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, name)(*arguments)

        type_callable(function)(factory)
        lower_builtin(function, MaskType, MaskType)(lower)

    _logic(operator.and_, "and_")
    _logic(operator.or_, "or_")

    @type_callable(operator.neg)
    def _type_negation(context: Any) -> Any:
        return lambda a: a if isinstance(a, LaneType) else None

    @lower_builtin(operator.neg, LaneType)
    def _lower_negation(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fneg(arguments[0])

    def _elementwise(name: str) -> Any:
        """Build a call of one of LLVM's functions of one number."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = signature.args[0]
            if isinstance(kind, LaneType):
                vector, suffix = kind.vector, f"v{kind.width}f{kind.bits}"
                value = arguments[0]
            else:
                vector, suffix = ir.DoubleType(), "f64"
                value = context.cast(builder, arguments[0], kind, types.float64)
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(vector, [vector]), f"llvm.{name}.{suffix}"
            )
            return builder.call(function, [value])

        return build

    def _row_pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = _numbers_of(signature.args[0])
        rows = context.make_array(signature.args[0])(context, builder, arguments[0])
        index = context.cast(builder, arguments[1], signature.args[1], types.intp)
        if not isinstance(number, LaneType):
            return builder.gep(rows.data, [index]), 8
        first = builder.gep(rows.data, [builder.mul(index, ir.Constant(index.type, number.width))])
        return builder.bitcast(first, number.vector.as_pointer()), 64

    @intrinsic
    def width(typing_context: Any, rows: Any) -> Any:
        """Environments that a row holds."""
        number = _numbers_of(rows)
        count = number.width if isinstance(number, LaneType) else 1
        return types.intp(rows), lambda context, builder, signature, arguments: context.get_constant(types.intp, count)

    @intrinsic
    def lanes(typing_context: Any, like: Any, value: Any) -> Any:
        """Return the same number in all lanes, in the numbers of ``like`` (work rows or a lane)."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _as_number(context, builder, signature.return_type, signature.args[1], arguments[1])

        return _numbers_of(like)(like, value), build

    @intrinsic
    def largest_exponent(typing_context: Any, like: Any) -> Any:
        """Argument beyond which the exponential leaves the numbers of ``like``."""
        number = _numbers_of(like)
        value = number.largest_exponent if isinstance(number, LaneType) else 708.0
        return types.float64(like), lambda context, builder, signature, arguments: context.get_constant(
            types.float64, value
        )

    @intrinsic
    def load(typing_context: Any, rows: Any, index: Any) -> Any:
        """Read row ``index`` of contiguous work rows that start on a 64-byte boundary."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer, align = _row_pointer(context, builder, signature, arguments)
            return builder.load(pointer, align=align)

        return _numbers_of(rows)(rows, index), build

    @intrinsic
    def store(typing_context: Any, rows: Any, index: Any, value: Any) -> Any:
        """Write row ``index`` of contiguous work rows that start on a 64-byte boundary."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            number = _numbers_of(signature.args[0])
            content = _as_number(context, builder, number, signature.args[2], arguments[2])
            pointer, align = _row_pointer(context, builder, signature, arguments)
            builder.store(content, pointer, align=align)
            return context.get_dummy_value()

        return types.void(rows, index, value), build

    @intrinsic
    def where(typing_context: Any, mask: Any, yes: Any, no: Any) -> Any:
        """Choose lane by lane."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, b = (
                _as_number(context, builder, signature.return_type, signature.args[i], arguments[i]) for i in (1, 2)
            )
            return builder.select(arguments[0], a, b)

        return _numbers_of(mask)(mask, yes, no), build

    @intrinsic
    def sqrt(typing_context: Any, x: Any) -> Any:
        """Square root."""
        return _numbers_of(x)(x), _elementwise("sqrt")

    @intrinsic
    def absolute(typing_context: Any, x: Any) -> Any:
        """Magnitude."""
        return _numbers_of(x)(x), _elementwise("fabs")

    @intrinsic
    def nearest(typing_context: Any, x: Any) -> Any:
        """Round to the nearest integer, ties to even."""
        return _numbers_of(x)(x), _elementwise("rint")

    class _Scalar:
        """What the bit tricks need to know of a plain float64."""

        vector, integers, fraction_bits, bias = ir.DoubleType(), ir.IntType(64), 52, 1023

        @staticmethod
        def constant(value: float) -> Any:
            return ir.Constant(ir.DoubleType(), value)

        @staticmethod
        def integer_constant(value: int) -> Any:
            return ir.Constant(ir.IntType(64), value)

    def _format(kind: Any) -> Any:
        return kind if isinstance(kind, LaneType) else _Scalar

    @intrinsic
    def power_of_two(typing_context: Any, n: Any) -> Any:
        """2**n of integer-valued lanes within the range of exponents."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            f = _format(signature.args[0])
            # Adding 1.5 * 2**fraction_bits leaves n, in two's complement, in the low bits of the significand.
            magic = f.constant(1.5 * 2.0**f.fraction_bits)
            bits = builder.bitcast(builder.fadd(arguments[0], magic), f.integers)
            bits = builder.shl(builder.add(bits, f.integer_constant(f.bias)), f.integer_constant(f.fraction_bits))
            return builder.bitcast(bits, f.vector)

        return _numbers_of(n)(n), build

    @intrinsic
    def exponent(typing_context: Any, x: Any) -> Any:
        """Binary exponent of a positive normal number, as a number."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            f = _format(signature.args[0])
            bits = builder.lshr(builder.bitcast(arguments[0], f.integers), f.integer_constant(f.fraction_bits))
            return builder.sitofp(builder.sub(bits, f.integer_constant(f.bias)), f.vector)

        return _numbers_of(x)(x), build

    @intrinsic
    def mantissa(typing_context: Any, x: Any) -> Any:
        """Significand of a positive normal number, in [1, 2)."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            f = _format(signature.args[0])
            fraction = f.integer_constant(2**f.fraction_bits - 1)
            bits = builder.and_(builder.bitcast(arguments[0], f.integers), fraction)
            return builder.bitcast(builder.or_(bits, f.integer_constant(f.bias << f.fraction_bits)), f.vector)

        return _numbers_of(x)(x), build

    @intrinsic
    def any_lane(typing_context: Any, mask: Any) -> Any:
        """Tell whether any lane of a comparison is true."""

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = signature.args[0]
            if not isinstance(kind, MaskType):
                return arguments[0]
            bits = ir.IntType(kind.lane.width)
            return builder.icmp_unsigned("!=", builder.bitcast(arguments[0], bits), ir.Constant(bits, 0))

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
