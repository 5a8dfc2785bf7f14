"""Reuse of finished steps: a step runs again only where its inputs, its settings or the code behind it changed.

A step's key is a hash of everything that it reads. Its result, a frozen dataclass of numbers, texts, paths and tables,
is kept as JSON and parquet beside the outputs; nothing in a cache folder can run code.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from exogait.data.errors import ExogaitError
from exogait.data.files import write_parquet, write_text_atomic
from exogait.data.loading import read_json, read_table

T = TypeVar("T")
_PACKAGES = ("analysis", "data", "models")


@dataclasses.dataclass(frozen=True)
class StepRecord:
    """What one step took."""

    name: str
    """Name of the step."""
    seconds: float
    """Wall time, s."""
    reused: bool
    """True where an earlier result was taken."""


class StepCache:
    """Runs named steps, keeps their results in a folder and takes them again when nothing changed.

    Args:
        folder: Where results are kept; ``None`` keeps nothing.
        classes: Dataclasses that results may consist of.
    """

    def __init__(self, folder: Path | None, classes: Sequence[type]) -> None:
        self.folder = folder
        self.classes = {cls.__name__: cls for cls in classes}
        self.records: list[StepRecord] = []

    def run(self, name: str, inputs: Sequence[object], compute: Callable[[], T], *, files: Sequence[Path] = ()) -> T:
        """Result of a step, computed or taken from the folder.

        Args:
            name: Name of the step; one result is kept a name.
            inputs: Everything that the result depends on: paths (their content counts), tables, arrays, numbers, texts.
            compute: Computes the result.
            files: Files that the step writes and that must still be there for it to be reused.
        """
        start = time.perf_counter()
        key = digest(code_digest(), name, *inputs) if self.folder else ""
        found = self._load(name, key, files)
        if found is not None:
            self.records.append(StepRecord(name, time.perf_counter() - start, True))
            return found[0]
        result = compute()
        if self.folder:
            self._save(name, key, result, files)
        self.records.append(StepRecord(name, time.perf_counter() - start, False))
        return result

    def note(self, name: str, seconds: float) -> None:
        """Enter the time of a step that is never kept."""
        self.records.append(StepRecord(name, seconds, False))

    def _load(self, name: str, key: str, files: Sequence[Path]) -> tuple[Any] | None:
        if self.folder is None:
            return None
        place = self.folder / name
        try:
            content = read_json(place / "step.json", "damaged step", "run the step again")
            if content["key"] != key:
                return None
            if any(content["files"].get(str(file)) != digest(file) for file in files):
                return None
            return (self._decode(content["result"], place),)
        except (ExogaitError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError):
            # A damaged or foreign entry is no result: the step simply runs again.
            return None

    def _save(self, name: str, key: str, result: object, files: Sequence[Path]) -> None:
        assert self.folder is not None
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        tables: list[pd.DataFrame] = []
        encoded = self._encode(result, tables)
        for i, table in enumerate(tables):
            plain = table.copy()
            plain.attrs = {}
            write_parquet(plain, place / f"table{i}.parquet", index=None)
        content = {"key": key, "files": {str(file): digest(file) for file in files}, "result": encoded}
        write_text_atomic(place / "step.json", json.dumps(content, allow_nan=False))

    def _encode(self, value: Any, tables: list[pd.DataFrame]) -> Any:
        if isinstance(value, pd.DataFrame):
            tables.append(value)
            attrs = {key: self._encode(item, tables) for key, item in value.attrs.items()}
            return {"table": len(tables) - 1, "attrs": attrs}
        if isinstance(value, pd.Series):
            return {"series": self._encode(value.to_frame(name="value"), tables), "name": value.name}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {f.name: self._encode(getattr(value, f.name), tables) for f in dataclasses.fields(value) if f.init}
            if type(value).__name__ not in self.classes:
                raise TypeError(f"{type(value).__name__} is not among the classes that this cache may hold")
            return {"class": type(value).__name__, "fields": fields}
        if isinstance(value, Mapping):
            return {"map": [[self._encode(k, tables), self._encode(v, tables)] for k, v in value.items()]}
        if isinstance(value, tuple):
            return {"tuple": [self._encode(item, tables) for item in value]}
        if isinstance(value, list):
            return {"list": [self._encode(item, tables) for item in value]}
        if isinstance(value, np.ndarray):
            return {
                "array": self._encode(value.tolist(), tables),
                "dtype": str(value.dtype),
                "shape": list(value.shape),
            }
        if isinstance(value, Path):
            return {"path": str(value)}
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": repr(value)}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise TypeError(f"a step cannot keep a {type(value).__name__}")

    def _decode(self, value: Any, place: Path) -> Any:
        if not isinstance(value, dict):
            return value
        if "table" in value:
            table = read_table(place / f"table{value['table']}.parquet", "damaged step", "run the step again")
            table.attrs = {key: self._decode(item, place) for key, item in value["attrs"].items()}
            return table
        if "series" in value:
            return self._decode(value["series"], place)["value"].rename(value["name"])
        if "class" in value:
            fields = {name: self._decode(item, place) for name, item in value["fields"].items()}
            return self.classes[value["class"]](**fields)
        if "map" in value:
            return {self._decode(k, place): self._decode(v, place) for k, v in value["map"]}
        if "tuple" in value:
            return tuple(self._decode(item, place) for item in value["tuple"])
        if "list" in value:
            return [self._decode(item, place) for item in value["list"]]
        if "array" in value:
            return np.array(self._decode(value["array"], place), dtype=value["dtype"]).reshape(value["shape"])
        if "path" in value:
            return Path(value["path"])
        return float(value["float"])


def digest(*inputs: object) -> str:
    """SHA-256 of anything that a step reads; files count by content, not by name.

    Example:
        >>> digest(1.0, "a") == digest(1.0, "a"), digest(1.0) == digest(2.0)
        (True, False)
    """
    total = hashlib.sha256()
    for value in inputs:
        _update(total, value)
    return total.hexdigest()


def _update(total: Any, value: Any) -> None:
    total.update(type(value).__name__.encode() + b"\0")
    if isinstance(value, Path):
        total.update(hashlib.sha256(value.read_bytes()).digest() if value.is_file() else b"absent")
    elif isinstance(value, pd.DataFrame):
        total.update("\0".join(map(str, value.columns)).encode())
        total.update(np.ascontiguousarray(value.index.to_numpy()).tobytes())
        total.update(np.ascontiguousarray(value.to_numpy()).tobytes())
    elif isinstance(value, np.ndarray):
        total.update(str(value.shape).encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, Mapping):
        for key in value:
            _update(total, key)
            _update(total, value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            _update(total, item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            _update(total, getattr(value, field.name))
    else:
        total.update(repr(value).encode())
    total.update(b"\1")


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Hash of the suite's own measuring code: an update invalidates every kept step."""
    root = Path(__file__).parents[2]
    total = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".yaml", ".csv") and "__pycache__" not in path.parts:
                total.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
