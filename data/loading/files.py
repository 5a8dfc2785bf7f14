"""Files from elsewhere, measured before they are read: archives of arrays, tensors, JSON and tables.

A file says how large it will be once it is open (members of a zip archive, headers of arrays and tensors, the footer of
a parquet file). Here that is read first and held against a limit and against what is really there, so that neither a
small file takes gigabytes nor a damaged one reaches code that trusts it. Whatever goes wrong is one
:class:`~exogait.data.errors.FileFormatError`. What the numbers must be is the business of who asked for them.
"""

from __future__ import annotations

import json
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import FileFormatError, InputError, UnitsError, UnknownNameError
from .regular import regular_file

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

MIB = 1 << 20
ARRAY_BYTES = 64 * MIB
"""Most bytes of all arrays of a file together; a compiled model has a tenth of a mebibyte."""
JSON_BYTES = 32 * MIB
"""Most bytes of a JSON file."""
TABLE_BYTES = 512 * MIB
"""Most bytes of one table; an hour of a hundred columns at 100 Hz has 275 MiB."""
_MEMBERS = 4096
_HEADER_BYTES = 10_000
_READING = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OSError, RuntimeError, OverflowError,
    MemoryError, SyntaxError, NotImplementedError, struct.error, zlib.error, zipfile.BadZipFile,
    tokenize.TokenError,
)  # fmt: skip
"""What the readers of zip archives, array headers, JSON, tensors and parquet raise on damaged files."""


def read_archive(path: str | Path, problem: str, todo: str, *, limit: int = ARRAY_BYTES) -> dict[str, NDArray[Any]]:
    """Read the arrays of an ``.npz`` file; no object, no code, and no more bytes than allowed.

    Args:
        path: The file.
        problem: What is wrong with a damaged one, for the message: ``"damaged policy"``.
        todo: What the user can do about a damaged one.
        limit: Most bytes of all arrays together.

    Returns:
        Arrays of numbers, truth values or text by name, in this processor's byte order.

    Raises:
        FileFormatError: The file is missing, damaged, too large, or holds something else.
    """
    path = Path(path)
    with _reading(path, problem, todo):
        _measure(path, limit)
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if len(members) > _MEMBERS or len(set(names)) < len(names):
                raise ValueError(f"{len(names)} members, some of the same name, or more than {_MEMBERS}")
            _limit(sum(member.file_size for member in members), limit)
            content = {}
            for member in members:
                if not member.filename.endswith(".npy"):
                    raise ValueError(f"{member.filename!r} is no array")
                with archive.open(member) as stream:
                    content[member.filename.removesuffix(".npy")] = _array(stream.read(member.file_size), member)
    return content


def read_tensors(path: str | Path, problem: str, todo: str, *, limit: int = ARRAY_BYTES) -> dict[str, NDArray[Any]]:
    """Read a ``.safetensors`` file whose tensors are all float32.

    Args:
        path: The file.
        problem: What is wrong with a damaged one, for the message.
        todo: What the user can do about a damaged one.
        limit: Most bytes of the file.

    Returns:
        float64 arrays by name, all finite.

    Raises:
        FileFormatError: The file is missing, damaged, too large, or holds other types or values that are not finite.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = Path(path)
    with _reading(path, problem, todo):
        _measure(path, limit)
        data = path.read_bytes()
        (header,) = struct.unpack_from("<Q", data)
        if header > min(len(data) - 8, MIB):
            raise ValueError(f"its header claims {header} bytes")
        try:
            tensors = load(data)
        except SafetensorError as error:
            raise ValueError(str(error)) from None
        for name, value in tensors.items():
            if value.dtype != np.float32:
                raise ValueError(f"{name} holds {value.dtype}, expected float32")
            if not np.isfinite(value).all():
                raise ValueError(f"{name}: a weight is not finite")
        return {name: value.astype(np.float64) for name, value in tensors.items()}


def read_json(
    path: str | Path,
    problem: str,
    todo: str,
    *,
    limit: int = JSON_BYTES,
    form: str | None = None,
    fields: Mapping[str, Any] | None = None,
    strict: bool = False,
) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Args:
        path: The file.
        problem: What is wrong with a damaged one, for the message.
        todo: What the user can do about a damaged one.
        limit: Most bytes of the file.
        form: What its field ``format`` must say.
        fields: Types of fields that must be there, by name, as for ``isinstance``.
        strict: Refuse numbers that are not finite wherever they stand.

    Raises:
        FileFormatError: The file is missing, too large, no JSON, no object, or lacks a field.
    """
    path = Path(path)
    with _reading(path, problem, todo):
        _measure(path, limit)
        text = path.read_text(encoding="utf-8")
        content = json.loads(text, parse_constant=_number, parse_float=_number) if strict else json.loads(text)
        if not isinstance(content, dict):
            raise ValueError(f"expected fields in braces, found a {type(content).__name__}")
        if form is not None and content.get("format") != form:
            raise FileFormatError(path, f"format {str(content.get('format'))[:40]!r}, expected {form!r}", todo)
        for name, kind in (fields or {}).items():
            if name not in content:
                raise ValueError(f"field {name!r} is missing")
            if not isinstance(content[name], kind) or (isinstance(content[name], bool) and kind is not bool):
                raise ValueError(f"field {name!r} is {str(content[name])[:40]!r}")
        return content


