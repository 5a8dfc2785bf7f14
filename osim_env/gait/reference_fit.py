"""Fit a reference motion to measured strides.

Each stride gives Fourier coefficients by least squares, with a linear drift beside them that is then dropped (an
overground stride never closes exactly). Every stride enters twice, once mirrored, so that the reference is symmetric;
the coefficients are then regressed on walking speed, every walk with the same weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import InputError
from exogait.data.names import SIDES, Side, mirrored_name, other_side
from exogait.data.trial import GaitTrial

from ..device.mirror import ODD_COORDINATES
from .reference import ReferenceMotion, fourier_basis

Array = NDArray[np.floating[Any]]

N_HARMONICS = 8
# A stride of moments needs this share of valid samples before its coefficients mean anything.
MIN_VALID = 0.9
GENERIC_LEG_LENGTH = 0.8258
"""Hip centre to ankle centre of the unscaled model, knee straight, m."""


@dataclass(frozen=True)
class Stride:
    """One measured stride, from a heel strike to the next of the same foot.

    Attributes:
        side: ``"r"`` or ``"l"``, the foot whose heel strikes bound it.
        phase: 0 to 1, shape (n,).
        duration: s.
        speed: Mean walking speed, m/s.
        coordinates: Name to samples, shape (n,), rad or m.
        moments: Name to net muscle moment, shape (n,), N m per kg; NaN where unknown.
        walk: Identifies the walk, so that walks and not strides carry equal weight.
    """

    side: Side
    phase: Array
    duration: float
    speed: float
    coordinates: dict[str, Array]
    moments: dict[str, Array]
    walk: str


def mirror(stride: Stride) -> Stride:
    """The stride of the mirrored body."""

    def flip(channels: dict[str, Array]) -> dict[str, Array]:
        return {
            mirrored_name(name): -values if name in ODD_COORDINATES else values for name, values in channels.items()
        }

    side = other_side(stride.side)
    return Stride(
        side, stride.phase, stride.duration, stride.speed, flip(stride.coordinates), flip(stride.moments), stride.walk
    )


def stride_coefficients(phase: Array, values: Array, n_harmonics: int = N_HARMONICS) -> Array | None:
    """Fourier coefficients of one stride, the drift over the stride removed.

    Args:
        phase: 0 to 1, shape (n,).
        values: Samples, shape (n,); NaN samples are left out.
        n_harmonics: Number of harmonics.

    Returns:
        Coefficients, shape (1 + 2 * n_harmonics,), or None where too few samples are valid.
    """
    valid = np.isfinite(values)
    if valid.mean() < MIN_VALID:
        return None
    basis, _ = fourier_basis(phase[valid], n_harmonics)
    drift = (phase[valid] - 0.5)[:, None]
    return np.linalg.lstsq(np.hstack([basis, drift]), values[valid], rcond=None)[0][:-1]


def fit_reference(
    strides: Sequence[Stride],
    *,
    order: int,
    speed_range: tuple[float, float],
    symmetric: bool = True,
    n_harmonics: int = N_HARMONICS,
    leg_length: float = 0.0,
    source: str = "",
    name: str = "reference",
) -> ReferenceMotion:
    """Fit a reference motion to strides of one or many walks.

    Args:
        strides: Measured strides; those that begin with the left foot count after mirroring.
        order: Order of the polynomials in speed; 0 for a single speed.
        speed_range: Speeds the reference may be asked for, m/s.
        symmetric: Whether each stride also enters mirrored.
        n_harmonics: Number of harmonics.
        leg_length: Of the body the strides are expressed for, m.
        source: Provenance and licence, kept with the reference.
        name: Name of the reference.

    Raises:
        InputError: There is no stride.
    """
    used = list(strides) + ([mirror(stride) for stride in strides] if symmetric else [])
    right = [stride for stride in used if stride.side == "r"]
    if not right:
        raise InputError("strides", len(strides), "a reference needs at least one whole stride from right heel strike")
    walks = [stride.walk for stride in right]
    weight = np.array([1 / walks.count(walk) for walk in walks])
    speed = np.array([stride.speed for stride in right])
    design = speed[:, None] ** np.arange(order + 1)

    def regress(channel: str, kind: str) -> Array | None:
        rows, targets, weights = [], [], []
        for index, stride in enumerate(right):
            values = getattr(stride, kind).get(channel)
            coefficients = None if values is None else stride_coefficients(stride.phase, values, n_harmonics)
            if coefficients is not None:
                rows.append(design[index])
                targets.append(coefficients)
                weights.append(weight[index])
        if len(rows) < order + 1:
            return None
        root = np.sqrt(np.array(weights))[:, None]
        return np.linalg.lstsq(root * np.array(rows), root * np.array(targets), rcond=None)[0].T

    coordinates = {c: fit for c in right[0].coordinates if (fit := regress(c, "coordinates")) is not None}
    for progression in ("pelvis_tx", "pelvis_tz"):
        if progression in coordinates:
            coordinates[progression][0] = 0.0  # where on the floor the walk began is no part of the gait
    moments = {c: fit for c in right[0].moments if (fit := regress(c, "moments")) is not None}
    if symmetric:
        coordinates, moments = _symmetrized(coordinates), _symmetrized(moments)
    root = np.sqrt(weight)[:, None]
    frequency = np.array([1 / stride.duration for stride in right])
    return ReferenceMotion(
        coordinate_names=tuple(coordinates),
        coordinates=np.array(list(coordinates.values())),
        moment_names=tuple(moments),
        moments=np.array(list(moments.values())) if moments else np.zeros((0, 1 + 2 * n_harmonics, order + 1)),
        stride_frequency=np.linalg.lstsq(root * design, root[:, 0] * frequency, rcond=None)[0],
        speed_range=speed_range,
        leg_length=leg_length,
        source=source,
        name=name,
    )


def _symmetrized(channels: dict[str, Array]) -> dict[str, Array]:
    """Average every channel with its mirror image half a stride later.

    A shift by half a period turns the sign of the odd harmonics.
    """
    result = {}
    for name, coefficients in channels.items():
        other = channels.get(mirrored_name(name))
        if other is not None:
            shift = np.ones(len(coefficients))
            shift[1::4] = shift[2::4] = -1.0
            sign = -1.0 if name in ODD_COORDINATES else 1.0
            result[name] = 0.5 * (coefficients + sign * shift[:, None] * other)
    return result


def strides_of_trial(trial: GaitTrial, *, leg_length: float | None = None) -> list[Stride]:
    """Cut a trial into whole strides of either foot.

    With a leg length, the stride is expressed for a body with the leg length :data:`GENERIC_LEG_LENGTH` that walks at
    the same Froude number (Hof 1996): speed and frequency scale with the root of the leg length, pelvis translations
    and moments per kg with the leg length itself.

    Args:
        trial: Coordinates, heel strikes and, where measured, net moments with the subject's mass.
        leg_length: Hip to ankle of the subject's scaled model, m; no scaling without.

    Returns:
        Strides, those of the right foot and of the left.
    """
    coordinates = trial.require("coordinates")
    moments = trial.generalized_forces
    ratio = 1.0 if leg_length is None else GENERIC_LEG_LENGTH / leg_length
    found = []
    for side in SIDES:
        strikes = [event.time for event in trial.events if event.side == side and event.kind == "heel_strike"]
        for start, stop in pairwise(strikes):
            time = coordinates.index.to_numpy(float)
            inside = (time >= start - 1e-9) & (time <= stop + 1e-9)
            if inside.sum() < 4 * N_HARMONICS:
                continue
            part = coordinates.loc[inside]
            time = part.index.to_numpy(float)
            phase = (time - start) / (stop - start)
            forward = part["pelvis_tx"].to_numpy(float)
            speed = float(np.polyfit(time, forward, 1)[0])
            channels = {str(name): part[name].to_numpy(float) for name in part.columns}
            for name in ("pelvis_tx", "pelvis_ty", "pelvis_tz"):
                channels[name] = channels[name] * ratio
            net = {}
            if moments is not None:
                clock = moments.index.to_numpy(float)
                for name in moments.columns:
                    if name in channels and not str(name).startswith("pelvis_"):
                        values = moments[name].to_numpy(float) * ratio / trial.subject_mass
                        net[str(name)] = np.interp(time, clock, values, left=np.nan, right=np.nan)
            found.append(
                Stride(
                    side,
                    phase,
                    (stop - start) * np.sqrt(ratio),
                    speed * np.sqrt(ratio),
                    channels,
                    net,
                    trial.name,
                )
            )
    return found
