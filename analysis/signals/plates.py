"""Force plates of C3D types 1 to 4: force on the body, centre of pressure and free moment, in OpenSim's frame.

Each plate's channels give a force and a moment about its own origin, in its own axes. The moment moves to the centre of
the plate's surface, M_c = M_o + F x r with r the vector FORCE_PLATFORM:ORIGIN, the centre of pressure is
(-M_cy / F_z, M_cx / F_z) and the free moment T_z = M_cz - x F_y + y F_x. A plate's z axis points down by convention,
and the sign is chosen so that the force on the body points up.

Source: the C3D File Format user guide, 2008, section FORCE_PLATFORM; type 3 in the form of Kistler's formulae.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError, InputError

from ..c3d.plates import PlateSpec
from ..c3d.reader import C3DFile
from .baseline import find_baseline, find_drift
from .filters import butterworth, runs
from .frame import LabFrame, plate_normal

THRESHOLD = 20.0
"""Vertical force from which a plate counts as loaded, N."""
RELEASE = 0.5
"""A contact ends when the force falls below this share of the threshold."""
MIN_CONTACT = 0.05
"""Shorter contacts are taken for noise, s."""

_MOMENTS = (1e-3, 1e-2, 1.0)
"""Units in which moments are stored, N m."""
_STILL_PRESSURE = 0.05
"""A pressure that moves less under every load does not walk, m; under a foot it moves about 0.2 m."""
_FIRM = 150.0
"""Vertical force from which the pressure tells something, N."""
_SETTLED = (
    "the moments' unit is not stated and read as {:g} N m: in the unit of the markers the pressure would stand still"
)


@dataclass(frozen=True)
class Contact:
    """One loading of one plate."""

    plate: int
    """Number of the plate, from 0."""
    start: float
    """Time when the vertical force rises through the threshold, s."""
    stop: float
    """Time when it falls below the release level, s."""
    complete: bool
    """False where the recording starts or ends on the plate."""


@dataclass(frozen=True)
class PlateData:
    """What one force plate measured, as force on the body, in OpenSim's frame and SI units."""

    index: int
    """Number of the plate, from 0."""
    type: int
    """C3D platform type."""
    rate: float
    """Samples a second, Hz."""
    force: NDArray[np.float64]
    """Force on the body, shape (n_samples, 3), N."""
    vertical: NDArray[np.float64]
    """Vertical force as measured, before the low-pass, missing samples bridged, shape (n_samples,), N."""
    moment: NDArray[np.float64]
    """Moment on the body about ``centre``, shape (n_samples, 3), N m."""
    cop: NDArray[np.float64]
    """Centre of pressure on the plate's surface, shape (n_samples, 3), m; NaN where the plate is not loaded."""
    free_moment: NDArray[np.float64]
    """Vertical moment about the centre of pressure, shape (n_samples,), N m; NaN where the plate is not loaded."""
    loaded: NDArray[np.bool_]
    """True during contacts, shape (n_samples,)."""
    contacts: tuple[Contact, ...]
    """Contacts in order of time."""
    corners: NDArray[np.float64]
    """Corners, shape (4, 3), m."""
    centre: NDArray[np.float64]
    """Centre of the surface, shape (3,), m."""
    baseline: NDArray[np.float64]
    """What was subtracted from Fx, Fy, Fz, Mx, My, Mz of the plate's own axes, shape (6,), N and N m."""
    threshold: float
    """Vertical force that makes a contact, N."""
    notes: tuple[str, ...] = ()
    """What was odd, one sentence each."""

    @property
    def time(self) -> NDArray[np.float64]:
        """Time of the samples from the first frame in the file, shape (n_samples,), s."""
        return np.arange(len(self.force)) / self.rate


def read_plates(
    trial: C3DFile,
    frame: LabFrame,
    *,
    threshold: float = THRESHOLD,
    cutoff: float | None = None,
    order: int = 4,
    baseline: bool = True,
) -> list[PlateData]:
    """Compute what every force plate of a trial measured.

    Args:
        trial: The measurement.
        frame: Rotation to OpenSim's axes.
        threshold: Vertical force that makes a contact, N; it ends below half of it.
        cutoff: Cut-off of the zero-phase low-pass for forces and moments, Hz; None leaves them as measured.
        order: Effective order of that filter.
        baseline: Subtract the offset of the unloaded plate.

    Returns:
        One entry a plate, in the file's order; an empty list where the file has no plates.

    Raises:
        InputError: The threshold is not positive.
        FileFormatError: A plate's channels hold no number at all.
    """
    if not threshold > 0:
        raise InputError("threshold", threshold, "the contact threshold is a positive force in N")
    specs = settle_moment_units(trial)
    plates = [_plate(trial, spec, frame, threshold, cutoff, order, baseline) for spec in specs]
    return [
        plate if spec.moment_scale == stated.moment_scale else replace(plate, notes=(*plate.notes, _SETTLED.format(
            spec.moment_scale)))
        for plate, spec, stated in zip(plates, specs, trial.platforms, strict=True)
    ]  # fmt: skip


