"""The data-quality page: one row for everything that was judged, dropped, filled or assumed on the way to a number.

A row says what was looked at, what was found, against which guidance, and the verdict. ``pass``, ``warn`` and ``fail``
are judgements against a stated limit; ``info`` states a choice. Rows travel with a trial in ``metadata["quality"]``, so
a report written years later still shows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exogait.data.quality import QualityRow, Verdict, judge

from ..c3d.reader import C3DFile
from ..gait.spatiotemporal import Spatiotemporal
from ..markers.map import MarkerMap, MarkerMatch
from ..markers.rebuild import Rebuilt
from ..markers.swaps import Swap
from ..opensim_tools.dynamics import DynamicsResult
from ..opensim_tools.kinematics import KinematicsResult
from ..opensim_tools.scale import ScaleResult
from ..signals.event_choice import MATCH_WINDOW
from ..signals.events import DetectedEvents
from ..signals.filters import Gap
from ..signals.frame import LabFrame
from ..signals.kinematic_events import METHODS
from ..signals.measured import LabTrial
from ..signals.strikes import PlateStrike

EVENT_LIMIT = 0.035
"""Largest mean difference between two ways to find events that still passes, s: about two frames at 60 Hz."""

_TWICE = re.compile(r"^parameter (\S+) occurs twice")

SIDE_WORDS = {"r": "right", "l": "left", "": "neither"}


def file_rows(file: C3DFile, role: str) -> list[QualityRow]:
    """What a C3D file holds and what was odd about it.

    Args:
        file: The measurement.
        role: ``static`` or ``walk``.
    """
    seconds = file.n_frames / file.point_rate
    held = (
        f"{file.n_frames} frames at {file.point_rate:g} Hz ({seconds:.2f} s), {len(file.marker_names)} markers in "
        f"{file.units}, {len(file.analog_names)} analog channels at {file.analog_rate:g} Hz, "
        f"{len(file.platforms)} force plates, {len(file.events)} events"
    )
    rows = [QualityRow("Files", f"{role} trial", held)]
    twice = [match.group(1) for text in file.warnings if (match := _TWICE.match(text))]
    rows += [
        QualityRow("Files", f"{role} trial, oddity", text, verdict="warn")
        for text in file.warnings
        if not _TWICE.match(text)
    ]
    if twice:
        named = ", ".join(twice[:3]) + (" ..." if len(twice) > 3 else "")
        rows.append(
            QualityRow(
                "Files", f"{role} trial, repeated parameters", f"{len(twice)} ({named}); the first of each counts"
            )
        )
    if file.forces is not None:
        table = file.forces
        held = (
            f"{len(table.ground)} ground reactions and {len(table.device)} device loads at {table.rate:g} Hz, "
            f"{table.time[0]:.2f} to {table.time[-1]:.2f} s; the first frame is at {file.start:.3f} s of it"
        )
        rows.append(QualityRow("Files", f"{role} trial, forces in {Path(table.path).name}", held))
        rows += [QualityRow("Files", f"{role} trial, forces", note, verdict="warn") for note in table.notes]
    return rows


def axes_rows(frame: LabFrame, role: str) -> list[QualityRow]:
    """Rotation from laboratory to OpenSim axes, and the doubts about it."""
    rows = [QualityRow("Axes", f"rotation, {role} trial", frame.describe())]
    return rows + [QualityRow("Axes", f"doubt, {role} trial", note, verdict="warn") for note in frame.notes]


def gap_rows(gaps: Sequence[Gap], limit: float, needed: Iterable[str]) -> list[QualityRow]:
    """Gaps in the marker paths: how many were filled, and each that was not.

    Args:
        gaps: What :func:`exogait.analysis.signals.filters.fill_gaps` found.
        limit: Longest gap that was filled, s.
        needed: Markers that the marker map uses; others are counted only.
    """
    wanted = set(needed)
    used = [gap for gap in gaps if gap.name in wanted]
    filled = [gap for gap in used if gap.action == "filled"]
    left = [gap for gap in used if gap.action != "filled"]
    longest = max((gap.duration for gap in filled), default=0.0)
    found = f"{len(filled)} filled" + (f", longest {longest * 1000:.0f} ms" if filled else "")
    rows = [QualityRow("Markers", "gaps bridged by a spline", found, f"≤ {limit * 1000:.0f} ms each", "pass")]
    inside = [gap for gap in left if "limit" in gap.action]
    rows += [
        QualityRow(
            "Markers", f"gap in {gap.name}", f"{gap.duration * 1000:.0f} ms from {gap.start:.2f} s: not filled",
            f"≤ {limit * 1000:.0f} ms", "warn",
        )
        for gap in inside
    ]  # fmt: skip
    edge = sorted({gap.name for gap in left if gap not in inside})
    if edge:
        rows.append(QualityRow("Markers", "not seen at the ends of the recording", ", ".join(edge)))
    return rows


def strike_rows(strikes: Sequence[PlateStrike]) -> list[QualityRow]:
    """Every contact with a force plate: whose foot, accepted or rejected, and why."""
    if not strikes:
        return [
            QualityRow("Force plates", "contacts", "none: no joint moments, powers or ground reactions", verdict="warn")
        ]
    return [
        QualityRow(
            "Force plates",
            f"plate {s.plate + 1}, {s.start:.2f}–{s.stop:.2f} s",
            f"{SIDE_WORDS.get(s.side, s.side)} foot, {'accepted' if s.accepted else 'rejected'}: {s.reason}",
            "the whole of one foot on the plate",
            "pass" if s.accepted else "warn",
        )
        for s in strikes
    ]


def event_rows(found: DetectedEvents) -> list[QualityRow]:
    """Where the events came from, and how far the ways to find them agree."""
    sources: dict[str, int] = {}
    for event in found.events:
        sources[event.source] = sources.get(event.source, 0) + 1
    text = ", ".join(f"{count} from {source}" for source, count in sources.items()) or "none"
    rows = [
        QualityRow(
            "Events", "events used", text, verdict="info" if found.events else "fail", spoils=("events/*",),
            todo="name heel and toe markers in the settings' roles, or give the events with --overrides",
        )
    ]  # fmt: skip
    if any(found.by_method.get(name) for name in METHODS):
        rows.append(QualityRow("Events", "method on the markers", found.choice.describe()))
    best = next((name for name in ("plate", "c3d") if found.by_method.get(name)), "")
    for row in found.agreement:
        if row.reference == best and not row.n and row.unmatched:
            used = row.method in sources or (row.method == getattr(found.choice, row.kind) and "kinematics" in sources)
            rows.append(
                QualityRow(
                    "Events", f"{row.kind.replace('_', ' ')}, {row.method} against {row.reference}",
                    f"none of {row.unmatched} within {MATCH_WINDOW * 1000:.0f} ms of one of the other",
                    f"mean within ± {EVENT_LIMIT * 1000:.0f} ms", "fail" if used else "warn",
                    spoils=("events/*",) if used else (), todo="give the events with --overrides",
                )
            )  # fmt: skip
        if row.n and row.reference == best:
            spread = f" ± {row.sd * 1000:.0f}" if row.sd == row.sd else ""
            rows.append(
                QualityRow(
                    "Events",
                    f"{row.kind.replace('_', ' ')}, {row.method} against {row.reference}",
                    f"{row.mean * 1000:+.0f}{spread} ms, largest {row.largest * 1000:.0f} ms (n = {row.n})",
                    f"mean within ± {EVENT_LIMIT * 1000:.0f} ms",
                    "pass" if abs(row.mean) <= EVENT_LIMIT else "warn",
                )
            )
    return rows + [QualityRow("Events", "note", note) for note in found.notes]


def lab_rows(file: C3DFile, lab: LabTrial) -> list[QualityRow]:
    """Everything that was judged between the file and clean signals: axes, gaps, plates, events, filters."""
    settings = lab.settings
    limit = float(settings["max_gap_s"] or 0.0)
    order = settings["filter_order_effective"]

    def low_pass(cutoff: object) -> str:
        return "none" if cutoff is None else f"zero-phase Butterworth, effective order {order}, 3 dB at {cutoff:g} Hz"

    rows = [*file_rows(file, "walk"), *axes_rows(lab.frame, "walk"), *gap_rows(lab.gaps, limit, lab.marker_names)]
    rows.append(QualityRow("Filters", "markers", low_pass(settings["marker_cutoff_hz"])))
    if lab.plates:
        rows.append(QualityRow("Filters", "force plates", low_pass(settings["force_cutoff_hz"])))
        rows.append(QualityRow("Force plates", "contact threshold", f"{settings['threshold_n']:g} N, vertical"))
    rows += [
        QualityRow("Force plates", f"plate {plate.index + 1}", note)
        for plate in lab.plates
        for note in plate.notes
    ]  # fmt: skip
    rows += [
        QualityRow("Device", f"load {load.name}", f"on {load.body}: the joint moments are what the body adds to it")
        for load in lab.device
    ]
    return rows + strike_rows(lab.strikes) + event_rows(lab.events)


def map_rows(marker_map: MarkerMap, walk: MarkerMatch, static: MarkerMatch) -> list[QualityRow]:
    """Markers of the map that the files lack, and what stands there instead."""
    rows = [QualityRow("Marker map", "set", f"{marker_map.name} ({marker_map.key})")]
    for role, match in (("static", static), ("walk", walk)):
        missing = ", ".join(
            f"{label} (nearest: {' or '.join(near)})" if near else label for label, near in match.missing.items()
        )
        rows.append(
            QualityRow(
                "Marker map", f"found in the {role} trial", f"{len(match.found)} of {len(marker_map.markers)}"
                + (f"; missing: {missing}" if missing else ""), verdict="warn" if missing else "pass",
            )
        )  # fmt: skip
    return rows


def rebuilt_rows(done: Sequence[Rebuilt], labels: Mapping[int, str]) -> list[QualityRow]:
    """Paths that were rebuilt, why, and from which markers.

    Args:
        done: What was rebuilt.
        labels: Place of a marker to its label in the map.
    """
    return [
        QualityRow(
            "Markers", f"path of {labels[one.place]}",
            f"{one.why}: rebuilt from {one.start:.2f} s on from {', '.join(labels[k] for k in one.neighbours)}",
            "a path that a body can walk", "warn",
        )
        for one in done
    ]  # fmt: skip


def swap_rows(swaps: Sequence[Swap]) -> list[QualityRow]:
    """Labels of the walking trial that were exchanged and were put right."""
    return [
        QualityRow(
            "Markers", f"labels {s.first} and {s.second}",
            f"exchanged in the walking trial: distances on the body off by {s.before * 1000:.0f} mm as labelled, by "
            f"{s.after * 1000:.0f} mm after the exchange that was made", verdict="warn",
        )
        for s in swaps
    ]  # fmt: skip


def scale_rows(scaled: ScaleResult, marker_map: MarkerMap) -> list[QualityRow]:
    """How well the scaled model fits the static pose, by the landmarks of pelvis and legs.

    Markers without a place on the body beforehand fit by construction, and those of the trunk also show how the arms
    were held, so neither says how well the legs are scaled. Nor do those of the feet: people's feet point outwards of
    their knees by up to 30 degrees (tibial torsion), which the model lacks, and the knee's axis has the say.
    """
    anatomical = [
        label
        for label, marker in marker_map.markers.items()
        if marker.static_weight > 0 and not marker.body.startswith(("torso", "calcn", "toes"))
    ]  # fmt: skip
    known = scaled.marker_errors.dropna()
    known = known[[label for label in known.index if label in anatomical]] * 100
    errors = known.to_numpy()
    largest = str(known.idxmax()) if len(known) else "none"
    factors = scaled.factors
    spread = f"{factors.to_numpy().min():.2f} to {factors.to_numpy().max():.2f}"
    rows = [
        judge(
            "Scaling",
            "landmarks of pelvis and legs in the static pose but the worst, RMS",
            _rms(np.sort(errors)[:-1]),
            1.0,
            "cm",
            warn_above=3.0,
            digits=2,
            spoils=("coordinates/*",),
            todo="check that the static trial is this person's and shows the person standing, with its labels right",
        ),
        judge("Scaling", f"largest ({largest})", float(errors.max(initial=0.0)), 2.0, "cm", digits=2),
        QualityRow("Scaling", "scale factors", spread),
        QualityRow("Scaling", "part of the static trial", f"{scaled.window[0]:.2f} to {scaled.window[1]:.2f} s"),
    ]
    return rows + [QualityRow("Scaling", "note", note, verdict="warn") for note in scaled.notes]


def kinematics_rows(result: KinematicsResult) -> list[QualityRow]:
    """Marker errors of inverse kinematics against OpenSim's guidance."""
    table = result.error_table()
    each = table["max"].drop(index="all")
    rms = _rms(np.sort(table["rms"].drop(index="all").dropna().to_numpy(np.float64))[:-1]) * 100
    largest = float(each.to_numpy(np.float64).max()) * 100
    return [
        judge(
            "Inverse kinematics",
            "marker error but of the worst marker, RMS",
            rms,
            2.0,
            "cm",
            warn_above=4.0,
            digits=2,
            spoils=("coordinates/*",),
            todo="check labels and marker map, and that both files are one person's",
        ),
        judge("Inverse kinematics", f"largest marker error ({each.idxmax()})", largest, 4.0, "cm", digits=2),
    ]


