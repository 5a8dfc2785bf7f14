"""Force plates: loads whose force, point and free moment are known come back, for every type, unit and sign."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exogait.analysis.c3d.plates import PlateSpec
from exogait.analysis.c3d.reader import (
    C3DFile,
    read_c3d,
)
from exogait.analysis.markers.roles import find_roles
from exogait.analysis.signals.baseline import find_baseline, find_drift
from exogait.analysis.signals.frame import LabFrame, find_lab_frame
from exogait.analysis.signals.measured import (
    process_trial,
)
from exogait.analysis.signals.overrides import Overrides, apply_plate_overrides
from exogait.analysis.signals.plates import find_contacts, held_cop, read_plates
from exogait.analysis.signals.strikes import assign_plates, foot_load, inside_distance
from exogait.data.errors import FileFormatError, InputError
from exogait.data.storage import read_mot

RATE = 1000.0
LAB_Z_UP = LabFrame(np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), "+x", "+z", "test", "test", np.nan)
# Centre (1.0, 0.5) m, 0.6 m along lab x and 0.4 m along y; corner order +x+y, -x+y, -x-y, +x-y of axes with z down.
CENTRE = np.array([1.0, 0.5, 0.0])
X_AXIS, Y_AXIS = np.array([1.0, 0, 0]), np.array([0, -1.0, 0])
AXES = np.column_stack([X_AXIS, Y_AXIS, np.cross(X_AXIS, Y_AXIS)])
CORNERS = CENTRE + np.array([[s * 0.3, t * 0.2, 0] for s, t in ((1, 1), (-1, 1), (-1, -1), (1, -1))]) @ AXES.T


def known_load(n: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Force on the body, its point and the free moment in the laboratory (Z up); unloaded first and last quarter."""
    s = np.clip((np.arange(n) / n - 0.25) / 0.5, 0, 1)
    on = np.sin(np.pi * s)
    force = np.column_stack([-60 * np.sin(2 * np.pi * s), 30 * on, 800 * on])
    point = CENTRE + np.column_stack([-0.1 + 0.2 * s, 0.05 - 0.03 * s, 0 * s])
    twist = np.column_stack([0 * s, 0 * s, 5 * np.sin(2 * np.pi * s)])
    twist[on == 0] = 0
    return force, point, twist


def trial_with(analog: np.ndarray, spec: PlateSpec) -> C3DFile:
    n_frames = len(analog) // 10
    return C3DFile(
        path="made.c3d",
        marker_names=(),
        positions=np.zeros((n_frames, 0, 3)),
        residuals=np.zeros((n_frames, 0)),
        output_names=(),
        outputs=np.zeros((n_frames, 0, 3)),
        analog_names=tuple(f"A{i}" for i in range(analog.shape[1])),
        analog=analog,
        analog_units=("N",) * analog.shape[1],
        point_rate=RATE / 10,
        analog_rate=RATE,
        first_frame=1,
        events=(),
        platforms=(spec,),
        parameters={},
        units="m",
        processor="Intel",
        warnings=(),
    )


def spec_of(
    kind: int, origin: tuple[float, float, float], *, cal: np.ndarray | None = None, scale: float = 1.0
) -> PlateSpec:
    return PlateSpec(0, kind, CORNERS, np.array(origin), tuple(range(8 if kind == 3 else 6)), cal, None, scale)


def channels_of(kind: int, depth: float, *, scale: float = 1.0, cal: np.ndarray | None = None) -> np.ndarray:
    """What a plate of this type shows, from first principles: moments are r x F about the sensor, in its own axes."""
    force, point, twist = known_load()
    sensor = CENTRE + depth * AXES[:, 2]
    own_force = force @ AXES
    own_moment = (np.cross(point - sensor, force) + twist) @ AXES
    if kind == 1:
        place = (point - CENTRE) @ AXES
        return np.column_stack([own_force, place[:, :2] / scale, (twist @ AXES)[:, 2] / scale])
    if kind == 3:
        # Four corner sensors at (+-a, +-b): 1 (+,+), 2 (-,+), 3 (-,-), 4 (+,-); a split that gives the wrench.
        a, b = 0.12, 0.2
        fx, fy, fz = own_force.T
        mx, my, mz = own_moment.T
        z1, z2 = (fz + mx / b - my / a) / 4, (fz + mx / b + my / a) / 4
        z3, z4 = (fz - mx / b + my / a) / 4, (fz - mx / b - my / a) / 4
        x12 = fx / 2 - mz / (2 * b)
        return np.column_stack([x12, fx - x12, fy / 2, fy / 2, z1, z2, z3, z4])
    shown = np.column_stack([own_force, own_moment / scale])
    return shown if cal is None else shown @ np.linalg.inv(cal).T


