"""A gait laboratory for simulated walkers: marker trajectories and force plates of a roll-out, as C3D files.

A policy that walks is a patient of whom everything is known. Its coordinates carry the model's markers through
OpenSim's forward kinematics; skin that slides, camera noise and gaps are added; the ground reactions go to a row of
force plates, one a step. The files are those of a laboratory, so the lab road takes them as any other, and what it
finds can be held against what the simulation knows. Unlike :mod:`exogait.analysis.made_up.person`, whose motion is
drawn by hand, this gait obeys Newton's second law, so a simulated person can walk it again. The files say that they
are SYNTHETIC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from exogait.data.constants import GRAVITY
from exogait.data.errors import InputError
from exogait.data.trial import SIDES, GaitEvent, GaitTrial
from exogait.models.subject import Subject

from ..c3d.writer import lab_rotation, write_synthetic_c3d
from .person import STATIC_FILE, WALK_FILE, Footfall, MarkedBody, find_footfalls, plates_under

Array = NDArray[np.float64]

NOTE = "SYNTHETIC trial made by exogait from a simulated walk; no person was measured"
"""Label in the files."""
RATE = 100.0
"""Of the cameras, Hz; that of roll-outs."""
ANALOG_PER_FRAME = 10
CAMERA_NOISE = 0.0003
"""Standard deviation of each marker coordinate from frame to frame, m."""
SKIN_MOTION = 0.002
"""Standard deviation of each marker's slow motion over the bone, m; skin over a thigh moves by several times that."""
SKIN_CUTOFF = 3.0
"""Highest frequency of that motion, Hz."""
FORCE_NOISE = 1.0
"""Standard deviation of the force channels, N."""
BASELINE = 9.0
"""Vertical offset of the unloaded plates, N, for the reader to remove."""
GAPS = 4
"""Short gaps in the marker paths of the walk."""
MARGIN = 0.3
"""Recording before the first and after the last contact on a plate, s."""
HALF_WIDTH = 0.4
"""Half the width of the row of plates, m."""
STATIC_FRAMES = 101
PLATES = 10
"""Force plates in a row: ten give four whole strides of either leg with known kinetics."""


@dataclass(frozen=True)
class SimulatedRecording:
    """The files of a simulated walker in the laboratory, and the truth behind them."""

    static: Path
    """C3D file of quiet standing on the first plate."""
    walk: Path
    """C3D file of the walk."""
    truth: GaitTrial
    """The part of the roll-out that was recorded, on the clock of the walk's file."""
    mass: float
    """Body mass, kg."""
    height: float
    """Body height, m."""


