"""Plates whose forces come from a table beside the markers: no channels, no corners, only force, point and moment.

What a table states was processed by whoever wrote it, so nothing is zeroed here. Where the plate lay is not known:
which foot stood on it is decided by the centre of pressure beside the feet's markers, and by the file's word where
they tell nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError
from exogait.data.names import SIDES

from ..c3d.applied import AppliedForce, ForceRecord
from ..c3d.reader import C3DFile
from .filters import butterworth
from .frame import LabFrame
from .plates import Contact, PlateData, centre_of_pressure, find_contacts, loaded_samples
from .strikes import NO_FOOT_MARKERS, FootLoad, PlateStrike, foot_load

TABLE = 0
"""Type of a plate that a table of forces describes, beside the C3D types 1 to 4."""
_WORDS = {"r": "right", "l": "left"}


def on_clock(record: ForceRecord, start: float, seconds: float) -> ForceRecord:
    """Forces on the even clock of a motion that begins at zero; NaN where the table does not reach.

    Args:
        record: The table.
        start: Time of the motion's first frame on the table's clock, s.
        seconds: Length of the motion, s.

    Raises:
        FileFormatError: Table and motion have no time in common.
    """
    own = record.time - start
    if own[-1] < 0 or own[0] > seconds:
        raise FileFormatError(
            record.path,
            f"forces from {record.time[0]:.2f} to {record.time[-1]:.2f} s, motion from {start:.2f} to "
            f"{start + seconds:.2f} s",
            "give motion and forces of one trial, on one clock",
        )
    step = float(np.median(np.diff(own)))
    time = np.arange(int(np.floor(seconds / step + 1e-6)) + 1) * step
    inside = (time >= own[0] - step / 2) & (time <= own[-1] + step / 2)

    def moved(values: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = np.column_stack([np.interp(time, own, column) for column in values.T])
        columns[~inside] = np.nan
        return columns

    def shifted(forces: tuple[AppliedForce, ...]) -> tuple[AppliedForce, ...]:
        return tuple(
            replace(f, force=moved(f.force), point=moved(f.point), torque=moved(f.torque)) for f in forces
        )  # fmt: skip

    return replace(record, time=time, ground=shifted(record.ground), device=shifted(record.device))


def plates_of_table(
    trial: C3DFile, frame: LabFrame, *, threshold: float, cutoff: float | None, order: int = 4
) -> list[PlateData]:
    """What each plate of a force table measured, in OpenSim's frame.

    Args:
        trial: The recording with its ``forces``.
        frame: Rotation to OpenSim's axes.
        threshold: Vertical force that makes a contact, N.
        cutoff: Zero-phase low-pass of forces and moments, Hz; ``None`` leaves them as the table has them.
        order: Effective order of that filter.

    Returns:
        One entry a force, corners NaN; an empty list without a table.
    """
    if trial.forces is None:
        return []
    record = on_clock(trial.forces, trial.start, (trial.n_frames - 1) / trial.point_rate)
    return [_plate(k, force, record.rate, frame, threshold, cutoff, order) for k, force in enumerate(record.ground)]


def device_loads(trial: C3DFile, frame: LabFrame) -> tuple[AppliedForce, ...]:
    """Loads of a device on the walk's clock; those that are stated in the ground's axes turn with the laboratory.

    Args:
        trial: The recording with its ``forces``.
        frame: Rotation to OpenSim's axes.
    """
    if trial.forces is None or not trial.forces.device:
        return ()
    record = on_clock(trial.forces, trial.start, (trial.n_frames - 1) / trial.point_rate)
    turned = []
    for load in record.device:
        if load.force_frame == "ground":
            load = replace(load, force=frame.rotate(load.force), torque=frame.rotate(load.torque))
        turned.append(replace(load, point=frame.rotate(load.point)) if load.point_frame == "ground" else load)
    return tuple(turned)


def _plate(
    index: int, applied: AppliedForce, rate: float, frame: LabFrame, threshold: float, cutoff: float | None, order: int
) -> PlateData:
    notes = []
    force, point, torque = (frame.rotate(part) for part in (applied.force, applied.point, applied.torque))
    strongest = float(force[np.nanargmax(np.abs(force[:, 1])), 1]) if np.isfinite(force[:, 1]).any() else 0.0
    if strongest < -threshold:
        force, torque = -force, -torque
        notes.append("the table states the force on the floor: the sign was turned")
    firm = force[:, 1] > threshold
    centre = np.array([0.0, float(np.median(point[firm, 1])) if firm.any() else 0.0, 0.0])
    # A point without a force may be anything; the moment must not be.
    moment = np.where(np.any(force != 0.0, axis=1)[:, None], np.cross(point - centre, force), 0.0) + torque
    vertical = force[:, 1].copy()
    contacts = _contacts(vertical, rate, threshold, index)
    if cutoff is not None:
        force, moment = (butterworth(values, rate, cutoff, order=order) for values in (force, moment))
    loaded = loaded_samples(contacts, len(force), rate)
    cop, free = centre_of_pressure(force, moment, centre, loaded)
    return PlateData(
        index=index, type=TABLE, rate=rate, force=force, vertical=vertical, moment=moment, cop=cop, free_moment=free,
        loaded=loaded, contacts=tuple(contacts), corners=np.full((4, 3), np.nan), centre=centre,
        baseline=np.zeros(6), threshold=threshold, notes=tuple(notes),
    )  # fmt: skip


def _contacts(vertical: NDArray[np.float64], rate: float, threshold: float, index: int) -> list[Contact]:
    """Contacts within what the table covers: where it ends under a foot, the contact goes on unseen."""
    known = np.flatnonzero(np.isfinite(vertical))
    if not len(known):
        return []
    first = int(known[0])
    part = vertical[first : int(known[-1]) + 1]
    shift = first / rate
    return [
        replace(contact, start=contact.start + shift, stop=contact.stop + shift)
        for contact in find_contacts(part, rate, threshold=threshold, plate=index)
    ]


def heed_statements(strikes: Sequence[PlateStrike], record: ForceRecord) -> list[PlateStrike]:
    """Contacts with what the file says about them: it decides where no marker does, and is overruled where one does.

    Args:
        strikes: The decisions by geometry.
        record: The table of forces.
    """
    rows = []
    for strike in strikes:
        side = record.ground[strike.plate].side
        # A foot with markers that is nowhere near did not stand there, whatever the file says.
        undecided = strike.reason.startswith(NO_FOOT_MARKERS)
        if side is not None and undecided:
            strike = replace(strike, side=side, accepted=True, reason="the file says so, no marker tells")
        elif side is not None and strike.side and strike.side != side:
            said = f"{strike.reason}; the file says {_WORDS[side]}, the markers {_WORDS[strike.side]}: they decide"
            strike = replace(strike, reason=said)
        rows.append(strike)
    return rows


def table_loads(plates: Sequence[PlateData], strikes: Sequence[PlateStrike]) -> dict[str, FootLoad]:
    """Ground reaction of each foot from a table.

    A table's plate that one foot alone ever loads is that foot's from the first sample to the last, the newtons below
    the threshold included: OpenSim's tools apply the whole column too.
    """
    whole = {
        plate.index: {strike.side for strike in strikes if strike.plate == plate.index and strike.accepted}
        for plate in plates
        if all(strike.accepted for strike in strikes if strike.plate == plate.index)
    }
    return {
        side: foot_load(side, plates, strikes, whole=[index for index, sides in whole.items() if sides == {side}])
        for side in SIDES
    }
