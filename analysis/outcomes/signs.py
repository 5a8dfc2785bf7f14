"""Clinical signs of muscle weakness: read as inequalities, judged on the tables of a study.

The signs lie in ``tables/compensations.yaml``, which states its rule and was written before the study's
training. A sign compares one number of the weak or the sound leg with the healthy body at the same commanded speed;
it holds where the difference exceeds a number of the healthy body's standard deviations in the stated direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from exogait.data.errors import FileFormatError, InputError, UnknownNameError
from exogait.data.loading import read_yaml
from exogait.data.trial import SIDES, Side

from ..gait.curves import CURVES

SIGNS_FILE = Path(__file__).parent / "tables" / "compensations.yaml"
"""The signs of the study, fixed before its training."""
TRUNK_CURVES = ("trunk_lean_forward", "trunk_lean_own_side")
"""Curves beside those of :data:`exogait.analysis.gait.curves.CURVES`:
pelvis plus lumbar angle about one axis, degrees."""
STRIDE_NUMBERS: Mapping[str, str] = {"step_length": "m", "step_time": "s", "stance_pct": "%"}
"""Variables that need no curve, with their units."""
Direction = Literal["higher", "lower"]
WeakOrSound = Literal["weak", "sound"]
_TOP = ("threshold_sd", "speed_m_s", "reproduced_share", "variables", "deficits")
_STATISTICS = ("max", "min", "mean")


@dataclass(frozen=True)
class Variable:
    """One number a stride, from one curve."""

    name: str
    """Name of the outcome, without side."""
    curve: str
    """A key of :data:`exogait.analysis.gait.curves.CURVES`, or one of :data:`TRUNK_CURVES`."""
    statistic: str
    """``max``, ``min`` or ``mean``."""
    cycle: tuple[float, float]
    """Part of that leg's own stride, percent, both ends included."""
    unit: str


@dataclass(frozen=True)
class Sign:
    """One clinical sign as an inequality."""

    deficit: str
    """Name of the deficit."""
    sign: str
    """In words."""
    variable: str
    """A :class:`Variable` or one of :data:`STRIDE_NUMBERS`."""
    side: WeakOrSound
    """Whose stride and whose value."""
    cycle: tuple[float, float]
    """Part of the stride, percent."""
    direction: Direction
    """Against the healthy body."""
    source: str
    """Literature."""


@dataclass(frozen=True)
class Signs:
    """What a file of signs says."""

    threshold_sd: float
    """Standard deviations of the healthy body that a difference must exceed."""
    speed: float
    """Commanded speed at which signs are judged, m/s."""
    reproduced_share: float
    """Share of a deficit's signs that must hold."""
    variables: Mapping[str, Variable]
    signs: tuple[Sign, ...]

    def unit_of(self, variable: str) -> str:
        """Unit of a variable."""
        return self.variables[variable].unit if variable in self.variables else STRIDE_NUMBERS[variable]


def read_signs(path: str | Path = SIGNS_FILE) -> Signs:
    """Read a file of signs.

    Args:
        path: YAML file; its header explains the fields.

    Raises:
        FileFormatError: No such file, malformed YAML, or a field is missing.
        UnknownNameError: An unknown field, curve or variable.
        InputError: A value of the wrong kind.

    Example:
        >>> sorted({sign.deficit for sign in read_signs().signs})[:3]
        ['dorsiflexors', 'hemiparetic', 'hip_abductors']
    """
    path = Path(path)
    content = _fields(read_yaml(path), _TOP, path, str(path))
    variables = {
        str(name): _variable(str(name), entry, path)
        for name, entry in _mapping(content["variables"], f"{path}: variables").items()
    }
    known = {**dict.fromkeys(STRIDE_NUMBERS, (0.0, 100.0)), **{v.name: v.cycle for v in variables.values()}}
    signs = []
    for deficit, entries in _mapping(content["deficits"], f"{path}: deficits").items():
        if not isinstance(entries, list) or not entries:
            raise InputError(f"{path}: deficits.{deficit}", entries, "give a list of signs")
        signs += [_sign(str(deficit), entry, known, path, i) for i, entry in enumerate(entries)]
    share = _number(content["reproduced_share"], f"{path}: reproduced_share")
    return Signs(
        threshold_sd=_number(content["threshold_sd"], f"{path}: threshold_sd"),
        speed=_number(content["speed_m_s"], f"{path}: speed_m_s"),
        reproduced_share=share,
        variables=variables,
        signs=tuple(signs),
    )