def record_walk(
    trial: GaitTrial,
    folder: str | Path,
    *,
    subject: Subject | str | Path | None = None,
    plates: int = PLATES,
    seed: int = 0,
    camera_noise: float = CAMERA_NOISE,
    skin_motion: float = SKIN_MOTION,
    force_noise: float = FORCE_NOISE,
    gaps: int = GAPS,
    forward: str = "-x",
) -> SimulatedRecording:
    """Let a simulated walker cross a laboratory: a static and a walking C3D file with force plates.

    Args:
        trial: A roll-out without a fall, sampled every 10 ms: coordinates, ground reactions, events.
        folder: Where to write ``static.c3d`` and ``walk.c3d``.
        subject: Size of the body that walked; the suite's own model if not given.
        plates: Force plates in a row; the last so many whole stances of the walk stand on one each.
        seed: Of noise and gaps.
        camera_noise: Standard deviation of each marker coordinate from frame to frame, m.
        skin_motion: Standard deviation of each marker's slow motion over the bone, m.
        force_noise: Standard deviation of the force channels, N.
        gaps: Short gaps in the markers of the walk.
        forward: Laboratory axis along which it walks, Z being up: ``"+x"``, ``"-x"``, ``"+y"`` or ``"-y"``.

    Raises:
        InputError: The walk ended in a fall, or has fewer whole stances than there are plates.
        MissingDependencyError: OpenSim is not installed.

    Example:
        >>> files = record_walk(walk, "out")  # doctest: +SKIP
        >>> files.walk.name  # doctest: +SKIP
        'walk.c3d'
    """
    if trial.about.fell:
        raise InputError(f"{trial.name}: fell", True, "a walk without a fall")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    body = _body(trial, subject)
    truth, stances = _window(trial, body, plates)
    coordinates = truth.require("coordinates")
    n_frames = len(coordinates)
    # A walkway is laid where the walk goes: nobody told the walker of one, and a weak one drifts aside.
    middle = float(np.mean([0.5 * (stance.heel[2] + stance.toe[2]) for stance in stances]))
    where = plates_under(stances, middle=middle, half_width=HALF_WIDTH)
    loads = _plate_loads(truth, stances, n_frames)

    markers = body.markers(coordinates)
    names = tuple(markers)
    seen = np.stack([markers[name] for name in names], axis=1)
    seen = seen + skin_motion * _slow_noise(rng, seen.shape) + rng.normal(0, camera_noise, seen.shape)
    for _ in range(gaps):
        start = int(rng.integers(20, n_frames - 30))
        seen[start : start + int(rng.integers(3, 9)), int(rng.integers(len(names)))] = np.nan
    to_lab = lab_rotation(forward)
    common = (where, to_lab, RATE, ANALOG_PER_FRAME, force_noise, rng)
    write_synthetic_c3d(folder / WALK_FILE, names, seen, loads, *common, truth.events, BASELINE, NOTE)
    quiet, load = _standing(body, names, where, float(coordinates["pelvis_tx"].iloc[0]))
    quiet = quiet + rng.normal(0, camera_noise, quiet.shape)
    write_synthetic_c3d(folder / STATIC_FILE, names, quiet, load, *common, (), 0.0, NOTE)
    return SimulatedRecording(folder / STATIC_FILE, folder / WALK_FILE, truth, body.mass, body.height)


def _body(trial: GaitTrial, subject: Subject | str | Path | None) -> MarkedBody:
    from exogait import models
    from exogait.models.subject import as_subject
    from exogait.models.tables import load_tables

    person = as_subject(subject)
    model = models.build(subject=person, contact=False)
    height = load_tables().constants["generic_height"] if person is None else person.height
    foot = 1.0 if person is None else person.body_factors()["calcn_r"][1]
    return MarkedBody.of(model, trial.subject_mass, height, foot)


def _window(trial: GaitTrial, body: MarkedBody, plates: int) -> tuple[GaitTrial, list[Footfall]]:
    """The part of the walk that is recorded, its time from 0, and the stances that get a plate."""
    coordinates = trial.require("coordinates")
    clock = coordinates.index.to_numpy(np.float64)
    if len(clock) < 2 or not np.allclose(np.diff(clock), 1.0 / RATE, atol=1e-6):
        raise InputError(f"{trial.name}: time", "uneven", f"a roll-out sampled at {RATE:g} Hz")
    moved = tuple(GaitEvent(e.time - clock[0], e.side, e.kind, e.source) for e in trial.events)
    stances = find_footfalls(moved, body.feet(coordinates), RATE)
    stances = [s for s in stances if s.start > MARGIN and s.stop < clock[-1] - clock[0] - MARGIN][-plates:]
    sides = [s.side for s in stances]
    if len(stances) < max(plates, 3) or any(a == b for a, b in pairwise(sides)):
        raise InputError(
            f"{trial.name}: whole stances", len(stances), f"at least {max(plates, 3)} in turn, right and left"
        )
    first, last = (round(t * RATE) for t in (stances[0].start - MARGIN, stances[-1].stop + MARGIN))
    start = clock[first]

    def shifted(table: pd.DataFrame) -> pd.DataFrame:
        part = table.iloc[first : last + 1].copy()
        part.index = pd.Index(np.arange(len(part)) / RATE, name="time")
        part.attrs = dict(table.attrs)
        return part

    reactions = trial.require("ground_reactions")
    truth = GaitTrial(
        name=trial.name,
        coordinates=shifted(coordinates),
        ground_reactions=shifted(reactions),
        generalized_forces=None if trial.generalized_forces is None else shifted(trial.generalized_forces),
        events=tuple(
            GaitEvent(e.time - start, e.side, e.kind, e.source)
            for e in trial.events
            if start <= e.time <= clock[min(last, len(clock) - 1)]
        ),
        metadata=dict(trial.metadata),
    )
    offset = start - clock[0]
    return truth, [Footfall(s.side, s.start - offset, s.stop - offset, s.heel, s.toe) for s in stances]


