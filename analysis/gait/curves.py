"""What a clinician sees and how it is signed: one row a curve, from OpenSim's names and signs to a gait report's.

Angles are shown in degrees with flexion, adduction, internal rotation and dorsiflexion positive; moments are internal
and shown with the extensor, abductor and plantarflexor moment positive; generated power is positive. Files keep
OpenSim's signs: only what is drawn or printed passes through this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data import GaitTrial, UnknownNameError
from exogait.data.constants import GRAVITY
from exogait.data.names import Side, stem
from exogait.data.trial import flags_at

from .cycle import find_strides, normalize_cycles

Scale = Literal["deg", "per_kg", "per_bw", "plain"]
_KNEE_COLUMN = "knee_angle_{side}"
LABORATORY = "laboratory"
"""Further table of a trial: angles and moments that the laboratory's own software stored in the file."""
BODY_MOTION = "body_motion"
"""Further table of a trial that holds the motion of its centre of mass and feet."""


@dataclass(frozen=True)
class DisplayCurve:
    """One curve of a gait report."""

    key: str
    """Name used in tables and files, for example ``"knee_flexion"``."""
    title: str
    """What the axis says, for example ``"Knee flexion"``."""
    table: str
    """Table of the trial that holds it; ``extra/<name>`` for one of its further tables."""
    column: str
    """Column in OpenSim's spelling; ``{side}`` stands for r or l."""
    scale: Scale
    """``deg``: radians to degrees; ``per_kg``, ``per_bw``: over body mass, weight; ``plain``: as it is."""
    unit: str
    """Unit of the displayed number."""
    positive: str
    """What a positive number means, in a word or two."""
    negative: str
    """What a negative number means."""
    sign: float = 1.0
    """Displayed number = sign times OpenSim's."""
    left_sign: float = 1.0
    """Further factor on the left side, for quantities whose axis is shared by both sides."""
    masked: bool = False
    """Shown only where the kinetics of that leg are known."""
    span: float = 0.0
    """Least height of the axis, so that a flat curve looks flat."""

    def column_of(self, side: Side) -> str:
        """Name of the column of one side."""
        return self.column.format(side=side)


def _angle(key: str, title: str, column: str, positive: str, negative: str, sign: float = 1.0, left: float = 1.0):
    spans = {"knee_flexion": 70.0, "hip_flexion": 50.0, "ankle_dorsiflexion": 40.0}
    return DisplayCurve(
        key, title, "coordinates", column, "deg", "°", positive, negative, sign, left, span=spans.get(key, 25.0)
    )


def _moment(key: str, title: str, column: str, positive: str, negative: str, sign: float):
    return DisplayCurve(
        key, title, "generalized_forces", column, "per_kg", "N·m/kg", positive, negative, sign, masked=True, span=1.0
    )


def _power(key: str, title: str, column: str):
    return DisplayCurve(key, title, "joint_powers", column, "per_kg", "W/kg", "generated", "absorbed", 1.0, masked=True)


def _force(key: str, title: str, axis: str, positive: str, negative: str, left: float = 1.0):
    column = f"ground_force_{{side}}_v{axis}"
    return DisplayCurve(
        key, title, "ground_reactions", column, "per_bw", "BW", positive, negative, 1.0, left, masked=True, span=0.4
    )