def _variable(name: str, entry: Any, path: Path) -> Variable:
    where = f"{path}: variables.{name}"
    content = _fields(entry, ("curve", "statistic", "cycle", "unit"), path, where)
    curves = {*CURVES, *TRUNK_CURVES}
    if content["curve"] not in curves:
        raise UnknownNameError("curve", str(content["curve"]), curves, where)
    if content["statistic"] not in _STATISTICS:
        raise InputError(f"{where}.statistic", content["statistic"], f"give one of {', '.join(_STATISTICS)}")
    return Variable(name, content["curve"], content["statistic"], _cycle(content["cycle"], where), str(content["unit"]))


def _sign(deficit: str, entry: Any, known: Mapping[str, tuple[float, float]], path: Path, i: int) -> Sign:
    where = f"{path}: deficits.{deficit}[{i}]"
    content = _fields(entry, ("sign", "variable", "side", "cycle", "direction", "source"), path, where)
    variable = str(content["variable"])
    if variable not in known:
        raise UnknownNameError("variable", variable, known, where)
    cycle = _cycle(content["cycle"], where)
    if cycle != known[variable]:
        low, high = known[variable]
        raise InputError(f"{where}.cycle", list(cycle), f"the variable {variable} is defined on [{low:g}, {high:g}]")
    if content["side"] not in ("weak", "sound"):
        raise InputError(f"{where}.side", content["side"], "give weak or sound")
    if content["direction"] not in ("higher", "lower"):
        raise InputError(f"{where}.direction", content["direction"], "give higher or lower")
    return Sign(
        deficit=deficit,
        sign=str(content["sign"]),
        variable=variable,
        side=cast(WeakOrSound, content["side"]),
        cycle=cycle,
        direction=cast(Direction, content["direction"]),
        source=" ".join(str(content["source"]).split()),
    )


def _mapping(value: Any, where: str) -> dict[Any, Any]:
    if not isinstance(value, dict) or not value:
        raise InputError(where, value, "give a mapping of name: value")
    return value


def _fields(value: Any, names: tuple[str, ...], path: Path, where: str) -> dict[Any, Any]:
    """A mapping that holds exactly the named fields."""
    content = _mapping(value, where)
    for key in content:
        if key not in names:
            raise UnknownNameError("field", str(key), names, where)
    for name in names:
        if name not in content:
            raise FileFormatError(path, f"the field {name!r} is missing in {where}", f"add '{name}: ...'")
    return content


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value) or not value > 0:
        raise InputError(where, value, "give a number above 0")
    return float(value)


def _cycle(value: Any, where: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(x, int | float) for x in value):
        raise InputError(f"{where}.cycle", value, "give [from, to] in percent of the stride")
    low, high = float(value[0]), float(value[1])
    if not 0.0 <= low < high <= 100.0:
        raise InputError(f"{where}.cycle", value, "give [from, to] with 0 <= from < to <= 100")
    return low, high


# -- judgement --------------------------------------------------------------------------------------------------------