def check_known(plate) -> None:
    force, point, twist = known_load()
    expected = LAB_Z_UP.rotate(force)
    np.testing.assert_allclose(plate.force, expected, atol=1e-8)
    firm = plate.loaded & (expected[:, 1] > 50)
    assert firm.sum() > 800
    np.testing.assert_allclose(plate.cop[firm], LAB_Z_UP.rotate(point)[firm], atol=1e-9)
    np.testing.assert_allclose(plate.free_moment[firm], LAB_Z_UP.rotate(twist)[firm, 1], atol=1e-8)


CAL = np.eye(6) + 0.05 * np.arange(36).reshape(6, 6) / 36


@pytest.mark.parametrize(
    ("kind", "origin", "depth", "scale", "cal"),
    [
        (1, (0, 0, 0), 0.0, 1.0, None),
        (1, (0, 0, 0), 0.0, 1e-3, None),
        (2, (0, 0, 0), 0.0, 1.0, None),
        (2, (0, 0, -0.04), 0.04, 1.0, None),
        (2, (0, 0, -0.04), 0.04, 1e-3, None),
        (2, (0, 0, 0.04), 0.04, 1e-3, None),  # the origin's sign as some software stores it
        (3, (0.12, 0.2, -0.05), 0.05, 1.0, None),
        (3, (0.12, 0.2, 0.05), 0.05, 1.0, None),
        (4, (0, 0, -0.04), 0.04, 1e-3, CAL),
        (4, (0, 0, -0.04), 0.04, 1.0, None),
    ],
)
def test_known_load_comes_back(kind, origin, depth, scale, cal):
    analog = channels_of(kind, depth, scale=scale, cal=cal)
    plate = read_plates(trial_with(analog, spec_of(kind, origin, cal=cal, scale=scale)), LAB_Z_UP)[0]
    check_known(plate)
    assert len(plate.contacts) == 1 and plate.contacts[0].complete


def test_plate_that_stores_the_force_on_the_floor_is_turned():
    plate = read_plates(trial_with(-channels_of(2, 0.04), spec_of(2, (0, 0, -0.04))), LAB_Z_UP)[0]
    check_known(plate)
    assert "the sign was turned" in " ".join(plate.notes)


def test_baseline_is_removed_and_reported():
    offset = np.array([2.0, -1.0, 20.0, 0.4, -0.3, 0.1])
    plate = read_plates(trial_with(channels_of(2, 0.04) + offset, spec_of(2, (0, 0, -0.04))), LAB_Z_UP)[0]
    check_known(plate)
    assert "baseline of 20.0 N" in " ".join(plate.notes)
    kept = read_plates(trial_with(channels_of(2, 0.04) + offset, spec_of(2, (0, 0, -0.04))), LAB_Z_UP, baseline=False)[
        0
    ]
    # The plate's z axis points down: 20 N there are 20 N less upwards.
    assert kept.force[:200, 1] == pytest.approx(-20.0)


@pytest.mark.parametrize("shake", [0.0, 10.0])
def test_a_plate_that_drifts_under_its_belt(shake: float):
    """Six stances of 0.6 s in 6 s while the zero climbs by 50 N: a constant one leaves 20 N in the last swing."""
    time = np.arange(6000) / RATE
    stance = np.where(time % 1.0 < 0.6, 800 * np.sin(np.pi * (time % 1.0) / 0.6), 0.0)
    slope = np.array([1.0, 0.5, 50.0 / 6, 0.2, 0.1, 0.0])
    noise = shake * np.random.default_rng(1).normal(size=(6000, 6)) * [0, 0, 1, 0, 0, 0]
    wrench = np.outer(stance, [0, 0, 1.0, 0, 0, 0]) + np.outer(time - 3.0, slope) + noise
    drift = find_drift(wrench, RATE)
    np.testing.assert_allclose(drift - drift.mean(axis=0), np.outer(time - time.mean(), slope), atol=1.5)
    level = find_baseline(wrench - drift, RATE)[0]
    contacts = find_contacts((wrench - drift - level)[:, 2], RATE)
    assert [round(c.start) for c in contacts] == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose([c.stop - c.start for c in contacts], 0.6, atol=0.02)
    last = time > 5.65
    assert abs((wrench - drift - level)[last, 2].mean()) < 3.0
    assert abs((wrench - find_baseline(wrench, RATE)[0])[last, 2].mean()) > 15.0