def settle_moment_units(trial: C3DFile) -> list[PlateSpec]:
    """Plates of a trial, the unit of their moments decided by the pressure where the file does not state it.

    Read in too large a unit the pressure leaves the plate, in too small a one it stands still at the plate's centre:
    of N mm, N cm and N m the largest counts with which it stays on the plate, if it stands still with the file's own.

    Args:
        trial: The measurement.

    Returns:
        The plates, all with one unit.
    """
    open_plates = [spec for spec in trial.platforms if not spec.moment_stated and spec.type == 2]
    if not open_plates:
        return list(trial.platforms)
    own = open_plates[0].moment_scale
    travel = {scale: [_travel(trial, replace(spec, moment_scale=scale)) for spec in open_plates] for scale in _MOMENTS}
    best = own
    known = [inside for inside in travel.get(own, []) if np.isfinite(inside[0])]
    if known and max(length for length, _ in known) < _STILL_PRESSURE:
        fitting = [
            scale
            for scale in _MOMENTS
            if scale > own and all(share > 0.95 for length, share in travel[scale] if np.isfinite(length))
        ]
        best = max(fitting, default=own)
    return [replace(spec, moment_scale=best) if spec in open_plates else spec for spec in trial.platforms]


def _travel(trial: C3DFile, spec: PlateSpec) -> tuple[float, float]:
    """How far the pressure moves about the centre of its plate, m, and its share on the plate; NaN without load."""
    wrench = plate_wrench(trial, spec)
    wrench = wrench - find_baseline(wrench, trial.analog_rate)[0]
    loaded = np.abs(wrench[:, 2]) > _FIRM
    if loaded.sum() < 0.1 * trial.analog_rate:
        return np.nan, np.nan
    force = wrench[loaded, 2]
    place = np.column_stack([-wrench[loaded, 4] / force, wrench[loaded, 3] / force])
    half = np.array([np.linalg.norm(spec.corners[0] - spec.corners[k]) / 2 + 0.05 for k in (1, 3)])
    low, high = np.percentile(place, [5, 95], axis=0)
    return float(np.linalg.norm(high - low)), float((np.abs(place) < half).all(axis=1).mean())