def judge_signs(walks: pd.DataFrame, signs: Signs | None = None, *, variant: str = "main") -> pd.DataFrame:
    """Judge every sign on the walks without the device.

    Args:
        walks: Table of :func:`exogait.analysis.outcomes.tables.outcome_tables`: settings and scalars, one row a walk.
        signs: The signs; default those of the study.
        variant: Variant of the study that is judged.

    Returns:
        One row a sign and strength of the deficit (one row with NaN strength where the deficit did not walk at all):
        deficit, strength, sign, variable, unit, side, cycle, direction, healthy_mean, healthy_sd, value, value_sd
        (between walks), threshold, holds (True, False), n_healthy, n_walks, n_fell, remark, source. Where there is
        nothing to judge, ``holds`` is False and ``remark`` says why.

    Raises:
        UnknownNameError: The table lacks the column of a variable.
    """
    signs = signs or read_signs()
    known = [str(column) for column in walks.columns]
    for sign in signs.signs:
        for side in SIDES:
            if f"{sign.variable}_{side}" not in known:
                raise UnknownNameError("outcome", f"{sign.variable}_{side}", known, "table of walks")
    used = [
        row for row in records(walks)
        if row["condition"] == "none" and row["variant"] == variant and abs(row["speed_commanded"] - signs.speed) < 1e-6
    ]  # fmt: skip
    healthy = [row for row in used if row["body"] == "healthy" and not row["fell"]]
    rows = []
    for sign in signs.signs:
        body = [row for row in used if row["body"] == sign.deficit]
        for strength in sorted({float(row["strength"]) for row in body}, reverse=True) or [float("nan")]:
            own = [row for row in body if row["strength"] == strength]
            rows.append(_judge(sign, signs, strength, own, _healthy(healthy, sign.variable)))
    return pd.DataFrame(rows)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as mappings of column to value."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _healthy(walks: list[dict[str, Any]], variable: str) -> tuple[float, float, int]:
    """Mean and SD of the healthy strides, both legs pooled, and the number of legs (walks times two)."""
    means = np.array([row[f"{variable}_{side}"] for row in walks for side in SIDES], np.float64)
    within = np.array([row[f"{variable}_{side}_sd"] for row in walks for side in SIDES], np.float64)
    known, spread = means[np.isfinite(means)], within[np.isfinite(within)]
    if not len(known):
        return float("nan"), float("nan"), 0
    between = float(np.var(known, ddof=1)) if len(known) > 1 else 0.0
    inside = float(np.mean(spread**2)) if len(spread) else 0.0
    return float(known.mean()), float(np.sqrt(between + inside)), len(known)


def _judge(
    sign: Sign, signs: Signs, strength: float, walks: list[dict[str, Any]], healthy: tuple[float, float, int]
) -> dict[str, Any]:
    mean, sd, n_healthy = healthy
    up = [row for row in walks if not row["fell"]]
    values = np.array([row[f"{sign.variable}_{leg_of(str(row['side']), sign.side)}"] for row in up], np.float64)
    found = values[np.isfinite(values)]
    factor = 1.0 if sign.direction == "higher" else -1.0
    threshold = mean + factor * signs.threshold_sd * sd
    value = float(found.mean()) if len(found) else float("nan")
    remark = ""
    if not walks:
        remark = "no walk of this body"
    elif not len(found):
        remark = "not measured" if up else "no walk without a fall"
    elif not n_healthy:
        remark = "no healthy walk"
    return {
        "deficit": sign.deficit, "strength": strength, "sign": sign.sign, "variable": sign.variable,
        "unit": signs.unit_of(sign.variable), "side": sign.side, "cycle": f"{sign.cycle[0]:g}-{sign.cycle[1]:g} %",
        "direction": sign.direction, "healthy_mean": mean, "healthy_sd": sd, "value": value,
        "value_sd": float(found.std(ddof=1)) if len(found) > 1 else float("nan"), "threshold": threshold,
        "holds": bool(factor * (value - threshold) > 0), "n_healthy": n_healthy, "n_walks": len(found),
        "n_fell": len(walks) - len(up), "remark": remark, "source": sign.source,
    }  # fmt: skip


def leg_of(side: str, which: WeakOrSound) -> Side:
    """Leg that is weak or sound in a body whose weak side is ``side`` (``right`` or ``left``).

    Example:
        >>> leg_of("right", "weak"), leg_of("right", "sound")
        ('r', 'l')
    """
    if side not in ("right", "left", "r", "l"):
        raise InputError("side of a deficit", side, "right or left")
    right = side.startswith("r") == (which == "weak")
    return "r" if right else "l"


def reproduced(judged: pd.DataFrame, signs: Signs | None = None) -> pd.DataFrame:
    """Which deficits count as reproduced: the file's rule on the table of :func:`judge_signs`.

    Args:
        judged: Table of :func:`judge_signs`.
        signs: The signs, for the share that must hold.

    Returns:
        One row a deficit and strength: deficit, strength, n_signs, n_hold, reproduced, n_walks (fewest of its signs).
    """
    share = (signs or read_signs()).reproduced_share
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in records(judged):
        groups.setdefault((row["deficit"], f"{row['strength']:g}"), []).append(row)
    rows = []
    for part in groups.values():
        hold = sum(bool(row["holds"]) for row in part)
        rows.append(
            {
                "deficit": part[0]["deficit"], "strength": part[0]["strength"], "n_signs": len(part), "n_hold": hold,
                "reproduced": hold >= share * len(part), "n_walks": min(int(row["n_walks"]) for row in part),
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=["deficit", "strength", "n_signs", "n_hold", "reproduced", "n_walks"])