def test_a_foot_that_brushes_a_plate_is_no_drift():
    wrench = np.zeros((6000, 6))
    wrench[4500:5500, 2] = 45.0
    assert not find_drift(wrench, RATE).any()


@pytest.mark.parametrize("trial", ["T05", "T06", "T07", "T08"])
def test_stances_on_a_shaken_treadmill(real_data: Path, trial: str):
    """Two belts at four speeds, forces shaken by up to 38 N: a belt has one contact a stride, as long as in walking."""
    import pandas as pd

    table = pd.read_csv(real_data / f"fukuchi2018_treadmill_grf/WBDS04walk{trial}grf.txt", sep="\t")
    for belt in "12":
        contacts = find_contacts(table[f"Fy{belt}"].to_numpy(np.float64), 300.0)
        strides = np.diff([c.start for c in contacts])
        duty = np.median([c.stop - c.start for c in contacts]) / np.median(strides)
        assert abs(len(contacts) - 30.0 / np.median(strides)) < 2.5
        assert 0.52 < duty < 0.60


def test_baseline_of_a_plate_that_is_never_unloaded():
    wrench = np.zeros((2000, 6))
    wrench[:, 2] = 700.0
    offset, how = find_baseline(wrench, RATE)
    assert not offset.any() and "never unloaded" in how
    wrench[:100, 2] = 12.0
    wrench[:100:2, 2] += 20.0  # too noisy for a quiet window
    assert "never unloaded" in find_baseline(wrench, RATE, zero=(0, 100))[1]


def test_nan_forces():
    analog = channels_of(2, 0.04)
    with pytest.raises(FileFormatError, match="NaN forces"):
        read_plates(trial_with(np.full_like(analog, np.nan), spec_of(2, (0, 0, -0.04))), LAB_Z_UP)
    analog[900:910, 2] = np.nan
    plate = read_plates(trial_with(analog, spec_of(2, (0, 0, -0.04))), LAB_Z_UP)[0]
    assert "10 of 2000 samples are not a number" in " ".join(plate.notes)
    assert np.isfinite(held_cop(plate)).all()


def test_threshold_must_be_positive():
    with pytest.raises(InputError):
        read_plates(trial_with(channels_of(2, 0.0), spec_of(2, (0, 0, 0))), LAB_Z_UP, threshold=0.0)


@settings(max_examples=60, deadline=None)
@given(
    loads=st.lists(st.tuples(st.integers(150, 900), st.integers(60, 400), st.floats(60, 1500)), min_size=1, max_size=6),
    seed=st.integers(0, 2**31),
)
def test_contacts_are_found_whatever_the_noise(loads, seed):
    """Property: rectangular loads come back one by one, ordered and apart, whatever the noise below 20 N."""
    rng = np.random.default_rng(seed)
    force = [np.zeros(100)]
    edges, at = [], 100
    for pause, length, height in loads:
        force += [np.zeros(pause), np.full(length, height)]
        edges.append((at + pause, at + pause + length))
        at += pause + length
    signal = np.concatenate([*force, np.zeros(120)]) + rng.uniform(-4, 4, at + 120)
    contacts = find_contacts(signal, RATE)
    assert len(contacts) == len(edges)
    for contact, (first, last) in zip(contacts, edges, strict=True):
        assert contact.start * RATE == pytest.approx(first, abs=1.01)
        assert contact.stop * RATE == pytest.approx(last, abs=1.01)
        assert contact.complete
    assert all(a.stop < b.start for a, b in itertools.pairwise(contacts))


def test_hysteresis_holds_a_contact_together():
    force = np.zeros(1000)
    force[200:800] = 15.0 + 10.0 * np.sin(np.arange(600) / 3.0)  # crosses 20 N again and again, never 10 N... nearly
    force[200:800] = np.maximum(force[200:800], 11.0)
    assert len(find_contacts(force, RATE, threshold=20.0)) == 1
    assert len(find_contacts(force, RATE, threshold=20.0, release=1.0, min_contact=0.0)) > 10


def test_contact_at_the_border_of_the_recording_is_marked():
    force = np.zeros(1000)
    force[:300] = force[700:] = 500.0
    contacts = find_contacts(force, RATE)
    assert [c.complete for c in contacts] == [False, False]