_ROWS = (
    _angle("pelvis_tilt", "Pelvic tilt", "pelvis_tilt", "anterior", "posterior", -1.0),
    # About the forward axis the right side goes down with a positive angle, about the upward axis it goes forward.
    _angle("pelvis_obliquity", "Pelvic obliquity", "pelvis_list", "up", "down", -1.0, -1.0),
    _angle("pelvis_rotation", "Pelvic rotation", "pelvis_rotation", "forward", "backward", 1.0, -1.0),
    _angle("hip_flexion", "Hip flexion", "hip_flexion_{side}", "flexion", "extension"),
    _angle("hip_adduction", "Hip adduction", "hip_adduction_{side}", "adduction", "abduction"),
    _angle("hip_rotation", "Hip rotation", "hip_rotation_{side}", "internal", "external"),
    _angle("knee_flexion", "Knee flexion", _KNEE_COLUMN, "flexion", "extension", -1.0),
    _angle("ankle_dorsiflexion", "Ankle dorsiflexion", "ankle_angle_{side}", "dorsiflex.", "plantarfl."),
    _angle("subtalar_inversion", "Subtalar inversion", "subtalar_angle_{side}", "inversion", "eversion"),
    DisplayCurve(
        "foot_progression", "Foot progression", f"extra/{BODY_MOTION}", "foot_progression_{side}", "deg", "°",
        "toes in", "toes out", span=25.0,
    ),
    _moment("hip_extension_moment", "Hip moment", "hip_flexion_{side}", "extensor", "flexor", -1.0),
    _moment("hip_abduction_moment", "Hip moment (frontal)", "hip_adduction_{side}", "abductor", "adductor", -1.0),
    _moment("knee_extension_moment", "Knee moment", _KNEE_COLUMN, "extensor", "flexor", 1.0),
    _moment("ankle_plantarflexion_moment", "Ankle moment", "ankle_angle_{side}", "plantarfl.", "dorsiflex.", -1.0),
    _power("hip_power", "Hip power", "hip_flexion_{side}"),
    _power("knee_power", "Knee power", _KNEE_COLUMN),
    _power("ankle_power", "Ankle power", "ankle_angle_{side}"),
    _force("grf_vertical", "Vertical force", "y", "up", "down"),
    _force("grf_fore_aft", "Fore-aft force", "x", "forward", "backward"),
    # A foot under the body is pushed towards the midline: that is leftwards (-Z) on the right side.
    DisplayCurve(
        "grf_medial", "Medial force", "ground_reactions", "ground_force_{side}_vz", "per_bw", "BW", "medial", "lateral",
        -1.0, -1.0, masked=True, span=0.2,
    ),
)  # fmt: skip
CURVES = {row.key: row for row in _ROWS}
"""Every curve that a report can show, by key."""

SAGITTAL = (
    ("hip_flexion", "knee_flexion", "ankle_dorsiflexion"),
    ("hip_extension_moment", "knee_extension_moment", "ankle_plantarflexion_moment"),
    ("hip_power", "knee_power", "ankle_power"),
)
"""The classic clinical grid: rows angle, moment, power; columns hip, knee, ankle."""
FRONTAL_TRANSVERSE = (
    ("pelvis_tilt", "pelvis_obliquity", "pelvis_rotation"),
    ("hip_adduction", "hip_rotation", "subtalar_inversion"),
)
"""Pelvis and the movements out of the sagittal plane."""
GROUND_REACTION = (("grf_vertical", "grf_fore_aft", "grf_medial"),)
"""Force under each foot."""


def find_curve(key: str) -> DisplayCurve:
    """One row of the table.

    Raises:
        UnknownNameError: There is no such curve.
    """
    if key not in CURVES:
        raise UnknownNameError("curve", key, CURVES)
    return CURVES[key]


def table_of(trial: GaitTrial, curve: DisplayCurve) -> pd.DataFrame | None:
    """The table of a trial that a curve is read from; ``None`` where the trial has none."""
    group, _, key = curve.table.partition("/")
    return trial.extra.get(key) if group == "extra" else getattr(trial, curve.table)


def knee_sign(trial: GaitTrial) -> float:
    """Factor that makes knee flexion positive: -1 for Gait2392's sign, 1 for models that count flexion positive.

    A walking knee flexes by far more than it extends, so the data themselves tell the convention.

    Args:
        trial: Any trial with coordinates.

    Returns:
        -1.0 or 1.0; -1.0 (the suite's own model) where nothing is known.
    """
    if trial.coordinates is None:
        return -1.0
    knees = [trial.coordinates[c] for c in ("knee_angle_r", "knee_angle_l") if c in trial.coordinates]
    values = pd.concat(knees).dropna().to_numpy() if knees else np.zeros(0)
    return 1.0 if len(values) and values.max() > -values.min() else -1.0


def has_curve(trial: GaitTrial, key: str, side: Side = "r") -> bool:
    """Whether a trial holds the column that a curve needs.

    A coordinate that no marker sees and that was held still (``about.held_coordinates``) does not count.

    Example:
        >>> time = pd.Index([0.0, 0.1], name="time")
        >>> walk = GaitTrial(name="w", coordinates=pd.DataFrame({"hip_flexion_r": [0.1, 0.2]}, index=time))
        >>> has_curve(walk, "hip_flexion"), has_curve(walk, "knee_flexion")
        (True, False)
    """
    curve = find_curve(key)
    table = table_of(trial, curve)
    held = trial.about.held_coordinates
    column = curve.column_of(side)
    if column in held or stem(column) in held:
        return False
    return table is not None and column in table.columns


