"""A synthetic subject: C3D files of a static and a walk whose joint angles are known.

The suite's own model, scaled to a made-up person, walks through smooth periodic joint angles; its markers go through
OpenSim's forward kinematics, gain noise and gaps, and are written with force plates to files like a laboratory's. The
lab road must give the angles back. The ground reactions have the usual shape and size, but no muscle made them: they
are consistent in space (they lie under the standing foot), not with Newton's second law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from exogait.data.constants import GRAVITY
from exogait.data.errors import InputError
from exogait.data.names import is_translational
from exogait.data.storage import write_mot
from exogait.data.trial import SIDES, EventKind, GaitEvent, Side
from exogait.models.opensim_api import import_opensim

from ..c3d.writer import lab_rotation, write_synthetic_c3d

NOTE = "SYNTHETIC trial made by exogait from known joint angles; no person was measured"
"""Label in the files."""
STATIC_FILE, WALK_FILE = "static.c3d", "walk.c3d"
"""A made-up person's two trials."""
TOE_OFF = 0.62
"""Share of the cycle at which the foot leaves the ground."""
_HARMONICS = 5
"""Harmonics kept of every curve, so that the usual 6 Hz low-pass changes the angles by less than 0.2 degrees."""
_SOLE = 0.02
"""Depth of the sole below the heel bone's origin on the generic model, m."""
_EVENT_PHASES: tuple[tuple[EventKind, float], ...] = (("heel_strike", 0.0), ("toe_off", TOE_OFF))
_BASELINE = 9.0
"""Vertical offset of the unloaded plates, N, for the reader to remove."""

# Percent of the gait cycle and degrees. Shapes as every textbook on gait shows them for level walking; own numbers.
_CURVES: dict[str, tuple[Sequence[float], Sequence[float]]] = {
    "hip_flexion": ((0, 10, 30, 50, 60, 75, 87), (27, 25, 8, -12, -6, 22, 30)),
    "hip_adduction": ((0, 15, 40, 55, 65, 85), (-3, 1, -1, -5, -7, -4)),
    "hip_rotation": ((0, 20, 50, 75), (-2, 3, -1, -3)),
    "knee_angle": ((0, 13, 38, 50, 61, 72, 84, 95), (-4, -16, -6, -12, -38, -64, -36, -6)),
    "ankle_angle": ((0, 7, 22, 42, 52, 61, 67, 77, 90), (1, -5, 4, 11, 4, -14, -9, 5, 4)),
}
_PELVIS: dict[str, tuple[float, float, float, float]] = {
    # mean, amplitude, harmonic, phase of the cosine in cycles (degrees; pelvis_tz in metres)
    "pelvis_tilt": (-6.0, 1.5, 2, 0.1),
    "pelvis_list": (0.0, 4.0, 1, 0.15),
    "pelvis_rotation": (0.0, 5.0, 1, 0.0),
    "lumbar_extension": (-4.0, 1.5, 2, 0.35),
    "lumbar_bending": (0.0, 5.0, 1, 0.65),
    "lumbar_rotation": (0.0, 6.0, 1, 0.5),
    "pelvis_tz": (0.0, 0.018, 1, 0.3),
}


@dataclass(frozen=True)
class SyntheticTrial:
    """The files of a synthetic subject, and the truth behind them."""

    static: Path
    """C3D file of quiet standing on the first plate."""
    walk: Path
    """C3D file of the walk."""
    truth: Path
    """Motion file with the true coordinates of the walk (degrees, OpenSim's header)."""
    coordinates: pd.DataFrame
    """True coordinates over time, rad and m; ``attrs["in_degrees"]`` is False."""
    events: tuple[GaitEvent, ...]
    """True heel strikes and toe offs."""
    ground_reactions: pd.DataFrame
    """True force (N), centre of pressure (m) and free moment (N m) of each foot at the plates' rate; NaN points while
    the foot is off the plates."""
    mass: float
    """Body mass, kg."""
    height: float
    """Body height, m."""
    speed: float
    """Mean walking speed, m/s."""


