"""From a C3D file to a measured trial in OpenSim's frame: markers, ground reactions, events, and every decision taken.

:func:`process_trial` does what a laboratory does by hand: it turns the axes, bridges short gaps, filters, zeroes the
plates, decides which foot stood on which plate, finds the events, and keeps a record of all of it.

Example:
    >>> lab = process_trial(read_c3d("walk.c3d"))  # doctest: +SKIP
    >>> print(lab.frame.describe())  # doctest: +SKIP
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.about import TrialAbout
from exogait.data.constants import GRAVITY
from exogait.data.errors import DataQualityWarning, FileFormatError
from exogait.data.show import Shown
from exogait.data.trc import marker_table
from exogait.data.trial import GROUND_REACTION_COLUMNS, SIDES, GaitTrial, Side

from ..c3d.applied import AppliedForce
from ..c3d.events import C3DEvent
from ..c3d.plates import PlateSpec
from ..c3d.reader import C3DFile, parse_c3d, read_c3d
from ..gait.belt import LONGEST_STANCE, Belt, find_belt
from ..markers.identify import Identity
from ..markers.roles import find_roles, foot_markers, pelvis_markers
from .applied import TABLE, device_loads, heed_statements, plates_of_table, table_loads
from .event_choice import EventMethod
from .events import DetectedEvents, detect_events
from .filters import Gap, butterworth, fill_gaps, runs
from .frame import LabFrame, find_lab_frame
from .kinematic_events import events_from_markers
from .overrides import Overrides, apply_plate_overrides, read_overrides
from .plates import THRESHOLD, PlateData, read_plates
from .stances import Stance, find_stances
from .strikes import FootLoad, PlateStrike, assign_plates, foot_load, on_ground

__all__ = [
    "C3DEvent",
    "C3DFile",
    "LabTrial",
    "PlateSpec",
    "parse_c3d",
    "process_trial",
    "read_c3d",
    "standing_mass",
]

_STANCE_MARGIN = 0.03
"""A stance seen by events or markers is widened by this much before loads count as unknown, s."""
_UNLOADED_TAIL = 0.2
"""Longest time a foot may be slow and low beside an accepted contact and still belong to it, s."""


@dataclass(frozen=True)
class LabTrial(Shown):
    """One measured trial in OpenSim's frame, SI units, on the clock of the file's first frame."""

    path: str
    """The file."""
    frame: LabFrame
    """Rotation from the laboratory's axes."""
    roles: Mapping[str, tuple[str, ...]]
    """Which marker is which (:mod:`exogait.analysis.markers.roles`)."""
    rate: float
    """Frames a second, Hz."""
    marker_names: tuple[str, ...]
    """Names of the markers."""
    positions: NDArray[np.float64]
    """Filled and filtered marker positions, shape (n_frames, n_markers, 3), m; NaN in gaps that were left."""
    gaps: tuple[Gap, ...]
    """Every gap and what became of it."""
    plates: tuple[PlateData, ...]
    """What each plate measured."""
    strikes: tuple[PlateStrike, ...]
    """Every contact and what was decided about it."""
    stances: tuple[Stance, ...]
    """The stances that accepted contacts make, each on one plate or several."""
    belt: Belt
    """Speed of the ground that contacts were judged with."""
    loads: Mapping[str, FootLoad]
    """Ground reaction of each foot, keys ``"r"`` and ``"l"``, at the plates' rate."""
    load_rate: float
    """Samples a second of plates and loads, Hz; 0 without plates."""
    events: DetectedEvents
    """Heel strikes and toe offs."""
    load_known: NDArray[np.bool_]
    """Columns r and l, shape (n_frames, 2): False while the foot may stand on the ground outside a plate."""
    settings: Mapping[str, float | str | None]
    """Cut-offs, threshold and limits that were used."""
    notes: tuple[str, ...]
    """Everything that a report must show, one sentence each."""
    device: tuple[AppliedForce, ...] = ()
    """Loads of a device on other bodies than the feet, on the plates' clock."""

    @property
    def time(self) -> NDArray[np.float64]:
        """Time of the frames, shape (n_frames,), s."""
        return np.arange(len(self.positions)) / self.rate

    @property
    def load_time(self) -> NDArray[np.float64]:
        """Time of the load samples, shape (n_samples,), s."""
        n = len(self.plates[0].force) if self.plates else 0
        return np.arange(n) / (self.load_rate or 1.0)

    def strikes_table(self) -> pd.DataFrame:
        """Contacts and decisions as a table, plates counted from 1."""
        rows = [{**vars(s), "plate": s.plate + 1} for s in self.strikes]
        columns = ["plate", "start", "stop", "side", "accepted", "reason", "complete", "cop_distance", "outside"]
        return pd.DataFrame(rows, columns=columns)

    def to_gait_trial(self, name: str | None = None, *, metadata: Mapping[str, object] | None = None) -> GaitTrial:
        """Hand the measurement over as the structure that both roads share.

        Args:
            name: Name of the trial; the file's stem if not given.
            metadata: Facts to add, for example ``subject_mass``.

        Returns:
            Markers, ground reactions (where there are plates), masks and events.
        """
        stem = Path(self.path).stem
        reactions, masks = None, {}
        known = pd.DataFrame(self.load_known, columns=["r", "l"], index=pd.Index(self.time, name="time"))
        known["pelvis"] = known["r"] & known["l"]
        masks["valid_kinetics"] = known
        if self.plates:
            index = pd.Index(self.load_time, name="time")
            parts = [np.hstack([self.loads[s].force, self.loads[s].point, self.loads[s].torque]) for s in SIDES]
            reactions = pd.DataFrame(np.hstack(parts), columns=list(GROUND_REACTION_COLUMNS), index=index)
            masks["loaded"] = pd.DataFrame({s: self.loads[s].loaded for s in SIDES}, index=index)
        about = TrialAbout(source="lab", file=Path(self.path).name, frame=self.frame.describe())
        return GaitTrial(
            name=name or stem,
            markers=marker_table(
                self.time, self.marker_names, self.positions, name=stem, source=Path(self.path).name, rate=self.rate
            ),
            ground_reactions=reactions,
            masks=masks,
            events=self.events.events,
            metadata={**about.to_metadata(), **(metadata or {})},
        )