# -- which foot --------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0, 2 * np.pi), st.booleans())
def test_distance_to_the_edge(x, z, angle, mirrored):
    """Property: inside is positive, and the distance does not depend on how the plate lies or is numbered."""
    square = np.array([[1, 0, 1], [-1, 0, 1], [-1, 0, -1], [1, 0, -1]], dtype=float)
    expected = (
        min(1 - abs(x), 1 - abs(z)) if max(abs(x), abs(z)) <= 1 else -np.hypot(max(abs(x) - 1, 0), max(abs(z) - 1, 0))
    )
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    corners = (square[::-1] if mirrored else square) @ turn.T + [3.0, 0.1, -2.0]
    point = turn @ np.array([x, 0.3, z]) + [3.0, 0.0, -2.0]
    assert inside_distance(point[None], corners)[0] == pytest.approx(expected, abs=1e-9)


EXPECTED_STRIKES = {
    # (plate, foot, used) as the folders' own descriptions say, from looking at the trials
    "btkdata_gait/PiG_Motion3_FF.c3d": [(0, "l", True), (1, "r", True), (2, "l", True)],
    "btkdata_gait/FunctionalWalk.c3d": [(2, "l", True), (0, "r", True), (1, "l", True)],
    "btkdata_gait/PiG_Motion-FlatFoot-Full.c3d": [(0, "r", False), (1, "l", True)],
    "clinical_labs/MH/dynamic/MH_Dynamic_BF08.c3d": [(1, "l", True), (0, "r", False)],
    "clinical_labs/Sydney/dynamic/S4-AMGait04.c3d": [(0, "r", True), (1, "l", True), (2, "r", False)],
    "omcs_overground/exampleOverground.c3d": [(1, "r", True), (0, "l", False)],
    "opensim_core_c3d/walking5.c3d": [(0, "l", False), (1, "r", True)],
    "biomechzoo_children/HC033A/straight/HC033A10.c3d": [(1, "r", True), (0, "l", True)],
    "edge_c3d/ezc3d/Qualisys.c3d": [(0, "l", True), (1, "r", True)],
    "edge_c3d/nimblephysics/JA1Gait35_sprint.c3d": [(1, "r", True), (3, "l", True), (6, "r", True), (7, "l", True)],
}