def make_synthetic_trial(
    folder: str | Path,
    seed: int = 0,
    *,
    cycle: float = 1.15,
    n_cycles: int = 3,
    rate: float = 100.0,
    analog_per_frame: int = 10,
    marker_noise: float = 0.0003,
    force_noise: float = 1.0,
    gaps: int = 3,
    proportions: float = 0.015,
    forward: str = "-x",
) -> SyntheticTrial:
    """Write a static and a walking C3D file of a made-up subject whose joint angles are known.

    Args:
        folder: Where to write ``static.c3d``, ``walk.c3d`` and ``truth.mot``.
        seed: Body size, small asymmetry, noise and gaps follow from it.
        cycle: Duration of the gait cycle, s.
        n_cycles: Gait cycles in the walk.
        rate: Frames a second, Hz.
        analog_per_frame: Analog samples a frame.
        marker_noise: Standard deviation of each marker coordinate, m.
        force_noise: Standard deviation of the force channels, N.
        gaps: Number of short gaps in the walk's markers.
        proportions: Largest deviation of each segment from the size that body height alone would give it. The published
            marker pairs of the Gait2392 set measure thigh and pelvis together, so proportions limit what scaling can
            know: with 0.03 pelvis tilt comes back within 0.5 degrees, with 0.015 within 0.3.
        forward: Laboratory axis along which the subject walks, Z being up: ``"+x"``, ``"-x"``, ``"+y"`` or ``"-y"``.

    Returns:
        The files and the truth.

    Raises:
        InputError: An option is outside what is allowed.
        MissingDependencyError: OpenSim is not installed.

    Example:
        >>> trial = make_synthetic_trial("out", seed=1)  # doctest: +SKIP
        >>> trial.walk.name  # doctest: +SKIP
        'walk.c3d'
    """
    if not 0.6 <= cycle <= 3.0 or n_cycles < 2 or not rate >= 50:
        raise InputError("cycle, n_cycles, rate", (cycle, n_cycles, rate), "0.6 to 3 s, at least 2, at least 50 Hz")
    if forward not in ("+x", "-x", "+y", "-y"):
        raise InputError("forward", forward, "give +x, -x, +y or -y")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    body = MarkedBody.make(rng, proportions)
    n_frames = round(n_cycles * cycle * rate) + 1
    time = np.arange(n_frames) / rate
    angles = _joint_angles(time, cycle, rng)
    coordinates = body.put_on_floor(angles, time, cycle)
    markers = body.markers(coordinates)
    standing = pd.DataFrame(0.0, columns=coordinates.columns, index=pd.Index(np.arange(101) / rate, name="time"))
    standing["pelvis_ty"] = body.standing_height
    standing["pelvis_tx"] = float(coordinates["pelvis_tx"].iloc[0])
    static_markers = body.markers(standing)

    events = _events(cycle, float(time[-1]))
    fine = np.arange((n_frames - 1) * analog_per_frame + analog_per_frame) / (rate * analog_per_frame)
    feet = body.feet(coordinates)
    contacts = [c for c in find_footfalls(events, feet, rate) if c.stop <= time[-1]]
    plates = plates_under([c for c in contacts if c.start > 0.1][:3])
    forces, reactions = _ground_reactions(fine, contacts, plates, body.mass)

    to_lab = lab_rotation(forward)
    names = tuple(markers)
    noisy = np.stack([markers[n] for n in names], axis=1)
    noisy = noisy + rng.normal(0, marker_noise, noisy.shape)
    for _ in range(gaps):
        start = int(rng.integers(20, n_frames - 30))
        noisy[start : start + int(rng.integers(3, 9)), int(rng.integers(len(names)))] = np.nan
    common = (plates, to_lab, rate, analog_per_frame, force_noise, rng)
    write_synthetic_c3d(folder / WALK_FILE, names, noisy, forces, *common, events, _BASELINE, NOTE)
    quiet = np.stack([static_markers[n] for n in names], axis=1) + rng.normal(0, marker_noise, (101, len(names), 3))
    # The subject stands in the middle of the first plate, which was zeroed before.
    heels = np.mean([quiet[0, names.index(f"{s}.Heel")] for s in "RL"], axis=0)
    quiet[..., [0, 2]] += (plates[0].mean(axis=0) - heels)[[0, 2]] - np.array([0.12, 0.0])
    load = np.zeros((101 * analog_per_frame, len(plates), 9))
    load[:, 0, 1] = body.mass * GRAVITY
    load[:, 0, 3:6] = plates[0].mean(axis=0)
    write_synthetic_c3d(folder / STATIC_FILE, names, quiet, load, *common, (), 0.0, NOTE)
    rotational = [name for name in coordinates.columns if not is_translational(name)]
    write_mot(coordinates, folder / "truth.mot", rotational=rotational, name="SYNTHETIC truth")
    move = float(coordinates["pelvis_tx"].iloc[-1] - coordinates["pelvis_tx"].iloc[0])
    return SyntheticTrial(
        static=folder / STATIC_FILE,
        walk=folder / WALK_FILE,
        truth=folder / "truth.mot",
        coordinates=coordinates,
        events=events,
        ground_reactions=reactions,
        mass=body.mass,
        height=body.height,
        speed=move / float(time[-1]),
    )