def process_trial(
    trial: C3DFile,
    *,
    frame: LabFrame | None = None,
    forward: str | None = None,
    up: str | None = None,
    roles: Mapping[str, str | Iterable[str]] | None = None,
    marker_cutoff: float | None = 6.0,
    force_cutoff: float | None = 20.0,
    filter_order: int = 4,
    max_gap: float = 0.1,
    threshold: float = THRESHOLD,
    method: EventMethod = "chosen",
    toe_off_method: EventMethod | None = None,
    overrides: Overrides | str | Path | None = None,
    identity: Identity | None = None,
    belt_speed: float | None = None,
) -> LabTrial:
    """Turn a C3D file's content into a measured trial in OpenSim's frame.

    Args:
        trial: What :func:`read_c3d` returned.
        frame: A frame found before; else it is found from the data.
        forward: Laboratory axis that points forward, for example ``"-x"``; found if not given.
        up: Laboratory axis that points up; found if not given.
        roles: Marker roles that replace those found from the labels.
        marker_cutoff: Low-pass of the markers, Hz; None for none.
        force_cutoff: Low-pass of forces and moments, Hz; None for none.
        filter_order: Effective order of both filters (half of it, forwards and backwards).
        max_gap: Longest marker gap to bridge, s.
        threshold: Vertical force that makes a contact, N.
        method: Method for events without a plate; chosen by the walk if not given.
        toe_off_method: Another one for toe offs.
        overrides: Manual corrections, or the CSV file that holds them.
        identity: What the labels mean, where it is known already (:func:`exogait.analysis.markers.identify.identify`);
            its labels and roles take the place of the file's and of ``roles``.
        belt_speed: Speed of a treadmill's belt, m/s; 0 says overground; found from the standing feet if not given.

    Returns:
        The trial.

    Raises:
        InputError: An option is outside what is allowed.
        FileFormatError: The data do not tell the frame, or the overrides cannot be read.
        UnitsError: The stated unit of length cannot be right.
    """
    if isinstance(overrides, str | Path):
        overrides = read_overrides(overrides)
    if identity is not None:
        trial = replace(trial, marker_names=identity.labels)
    found = find_roles(trial.marker_names, roles) if identity is None else identity.roles
    if frame is None:
        frame = find_lab_frame(trial, forward=forward, up=up, roles=found)
    raw = frame.rotate(trial.positions)
    filled, gaps = fill_gaps(raw, trial.point_rate, max_gap=max_gap, names=trial.marker_names)
    positions = filled
    if marker_cutoff is not None and trial.n_frames > 3 * filter_order:
        positions = butterworth(filled, trial.point_rate, marker_cutoff, order=filter_order)
    if trial.forces is None:
        plates = read_plates(trial, frame, threshold=threshold, cutoff=force_cutoff, order=filter_order)
    else:
        plates = plates_of_table(trial, frame, threshold=threshold, cutoff=force_cutoff, order=filter_order)
    belt = _find_ground(trial, filled, found, belt_speed)
    strikes = assign_plates(plates, filled, trial.marker_names, trial.point_rate, found, belt)
    if trial.forces is not None:
        strikes = heed_statements(strikes, trial.forces)
    if overrides is not None:
        strikes = apply_plate_overrides(strikes, overrides)
    stances = find_stances(plates, strikes)
    # A foot whose force cannot be used, for its pressure is elsewhere, stood on the plate at that time all the same.
    timed = [
        strike if strike.timed is None else replace(strike, side=strike.timed, accepted=True) for strike in strikes
    ]
    events = detect_events(
        trial, filled, found, find_stances(plates, timed), overrides=overrides, method=method,
        toe_off_method=toe_off_method, belt=belt,
    )  # fmt: skip
    if trial.forces is None:
        loads = {side: foot_load(side, plates, strikes) for side in SIDES}
    else:
        loads = table_loads(plates, strikes)
    known = np.column_stack(
        [_load_known(side, trial, filled, found, stances, events, belt, plates) for side in SIDES]
    )  # fmt: skip
    notes = [*trial.warnings, *frame.notes, *_gap_notes(gaps, max_gap)]
    for plate in plates:
        notes += [f"force plate {plate.index + 1}: {note}" for note in plate.notes]
    for strike in strikes:
        if not strike.accepted:
            span = f"{strike.start:.2f}-{strike.stop:.2f} s"
            notes.append(f"force plate {strike.plate + 1}, {span}: not used, {strike.reason}")
    if not plates:
        notes.append("the file has no force plates: joint moments cannot be computed")
    else:
        for side, word in (("r", "right"), ("l", "left")):
            if not loads[side].loaded.any():
                notes.append(f"the {word} foot never stands alone and whole on a plate: its moments are not known")
    notes += events.notes
    lost = [g for g in gaps if g.action == "left: longer than the limit"]
    if lost:
        names = ", ".join(sorted({g.name for g in lost})[:6])
        warnings.warn(
            f"{trial.path}: {len(lost)} marker gap(s) longer than {max_gap:g} s are left: {names}",
            DataQualityWarning,
            stacklevel=2,
        )
    return LabTrial(
        path=trial.path,
        frame=frame,
        roles=found,
        rate=trial.point_rate,
        marker_names=trial.marker_names,
        positions=positions,
        gaps=tuple(gaps),
        plates=tuple(plates),
        strikes=tuple(strikes),
        stances=tuple(stances),
        belt=belt,
        loads=loads,
        load_rate=plates[0].rate if plates else 0.0,
        events=events,
        load_known=known,
        settings={
            "marker_cutoff_hz": marker_cutoff,
            "force_cutoff_hz": force_cutoff,
            "filter_order_effective": filter_order,
            "max_gap_s": max_gap,
            "threshold_n": threshold,
            "event_method": f"{events.choice.heel_strike}, {events.choice.toe_off}",
        },
        notes=tuple(notes),
        device=device_loads(trial, frame),
    )