def read_table(
    path: str | Path, problem: str, todo: str, *, limit: int = TABLE_BYTES, categories: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a parquet file as a table.

    Args:
        path: The file.
        problem: What is wrong with a damaged one, for the message.
        todo: What the user can do about a damaged one.
        limit: Most bytes of the table in memory, eight a number.
        categories: Columns of text that repeats, read as categories.

    Raises:
        FileFormatError: The file is missing, damaged or too large.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    with _reading(path, problem, todo):
        _measure(path, limit)
        try:
            data = path.read_bytes()
            about = pq.read_metadata(BytesIO(data))
            groups = [about.row_group(i) for i in range(about.num_row_groups)]
            sizes = [group.column(k).total_uncompressed_size for group in groups for k in range(group.num_columns)]
            if (
                about.num_rows < 0
                or sum(group.num_rows for group in groups) != about.num_rows
                or min(sizes, default=0) < 0
            ):
                raise ValueError("its parts have another number of rows than the whole")
            _limit(max(8 * about.num_rows * about.num_columns, sum(sizes)), limit)
            # In one thread: a damaged file must not be met by several at once.
            options: dict[str, Any] = {"read_dictionary": list(categories)} if categories else {}
            return pd.read_parquet(BytesIO(data), engine="pyarrow", use_threads=False, **options)
        except pa.ArrowException as error:
            raise ValueError(str(error)) from None


class _reading:
    """A block in which everything that a damaged file can raise becomes one error with its path."""

    def __init__(self, path: Path, problem: str, todo: str) -> None:
        self.path, self.problem, self.todo = path, problem, todo

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise FileFormatError(self.path, "no such file", self.todo) from None
        if isinstance(error, (*_READING, InputError, UnknownNameError, UnitsError)):
            raise damaged(self.path, self.problem, error, self.todo) from None


def damaged(path: str | Path, problem: str, error: BaseException, todo: str) -> FileFormatError:
    """The error of a damaged file, on one line."""
    reason = str(error) if not isinstance(error, KeyError) else f"{error} is missing"
    reason = " ".join((reason or type(error).__name__).split())
    return FileFormatError(path, f"{problem} ({reason[:200]})", todo)


def parsed(path: str | Path, problem: str, todo: str, make: Callable[[], Any]) -> Any:
    """What ``make`` makes of a file's content; whatever content of the wrong kind raises there is a damaged file.

    Raises:
        FileFormatError: It cannot be made.
    """
    with _reading(Path(path), problem, todo):
        return make()


def made_of(path: str | Path, problem: str, todo: str, make: Callable[[], T]) -> T:
    """As :func:`parsed`, but errors that already say what is wrong stay what they are.

    Raises:
        FileFormatError: It cannot be made.
    """
    try:
        return make()
    except _READING as error:
        raise damaged(path, problem, error, todo) from None


def finite(name: str, value: Any, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
    """An array of finite numbers of a shape, where ``None`` is any length.

    Raises:
        ValueError: It is none.
    """
    array = np.array(value, np.float64)
    if array.ndim != len(shape) or any(n is not None and n != k for n, k in zip(shape, array.shape, strict=True)):
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: a number is not finite")
    return array


def agree(content: Mapping[str, NDArray[Any]], known: Mapping[str, NDArray[Any]], *, most: float = math.inf) -> None:
    """Check that arrays have the types and shapes of others of the same names; a name that is missing is passed over.

    Args:
        content: Arrays of a file.
        known: What they must be like.
        most: Largest magnitude of a number; with one, NaN and infinity are refused as well.

    Raises:
        ValueError: One is different.
    """
    for name, wanted in known.items():
        array = content.get(name)
        if array is None:
            continue
        if array.dtype != wanted.dtype or array.shape != wanted.shape:
            raise ValueError(
                f"{name} holds {array.dtype} of shape {array.shape}, expected {wanted.dtype} of {wanted.shape}"
            )
        if most < math.inf and array.dtype.kind == "f" and not (np.abs(array) <= most).all():
            raise ValueError(f"{name}: a number is not finite, or above {most:g}")


def _array(data: bytes, member: zipfile.ZipInfo) -> NDArray[Any]:
    """One member of an archive as an array: its header must tell exactly the bytes that follow it."""
    stream = BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{member.filename!r} is an array of version {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream, max_header_size=_HEADER_BYTES)
    if dtype.kind not in "biufU":
        raise ValueError(f"{member.filename!r} holds {dtype}")
    count = 1
    for length in shape:
        if length < 0:
            raise ValueError(f"{member.filename!r} has shape {shape}")
        count *= length
    if stream.tell() + count * dtype.itemsize != len(data):
        raise ValueError(f"{member.filename!r} holds other bytes than shape {shape} of {dtype} takes")
    if dtype.kind == "b" and data[stream.tell() :].strip(b"\0\1"):
        raise ValueError(f"{member.filename!r}: a truth value is neither 0 nor 1")
    array = np.frombuffer(data, dtype, count, stream.tell()) if count and dtype.itemsize else np.zeros(count, dtype)
    if dtype.kind == "U" and array.size:
        for text in array.tolist():
            text.encode()  # no half of a pair, and nothing beyond the last character
    array = array.reshape(shape, order="F" if fortran else "C")
    return np.array(array, dtype.newbyteorder("="), order="C")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no finite number")
    return value


def _measure(path: Path, limit: int) -> None:
    _limit(regular_file(path), limit)


def _limit(size: int, limit: int) -> None:
    if size > limit:
        raise ValueError(f"{size / MIB:.1f} MiB, at most {limit / MIB:g} MiB are accepted")
