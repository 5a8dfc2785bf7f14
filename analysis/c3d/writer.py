"""C3D files of trials that the suite made up itself: markers, force plates, events, and a note that says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import c3d
import numpy as np
from numpy.typing import NDArray

from exogait.data.files import written_beside
from exogait.data.trial import GaitEvent

_PLATE_THICKNESS = 0.040
"""Depth of the sensor below the surface of the made-up force plates, m."""


def lab_rotation(forward: str) -> NDArray[np.float64]:
    """Matrix that takes OpenSim's vectors to the laboratory's, Z up."""
    ahead = np.eye(3)["xyz".index(forward[1])] * (1.0 if forward[0] == "+" else -1.0)
    up = np.array([0.0, 0.0, 1.0])
    return np.column_stack([ahead, up, np.cross(ahead, up)])


def write_synthetic_c3d(
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
    text: str,
) -> None:
    """Write markers, force plates and events as a C3D file that says it is synthetic.

    Args:
        path: The file.
        names: Marker names.
        markers: Shape (n_frames, n_markers, 3), m, OpenSim's frame; NaN where a marker is not seen.
        loads: Force on the body (N), its point (m) and free moment (N m) on each plate, shape (n_samples, n_plates, 9).
        plates: Corners of each plate, shape (4, 3), m, OpenSim's frame.
        to_lab: Matrix of :func:`lab_rotation`.
        rate: Frames a second, Hz.
        per_frame: Analog samples a frame.
        noise: Standard deviation of the force channels, N.
        rng: Of the noise.
        events: Heel strikes and toe offs.
        baseline: Vertical offset of the unloaded plates, N.
        text: What the file is.
    """
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
    write_text(writer.analog_group, "UNITS", ["N", "N", "N", "Nmm", "Nmm", "Nmm"] * len(plates))
    plate = writer.get_create("FORCE_PLATFORM")
    lab_corners = np.array([corners @ to_lab.T * 1e3 for corners in plates])
    _numbers(plate, "USED", np.array(len(plates), dtype="<i2"))
    _numbers(plate, "TYPE", np.full(len(plates), 2, dtype="<i2"))
    _numbers(plate, "ZERO", np.array([1, 0], dtype="<i2"))
    _numbers(plate, "CORNERS", lab_corners.astype("<f4"))
    _numbers(plate, "ORIGIN", np.tile([0.0, 0.0, -1e3 * _PLATE_THICKNESS], (len(plates), 1)).astype("<f4"))
    _numbers(plate, "CHANNEL", np.arange(1, 6 * len(plates) + 1, dtype="<i2").reshape(-1, 6))
    note = writer.get_create("SYNTHETIC")
    write_text(note, "NOTE", [text])
    write_text(writer.get_create("SUBJECTS"), "NAMES", ["SYNTHETIC"])
    event = writer.get_create("EVENT")
    _numbers(event, "USED", np.array(len(events), dtype="<i2"))
    if events:
        write_text(event, "LABELS", ["Foot Strike" if e.kind == "heel_strike" else "Foot Off" for e in events])
        write_text(event, "CONTEXTS", ["Right" if e.side == "r" else "Left" for e in events])
        _numbers(event, "TIMES", np.array([[0.0, e.time] for e in events], dtype="<f4"))
    with written_beside(path) as beside, beside.open("wb") as handle:
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


def write_text(group: Any, name: str, texts: Sequence[str]) -> None:
    """Add a parameter of padded texts to a group."""
    width = max(len(text) for text in texts)
    data = "".join(text.ljust(width) for text in texts).encode("ascii")
    group.add_param(name, desc="", bytes_per_element=-1, dimensions=[width, len(texts)], bytes=data)