def _plate_loads(truth: GaitTrial, stances: Sequence[Footfall], n_frames: int) -> Array:
    """Force, point and free moment on every plate at the plates' rate, shape (n_samples, n_plates, 9)."""
    reactions = truth.require("ground_reactions")
    # A roll-out's ground reactions are means over the 10 ms before each sample.
    clock = reactions.index.to_numpy(np.float64) - 0.5 / RATE
    fine = np.arange(n_frames * ANALOG_PER_FRAME) / (RATE * ANALOG_PER_FRAME)
    loads = np.zeros((len(fine), len(stances), 9))
    for side in SIDES:
        columns = [f"{kind}_{side}_{part}{axis}" for kind, part in _PARTS for axis in "xyz"]
        wrench = reactions[columns].to_numpy(np.float64, copy=True)
        wrench[:, 3:6] = _nearest_known(wrench[:, 3:6])
        wrench = np.column_stack([np.interp(fine, clock, channel) for channel in wrench.T])
        own = [(k, stance) for k, stance in enumerate(stances) if stance.side == side]
        for k, stance in own:
            on = (fine > stance.start - 0.5 * MARGIN) & (fine < stance.stop + 0.5 * MARGIN)
            loads[on, k] = wrench[on]
    return loads


_PARTS = (("ground_force", "v"), ("ground_force", "p"), ("ground_torque", ""))


def _nearest_known(points: Array) -> Array:
    """Rows without a number take the row nearest in time that has one."""
    known = np.flatnonzero(np.isfinite(points).all(axis=1))
    if not len(known):
        return np.zeros_like(points)
    at = np.arange(len(points))
    right = np.clip(np.searchsorted(known, at), 0, len(known) - 1)
    left = np.clip(right - 1, 0, len(known) - 1)
    return points[np.where(at - known[left] <= known[right] - at, known[left], known[right])]


def _slow_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Noise of unit standard deviation below :data:`SKIN_CUTOFF` along the first axis."""
    padding = int(RATE)
    noise = rng.normal(size=(shape[0] + 2 * padding, *shape[1:]))
    low = sosfiltfilt(butter(2, SKIN_CUTOFF, fs=RATE, output="sos"), noise, axis=0)[padding:-padding]
    return low / low.std()


def _standing(body: MarkedBody, names: Sequence[str], plates: Sequence[Array], forward: float) -> tuple[Array, Array]:
    """Markers of quiet standing in the middle of the first plate, and the weight on it."""
    columns = [c.getName() for c in (body.model.getCoordinateSet().get(i) for i in range(23))]
    still = pd.DataFrame(0.0, columns=pd.Index(columns), index=pd.Index([0.0], name="time"))
    still["pelvis_ty"], still["pelvis_tx"] = body.standing_height, forward
    paths = body.markers(still)
    quiet = np.repeat(np.stack([paths[name] for name in names], axis=1), STATIC_FRAMES, axis=0)
    heels = np.mean([quiet[0, list(names).index(f"{side}.Heel")] for side in "RL"], axis=0)
    quiet[..., [0, 2]] += (plates[0].mean(axis=0) - heels)[[0, 2]] - np.array([0.12, 0.0])
    load = np.zeros((STATIC_FRAMES * ANALOG_PER_FRAME, len(plates), 9))
    load[:, 0, 1] = body.mass * GRAVITY
    load[:, 0, 3:6] = plates[0].mean(axis=0)
    return quiet, load
