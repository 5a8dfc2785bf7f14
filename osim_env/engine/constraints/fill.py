"""Which entries of the mass matrix are not zero, before and while it is factored."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..groups import Couplers, Integers, Paths


def factor_rows(parent: Any, mobility_start: Any, paths: Paths, couplers: Couplers) -> tuple[Integers, Integers]:
    """Columns left of the diagonal that are or become non-zero while factoring from the last mobility up.

    The tree couples a mobility with those between it and the root; a muscle couples all that it crosses; a coupled
    coordinate brings all that its own row has to the one that it follows.
    """
    n = int(mobility_start[-1])
    columns: list[set[int]] = [set() for _ in range(n)]
    for b in range(1, len(parent)):
        chain: list[int] = []
        above = b
        while above > 0:
            chain += range(mobility_start[above], mobility_start[above + 1])
            above = parent[above]
        for j in range(mobility_start[b], mobility_start[b + 1]):
            columns[j] |= {i for i in chain if i < j}
    for m in range(len(paths.entry_start) - 1):
        crossed = paths.entry_mobility[paths.entry_start[m] : paths.entry_start[m + 1]].tolist()
        for j in crossed:
            columns[j] |= {i for i in crossed if i < j}
    for dependent, independent in zip(couplers.dependent.tolist(), couplers.independent.tolist(), strict=True):
        beside = columns[dependent] | {j for j in range(n) if dependent in columns[j]}
        for j in beside - {independent}:
            columns[max(independent, j)].add(min(independent, j))
    for k in range(n - 1, -1, -1):
        for i in columns[k]:
            columns[i] |= {j for j in columns[k] if j < i}
    start = np.concatenate([[0], np.cumsum([len(c) for c in columns])]).astype(np.int64)
    return start, np.array([i for c in columns for i in sorted(c)], dtype=np.int64)