@pytest.mark.parametrize("path", EXPECTED_STRIKES)
def test_plate_strikes_of_real_trials(real_data: Path, path: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = process_trial(read_c3d(real_data / path))
    assert [(s.plate, s.side, s.accepted) for s in found.strikes] == EXPECTED_STRIKES[path]
    assert all(s.reason for s in found.strikes)


def test_reasons_name_what_is_wrong(real_data: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        double = process_trial(read_c3d(real_data / "omcs_overground/exampleOverground.c3d"))
        partial = process_trial(read_c3d(real_data / "opensim_core_c3d/walking5.c3d"))
    assert "double contact" in double.strikes[1].reason
    assert "partial contact: LCAL is 133 mm outside" in partial.strikes[0].reason


def test_a_contact_that_the_recording_cuts_says_so(real_data: Path):
    """The foot is whole on the plate; that the end is missing stands in the reason."""
    trial = read_c3d(real_data / "schreiber2019/2014001/2014001_C4_05.c3d")
    last = max(process_trial(trial).strikes, key=lambda row: row.start)
    frames = round((last.start + 0.7 * (last.stop - last.start)) * trial.point_rate)
    per_frame = round(trial.analog_rate / trial.point_rate)
    short = replace(
        trial, positions=trial.positions[:frames], residuals=trial.residuals[:frames],
        analog=trial.analog[: frames * per_frame],
    )  # fmt: skip
    cut = next(row for row in process_trial(short).strikes if row.plate == last.plate)
    assert last.complete and last.accepted and "cuts" not in last.reason
    assert not cut.complete and cut.accepted and cut.reason.endswith("; the recording cuts the contact")


def test_all_schreiber_walks_have_one_clean_foot_on_each_plate(real_data: Path):
    walks = sorted((real_data / "schreiber2019").glob("*/*_C[45]_*.c3d"))
    assert len(walks) == 28
    for path in walks:
        trial = read_c3d(path)
        frame = find_lab_frame(trial)
        plates = read_plates(trial, frame)
        positions, roles = frame.rotate(trial.positions), find_roles(trial.marker_names)
        strikes = assign_plates(plates, positions, trial.marker_names, trial.point_rate, roles)
        assert sorted(s.side for s in strikes) == ["l", "r"], path.name
        assert all(s.accepted for s in strikes), path.name
        assert max(s.cop_distance for s in strikes) < 0.02, path.name


@pytest.mark.parametrize(
    "walk", ["2014001/2014001_C4_05", "2014001/2014001_C5_01", "2015043/2015043_C4_04", "2015043/2015043_C5_05"]
)
def test_forces_and_points_equal_an_independent_conversion(real_data: Path, walk: str):
    """The reference was made upstream by other software: forces within 1 N, centre of pressure within 3 mm asked."""
    folder, name = walk.split("/")
    trial = read_c3d(real_data / f"schreiber2019/{walk}.c3d")
    plates = read_plates(trial, find_lab_frame(trial))
    reference = read_mot(real_data / f"schreiber2019/{folder}/reference_conversion/{name}_grf.mot")
    time = reference.index.to_numpy()
    assert len(plates) == 2
    for plate in plates:
        columns = [f"ground_force_{plate.index + 1}_{part}{axis}" for part in "vpm" for axis in "xyz"]
        theirs = reference[columns].to_numpy()
        firm = theirs[:, 1] > 50
        assert firm.sum() > 300
        force = np.column_stack([np.interp(time, plate.time, plate.force[:, i]) for i in range(3)])
        point = np.column_stack([np.interp(time, plate.time, np.nan_to_num(plate.cop[:, i])) for i in range(3)])
        twist = np.interp(time, plate.time, np.nan_to_num(plate.free_moment))
        assert np.abs(force - theirs[:, :3])[firm].max() < 0.1
        assert np.abs(point - theirs[:, 3:6])[firm].max() < 0.0003
        assert np.abs(twist - theirs[:, 7])[firm].max() < 0.02


def test_schreiber_forces_lie_in_the_bands_of_healthy_walking(real_data: Path):
    """Mean peaks over all preferred walks, body weights of anthropometrics.csv; bands from the data's own summary."""
    import pandas as pd

    people = pd.read_csv(real_data / "schreiber2019/anthropometrics.csv")
    mass_column = next(c for c in people.columns if "mass" in c.lower())
    mass = {str(row.iloc[0]): float(row[mass_column]) for _, row in people.iterrows()}
    peaks = []
    for path in sorted((real_data / "schreiber2019").glob("*/*_C4_*.c3d")):
        found = process_trial(read_c3d(path), force_cutoff=None)
        weight = 9.80665 * mass[path.parent.name]
        for load in found.loads.values():
            force = load.force[load.loaded] / weight
            half = len(force) // 2
            peaks.append((force[:half, 1].max(), force[half:, 1].max(), force[:, 0].min(), force[:, 0].max()))
    first, second, brake, push = np.mean(peaks, axis=0)
    assert first == pytest.approx(1.06, abs=0.03)
    assert second == pytest.approx(1.13, abs=0.03)
    assert brake == pytest.approx(-0.14, abs=0.03)
    assert push == pytest.approx(0.18, abs=0.03)


def test_override_of_a_plate(real_data: Path):
    trial = read_c3d(real_data / "clinical_labs/QCMAS/dynamic/QCMAS.dynamic.c3d")
    found = process_trial(trial, overrides=Overrides(plates=((1, 0.5, "none"), (2, 1.0, "l"))))
    by_plate = {s.plate: s for s in found.strikes}
    assert not by_plate[1].accepted and by_plate[1].reason == "discarded by hand"
    assert by_plate[2].side == "l" and "assigned by hand" in by_plate[2].reason
    with pytest.raises(FileFormatError, match="no contact at 9"):
        apply_plate_overrides(list(found.strikes), Overrides(plates=((1, 9.0, "r"),)))


def standing(places: dict[str, tuple[float, float, float]], during: slice) -> np.ndarray:
    """Markers that stand at their places during some of 200 frames and are 0.3 m higher and elsewhere before and after.

    Returns:
        Paths, shape (200, n_markers, 3), m.
    """
    paths = np.empty((200, len(places), 3))
    for j, place in enumerate(places.values()):
        paths[:, j] = np.add(place, (3.0, 0.3, 0.0))
        paths[during, j] = place
    return paths


@pytest.mark.parametrize(("n_frames", "accepted"), [(6, True), (30, False)])
def test_a_contact_is_double_while_the_other_foot_stands_on_the_plate(n_frames: int, accepted: bool):
    """The right foot is on the plate from 0.4 to 1.6 s, the left one from 1 s on for some frames of 10 ms."""
    (plate,) = read_plates(trial_with(channels_of(2, 0.0), spec_of(2, (0, 0, 0))), LAB_Z_UP)
    right = {"RHEE": (0.85, 0.03, -0.53), "RTOE": (1.12, 0.03, -0.53)}
    left = {"LHEE": (0.80, 0.03, -0.35), "LTOE": (1.05, 0.03, -0.35)}
    positions = np.hstack([standing(right, slice(40, 161)), standing(left, slice(100, 100 + n_frames))])
    roles = {"heel_r": ("RHEE",), "toe_r": ("RTOE",), "heel_l": ("LHEE",), "toe_l": ("LTOE",)}
    (row,) = assign_plates([plate], positions, [*right, *left], 100.0, roles)
    assert row.side == "r" and row.accepted is accepted, row.reason
    if not accepted:
        assert row.reason.startswith("double contact")
        # The frames beside the two jumps are fast and do not count as standing.
        assert float(row.reason.split()[-2]) == pytest.approx((n_frames - 2) / 100.0)


def test_a_plate_without_corners_points_down_along_the_laboratorys_axes():
    spec = replace(spec_of(2, (0, 0, 0)), corners=np.zeros((4, 3)))
    (plate,) = read_plates(trial_with(channels_of(2, 0.0), spec), LAB_Z_UP)
    own = known_load()[0] @ AXES
    np.testing.assert_allclose(plate.force, LAB_Z_UP.rotate(own * [1.0, -1.0, -1.0]), atol=1e-8)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [1, 0, 3, 2]])
