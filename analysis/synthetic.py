"""A synthetic subject: C3D files of a static and a walk whose joint angles are known.

The suite's own model, scaled to a made-up person, walks through smooth periodic joint angles; its markers go through
OpenSim's forward kinematics, gain noise and gaps, and are written with force plates to files like a laboratory's. The
lab road must give the angles back. The ground reactions have the usual shape and size, but no muscle made them: they
are consistent in space (they lie under the standing foot), not with Newton's second law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import c3d
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from data.errors import InputError
from data.storage import write_mot
from data.trial import SIDES, EventKind, GaitEvent, Side
from models.opensim_api import import_opensim

NOTE = "SYNTHETIC trial made by exogait from known joint angles; no person was measured"
"""Label in the files."""
GRAVITY = 9.80665
TOE_OFF = 0.62
"""Share of the cycle at which the foot leaves the ground."""
_HARMONICS = 5
"""Harmonics kept of every curve, so that the usual 6 Hz low-pass changes the angles by less than 0.2 degrees."""
_SOLE = 0.02
"""Depth of the sole below the heel bone's origin on the generic model, m."""
_PLATE_THICKNESS = 0.040
"""Depth of the sensor below the surface of the made-up force plates, m."""
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
    body = _Body.make(rng, proportions)
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
    contacts = [c for c in _contacts(events, feet, rate) if c.stop <= time[-1]]
    plates = _plates([c for c in contacts if c.start > 0.1][:3])
    forces, reactions = _ground_reactions(fine, contacts, plates, body.mass)

    to_lab = _lab_rotation(forward)
    names = tuple(markers)
    noisy = np.stack([markers[n] for n in names], axis=1)
    noisy = noisy + rng.normal(0, marker_noise, noisy.shape)
    for _ in range(gaps):
        start = int(rng.integers(20, n_frames - 30))
        noisy[start : start + int(rng.integers(3, 9)), int(rng.integers(len(names)))] = np.nan
    common = (plates, to_lab, rate, analog_per_frame, force_noise, rng)
    _write_c3d(folder / "walk.c3d", names, noisy, forces, *common, events, _BASELINE)
    quiet = np.stack([static_markers[n] for n in names], axis=1) + rng.normal(0, marker_noise, (101, len(names), 3))
    # The subject stands in the middle of the first plate, which was zeroed before.
    heels = np.mean([quiet[0, names.index(f"{s}.Heel")] for s in "RL"], axis=0)
    quiet[..., [0, 2]] += (plates[0].mean(axis=0) - heels)[[0, 2]] - np.array([0.12, 0.0])
    load = np.zeros((101 * analog_per_frame, len(plates), 9))
    load[:, 0, 1] = body.mass * GRAVITY
    load[:, 0, 3:6] = plates[0].mean(axis=0)
    _write_c3d(folder / "static.c3d", names, quiet, load, *common, (), 0.0)
    degrees = coordinates.copy()
    rotational = [name for name in degrees.columns if not name.startswith("pelvis_t") or name == "pelvis_tilt"]
    degrees[rotational] = np.degrees(degrees[rotational])
    write_mot(degrees, folder / "truth.mot", name="SYNTHETIC truth", in_degrees=True)
    move = float(coordinates["pelvis_tx"].iloc[-1] - coordinates["pelvis_tx"].iloc[0])
    return SyntheticTrial(
        static=folder / "static.c3d",
        walk=folder / "walk.c3d",
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
class _Body:
    """The scaled model with its markers."""

    opensim: Any
    model: Any
    state: Any
    mass: float
    height: float
    foot_factor: float
    standing_height: float

    @staticmethod
    def make(rng: np.random.Generator, proportions: float) -> _Body:
        import models
        from models.subject import Subject

        opensim = import_opensim()
        height = float(rng.uniform(1.62, 1.85))
        mass = float(rng.uniform(21.0, 25.0) * height**2)
        uniform = height / 1.8
        segments = ("torso", "pelvis", "thigh", "shank", "foot")
        factors = {s: uniform * (1.0 + proportions * float(rng.uniform(-1, 1))) for s in segments}
        subject = Subject(mass, height, tuple((s, (f, f, f)) for s, f in factors.items()), "synthetic")
        model = models.build(subject=subject, contact=False)
        state = model.initSystem()
        body = _Body(opensim, model, state, mass, height, factors["foot"], 0.0)
        lowest = min(body._sole(side, end)[1] for side in SIDES for end in (0, 1))
        at_zero = body.model.getCoordinateSet().get("pelvis_ty").getValue(state)
        return _Body(opensim, model, state, mass, height, factors["foot"], at_zero - lowest)

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
class _Contact:
    """A stance of one foot and where it stands."""

    side: Side
    start: float
    stop: float
    heel: NDArray[np.float64]
    toe: NDArray[np.float64]


def _contacts(events: Sequence[GaitEvent], feet: dict[str, NDArray[np.float64]], rate: float) -> list[_Contact]:
    contacts = []
    for strike in (e for e in events if e.kind == "heel_strike"):
        offs = [e.time for e in events if e.side == strike.side and e.kind == "toe_off" and e.time > strike.time]
        if not offs:
            continue
        first, last = (round((strike.time + share * (offs[0] - strike.time)) * rate) for share in (0.3, 0.5))
        place = np.median(feet[strike.side][first : last + 1], axis=0)
        contacts.append(_Contact(strike.side, strike.time, offs[0], place[0], place[1]))
    return sorted(contacts, key=lambda c: c.start)


def _plates(contacts: Sequence[_Contact]) -> list[NDArray[np.float64]]:
    """One plate under each contact: corners (4, 3) in OpenSim's frame, as wide as the walkway, as long as a step."""
    middles = [0.5 * (c.heel[0] + c.toe[0]) for c in contacts]
    half = min(0.30, 0.49 * float(np.min(np.diff(middles)))) if len(middles) > 1 else 0.30
    return [
        np.array([[x + half, 0.0, 0.3], [x - half, 0.0, 0.3], [x - half, 0.0, -0.3], [x + half, 0.0, -0.3]])
        for x in middles
    ]


def _ground_reactions(
    time: NDArray[np.float64], contacts: Sequence[_Contact], plates: Sequence[NDArray[np.float64]], mass: float
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


def _lab_rotation(forward: str) -> NDArray[np.float64]:
    """Matrix that takes OpenSim's vectors to the laboratory's, Z up."""
    ahead = np.eye(3)["xyz".index(forward[1])] * (1.0 if forward[0] == "+" else -1.0)
    up = np.array([0.0, 0.0, 1.0])
    return np.column_stack([ahead, up, np.cross(ahead, up)])


def _write_c3d(
    path: Path,
    names: Sequence[str],
    markers: NDArray[np.float64],
    loads: NDArray[np.float64],
    plates: Sequence[NDArray[np.float64]],
    to_lab: NDArray[np.float64],
    rate: float,
    per_frame: int,
    noise: float,
    rng: np.random.Generator,
    events: Sequence[GaitEvent],
    baseline: float,
) -> None:
    writer = c3d.Writer(point_rate=rate, analog_rate=rate * per_frame, point_scale=-1.0, point_units="mm")
    n_frames = len(markers)
    points = np.zeros((n_frames, len(names), 5))
    lab = markers @ to_lab.T * 1e3
    missing = ~np.all(np.isfinite(lab), axis=2)
    points[..., :3] = np.where(missing[..., None], 0.0, lab)
    points[..., 3] = np.where(missing, -1.0, 0.0)
    channels = np.hstack([_channels(loads[:, i], corners, to_lab) for i, corners in enumerate(plates)])
    sd = np.tile([noise] * 3 + [noise * 100.0] * 3, len(plates))
    channels = channels + rng.normal(0, 1, channels.shape) * sd
    channels[:, 2::6] += baseline
    analog = channels.reshape(n_frames, per_frame, -1).transpose(0, 2, 1)
    writer.add_frames([(p, a) for p, a in zip(points, analog, strict=True)])
    writer.set_point_labels(list(names))
    labels = [f"{c}{i + 1}" for i in range(len(plates)) for c in ("Fx", "Fy", "Fz", "Mx", "My", "Mz")]
    writer.set_analog_labels(labels)
    _text(writer.analog_group, "UNITS", ["N", "N", "N", "Nmm", "Nmm", "Nmm"] * len(plates))
    plate = writer.get_create("FORCE_PLATFORM")
    lab_corners = np.array([corners @ to_lab.T * 1e3 for corners in plates])
    _numbers(plate, "USED", np.array(len(plates), dtype="<i2"))
    _numbers(plate, "TYPE", np.full(len(plates), 2, dtype="<i2"))
    _numbers(plate, "ZERO", np.array([1, 0], dtype="<i2"))
    _numbers(plate, "CORNERS", lab_corners.astype("<f4"))
    _numbers(plate, "ORIGIN", np.tile([0.0, 0.0, -1e3 * _PLATE_THICKNESS], (len(plates), 1)).astype("<f4"))
    _numbers(plate, "CHANNEL", np.arange(1, 6 * len(plates) + 1, dtype="<i2").reshape(-1, 6))
    note = writer.get_create("SYNTHETIC")
    _text(note, "NOTE", [NOTE])
    _text(writer.get_create("SUBJECTS"), "NAMES", ["SYNTHETIC"])
    event = writer.get_create("EVENT")
    _numbers(event, "USED", np.array(len(events), dtype="<i2"))
    if events:
        _text(event, "LABELS", ["Foot Strike" if e.kind == "heel_strike" else "Foot Off" for e in events])
        _text(event, "CONTEXTS", ["Right" if e.side == "r" else "Left" for e in events])
        _numbers(event, "TIMES", np.array([[0.0, e.time] for e in events], dtype="<f4"))
    with open(path, "wb") as handle:
        writer.write(handle)


def _channels(
    load: NDArray[np.float64], corners: NDArray[np.float64], to_lab: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What the plate's six channels show: force on the body, moment about its sensor, own axes (z down), N and N mm."""
    x = (corners[0] - corners[1]) / np.linalg.norm(corners[0] - corners[1])
    y = (corners[0] - corners[3]) / np.linalg.norm(corners[0] - corners[3])
    axes = np.column_stack([x, y, np.cross(x, y)])
    sensor = corners.mean(axis=0) + _PLATE_THICKNESS * axes[:, 2]
    force, point, twist = load[:, :3], load[:, 3:6], load[:, 6:]
    moment = np.cross(point - sensor, force) + twist
    return np.hstack([force @ axes, 1e3 * moment @ axes])


def _numbers(group: Any, name: str, values: NDArray[Any]) -> None:
    """Add an array parameter; the format lists dimensions from the fastest to the slowest."""
    group.add_param(
        name,
        desc="",
        bytes_per_element=values.dtype.itemsize,
        dimensions=list(values.shape[::-1]),
        bytes=values.tobytes(),
    )


def _text(group: Any, name: str, texts: Sequence[str]) -> None:
    width = max(len(text) for text in texts)
    data = "".join(text.ljust(width) for text in texts).encode("ascii")
    group.add_param(name, desc="", bytes_per_element=-1, dimensions=[width, len(texts)], bytes=data)
