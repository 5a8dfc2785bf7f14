"""Outcomes of a walk as tables: settings, curves, scalars, and how they are stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data.constants import CONDITIONS
from exogait.data.errors import InputError
from exogait.data.files import write_parquet
from exogait.data.loading import read_table
from exogait.data.names import accountings_now
from exogait.data.trial import SIDES, Side
from exogait.models.energetics import SAVINGS

from ..gait.cycle import N_POINTS
from .strides import Array


@dataclass(frozen=True, kw_only=True)
class WalkSettings:
    """What was simulated."""

    seed: int = 0
    """Training seed."""
    body: str = "healthy"
    """``healthy`` or the name of a deficit."""
    strength: float = 100.0
    """Strength of the weakest group, percent."""
    side: str = "right"
    """Weak side, ``right`` or ``left``."""
    condition: str = "none"
    """One of :data:`CONDITIONS`."""
    speed: float = 1.25
    """Commanded, m/s."""
    start: int = 0
    """Number of the random start."""
    variant: str = "main"
    """Variant of the study."""

    def __post_init__(self) -> None:
        if self.condition not in CONDITIONS:
            raise InputError("condition", self.condition, f"one of {', '.join(CONDITIONS)}")

    @property
    def walk(self) -> str:
        """Name of the walk, unique within a study."""
        return "|".join(
            (self.variant, self.body, f"{self.strength:g}", self.side, self.condition, f"{self.speed:g}",
             f"seed{self.seed}", f"start{self.start}")
        )  # fmt: skip


@dataclass(frozen=True)
class CurveOutcome:
    """One curve over the stride of one leg."""

    mean: Array
    """Shape (101,); NaN where no stride knows the point."""
    sd: Array
    """Between strides, shape (101,); NaN below two strides."""
    unit: str
    n_strides: int


@dataclass(frozen=True)
class WalkOutcomes:
    """All numbers of one walk."""

    scalars: Mapping[str, float]
    curves: Mapping[tuple[str, Side], CurveOutcome]
    """(curve, leg) to its mean and SD. Curves: keys of :data:`exogait.analysis.gait.curves.CURVES`, the two
    trunk angles,
    ``device_<coordinate>`` (N m/kg, OpenSim's sign) and ``activation_<muscle>``."""


def outcome_tables(
    outcomes: Iterable[tuple[WalkSettings, WalkOutcomes]],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tidy tables of many walks.

    Args:
        outcomes: Settings and numbers of each walk.

    Returns:
        ``walks``: one row a walk: walk (its name), the settings (``speed`` of the settings as ``speed_commanded``),
        and every scalar. ``curves``: one row a point: walk, curve, side (leg), percent, mean, sd, unit, n_strides.

    Raises:
        InputError: Two walks have the same settings.
    """
    rows: list[dict[str, Any]] = []
    keys: list[tuple[str, str, str, str, int]] = []
    means, sds = [], []
    names: set[str] = set()
    for settings, outcome in outcomes:
        if settings.walk in names:
            raise InputError("walk", settings.walk, "every walk of a study has its own settings")
        names.add(settings.walk)
        facts = dataclasses.asdict(settings)
        facts["speed_commanded"] = facts.pop("speed")
        rows.append({"walk": settings.walk, **facts, **outcome.scalars})
        for (curve, side), item in outcome.curves.items():
            keys.append((settings.walk, curve, side, item.unit, item.n_strides))
            means.append(item.mean.astype(np.float32))
            sds.append(item.sd.astype(np.float32))
    walk, curve, side, unit, count = zip(*keys, strict=True) if keys else ([], [], [], [], [])
    empty = np.zeros(0, np.float32)
    curves = {
        "walk": _repeated(walk), "curve": _repeated(curve), "side": _repeated(side),
        "percent": np.tile(np.arange(N_POINTS, dtype=np.int16), len(keys)),
        "mean": np.concatenate(means) if means else empty, "sd": np.concatenate(sds) if sds else empty,
        "unit": _repeated(unit), "n_strides": np.repeat(np.array(count, np.int16), N_POINTS),
    }  # fmt: skip
    return pd.DataFrame(rows), pd.DataFrame(curves)


def _repeated(values: Iterable[str]) -> pd.Categorical:
    """One text a curve as a category, once for each of its points."""
    codes, categories = pd.factorize(pd.Series(list(values), dtype=object))
    return pd.Categorical.from_codes(np.repeat(codes, N_POINTS), categories=list(categories))


CURVES_BYTES = 8 << 30
"""Most bytes of the table of curves, eight a cell; the text columns of a study's millions of rows take one or two."""
MOST_CURVES = 500
"""Most curves of a walk, both legs together; the suite's own walks have up to about 200."""
_CATEGORIES = ("walk", "curve", "side", "unit")
_CURVE_COLUMNS = (*_CATEGORIES, "percent", "mean", "sd", "n_strides")


def write_outcomes(walks: pd.DataFrame, curves: pd.DataFrame, folder: str | Path) -> Path:
    """Write both tables as ``walks.parquet`` and ``curves.parquet``."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (("walks", walks), ("curves", curves)):
        write_parquet(table, folder / f"{name}.parquet")
    return folder


def read_outcomes(folder: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read what :func:`write_outcomes` wrote; rates of an earlier version come under the names of today.

    Raises:
        FileFormatError: A table is missing, no parquet file, or larger than so many walks have curves.
    """
    problem, todo = "is no parquet table", "name a folder that write_outcomes wrote"
    walks = read_table(Path(folder) / "walks.parquet", problem, todo)
    # Measured before it is read; the columns are those of outcome_tables. A table without a walk is a file, too.
    limit = min(CURVES_BYTES, 8 * len(_CURVE_COLUMNS) * N_POINTS * MOST_CURVES * max(len(walks), 1))
    # Texts that repeat a million times are read as categories, whatever the file holds.
    curves = read_table(Path(folder) / "curves.parquet", problem, todo, limit=limit, categories=_CATEGORIES)
    return _named_as_today(walks), curves.astype(dict.fromkeys(_CATEGORIES, "category"))


def _named_as_today(walks: pd.DataFrame) -> pd.DataFrame:
    gross = "_gross"
    known = [str(name).removesuffix(gross) for name in walks.columns if str(name).endswith(gross)]
    moved = {old: new for old, new in accountings_now(known).items() if old != new}

    def now(column: str) -> str:
        old = next((old for old in moved if column.startswith(f"{old}_")), None)
        return column if old is None else moved[old] + column.removeprefix(old)

    return walks.rename(columns=now) if moved else walks


def counted_today(walks: pd.DataFrame) -> bool:
    """Whether walks were counted in the accounting in which savings are told; an earlier version knew none."""
    return f"{SAVINGS}_gross" in walks.columns


EARLIER = "counted by an earlier version: give the command again, it walks again and trains nothing"
"""Why walks tell no saving where :func:`counted_today` says so."""


def curve_matrix(walks: pd.DataFrame, curves: pd.DataFrame, curve: str, side: Side) -> tuple[list[str], Array]:
    """One curve of several walks.

    Args:
        walks: Rows of the table of walks, already selected.
        curves: The table of curves.
        curve: Name of the curve.
        side: Leg.

    Returns:
        Names of the walks that have it, and their means, shape (n_walks, 101).
    """
    part = curves[
        (curves["curve"] == curve)
        & (curves["side"] == side)
        & curves["walk"].isin([str(name) for name in walks["walk"]])
    ]
    if part.empty:
        return [], np.zeros((0, N_POINTS))
    wide = part.astype({"walk": str}).pivot(index="walk", columns="percent", values="mean")
    return [str(name) for name in wide.index], wide.to_numpy(np.float64)


def seed_curves(
    walks: pd.DataFrame, curves: pd.DataFrame, curve: str, sides: Sequence[Side] = SIDES
) -> dict[int, Array]:
    """Mean of one curve over the walks of each seed, which then count alike however many of their walks there are.

    Args:
        walks: Rows of the table of walks, already selected.
        curves: The table of curves.
        curve: Name of the curve.
        sides: Legs to pool.

    Returns:
        Seed to curve, shape (101,); seeds without a walk that has it are absent.
    """
    found: dict[int, Array] = {}
    for seed, part in walks.groupby("seed"):
        values = np.concatenate([curve_matrix(pd.DataFrame(part), curves, curve, side)[1] for side in sides])
        values = values[np.isfinite(values).all(axis=1)]
        if len(values):
            found[int(seed)] = values.mean(axis=0)  # type: ignore[call-overload]
    return found