def _gap_notes(gaps: list[Gap], max_gap: float) -> list[str]:
    notes = []
    filled = [g for g in gaps if g.action == "filled"]
    if filled:
        longest = max(g.duration for g in filled)
        notes.append(f"{len(filled)} marker gap(s) filled by a cubic spline, the longest {longest:.2f} s")
    for gap in gaps:
        if gap.action == "left: longer than the limit":
            notes.append(
                f"marker {gap.name} is missing from {gap.start:.2f} s for {gap.duration:.2f} s, "
                f"longer than the limit of {max_gap:g} s: left as a gap"
            )
    return notes


def _find_ground(
    trial: C3DFile,
    positions: NDArray[np.float64],
    roles: Mapping[str, tuple[str, ...]],
    given: float | None,
) -> Belt:
    """Speed of the ground before any contact is judged: events of markers tell when a foot is flat on it.

    Only a method that does not ask for the belt itself can tell.
    """
    if given is not None:
        return Belt(given, "given")
    method = "zeni2008" if pelvis_markers(roles) else "oconnor2007"
    events = events_from_markers(positions, trial.marker_names, trial.point_rate, roles, method=method)
    return find_belt(positions, trial.marker_names, trial.point_rate, roles, events)


def _load_known(
    side: Side,
    trial: C3DFile,
    positions: NDArray[np.float64],
    roles: Mapping[str, tuple[str, ...]],
    stances: Sequence[Stance],
    events: DetectedEvents,
    belt: Belt,
    plates: Sequence[PlateData],
) -> NDArray[np.bool_]:
    """True in swing and within accepted contacts; False while the foot may stand elsewhere or cannot be seen."""
    time = np.arange(trial.n_frames) / trial.point_rate
    where = [trial.marker_names.index(m) for m in foot_markers(roles, side)]
    if not plates or not where:
        return np.zeros(len(time), dtype=bool)
    paths = positions[:, where]
    standing = np.any(on_ground(paths, trial.point_rate, belt.of(side, len(paths))), axis=1)
    step = np.gradient(paths, axis=0) if len(paths) > 2 else 0.0 * paths
    unseen = ~np.any(np.isfinite(step).all(axis=2), axis=1)
    grounded = _widen(standing, round(_STANCE_MARGIN * trial.point_rate)) | unseen
    own = [e for e in events.events if e.side == side]
    # A stance may begin before the recording and end after it; a heel that has risen stands all the same.
    if own and own[0].kind == "toe_off" and own[0].time < LONGEST_STANCE:
        grounded |= time <= own[0].time
    for i, event in enumerate(own):
        if event.kind == "heel_strike":
            off = next((e.time for e in own[i + 1 :] if e.kind == "toe_off"), float(time[-1]))
            if off - event.time < LONGEST_STANCE:
                grounded |= (time >= event.time) & (time <= off)
    accepted = np.zeros(len(time), dtype=bool)
    for stance in stances:
        if stance.side == side:
            # The markers' own idea of the stance may reach a little beyond the plates'.
            margin = _STANCE_MARGIN + 2 / trial.point_rate
            accepted |= (time >= stance.start - margin) & (time <= stance.stop + margin)
    # A foot that is still slow and low just before or after an accepted contact is in the same stance, unloaded.
    tail = round(_UNLOADED_TAIL * trial.point_rate)
    for start, stop in runs(grounded):
        inside = np.flatnonzero(accepted[start:stop])
        if len(inside):
            first, last = start + int(inside[0]), start + int(inside[-1])
            if first - start <= tail:
                accepted[start:first] = True
            if stop - last <= tail:
                accepted[last:stop] = True
    return (accepted | ~grounded) & _recorded(time, plates)


