"""Checks of angles, gait numbers, markers and sizes at their limits, on cases whose numbers were put in by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from exogait.analysis.judgement import bodies, motion
from exogait.analysis.markers.map import MapMarker
from exogait.analysis.signals.filters import Gap


def verdicts(rows: Any) -> list[str]:
    return [row.verdict for row in rows]


# -- angles -----------------------------------------------------------------------------------------------------------


def angles(**degrees: float) -> Any:
    """Coordinates that rest at zero, with a stretch of 5 % of the walk at some angle."""
    names = ("hip_flexion_r", "hip_adduction_r", "hip_rotation_l", "knee_angle_r", "ankle_angle_l", "pelvis_tilt",
             "pelvis_list", "pelvis_rotation")  # fmt: skip
    table = pd.DataFrame({name: np.zeros(200) for name in names})
    for name, value in degrees.items():
        table.loc[0 if name.startswith("pelvis") else 190 :, name] = np.radians(value)
    return SimpleNamespace(
        kinematics=SimpleNamespace(coordinates=table), trial=SimpleNamespace(coordinates=table)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("hip_flexion_r", -45, 100), ("hip_adduction_r", -40, 40), ("hip_rotation_l", -60, 60),
        ("ankle_angle_l", -60, 50),
    ],
)  # fmt: skip
def test_each_joint_has_its_range(name: str, low: float, high: float) -> None:
    for inside in (low + 0.5, high - 0.5):
        assert list(motion.joint_rows(angles(**{name: inside}))) == []
    for outside, found in ((low - 1.0, f"{low - 1} to 0°"), (high + 1.0, f"0 to {high + 1}°")):
        (row,) = motion.joint_rows(angles(**{name: outside}))
        assert row.verdict == "fail" and row.spoils == (f"coordinates/{name}",) and row.found == found.replace("0 to", (
            "-0 to" if row.found.startswith("-0") else "0 to"))  # fmt: skip


@pytest.mark.parametrize(("least", "most", "fails"), [(-124.5, 0, False), (-126, 0, True), (-60, 24.5, False),
                                                      (-60, 26, True)])  # fmt: skip
def test_a_knee_flexes_by_whichever_sign_and_hardly_the_other_way(least: float, most: float, fails: bool) -> None:
    """Gait2392 counts flexion negative; the data tell."""
    for sign in (1.0, -1.0):
        made = angles(knee_angle_r=sign * least)
        made.kinematics.coordinates.loc[180:189, "knee_angle_r"] = np.radians(sign * most)
        assert verdicts(motion.joint_rows(made)) == ["fail"] * fails


def test_a_few_frames_beyond_the_range_are_noise() -> None:
    made = angles()
    made.kinematics.coordinates.loc[196:, "hip_flexion_r"] = 9.0
    assert list(motion.joint_rows(made)) == []
    made.kinematics.coordinates["hip_flexion_r"] = np.nan
    assert list(motion.joint_rows(made)) == []


@pytest.mark.parametrize(("name", "limit"), [("pelvis_tilt", 50), ("pelvis_list", 30), ("pelvis_rotation", 60)])
def test_the_pelvis_leans_only_so_far(name: str, limit: float) -> None:
    for sign in (1, -1):
        assert list(motion.joint_rows(angles(**{name: sign * (limit - 0.5)}))) == []
        (row,) = motion.joint_rows(angles(**{name: sign * (limit + 1.0)}))
        assert row.found == f"{sign * (limit + 1)}°" and row.spoils == ("coordinates/*",)


# -- markers and residuals --------------------------------------------------------------------------------------------


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """What a marker has a say in is told by the model, and tested there: here it is ``say/LABEL``."""
    asked: list[tuple[str, float]] = []

    def spoils(label: str, size: float) -> tuple[str, ...]:
        asked.append((label, size))
        return (f"say/{label}",)

    for module in (motion, bodies):
        monkeypatch.setattr(module, "influence", lambda _: SimpleNamespace(spoils=spoils, frames=(0,)))
    return asked


def test_a_marker_six_centimetres_off_spoils_what_it_has_a_say_in(say: list[tuple[str, float]]) -> None:
    weights = {"RKNE": ("femur_r", 1.0), "RHEE": ("calcn_r", 1.0), "C7": ("torso", 1.0), "RWRI": ("femur_l", 0.0)}
    markers = {label: MapMarker(label, body, None, 0.0, weight) for label, (body, weight) in weights.items()}
    errors = pd.DataFrame({"rms": [0.0599, 0.0601, 0.2, 0.2, 0.2, 0.1]}, [*weights, "ghost", "all"])
    made: Any = SimpleNamespace(
        kinematics=SimpleNamespace(error_table=lambda: errors),
        identity=SimpleNamespace(
            marker_map=SimpleNamespace(markers=markers), match=SimpleNamespace(found={"RHEE": "r heel"}),
            roles={"heel_r": ("r heel",)},
        ),
    )  # fmt: skip
    (row,) = motion.marker_rows(made)
    assert row.what == "error of RHEE, RMS" and row.found == "6.0 cm" and say == [("RHEE", 0.0601)]
    assert row.spoils == ("say/RHEE", "spatiotemporal/step_length*", "spatiotemporal/step_width*")
    assert bodies.steps_from(made, "RHEE", moving=True)[2:] == (
        "spatiotemporal/stride_length*",
        "spatiotemporal/speed*",
    )
    assert bodies.steps_from(made, "RKNE") == ()


# -- gait numbers -----------------------------------------------------------------------------------------------------

USUAL = {
    "speed": 1.2, "stride_length": 1.2, "stride_time": 1.0, "step_length": 0.6, "step_time": 0.5, "step_width": -0.1,
    "stance_pct": 60.0, "double_support": 0.2,
}  # fmt: skip


def numbers(speed: float = 1.2, belt: float = 0.0, **changes: Any) -> Any:
    """Gait numbers of a symmetric walk; a pair is right and left."""
    rows = []
    for name, value in (USUAL | changes).items():
        right, left = value if isinstance(value, tuple) else (value, value)
        rows.append({"quantity": name, "unit": "u", "mean": (right + left) / 2, "mean_r": right, "mean_l": left})
    table = pd.DataFrame(rows)
    return SimpleNamespace(
        numbers=SimpleNamespace(summary=lambda: table, speed=speed, belt=SimpleNamespace(speed=belt))
    )  # fmt: skip


def told(**changes: Any) -> list[tuple[str, str]]:
    return [(row.what, row.found) for row in motion.number_rows(numbers(**changes))]


def test_a_usual_walk_has_no_wrong_number() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({"step_length": (-0.1, 1.3)}, [("step length, right", "-0.100 u")]),
        ({"step_time": (1.0, 0.0)}, [("step time, left", "0.000 u")]),
        ({"stance_pct": (46, 74)}, []), ({"stance_pct": (44, 76)}, [("stance, right", "44 %")]),
        ({"stance_pct": (89, 31)}, [("stance, left", "31 %")]),
        ({"stance_pct": (91, 46), "double_support": 0.37}, [("stance, right", "91 %")]),
        ({"stance_pct": (40, 40), "double_support": np.nan}, []),  # both feet leave the ground
        ({"double_support": 0.27}, []),
        ({"double_support": 0.29}, [("double support against stance", "29 % against 20 %")]),
        ({"double_support": 0.11}, [("double support against stance", "11 % against 20 %")]),
        ({"speed": 1.36}, []), ({"speed": 1.07}, []),
        ({"speed": 1.38}, [("speed of the pelvis against that of the feet", "1.38 and 1.20 m/s")]),
        ({"speed": 1.06}, [("speed of the pelvis against that of the feet", "1.06 and 1.20 m/s")]),
        ({"step_length": (0.7, 0.73)}, []),
        ({"step_length": (0.7, 0.75)}, [("step length of both sides against one stride", "1.45 and 1.20")]),
        ({"step_time": (0.45, 0.36)}, []),
        ({"step_time": (0.45, 0.34)}, [("step time of both sides against one stride", "0.79 and 1.00")]),
        ({"belt": -0.1}, [("belt speed", "-0.10 m/s")]), ({"belt": 0.0}, []),
    ],
)  # fmt: skip
def test_numbers_at_their_limits(changes: dict[str, Any], rows: list[tuple[str, str]]) -> None:
    changes = dict(changes)
    pelvis = changes.pop("speed", 1.2)
    assert [(r.what, r.found) for r in motion.number_rows(numbers(speed=pelvis, **changes))] == rows


def test_what_a_wrong_number_spoils_is_that_number() -> None:
    (row,) = motion.number_rows(numbers(step_length=(-0.1, 1.3)))
    assert row.spoils == ("spatiotemporal/step_length_r",) and row.verdict == "fail"
    (row,) = motion.number_rows(numbers(stance_pct=(44, 76)))
    assert "events/r" in row.spoils and "events/l" not in row.spoils


# -- markers on the body ----------------------------------------------------------------------------------------------


def body(moved: float = 0.0, *, body_name: str = "tibia_r", frames: int = 20) -> Any:
    """Three markers of one segment; in the walk the first is farther from the others."""
    labels = ["A", "B", "C"]
    places = np.array([[0, 0.4, 0], [0, 0, 0], [0, -0.001, 0.0]], float)
    walked = places.copy()
    walked[0, 1] += moved
    columns = {f"{m}_{axis}": np.full(100, places[k, j]) for k, m in enumerate(labels) for j, axis in enumerate("xyz")}
    standing = pd.DataFrame(columns, index=pd.Index(np.arange(100) / 100, name="time"))
    standing.iloc[:50] += 9.0  # before the window anything may be
    found = {label: label for label in labels}
    markers = {label: MapMarker(label, body_name, None, 0.0, 1.0) for label in labels}
    return SimpleNamespace(
        at_rest=SimpleNamespace(match=SimpleNamespace(found=found)),
        identity=SimpleNamespace(
            match=SimpleNamespace(found=found), marker_map=SimpleNamespace(markers=markers), roles={}
        ),
        lab=SimpleNamespace(marker_names=tuple(labels), positions=np.tile(walked, (frames, 1, 1))),
        standing=standing, scale=SimpleNamespace(window=(0.5, 0.99)),
    )  # fmt: skip


@pytest.mark.parametrize(("moved", "verdict"), [(0.0, "pass"), (0.0249, "pass"), (-0.0249, "pass"), (0.0251, "fail")])
def test_a_marker_slides_on_the_skin_and_no_farther(moved: float, verdict: str, say: list[tuple[str, float]]) -> None:
    (row,) = bodies.rigid_rows(body(moved))
    assert row.verdict == verdict and f"{abs(moved) * 100:.1f} cm" in row.found and row.limit == "≤ 2.5 cm"
    if verdict == "fail":
        assert row.what == "A among the markers of tibia_r" and row.spoils == ("say/A",)
        assert say == [("A", pytest.approx(0.0251))]
    elif moved:
        assert row.found.endswith("(A)")


def test_a_path_that_leaps_is_told_by_name_and_spoils_what_its_marker_has_a_say_in(
    say: list[tuple[str, float]],
) -> None:
    made = body(frames=60)
    positions = np.cumsum(np.full((60, 3, 3), 0.01), axis=0)
    made.recording = SimpleNamespace(point_rate=100.0, positions=positions)
    made.identity.labels, made.identity.roles = ("A", "B", "C"), {"heel_l": ("B",)}
    assert [(row.verdict, row.found) for row in bodies.path_rows(made)] == [("pass", "none")]
    positions[30:, 1, 0] += 0.5
    (row,) = bodies.path_rows(made)
    assert row.verdict == "fail" and row.what == "path of B" and row.found.startswith("leaps by 50 cm")
    assert row.spoils[0] == "say/B" and "spatiotemporal/stride_length*" in row.spoils and say == [("B", 0.3)]


def test_a_gap_that_nothing_fills_is_told_by_name(say: list[tuple[str, float]]) -> None:
    made = body()
    made.lab.gaps = (Gap("B", 1.25, 0.4, "left: longer than the limit"), Gap("C", 0.0, 0.1, "filled"))
    (row,) = bodies.gap_rows(made)
    assert (row.what, row.verdict, row.spoils) == ("gap of B", "fail", ("say/B",))
    assert row.found.startswith("0.40 s from 1.25 s") and [label for label, _ in say] == ["B"]


def test_the_trunk_is_no_rigid_body() -> None:
    assert list(bodies.rigid_rows(body(0.5, body_name="torso"))) == []


@pytest.mark.parametrize(("frames", "fails"), [(81, True), (79, False)])
def test_exchanged_labels_make_a_mirror_image(frames: int, fails: bool) -> None:
    """Medial and lateral exchanged in most frames of the walk: no distance tells it, the handedness does."""
    labels = ["KNE", "MED", "LAT", "TOE"]
    places = np.array([[0, 0.4, 0], [0, 0, -0.05], [0, 0, 0.05], [0.2, 0, 0.0]], float)
    walked = np.tile(places, (100, 1, 1))
    walked[:frames] = walked[:frames][:, [0, 2, 1, 3]]
    made = body()
    columns = {f"{m}_{axis}": np.full(100, places[k, j]) for k, m in enumerate(labels) for j, axis in enumerate("xyz")}
    made.standing = pd.DataFrame(columns, index=made.standing.index)
    made.at_rest.match.found = made.identity.match.found = {label: label for label in labels}
    parts = ("tibia_l", "talus_l", "calcn_l", "toes_l")
    made.identity.marker_map.markers = {
        label: MapMarker(label, part, None, 0.0, 1.0) for label, part in zip(labels, parts, strict=True)
    }
    made.lab.marker_names, made.lab.positions = tuple(labels), walked
    rows = list(bodies.mirror_rows(made))
    assert verdicts(rows) == ["fail"] * fails
    if fails:
        assert set(rows[0].what.split(", ")) == set(labels)
        assert rows[0].spoils == (*bodies.spoiled_by("tibia_l"), *bodies.spoiled_by("calcn_l"))


def test_handedness_is_the_volume_over_the_cube_of_the_mean_edge() -> None:
    points = np.array([[[0.0, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 4]]])
    assert bodies.handedness(points)[0] == pytest.approx(24 / 27)
    assert bodies.handedness(points + 5.0)[0] == pytest.approx(24 / 27)


@pytest.mark.parametrize(("longer", "verdict"), [(1.044, "pass"), (1.046, "fail"), (0.954, "fail"), (0.956, "pass")])
def test_limbs_are_as_long_as_they_were(longer: float, verdict: str) -> None:
    roles = {
        "knee_r": ("K",),
        "ankle_r": ("A",),
        "knee_l": ("K",),
        "ankle_l": ("A",),
        "heel_r": ("H",),
        "toe_r": ("T",),
    }
    names = ("K", "A", "H", "T")
    places = np.array([[0, 0.5, 0], [0, 0.1, 0], [0, 0, 0], [0.2, 0, 0]], float)
    walked = places.copy()
    walked[0, 1] = 0.1 + 0.4 * longer
    walked[3, 0] = 0.2 * (1 + 3 * (longer - 1))  # one limb off by more does not decide
    made: Any = SimpleNamespace(
        at_rest=SimpleNamespace(roles=roles), identity=SimpleNamespace(roles=roles),
        resting=SimpleNamespace(marker_names=names, positions=places[None]),
        lab=SimpleNamespace(marker_names=names, positions=np.tile(walked, (3, 1, 1))),
    )  # fmt: skip
    (row,) = bodies.limb_rows(made)
    assert row.verdict == verdict and row.found.startswith(f"{abs(longer - 1):.1%} of their length")
    assert row.found.endswith(f"largest {3 * (longer - 1):+.1%} (heel r to toe r)")
    assert row.spoils[:1] == (("coordinates/*",) if verdict == "fail" else ())
    made.identity.roles = {}
    assert list(bodies.limb_rows(made)) == []


@pytest.mark.parametrize(
    ("factors", "wrong"),
    [
        ({"tibia_r": 1.119}, []), ({"tibia_r": 1.121}, ["tibia_r"]), ({"tibia_r": 0.879, "tibia_l": 1.0}, ["tibia_r"]),
        ({"tibia_r": 1.29, "tibia_l": 1.29}, []), ({"tibia_r": 1.31, "tibia_l": 1.31}, ["tibia_r", "tibia_l"]),
        ({"tibia_r": 0.69, "tibia_l": 0.69}, ["tibia_r", "tibia_l"]), ({"pelvis": 9.0}, []),
    ],
)  # fmt: skip
def test_sizes_fit_one_body(factors: dict[str, float], wrong: list[str]) -> None:
    """The side that lies farther from the other segments is the one that is wrong."""
    names = ("pelvis", "femur_r", "femur_l", "tibia_r", "tibia_l", "calcn_r", "calcn_l", "toes_r", "toes_l")
    table = pd.DataFrame({axis: [factors.get(name, 1.0) for name in names] for axis in "xyz"}, index=list(names))
    rows = list(bodies.scale_rows(SimpleNamespace(scale=SimpleNamespace(factors=table))))  # pyright: ignore
    assert [row.what for row in rows] == [f"size of {name}" for name in wrong]
    for row, name in zip(rows, wrong, strict=True):
        assert row.spoils == bodies.spoiled_by(name) and row.found.startswith(f"{factors[name]:.2f}; ")


def test_sides_that_are_exchanged_spoil_angles_and_events() -> None:
    frame = SimpleNamespace(notes=("the right markers lie on the left of the forward direction: ...",))
    (row,) = bodies.side_rows(SimpleNamespace(lab=SimpleNamespace(frame=frame)))  # pyright: ignore
    assert row.verdict == "fail" and row.spoils == ("events/*", "coordinates/*")
    assert list(bodies.side_rows(SimpleNamespace(lab=SimpleNamespace(frame=SimpleNamespace(notes=("a",)))))) == []  # pyright: ignore


def test_what_a_segment_spoils_is_on_its_side() -> None:
    assert set(bodies.spoiled_by("tibia_l")) == {f"coordinates/{j}_*l" for j in ("hip", "knee", "ankle", "subtalar")}
    assert set(bodies.spoiled_by("torso")) == {f"coordinates/lumbar_*{end}" for end in ("", "r", "l")}
    for body_name in ("calcn_r", "toes_r", "talus_r"):
        assert "spatiotemporal/step_width*" in bodies.spoiled_by(body_name)
    assert bodies.spoiled_by("nothing") == ()