def plate_wrench(trial: C3DFile, spec: PlateSpec) -> NDArray[np.float64]:
    """Force and moment about the centre of the surface, in the plate's own axes and the file's sign.

    Args:
        trial: The measurement.
        spec: One of its plates.

    Returns:
        Fx, Fy, Fz, Mx, My, Mz, shape (n_samples, 6), N and N m.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        return _wrench(trial.analog[:, list(spec.channels)], spec)


def _wrench(channels: NDArray[np.float64], spec: PlateSpec) -> NDArray[np.float64]:
    """The formulae of the four platform types; infinite samples become NaN on the way."""
    origin = spec.origin
    if spec.type == 4 and spec.cal_matrix is not None and spec.cal_matrix.shape == (6, 6):
        channels = channels @ spec.cal_matrix.T
    if spec.type == 1:
        # Px, Py come in the file's length unit, which the moment's scale shares.
        force = channels[:, :3] * spec.force_scale
        x, y = channels[:, 3] * spec.moment_scale, channels[:, 4] * spec.moment_scale
        twist = channels[:, 5] * spec.moment_scale
        moment = np.column_stack([y * force[:, 2], -x * force[:, 2], twist + x * force[:, 1] - y * force[:, 0]])
        return np.column_stack([force, moment])
    if spec.type == 3:
        x12, x34, y14, y23, z1, z2, z3, z4 = channels.T * spec.force_scale
        a, b = abs(origin[0]), abs(origin[1])
        force = np.column_stack([x12 + x34, y14 + y23, z1 + z2 + z3 + z4])
        moment = np.column_stack([b * (z1 + z2 - z3 - z4), a * (-z1 + z2 + z3 - z4), b * (x34 - x12) + a * (y14 - y23)])
        lever = np.array([0.0, 0.0, -abs(origin[2])])
    else:
        force, moment = channels[:, :3] * spec.force_scale, channels[:, 3:6] * spec.moment_scale
        # Some software stores the vector from the surface to the origin: with z down it then has a positive z.
        lever = -origin if origin[2] > 0 else origin
    return np.column_stack([force, moment + np.cross(force, lever)])


def find_contacts(
    vertical: NDArray[np.float64],
    rate: float,
    *,
    threshold: float = THRESHOLD,
    release: float = RELEASE,
    min_contact: float = MIN_CONTACT,
    plate: int = 0,
) -> list[Contact]:
    """Find when a plate is loaded, with hysteresis.

    A contact starts when the force rises through ``threshold`` and ends when it falls below ``release * threshold``;
    both times are interpolated between samples. Missing samples count as unloaded.

    Args:
        vertical: Vertical force on the body, shape (n_samples,), N.
        rate: Samples a second, Hz.
        threshold: Force that starts a contact, N.
        release: Share of the threshold below which it ends.
        min_contact: Shorter contacts are dropped, s.
        plate: Number to write into the contacts.

    Returns:
        The contacts in order of time.

    Example:
        >>> import numpy as np
        >>> force = np.where((np.arange(1000) > 199) & (np.arange(1000) < 800), 700.0, 0.0)
        >>> [(round(c.start, 2), round(c.stop, 2)) for c in find_contacts(force, 1000.0)]
        [(0.2, 0.8)]
    """
    force = np.where(np.isfinite(vertical), vertical, 0.0)
    held = force > release * threshold
    contacts = []
    for first, stop in runs(held):
        high = np.flatnonzero(force[first:stop] > threshold)
        if len(high) == 0:
            continue
        start = first + int(high[0])
        begin, end = _crossing(force, start, threshold), _crossing(force, stop, release * threshold)
        # A sample above the threshold right at the border of the recording: the contact began or goes on outside it.
        complete = start > 0 and stop < len(force)
        if (end - begin) / rate >= min_contact:
            contacts.append(Contact(plate, begin / rate, end / rate, complete))
    return contacts


def _crossing(force: NDArray[np.float64], i: int, level: float) -> float:
    """Index, with fraction, at which the force passes the level between samples i - 1 and i."""
    if i <= 0 or i >= len(force):
        return float(min(max(i, 0), len(force) - 1))
    low, high = force[i - 1], force[i]
    return i - 1 + float(np.clip((level - low) / (high - low), 0.0, 1.0)) if high != low else float(i)


def loaded_samples(contacts: list[Contact] | tuple[Contact, ...], n: int, rate: float) -> NDArray[np.bool_]:
    """Mark the samples within contacts.

    Args:
        contacts: The contacts.
        n: Number of samples.
        rate: Samples a second, Hz.

    Returns:
        Flags, shape (n,).
    """
    mask = np.zeros(n, dtype=bool)
    for contact in contacts:
        mask[int(np.ceil(contact.start * rate - 1e-6)) : int(np.floor(contact.stop * rate + 1e-6)) + 1] = True
    return mask


def _plate(
    trial: C3DFile,
    spec: PlateSpec,
    frame: LabFrame,
    threshold: float,
    cutoff: float | None,
    order: int,
    baseline: bool,
) -> PlateData:
    notes: list[str] = []
    wrench = plate_wrench(trial, spec)
    bad = ~np.all(np.isfinite(wrench), axis=1)
    if bad.all():
        raise FileFormatError(
            trial.path,
            f"force plate {spec.index + 1} holds no number (NaN forces)",
            "export the analog channels again, or leave the plate out",
        )
    if bad.any():
        notes.append(f"{int(bad.sum())} of {len(bad)} samples are not a number: a contact that holds one is rejected")
        wrench[bad] = np.nan
    per_frame = round(trial.analog_rate / trial.point_rate)
    zero = (spec.zero[0] * per_frame, spec.zero[1] * per_frame) if spec.zero else None
    # A type 1 plate sends positions, not moments, so its offsets are not those of a wrench.
    drift = find_drift(wrench, trial.analog_rate) if baseline and spec.type != 1 else np.zeros_like(wrench)
    wrench = wrench - drift
    if drift.any():
        notes.append(f"drift of {abs(float(drift[-1, 2] - drift[0, 2])):.0f} N vertical over the recording removed")
    offset, how = (
        find_baseline(wrench, trial.analog_rate, zero=zero) if baseline and spec.type != 1 else (np.zeros(6), "off")
    )
    wrench = wrench - offset
    if np.linalg.norm(offset[:3]) > 5:
        notes.append(f"baseline of {offset[2]:.1f} N vertical removed ({how})")
    elif how.startswith("never"):
        notes.append(how)
    axes = _plate_axes(spec)
    force, moment = wrench[:, :3] @ axes.T, wrench[:, 3:] @ axes.T
    up_lab = frame.rotation[1]
    vertical = force @ up_lab
    strongest = float(vertical[np.nanargmax(np.abs(vertical))])
    if strongest < -threshold:
        force, moment = -force, -moment
        notes.append("the plate stores the force on the floor: the sign was turned")
    force, moment = frame.rotate(force), frame.rotate(moment)
    # Contacts come from the force as measured: a filter would move their edges.
    # Missing samples are bridged here only, so that a contact is not cut in two with false events at the cut.
    at = np.arange(len(force))
    vertical = np.interp(at, at[~bad], force[~bad, 1])
    contacts = tuple(find_contacts(vertical, trial.analog_rate, threshold=threshold, plate=spec.index))
    if cutoff is not None:
        force = butterworth(force, trial.analog_rate, cutoff, order=order)
        moment = butterworth(moment, trial.analog_rate, cutoff, order=order)
    corners = frame.rotate(spec.corners)
    centre = corners.mean(axis=0)
    loaded = loaded_samples(contacts, len(force), trial.analog_rate)
    normal = frame.rotate(plate_normal(spec))
    if abs(normal[1]) < 0.98:
        notes.append("the plate is not horizontal: its centre of pressure is left out")
        loaded = np.zeros(len(force), dtype=bool)
        contacts = ()
    cop, free = centre_of_pressure(force, moment, centre, loaded)
    return PlateData(
        index=spec.index,
        type=spec.type,
        rate=trial.analog_rate,
        force=force,
        vertical=vertical,
        moment=moment,
        cop=cop,
        free_moment=free,
        loaded=loaded,
        contacts=contacts,
        corners=corners,
        centre=centre,
        baseline=offset,
        threshold=threshold,
        notes=tuple(notes),
    )


def _plate_axes(spec: PlateSpec) -> NDArray[np.float64]:
    """Rotation from the plate's axes to the laboratory's, columns x, y, z, shape (3, 3)."""
    x = spec.corners[0] + spec.corners[3] - spec.corners[1] - spec.corners[2]
    z = plate_normal(spec)
    length = np.linalg.norm(x)
    if length == 0 or not z.any():
        return np.diag([1.0, -1.0, -1.0])
    x = x / length
    return np.column_stack([x, np.cross(z, x), z]).astype(np.float64)


def centre_of_pressure(
    force: NDArray[np.float64], moment: NDArray[np.float64], centre: NDArray[np.float64], loaded: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre of pressure and vertical free moment of a plate's wrench, NaN where it is not loaded.

    In a frame with Y up, r x F = M at height zero gives x = M_z / F_y and z = -M_x / F_y.

    Args:
        force: Force on the body, shape (n, 3), N.
        moment: Moment about ``centre``, shape (n, 3), N m.
        centre: Centre of the surface, shape (3,), m.
        loaded: Where the plate is loaded, shape (n,).

    Returns:
        Points, shape (n, 3), m, and moments, shape (n,), N m.
    """
    cop = np.full_like(force, np.nan)
    free = np.full(len(force), np.nan)
    f, m = force[loaded], moment[loaded]
    vertical = np.where(np.abs(f[:, 1]) > 1e-9, f[:, 1], np.nan)
    x, z = m[:, 2] / vertical, -m[:, 0] / vertical
    cop[loaded] = centre + np.column_stack([x, np.zeros(len(x)), z])
    free[loaded] = m[:, 1] - (z * f[:, 0] - x * f[:, 2])
    return cop, free


def held_cop(plate: PlateData) -> NDArray[np.float64]:
    """Centre of pressure without NaN, for files that must not hold any.

    While the plate is unloaded the nearest valid value in time is held; the force there should be written as zero.

    Args:
        plate: The plate.

    Returns:
        Points, shape (n_samples, 3), m; the centre of the plate where it is never loaded.
    """
    valid = np.flatnonzero(np.isfinite(plate.cop).all(axis=1))
    if len(valid) == 0:
        return np.broadcast_to(plate.centre, plate.cop.shape).copy()
    at = np.arange(len(plate.cop))
    right = np.clip(np.searchsorted(valid, at), 0, len(valid) - 1)
    left = np.clip(right - 1, 0, len(valid) - 1)
    nearest = np.where(np.abs(valid[left] - at) <= np.abs(valid[right] - at), valid[left], valid[right])
    return plate.cop[nearest]
