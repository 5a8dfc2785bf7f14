"""What an array of a compiled model must be, said beside its declaration, and the check that holds a file to it.

Kernels trust their indices: one wrong number in a file would read or write memory that is not theirs. So every field of
:mod:`.model` carries one rule as ``Annotated[Floats, Real("muscles", low=0)]``, and nothing that was loaded reaches a
kernel before every array has met its rule and every relation between arrays (:mod:`.relations`) holds.

A length in a rule is a number or a word that stands for a count (``"bodies"``), with a factor, one more or one less
(``"6 bodies"``, ``"bodies+1"``, ``"bodies-1"``). The first array with a word says what it is; all others have to agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

Counts = dict[str, int]
Length = int | str

_LENGTH = re.compile(r"(?:(\d+) )?([a-z_]+)([+-]1)?")


class CheckError(ValueError):
    """An array is not what its rule says; the message names the array and the first entry that is wrong."""


class Rule:
    """Type, shape and values of one array.

    Args:
        *shape: Length of each axis.
        low: Lowest value.
        high: Highest value.
    """

    dtype: type[np.generic] = np.float64

    def __init__(self, *shape: Length, low: float = -np.inf, high: float = np.inf) -> None:
        self.shape, self.low, self.high = shape, low, high

    def check_shape(self, where: str, array: Any, counts: Counts) -> None:
        """Check type and shape, and note the counts that the shape tells.

        Raises:
            CheckError: They are others.
        """
        wanted = np.dtype(self.dtype)
        if not isinstance(array, np.ndarray) or array.dtype != wanted or not array.dtype.isnative:
            raise CheckError(f"{where} holds {getattr(array, 'dtype', type(array).__name__)}, expected {wanted}")
        lengths = [_length(n, array.shape[k] if k < array.ndim else 0, counts) for k, n in enumerate(self.shape)]
        if array.shape != tuple(lengths):
            words = ", ".join(map(str, self.shape))
            raise CheckError(f"{where} has shape {array.shape}, expected {tuple(lengths)} ({words})")

    def check_values(self, where: str, array: NDArray[Any], counts: Counts) -> None:
        """Check that every value is allowed.

        Raises:
            CheckError: One is not.
        """
        low, high = self.range(counts)
        require((array >= low) & (array <= high), where, array, f"expected {low:g} to {high:g}")

    def range(self, counts: Counts) -> tuple[float, float]:
        """Lowest and highest value, with these counts."""
        return self.low, self.high


class Real(Rule):
    """Real numbers, finite unless ``infinite`` allows an infinity; never NaN."""

    def __init__(
        self, *shape: Length, low: float = -np.inf, high: float = np.inf, above: float = -np.inf, infinite: bool = False
    ) -> None:
        super().__init__(*shape, low=low, high=high)
        self.above, self.infinite = above, infinite

    def check_values(self, where: str, array: NDArray[Any], counts: Counts) -> None:
        """Check that every value is a number, finite and in its range."""
        require(~np.isnan(array) if self.infinite else np.isfinite(array), where, array, "expected a finite number")
        super().check_values(where, array, counts)
        if np.isfinite(self.above):
            require(array > self.above, where, array, f"expected more than {self.above:g}")


class Truth(Rule):
    """Truth values."""

    dtype = np.bool_


class Whole(Rule):
    """Whole numbers in a range."""

    dtype = np.int64


class Flag(Whole):
    """Whole numbers 0 and 1."""

    def __init__(self, *shape: Length) -> None:
        super().__init__(*shape, low=0, high=1)


class Index(Whole):
    """Numbers of rows of another table, from ``low`` (-1 where "none" is allowed) to its count less one."""

    def __init__(self, *shape: Length, into: str, low: int = 0) -> None:
        super().__init__(*shape, low=low)
        self.into = into

    def range(self, counts: Counts) -> tuple[float, float]:
        """From the lowest number to the last row of the table."""
        return self.low, counts[self.into] - 1


class Offsets(Whole):
    """First row of each part of another table, and its count at the end: from 0, never falling.

    Args:
        parts: What has a part.
        of: The table that is divided.
        least: Rows that each part has at least.
    """

    def __init__(self, parts: str, *, of: str, least: int = 0) -> None:
        super().__init__(f"{parts}+1")
        self.of, self.least = of, least

    def check_values(self, where: str, array: NDArray[Any], counts: Counts) -> None:
        """Check that the parts cover the table, one after the other."""
        ends = counts[self.of]
        if array[0] != 0 or array[-1] != ends:
            raise CheckError(f"{where} goes from {array[0]} to {array[-1]}, expected 0 to {ends} ({self.of})")
        # Compared, not subtracted: a difference of hostile numbers may overflow.
        rises = (array[1:] >= array[:-1]) & (array[1:] <= ends)
        require(rises, where, array[1:], f"expected no fall and at most {ends}")
        require(np.diff(array) >= self.least, where, array[1:], f"expected parts of at least {self.least}")


class Names(Rule):
    """Names, one text a row; a file holds them as an array of text."""

    def __init__(self, count: str, *, unique: bool = False) -> None:
        super().__init__(count)
        self.unique = unique

    def check_shape(self, where: str, array: Any, counts: Counts) -> None:
        """Check that these are as many texts as the count says."""
        if not isinstance(array, tuple) or not all(isinstance(name, str) for name in array):
            raise CheckError(f"{where} is no list of names")
        if len(array) != _length(self.shape[0], len(array), counts):
            raise CheckError(f"{where} holds {len(array)} names, expected {_length(self.shape[0], 0, counts)}")

    def check_values(self, where: str, array: Any, counts: Counts) -> None:
        """Check that no name comes twice, where that matters."""
        if self.unique and len(set(array)) < len(array):
            twice = next(name for name in array if array.count(name) > 1)
            raise CheckError(f"{where} holds {twice!r} twice")


def check_arrays(arrays: Mapping[str, Any], rules: Mapping[str, Rule]) -> Counts:
    """Hold arrays to their rules: all types and shapes first, then all values.

    Args:
        arrays: Arrays by name.
        rules: A rule for each.

    Returns:
        Every count that the shapes told.

    Raises:
        CheckError: An array is not what its rule says.
    """
    counts: Counts = {}
    for where, rule in rules.items():
        rule.check_shape(where, arrays[where], counts)
    for where, rule in rules.items():
        rule.check_values(where, arrays[where], counts)
    return counts


def declared_rules(kind: type, groups: Mapping[str, type]) -> dict[str, Rule]:
    """Rules that stand beside the fields of a class, and of the groups of arrays among them.

    Args:
        kind: The class.
        groups: Classes of its fields that are groups of arrays, by the name of the field.

    Returns:
        Rules by the names that a file gives the arrays (``"tree.parent"``).
    """
    rules: dict[str, Rule] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if name in groups:
            rules |= {f"{name}.{key}": rule for key, rule in declared_rules(groups[name], {}).items()}
        for rule in getattr(hint, "__metadata__", ()):
            if isinstance(rule, Rule):
                rules[name] = rule
    return rules


def require(holds: NDArray[np.bool_], where: str, values: NDArray[Any], expected: str) -> None:
    """Raise where a condition fails somewhere, with the first place and value.

    Raises:
        CheckError: It does.
    """
    if not holds.all():
        place = tuple(int(k) for k in np.argwhere(~holds)[0])
        raise CheckError(f"{where}[{', '.join(map(str, place))}] is {values[place]}, {expected}")


def _length(wanted: Length, found: int, counts: Counts) -> int:
    """Length that an axis must have; a count that is not known yet is taken from the one it has."""
    if isinstance(wanted, int):
        return wanted
    match = _LENGTH.fullmatch(wanted)
    assert match is not None, wanted
    factor, word, more = int(match[1] or 1), match[2], int(match[3] or 0)
    known = counts.setdefault(word, max(found - more, 0) // factor)
    return factor * known + more
