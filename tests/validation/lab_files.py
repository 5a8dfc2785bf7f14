"""C3D files against independent conversions: markers, forces, centre of pressure, odd and damaged files."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from pathlib import Path

import c3d
import numpy as np

from exogait.analysis.c3d.reader import (
    read_c3d,
)
from exogait.analysis.gait.spatiotemporal import compute_spatiotemporal
from exogait.analysis.signals.frame import find_lab_frame
from exogait.analysis.signals.measured import (
    process_trial,
    standing_mass,
)
from exogait.analysis.signals.plates import read_plates
from exogait.data.errors import ExogaitError
from exogait.data.storage import read_mot
from exogait.data.trc import marker_array, marker_labels, read_trc
from tests.fuzz.damage import fuzz
from tests.validation.sections import markdown_table

REFERENCES = ("2014001_C4_05", "2014001_C5_01", "2015043_C4_04", "2015043_C5_05")
FORCE_LIMIT, POINT_LIMIT = 1.0, 0.003
FUZZ_FILES, FUZZ_MINUTES = 200_000, 20.0
FUZZ_SAMPLE = 20_000
WALKS = (
    "biomechzoo_children/HC002D/straight/HC002D06.c3d",
    "biomechzoo_children/HC033A/straight/HC033A10.c3d",
    "biomechzoo_children/HC038A/straight/HC038A11.c3d",
    "btkdata_gait/FunctionalWalk.c3d",
    "btkdata_gait/Gait.c3d",
    "btkdata_gait/PiG_Motion-FlatFoot-Full.c3d",
    "btkdata_gait/PiG_Motion3_FF.c3d",
    "clinical_labs/AUC/dynamic/CB_Dynamic0003.c3d",
    "clinical_labs/MH/dynamic/MH_Dynamic_BF08.c3d",
    "clinical_labs/QCMAS/dynamic/QCMAS.dynamic.c3d",
    "clinical_labs/Sydney/dynamic/S4-AMGait04.c3d",
    "clinical_labs/Sydney/dynamic/S4-AMGait05.c3d",
    "omcs_overground/exampleOverground.c3d",
    "opensim_core_c3d/walking2.c3d",
    "opensim_core_c3d/walking5.c3d",
    "opensim_core_c3d/test_walking.c3d",
)


def _c3d_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() == ".c3d")


def _conversion(data: Path) -> str:
    rows = []
    for name in REFERENCES:
        folder = data / "schreiber2019" / name[:7]
        trial = read_c3d(folder / f"{name}.c3d")
        frame = find_lab_frame(trial)
        table = read_trc(folder / "reference_conversion" / f"{name}.trc")
        where = [trial.marker_names.index(label) for label in marker_labels(table)]
        marker = np.abs(frame.rotate(trial.positions)[:, where] - marker_array(table)).max()
        reference = read_mot(folder / "reference_conversion" / f"{name}_grf.mot")
        at, force, point, twist = reference.index.to_numpy(), 0.0, 0.0, 0.0
        for plate in read_plates(trial, frame):
            columns = [f"ground_force_{plate.index + 1}_{part}{axis}" for part in "vpm" for axis in "xyz"]
            theirs = reference[columns].to_numpy()
            firm = theirs[:, 1] > 50

            def ours(values: np.ndarray, at: np.ndarray = at, clock: np.ndarray = plate.time) -> np.ndarray:
                values = np.nan_to_num(values).reshape(len(clock), -1)
                return np.column_stack([np.interp(at, clock, column) for column in values.T])

            force = max(force, np.abs(ours(plate.force) - theirs[:, :3])[firm].max())
            point = max(point, np.abs(ours(plate.cop) - theirs[:, 3:6])[firm].max())
            twist = max(twist, np.abs(ours(plate.free_moment)[:, 0] - theirs[:, 7])[firm].max())
        verdict = "met" if force < FORCE_LIMIT and point < POINT_LIMIT else "**missed**"
        numbers = [f"{1e3 * marker:.1e}", f"{force:.3f}", f"{1e3 * point:.3f}", f"{twist:.3f}"]
        rows.append([name, frame.forward, *numbers, verdict])
    for name in ("walking2", "walking5"):
        trial = read_c3d(data / f"opensim_core_c3d/{name}.c3d")
        table = read_trc(data / f"opensim_core_c3d/std_{name}_markers.trc")
        frames = np.minimum(10 * np.arange(len(table)), trial.n_frames - 1)
        where = [trial.marker_names.index(label) for label in marker_labels(table)]
        marker = np.nanmax(np.abs(trial.positions[frames][:, where] - marker_array(table)))
        # The expected table keeps tenths of a millimetre.
        rows.append(
            [
                f"OpenSim {name}",
                "lab axes",
                f"{1e3 * marker:.3f}",
                "-",
                "-",
                "-",
                "met" if marker < 6e-5 else "**missed**",
            ]
        )
    head = ["trial", "forward", "markers (mm)", "force (N), limit 1", "COP (mm), limit 3", "free moment (N m)", ""]
    return "Largest difference from independent conversions, forces above 50 N:\n\n" + markdown_table(head, rows)


def _strikes(data: Path) -> str:
    rows = []
    for path in WALKS:
        found = process_trial(read_c3d(data / path))
        result = compute_spatiotemporal(
            found.positions, found.marker_names, found.rate, found.roles, found.events.events
        )
        used = ", ".join(f"{s.plate + 1} {s.side}" for s in found.strikes if s.accepted) or "-"
        refused = "; ".join(f"{s.plate + 1}: {s.reason}" for s in found.strikes if not s.accepted) or "-"
        rows.append([Path(path).stem, found.frame.forward, f"{result.speed:.2f}", used, refused])
    head = ["walk", "forward", "speed (m/s)", "plates used (foot)", "contacts refused"]
    people = []
    for subject, mass in (("HC002D", 31.1), ("HC033A", 51.5), ("HC038A", 56.8)):
        static = next((data / f"biomechzoo_children/{subject}/static").glob("*.c3d"))
        people.append(f"{subject} {standing_mass(read_c3d(static)):.1f} kg (stated {mass})")
    return (
        "Frame, speed and plates, all found from the data:\n\n"
        + markdown_table(head, rows)
        + f"\n\nBody mass from standing on a plate: {', '.join(people)}."
    )


def _odd_files(data: Path) -> str:
    outcomes: Counter[str] = Counter()
    package, slowest, refused = 0, 0.0, []
    files = _c3d_files(data / "edge_c3d")
    for path in files:
        start = time.perf_counter()
        try:
            read_c3d(path)
            outcomes["loaded"] += 1
        except ExogaitError as error:
            outcomes["refused"] += 1
            refused.append(f"`{path.name}`: {str(error).split(': ', 1)[1]}")
        slowest = max(slowest, time.perf_counter() - start)
        try:
            with open(path, "rb") as handle:
                list(c3d.Reader(handle).read_frames(copy=False))
            package += 1
        except Exception:  # that the package gives up is what is counted here
            pass
    for path in sorted((data / "edge_trc").glob("*.trc")):
        try:
            read_trc(path)
            outcomes["loaded"] += 1
        except ExogaitError as error:
            outcomes["refused"] += 1
            refused.append(f"`{path.name}`: {str(error).split(': ', 1)[-1]}")
    return (
        f"Odd, exotic and broken files: {outcomes['loaded']} load, {outcomes['refused']} give one line, none crashes; "
        f"the slowest C3D takes {1e3 * slowest:.0f} ms. The c3d package by itself reads {package} of the {len(files)} "
        "C3D files. Refused:\n\n" + "\n".join(f"- {line}" for line in refused)
    )


def _fuzzing(data: Path) -> str:
    seeds = [p for p in _c3d_files(data / "edge_c3d") if p.stat().st_size] + sorted((data / "edge_trc").glob("*.trc"))
    report = fuzz(seeds, FUZZ_SAMPLE, seconds=300.0, seed=1)
    minutes = FUZZ_FILES / report.rate / 60
    verdict = "met" if not report.findings and minutes < FUZZ_MINUTES else "**missed**"
    return (
        f"Damaged files (seeds cut to 20 kB): {report.describe()}. At this speed {FUZZ_FILES} files take {minutes:.1f} "
        f"minutes (limit {FUZZ_MINUTES:.0f}): {verdict}."
    )


def section(data: Path) -> str:
    """Read, convert and damage files, and say how it went."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = [f(data) for f in (_conversion, _strikes, _odd_files, _fuzzing)]
    return "### Files and plates\n\n" + "\n\n".join(parts)
