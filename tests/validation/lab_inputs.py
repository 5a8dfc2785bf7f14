"""Bad input, one line each; a laboratory that is new; and where the time goes."""

from __future__ import annotations

import dataclasses
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np

from exogait.analysis.c3d.recording import read_recording
from exogait.analysis.lab import pipeline
from exogait.analysis.lab.pipeline import analyse_trial
from exogait.analysis.lab.run import LabRun, run_trial
from exogait.analysis.lab.settings import LabSettings
from exogait.analysis.made_up.person import SyntheticTrial, make_synthetic_trial
from exogait.analysis.markers.map import MAP_FOLDER, available_marker_maps, read_marker_map
from exogait.data.errors import ExogaitError
from exogait.data.quality import quality_rows
from tests.validation.sections import markdown_table

LIMIT, LIMIT_MUSCLES = 20.0, 60.0
REPEATS = 3


def section(data: Path) -> str:
    """Markdown of the study."""
    with tempfile.TemporaryDirectory(prefix="exogait-inputs-") as scratch:
        person = make_synthetic_trial(Path(scratch) / "person")
        parts = [
            "### 5. Bad input on the lab road",
            _bad_input(person, Path(scratch)),
            "### 6. Time from C3D to report",
            _time(data, Path(scratch)),
            "### 7. A new laboratory is one file",
            _new_laboratory(),
        ]
    return "\n\n".join(parts)


def _bad_input(person: SyntheticTrial, scratch: Path) -> str:
    cut = scratch / "cut.c3d"
    cut.write_bytes(person.walk.read_bytes()[:900])
    promise = scratch / "promise.c3d"
    blob = bytearray(person.walk.read_bytes())
    blob[8:10] = (65535).to_bytes(2, "little")  # last frame
    promise.write_bytes(bytes(blob[: len(blob) // 2]))
    broken = scratch / "broken.osim"
    broken.write_text("<OpenSimDocument><Model>")

    def edited(change: Callable) -> mock._patch:
        def read(path, *, units=None):
            recording = read_recording(path, units=units)
            return change(recording) if recording.n_frames > 200 else recording

        return mock.patch.object(pipeline, "read_recording", read)

    def no_plates(r):
        return dataclasses.replace(r, platforms=(), analog=r.analog[:, :0], analog_names=(), analog_units=())

    def long_gap(r):
        positions = r.positions.copy()
        positions[100:150, r.marker_names.index("R.Heel")] = np.nan
        return dataclasses.replace(r, positions=positions)

    def no_heel(r):
        keep = [i for i, name in enumerate(r.marker_names) if name != "R.Toe.Lat"]
        return dataclasses.replace(
            r, marker_names=tuple(r.marker_names[i] for i in keep), positions=r.positions[:, keep],
            residuals=r.residuals[:, keep],
        )  # fmt: skip

    def off_plate(r):
        plates = tuple(dataclasses.replace(p, corners=p.corners + np.array([0.0, 5.0, 0.0])) for p in r.platforms)
        return dataclasses.replace(r, platforms=plates)

    def nan_forces(r):
        analog = r.analog.copy()
        analog[1500:1600] = np.nan
        return dataclasses.replace(r, analog=analog)

    plain = dict(static=person.static, walk=person.walk, mass=person.mass)
    cases: list[tuple[str, dict, object, str]] = [
        ("truncated file", {**plain, "walk": cut}, None, ""),
        ("header promises more frames than the file holds", {**plain, "walk": promise}, None, "Files"),
        ("no force plates", plain, edited(no_plates), "Force plates"),
        ("no static trial", {**plain, "static": scratch / "static_that_is_not.c3d"}, None, ""),
        ("wrong units", {**plain, "settings": LabSettings(units="m")}, None, ""),
        ("swapped axes", {**plain, "settings": LabSettings(up="+x", forward="+z")}, None, "Axes"),
        ("marker gap longer than the limit", plain, edited(long_gap), "Markers"),
        ("marker missing", plain, edited(no_heel), "Marker map"),
        ("foot never on a plate", plain, edited(off_plate), "Force plates"),
        ("NaN forces", plain, edited(nan_forces), "Force plates"),
        ("zero mass", {**plain, "mass": 0.0}, None, ""),
        ("unreadable XML", {**plain, "base_model": broken}, None, ""),
    ]
    lines = []
    for what, options, patch, topic in cases:
        options = dict(options)
        with patch if patch is not None else mock.patch.object(pipeline, "_", None, create=True):  # type: ignore[attr-defined]
            try:
                trial = analyse_trial(options.pop("static"), options.pop("walk"), options.pop("mass"), **options)
            except ExogaitError as error:
                text = str(error).replace(str(scratch) + os.sep, "")
                outcome = "error" if "\n" not in text else "**error of several lines**"
            else:
                rows = [r for r in quality_rows(trial) if r.topic == topic and r.verdict in ("warn", "fail")]
                outcome = "runs, report warns" if rows else "**runs without a word**"
                text = "; ".join(f"{r.what}: {r.found}" for r in rows[:2])
        lines.append([what, outcome, text.replace("|", "/")])
    note = (
        "Each case is also a test (tests/analysis/lab, tests/analysis/c3d). What can be "
        "analysed is, with a warning in the report; the rest is one line on the screen."
    )
    return note + "\n\n" + markdown_table(["input", "outcome", "message"], lines)


def _time(data: Path, scratch: Path) -> str:
    folder = data / "schreiber2019" / "2014001"

    def processor() -> float:
        return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

    def once(muscles: bool, number: int) -> tuple[float, float, LabRun]:
        start, used = time.perf_counter(), processor()
        run = run_trial(
            folder / "2014001_ST.c3d", folder / "2014001_C4_05.c3d", 67.0, height=1.66,
            out=scratch / f"time{muscles}{number}", subject="2014001", muscles=muscles, workers=2,
        )  # fmt: skip
        return time.perf_counter() - start, processor() - used, run

    once(False, 99)  # warm-up: imports, fonts, file cache
    lines = []
    for muscles, limit in ((False, LIMIT), (True, LIMIT_MUSCLES)):
        runs = [once(muscles, i) for i in range(REPEATS)]
        seconds, _, best = min(runs, key=lambda found: found[0])
        busy = min(found[1] for found in runs)
        steps = ", ".join(f"{s.name} {s.seconds:.1f}" for s in best.steps)
        verdict = "met" if seconds < limit else "**missed**"
        lines.append(
            ["with muscles" if muscles else "without", f"{seconds:.1f}", f"< {limit:g}", verdict, f"{busy:.1f}", steps]
        )
    load = os.getloadavg()[0]
    return (
        f"One trial (1.6 s, 52 markers, 2 plates, EMG), best of {REPEATS} after a warm-up, {os.cpu_count()} cores, "
        f"load meanwhile {load:.1f}. Other work on the machine lengthens the seconds, not the processor time.\n\n"
        + markdown_table(["", "s", "limit", "", "processor (s)", "where it goes (s)"], lines)
    )


def _new_laboratory() -> str:
    lines = []
    for name in available_marker_maps():
        text = (MAP_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
        count = sum(1 for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
        lines.append([name, len(read_marker_map(name).markers), count])
    return (
        "Marker maps of the repository and their length. `test_a_new_laboratory_needs_one_file_and_nothing_else` gives "
        "every marker of a walk a label that nobody knows, writes one YAML file outside the repository, and asks for "
        "the same angles, axes, speed and plate assignment: heel, toe and pelvis markers are then found from their "
        "places in the map.\n\n" + markdown_table(["map", "markers", "lines"], lines)
    )