def display_factor(trial: GaitTrial, curve: DisplayCurve, side: Side) -> float:
    """Displayed number divided by OpenSim's: sign, unit and normalisation in one."""
    sign = curve.sign * (curve.left_sign if side == "l" else 1.0)
    if curve.column == _KNEE_COLUMN and curve.table != "joint_powers":
        sign *= -knee_sign(trial)
    if curve.scale == "deg":
        return sign * 180.0 / np.pi
    if curve.scale == "per_kg":
        return sign / trial.subject_mass
    if curve.scale == "per_bw":
        return sign / (trial.subject_mass * GRAVITY)
    return sign


def display_series(trial: GaitTrial, key: str, side: Side) -> pd.Series:
    """One curve over time as a report shows it, unknown kinetics as NaN.

    Args:
        trial: Any trial that holds the column.
        key: A key of :data:`CURVES`.
        side: ``r`` or ``l``.

    Returns:
        Index ``time`` (s), values in the curve's unit.

    Raises:
        UnknownNameError: The trial has the table but not the column, or there is no such curve.
        InputError: The trial has no such table, or no body mass where one is needed.
    """
    curve = find_curve(key)
    table = trial.require(curve.table)
    column = curve.column_of(side)
    if column not in table.columns:
        raise UnknownNameError(f"{curve.table} column", column, map(str, table.columns), trial.name)
    series = pd.Series(table[column].astype(np.float64) * display_factor(trial, curve, side))
    return mask_unknown(trial, series, side) if curve.masked else series


def stated_series(trial: GaitTrial, key: str, side: Side) -> pd.Series | None:
    """The same curve as the laboratory's own software stored it, signed and scaled as ours; ``None`` where it has none.

    Args:
        trial: Any trial.
        key: A key of :data:`CURVES`.
        side: ``r`` or ``l``.
    """
    curve = find_curve(key)
    table, column = trial.extra.get(LABORATORY), f"{curve.table}/{curve.column_of(side)}"
    if table is None or column not in table.columns:
        return None
    # The stored knee has Gait2392's sign, whichever model ours is of.
    sign = -knee_sign(trial) if curve.column == _KNEE_COLUMN else 1.0
    return pd.Series(table[column].astype(np.float64) * sign * display_factor(trial, curve, side))


def mask_unknown(trial: GaitTrial, series: pd.Series, side: Side) -> pd.Series:
    """Kinetics of one leg with NaN wherever the trial says that they are not known.

    Args:
        trial: Trial whose ``valid_kinetics`` mask decides; without one every sample counts as known. Beyond the time of
            the mask nobody said so, and nothing is known.
        series: Index ``time``, s.
        side: Leg.
    """
    mask = trial.masks.get("valid_kinetics")
    if mask is None or side not in mask.columns:
        return series
    return series.where(flags_at(mask, series.index.to_numpy(np.float64))[side].to_numpy(bool))


def available(trial: GaitTrial, keys: Iterable[str]) -> list[str]:
    """Keys of the curves that a trial holds for at least one side."""
    return [key for key in keys if has_curve(trial, key, "r") or has_curve(trial, key, "l")]


def stride_curves(
    trial: GaitTrial, curve: str | pd.Series, side: Side, *, n_points: int = 101
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A curve over every stride of one leg, as it is drawn.

    Args:
        trial: Trial with events.
        curve: A key of :data:`CURVES`, or any series over the trial's time (index ``time``, s).
        side: Leg whose heel strikes cut the strides.
        n_points: Points of a stride, heel strike and next heel strike included.

    Returns:
        Values of each stride, shape (n_strides, n_points), NaN where not known; toe off in percent of the stride,
        shape (n_strides,), NaN where not seen.
    """
    series = display_series(trial, curve, side) if isinstance(curve, str) else curve
    strides = find_strides(trial.events, side)
    stack = normalize_cycles(series.index.to_numpy(np.float64), series.to_numpy(np.float64), strides, n_points=n_points)
    return stack.values[:, :, 0], np.array([stride.toe_off_pct for stride in strides], dtype=np.float64)


def mean_curve(trial: GaitTrial, key: str, side: Side) -> NDArray[np.float64]:
    """Mean over the strides of one leg, shape (101,); NaN where no stride knows the point or the column is absent."""
    if not has_curve(trial, key, side):
        return np.full(101, np.nan)
    values, _ = stride_curves(trial, key, side)
    known = np.isfinite(values)
    count = known.sum(axis=0) if len(values) else np.zeros(101, dtype=int)
    total = np.where(known, values, 0.0).sum(axis=0) if len(values) else np.zeros(101)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