def _periodic(time: NDArray[np.float64], cycle: float, percent: Sequence[float], value: Sequence[float]) -> Any:
    """Periodic spline through the points, cut to its first harmonics, at the given times."""
    x = np.append(np.asarray(percent, dtype=np.float64), 100.0)
    curve = CubicSpline(x, np.append(np.asarray(value, dtype=np.float64), value[0]), bc_type="periodic")
    return _harmonics(curve(np.linspace(0, 100, 200, endpoint=False)), time / cycle)


def _harmonics(samples: NDArray[np.float64], phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fourier series of one period, evaluated at phases in cycles."""
    spectrum = np.fft.rfft(samples) / len(samples)
    k = np.arange(1, _HARMONICS + 1)
    waves = np.exp(2j * np.pi * np.outer(phase, k)) * spectrum[1 : _HARMONICS + 1]
    return spectrum[0].real + 2 * waves.real.sum(axis=1)


def _joint_angles(time: NDArray[np.float64], cycle: float, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Every coordinate except the pelvis' height and progression, rad and m."""
    angles: dict[str, NDArray[np.float64]] = {}
    for name, (mean, amplitude, harmonic, phase) in _PELVIS.items():
        wave = mean + amplitude * np.cos(2 * np.pi * (harmonic * time / cycle - phase))
        angles[name] = wave if name == "pelvis_tz" else np.radians(wave)
    for side, shift in (("r", 0.0), ("l", 0.5)):
        for name, (percent, value) in _CURVES.items():
            size = float(rng.uniform(0.96, 1.04))
            curve = _periodic(time + shift * cycle, cycle, percent, value)
            angles[f"{name}_{side}"] = np.radians(size * curve)
        for name in ("subtalar_angle", "mtp_angle"):
            angles[f"{name}_{side}"] = np.zeros_like(time)
    return angles


def _events(cycle: float, duration: float) -> tuple[GaitEvent, ...]:
    events = []
    for side, shift in (("r", 0.0), ("l", 0.5)):
        foot: Side = "r" if side == "r" else "l"
        for k in range(-1, int(duration / cycle) + 2):
            for kind, at in _EVENT_PHASES:
                time = (k + at - shift) * cycle
                if 0.0 <= time <= duration:
                    events.append(GaitEvent(time, foot, kind, "simulation"))
    return tuple(sorted(events))


@dataclass(frozen=True)
class MarkedBody:
    """The scaled model with its markers."""

    opensim: Any
    model: Any
    state: Any
    mass: float
    height: float
    foot_factor: float
    standing_height: float

    @staticmethod
    def make(rng: np.random.Generator, proportions: float) -> MarkedBody:
        """A made-up person, each segment up to ``proportions`` off the size that height alone would give it."""
        from exogait import models
        from exogait.models.subject import Subject

        height = float(rng.uniform(1.62, 1.85))
        mass = float(rng.uniform(21.0, 25.0) * height**2)
        uniform = height / 1.8
        segments = ("torso", "pelvis", "thigh", "shank", "foot")
        factors = {s: uniform * (1.0 + proportions * float(rng.uniform(-1, 1))) for s in segments}
        subject = Subject(mass, height, tuple((s, (f, f, f)) for s, f in factors.items()), "synthetic")
        return MarkedBody.of(models.build(subject=subject, contact=False), mass, height, factors["foot"])

    @staticmethod
    def of(model: Any, mass: float, height: float, foot_factor: float = 1.0) -> MarkedBody:
        """A model of the suite, of any size, with its own markers.

        Args:
            model: The OpenSim model.
            mass: Of the body, kg.
            height: Of the body, m.
            foot_factor: Size of its feet over that of the generic model's.
        """
        state = model.initSystem()
        body = MarkedBody(import_opensim(), model, state, mass, height, foot_factor, 0.0)
        lowest = min(body._sole(side, end)[1] for side in SIDES for end in (0, 1))
        at_zero = model.getCoordinateSet().get("pelvis_ty").getValue(state)
        return replace(body, standing_height=at_zero - lowest)

    def _set(self, row: dict[str, float]) -> None:
        coordinates = self.model.updCoordinateSet()
        for name, value in row.items():
            coordinates.get(name).setValue(self.state, value, False)
        self.model.realizePosition(self.state)

    def _sole(self, side: str, end: int) -> NDArray[np.float64]:
        """Point of the sole under the heel (0) or the tip of the toes (1), ground frame, m."""
        marker = self.model.getMarkerSet().get(f"{side.upper()}.{'Toe.Tip' if end else 'Heel'}")
        place = marker.get_location()
        foot = self.model.getBodySet().get(f"calcn_{side}")
        station = self.opensim.Vec3(place.get(0), -_SOLE * self.foot_factor, place.get(2))
        if end and marker.getParentFrameName().endswith(f"toes_{side}"):
            point = self.model.getBodySet().get(f"toes_{side}").findStationLocationInGround(self.state, station)
        else:
            point = foot.findStationLocationInGround(self.state, station)
        return np.array([point.get(i) for i in range(3)])

    def put_on_floor(
        self, angles: dict[str, NDArray[np.float64]], time: NDArray[np.float64], cycle: float
    ) -> pd.DataFrame:
        """Add the pelvis' height and progression so that the standing foot stays on the ground and in its place."""
        n = 120
        phase = np.arange(n) / n
        soles = np.zeros((n, 4, 3))
        for i, s in enumerate(phase * cycle):
            row = {name: float(np.interp(s, time, values)) for name, values in angles.items()}
            self._set(row | {"pelvis_tx": 0.0, "pelvis_ty": 0.0})
            soles[i] = [self._sole(side, end) for side in SIDES for end in (0, 1)]
        # The pelvis rides on the standing foot; in double support the load passes from one foot to the other.
        double = TOE_OFF - 0.5
        rise = 0.5 - 0.5 * np.cos(np.pi * np.clip(phase / double, 0, 1))
        fall = 0.5 - 0.5 * np.cos(np.pi * np.clip((phase - 0.5) / double, 0, 1))
        on_right = rise - fall
        weight, lowest = np.zeros((n, 4)), np.zeros(n)
        for foot, share in ((slice(0, 2), on_right), (slice(2, 4), 1.0 - on_right)):
            height = soles[:, foot, 1]
            part = np.exp(-(height - height.min(axis=1, keepdims=True)) / 0.01)
            part /= part.sum(axis=1, keepdims=True)
            weight[:, foot] = share[:, None] * part
            lowest += share * (part * height).sum(axis=1)
        dt = cycle / n
        speed = (np.roll(soles[..., 0], -1, axis=0) - np.roll(soles[..., 0], 1, axis=0)) / (2 * dt)
        forward = -(weight * speed).sum(axis=1)
        mean = float(forward.mean())
        # The integral of the periodic part is periodic again.
        drift = np.cumsum(forward - mean) * dt
        table = pd.DataFrame(angles, index=pd.Index(time, name="time"))
        table["pelvis_tx"] = mean * time + _harmonics(drift, time / cycle)
        table["pelvis_ty"] = _harmonics(-lowest, time / cycle)
        order = [c.getName() for c in (self.model.getCoordinateSet().get(i) for i in range(23))]
        table = table.reindex(columns=order)
        table.attrs["in_degrees"] = False
        return table

    def markers(self, coordinates: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
        """Paths of all markers, ground frame, m."""
        markers = self.model.getMarkerSet()
        names = [markers.get(i).getName() for i in range(markers.getSize())]
        paths = np.zeros((len(coordinates), len(names), 3))
        columns = list(coordinates.columns)
        for i, values in enumerate(coordinates.to_numpy()):
            self._set(dict(zip(columns, map(float, values), strict=True)))
            for j, name in enumerate(names):
                point = markers.get(name).getLocationInGround(self.state)
                paths[i, j] = [point.get(0), point.get(1), point.get(2)]
        return {name: paths[:, j] for j, name in enumerate(names)}

    def feet(self, coordinates: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
        """Soles under heel and toe tip of each foot, shape (n_frames, 2, 3), m."""
        columns = list(coordinates.columns)
        paths = {side: np.zeros((len(coordinates), 2, 3)) for side in SIDES}
        for i, values in enumerate(coordinates.to_numpy()):
            self._set(dict(zip(columns, map(float, values), strict=True)))
            for side in SIDES:
                paths[side][i] = [self._sole(side, end) for end in (0, 1)]
        return paths


@dataclass(frozen=True)
class Footfall:
    """A stance of one foot and where it stands."""

    side: Side
    start: float
    stop: float
    heel: NDArray[np.float64]
    toe: NDArray[np.float64]


def find_footfalls(events: Sequence[GaitEvent], feet: dict[str, NDArray[np.float64]], rate: float) -> list[Footfall]:
    """Stances from heel strike to toe off and where they stand, in order of time.

    Args:
        events: Heel strikes and toe offs.
        feet: What :meth:`MarkedBody.feet` gives, from time 0.
        rate: Of the feet, Hz.
    """
    contacts = []
    for strike in (e for e in events if e.kind == "heel_strike"):
        offs = [e.time for e in events if e.side == strike.side and e.kind == "toe_off" and e.time > strike.time]
        if not offs:
            continue
        first, last = (round((strike.time + share * (offs[0] - strike.time)) * rate) for share in (0.3, 0.5))
        place = np.median(feet[strike.side][first : last + 1], axis=0)
        contacts.append(Footfall(strike.side, strike.time, offs[0], place[0], place[1]))
    return sorted(contacts, key=lambda c: c.start)


def plates_under(
    contacts: Sequence[Footfall], *, middle: float = 0.0, half_width: float = 0.3
) -> list[NDArray[np.float64]]:
    """One plate under each contact: corners (4, 3) in OpenSim's frame, as wide as the walkway, as long as a step.

    Args:
        contacts: Stances, each on its own plate.
        middle: Sideways place of the walkway's middle line, m.
        half_width: Half the walkway's width, m.
    """
    middles = [0.5 * (c.heel[0] + c.toe[0]) for c in contacts]
    half = min(0.30, 0.49 * float(np.min(np.diff(middles)))) if len(middles) > 1 else 0.30
    right, left = middle + half_width, middle - half_width
    return [
        np.array([[x + half, 0.0, right], [x - half, 0.0, right], [x - half, 0.0, left], [x + half, 0.0, left]])
        for x in middles
    ]


def _ground_reactions(
    time: NDArray[np.float64], contacts: Sequence[Footfall], plates: Sequence[NDArray[np.float64]], mass: float
) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Force (3), point (3) and free moment (3) on every plate, and the same by foot."""
    weight = mass * GRAVITY
    by_plate = np.zeros((len(time), len(plates), 9))
    by_foot = {side: np.zeros((len(time), 9)) for side in SIDES}
    for side in SIDES:
        by_foot[side][:, 3:6] = np.nan
    for contact in contacts:
        on = (time >= contact.start) & (time <= contact.stop)
        s = (time[on] - contact.start) / (contact.stop - contact.start)
        vertical = 0.926 * weight * (1.25 * np.sin(np.pi * s) + 0.35 * np.sin(3 * np.pi * s))
        fore_aft = -0.16 * weight * np.sin(2 * np.pi * s)
        inward = -1.0 if contact.side == "r" else 1.0
        lateral = 0.04 * weight * inward * np.sin(np.pi * s)
        along = 0.04 + 0.72 * (3 * s**2 - 2 * s**3)
        point = contact.heel + along[:, None] * (contact.toe - contact.heel)
        point[:, 1] = 0.0
        twist = np.zeros_like(point)
        twist[:, 1] = 4.0 * np.sin(2 * np.pi * s) * inward
        wrench = np.column_stack([fore_aft, vertical, lateral, point, twist])
        for i, corners in enumerate(plates):
            if corners[:, 0].min() < 0.5 * (contact.heel[0] + contact.toe[0]) < corners[:, 0].max():
                by_plate[on, i] = wrench
                by_foot[contact.side][on] = wrench
    columns = [
        f"{prefix}_{side}_{part}{axis}"
        for side in SIDES
        for prefix, part in (("ground_force", "v"), ("ground_force", "p"), ("ground_torque", ""))
        for axis in "xyz"
    ]
    table = pd.DataFrame(np.hstack([by_foot[s] for s in SIDES]), columns=columns, index=pd.Index(time, name="time"))
    return by_plate, table