def dynamics_rows(result: DynamicsResult, mass: float) -> list[QualityRow]:
    """Size of the pelvis residuals where both legs are known, against OpenSim's guidance."""
    share = {column: float(result.valid[column].to_numpy(np.float64).mean()) for column in ("r", "l", "pelvis")}
    rows = [
        QualityRow(
            "Inverse dynamics", "share of the trial with known kinetics",
            f"right {share['r']:.0%}, left {share['l']:.0%}, both {share['pelvis']:.0%}",
            verdict="warn" if min(share["r"], share["l"]) == 0 else "info",
        )
    ]  # fmt: skip
    forces = [c for c in ("pelvis_tx", "pelvis_ty", "pelvis_tz") if c in result.generalized_forces]
    moments = [c for c in ("pelvis_tilt", "pelvis_list", "pelvis_rotation") if c in result.generalized_forces]
    for columns, unit, peak, rms in ((forces, "N", 25.0, 10.0), (moments, "N m", 75.0, 50.0)):
        values = result.generalized_forces[columns].dropna().to_numpy()
        word = "force" if unit == "N" else "moment"
        if values.size:
            rows.append(judge("Inverse dynamics", f"residual {word}, largest", float(abs(values).max()), peak, unit))
            rows.append(judge("Inverse dynamics", f"residual {word}, RMS", _rms(values), rms, unit))
    if not forces or result.generalized_forces[forces].dropna().empty:
        rows.append(
            QualityRow("Inverse dynamics", "residuals", "not known: no instant with both feet on plates or in the air")
        )
    if result.cutoff > 0:
        rows.append(QualityRow("Filters", "angles before inverse dynamics", f"low-pass of {result.cutoff:g} Hz"))
    else:
        rows.append(QualityRow("Filters", "angles before inverse dynamics", "none: the markers were filtered"))
    return rows


def spatiotemporal_rows(numbers: Spatiotemporal) -> list[QualityRow]:
    """Number of strides and what was assumed about the ground."""
    right, left = (int(np.sum(numbers.strides["side"].to_numpy() == side)) for side in "rl")
    found = f"{right} right, {left} left"
    verdict: Verdict = "pass" if right and left else "warn"
    speed = f"{numbers.belt.speed:.2f} m/s, " if numbers.belt.speed else ""
    return [
        QualityRow("Events", "whole strides", found, "one or more of each side", verdict),
        QualityRow("Events", "ground", f"{speed}{numbers.belt.how}"),
    ]


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if np.size(values) else float("nan")