def _recorded(time: NDArray[np.float64], plates: Sequence[PlateData]) -> NDArray[np.bool_]:
    """Frames in which every plate's force is a number: a table may begin later than the markers and end before."""
    known = np.ones(len(time), dtype=bool)
    for plate in plates:
        if plate.type == TABLE:
            finite = np.flatnonzero(np.isfinite(plate.force).all(axis=1)) / plate.rate
            known &= (time >= finite[0] - 1e-6) & (time <= finite[-1] + 1e-6) if len(finite) else False
    return known


def _widen(mask: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    return np.convolve(mask, np.ones(2 * n + 1), mode="full")[n : n + len(mask)] > 0.5


def standing_mass(trial: C3DFile, *, frame: LabFrame | None = None) -> float:
    """Body mass from a quiet standing trial in which the subject stands on force plates.

    Args:
        trial: The static trial.
        frame: Rotation to OpenSim's axes; found if not given.

    Returns:
        Mass, kg.

    Raises:
        FileFormatError: No plate carries a steady load over the whole trial.
    """
    frame = frame or find_lab_frame(trial)
    plates = read_plates(trial, frame)
    vertical = np.sum([p.force[:, 1] for p in plates], axis=0) if plates else np.zeros(1)
    if not np.isfinite(vertical).all() or vertical.mean() < 50 or vertical.std() > 0.05 * vertical.mean():
        raise FileFormatError(
            trial.path, "nobody stands still on the force plates, so it tells no body mass", "give --mass in kg"
        )
    return float(vertical.mean() / GRAVITY)