def test_up_is_where_the_markers_are_whichever_way_the_plates_axis_points(order: list[int]):
    spec = spec_of(2, (0, 0, 0))
    spec = replace(spec, corners=spec.corners[order])
    names = tuple(f"M{i}" for i in range(6))
    cloud = CENTRE + np.column_stack([np.linspace(-0.2, 0.2, 6), np.zeros(6), np.linspace(0.05, 1.7, 6)])
    trial = replace(
        trial_with(channels_of(2, 0.0), spec), marker_names=names, positions=np.tile(cloud, (200, 1, 1)),
        residuals=np.zeros((200, 6)),
    )  # fmt: skip
    frame = find_lab_frame(trial, forward="+x", roles={})
    assert frame.up == "+z"
    # Without markers the plate's own axis is taken to point down, as it does by convention.
    unmarked = find_lab_frame(trial_with(trial.analog, spec), forward="+x", roles={})
    assert unmarked.up == ("+z" if order[0] == 0 else "-z")
    np.testing.assert_allclose(frame.rotation, LAB_Z_UP.rotation, atol=1e-12)


def test_foot_on_two_plates_gets_the_sum():
    """The same load split over two plates gives the force, point and free moment of the whole."""
    force, point, twist = known_load()
    share = 0.3
    both = []
    for part, shift in ((share, 0.05), (1 - share, -0.05 * share / (1 - share))):
        # Moving the parts' points apart along the fore-aft line keeps the common centre of pressure.
        moved = point + np.array([shift, 0, 0])
        sensor = CENTRE
        moment = np.cross(moved - sensor, part * force) + part * twist
        both.append(np.column_stack([part * force @ AXES, moment @ AXES]))
    analog = np.hstack(both)
    specs = [replace(spec_of(2, (0, 0, 0)), index=i, channels=tuple(range(6 * i, 6 * i + 6))) for i in range(2)]
    trial = replace(trial_with(analog, specs[0]), platforms=tuple(specs))
    plates = read_plates(trial, LAB_Z_UP)
    from exogait.analysis.signals.strikes import PlateStrike

    strikes = [
        PlateStrike(p.index, c.start, c.stop, "r", True, "test", True, 0.0, 0.0) for p in plates for c in p.contacts
    ]
    load = foot_load("r", plates, strikes)
    expected = LAB_Z_UP.rotate(force)
    firm = expected[:, 1] > 100
    np.testing.assert_allclose(load.force[firm], expected[firm], atol=1e-8)
    np.testing.assert_allclose(load.point[firm], LAB_Z_UP.rotate(point)[firm], atol=1e-8)
    assert np.isfinite(load.point).all() and not load.force[~load.loaded].any()
