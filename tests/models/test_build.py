"""The built model: committed file, variants, quiet loading, build time."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from exogait import models
from exogait.data.errors import FileFormatError
from exogait.data.output import OutputError
from exogait.models.tables import load_tables
from tests.validation.validate_model import load_warnings, named

#: Specified build time, s.
BUILD_SECONDS = 3.0


def forces_of(model, kind: str) -> list[str]:
    opensim = models.import_opensim()
    components = [model.getForceSet().get(index) for index in range(model.getForceSet().getSize())]
    return [part.getName() for part in components if getattr(opensim, kind).safeDownCast(part)]


def test_committed_model_is_what_the_builder_builds(tmp_path: Path) -> None:
    rebuilt = models.write(models.build(device="hip_ankle"), tmp_path / models.MODEL_PATH.name)
    assert rebuilt.read_text().splitlines() == models.MODEL_PATH.read_text().splitlines(), (
        "models/gait2392_exo.osim is not up to date: write build(device='hip_ankle') to models.MODEL_PATH"
    )


def test_build_takes_less_than_three_seconds() -> None:
    """Processor time, since building is single-threaded: other work on the machine must not decide a test."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        models.build(device="hip_ankle").initSystem()
        seconds.append(time.process_time() - start)
    assert min(seconds) < BUILD_SECONDS


VARIANTS: list[dict[str, object]] = [
    *({"device": name} for name in models.device_names()),
    *({"deficit": name} for name in models.deficit_names()),
    {"contact": False},
    {"trunk_actuators": False},
    {"muscles": "thelen"},
    {"tendon": "compliant_plantarflexors"},
    {"tendon": "tuned_plantarflexors"},
    {"subject": models.Subject(55.0, 1.6)},
]


@pytest.mark.parametrize("options", VARIANTS, ids=lambda options: "-".join(map(str, options.values()))[:30])
def test_every_variant_loads_without_a_warning(options: dict, tmp_path: Path) -> None:
    path = models.write(models.build(**options), tmp_path / "variant.osim")
    assert load_warnings(path) == []


def test_a_warning_would_be_seen(tmp_path: Path) -> None:
    """The check above can fail: a mesh of a kind that OpenSim does not read is reported."""
    path = models.write(models.build(contact=False), tmp_path / "odd.osim")
    path.write_text(path.read_text().replace("sacrum.vtp", "sacrum.unknown", 1))
    assert load_warnings(path) != []


def test_contents_of_the_default_model() -> None:
    model = models.build(device="hip_ankle")
    assert len(forces_of(model, "DeGrooteFregly2016Muscle")) == 92
    spheres = forces_of(model, "SmoothSphereHalfSpaceForce")
    assert sum(name.endswith("_r") for name in spheres) >= 6
    assert sorted(name[:-2] for name in spheres if name.endswith("_r")) == sorted(
        name[:-2] for name in spheres if name.endswith("_l")
    )
    assert len(forces_of(model, "CoordinateLimitForce")) == 17
    assert forces_of(model, "SpringGeneralizedForce") == ["toe_spring_r", "toe_spring_l"]
    assert forces_of(model, "CoordinateActuator") == [
        "lumbar_extension_torque",
        "lumbar_bending_torque",
        "lumbar_rotation_torque",
        "exo_hip_flexion_r",
        "exo_hip_flexion_l",
        "exo_ankle_angle_r",
        "exo_ankle_angle_l",
    ]
    assert model.getMarkerSet().getSize() == 39


def test_options_take_their_parts_away() -> None:
    bare = models.build(contact=False, trunk_actuators=False)
    assert forces_of(bare, "SmoothSphereHalfSpaceForce") == []
    assert forces_of(bare, "CoordinateActuator") == []


def test_default_pose_stands_on_the_floor() -> None:
    """At the published default pelvis height the soles carry about body weight (between half and twice)."""
    opensim = models.import_opensim()
    for subject in (None, models.Subject(50.0, 1.5), models.Subject(95.0, 1.95)):
        model = models.build(subject=subject)
        state = model.initSystem()
        model.realizeDynamics(state)
        carried = 0.0
        for index in range(model.getForceSet().getSize()):
            force = opensim.SmoothSphereHalfSpaceForce.safeDownCast(model.getForceSet().get(index))
            if force:
                assert force.getRecordLabels().get(1).endswith(".force.Y")
                carried += force.getRecordValues(state).get(1)
        weight = model.getTotalMass(state) * 9.80665
        assert 0.5 * weight < carried < 2.0 * weight


def test_compliant_tendons_are_those_of_the_triceps_surae() -> None:
    opensim = models.import_opensim()
    model = models.build(tendon="compliant_plantarflexors")
    muscles = [
        opensim.DeGrooteFregly2016Muscle.safeDownCast(model.getMuscles().get(name))
        for name in named(model.getMuscles())
    ]
    compliant = {muscle.getName() for muscle in muscles if not muscle.get_ignore_tendon_compliance()}
    assert compliant == {f"{stem}_{side}" for stem in ("soleus", "med_gas", "lat_gas") for side in "rl"}
    state = model.initSystem()
    model.realizeAcceleration(state)


def test_tuned_tendons_are_at_their_working_force_as_long_as_rigid_ones() -> None:
    """By OpenSim's own tendon: its strain at one, and its length at the force of the table."""
    opensim = models.import_opensim()
    rows = {row["muscle"]: float(row["working_force"]) for row in load_tables()["tendon_forces"]}
    rigid, tuned = models.build(), models.build(tendon="tuned_plantarflexors")
    for name in named(rigid.getMuscles()):
        before, after = (
            opensim.DeGrooteFregly2016Muscle.safeDownCast(model.getMuscles().get(name)) for model in (rigid, tuned)
        )
        length = before.get_tendon_slack_length()
        if after.get_ignore_tendon_compliance():
            assert after.get_tendon_slack_length() == length
        else:
            stretched = length / after.get_tendon_slack_length()
            assert after.calcTendonForceMultiplier(stretched) == pytest.approx(rows[name], abs=1e-9)


def test_device_mass_is_merged_into_the_bodies() -> None:
    """Mass and mass centre add up, and the inertia about any point is that of body plus point masses."""
    import numpy as np

    def about_origin(body) -> tuple[float, np.ndarray, np.ndarray]:
        mass, centre = body.getMass(), np.array([body.getMassCenter().get(i) for i in range(3)])
        six = [body.get_inertia().get(i) for i in range(6)]
        inertia = np.array([[six[0], six[3], six[4]], [six[3], six[1], six[5]], [six[4], six[5], six[2]]])
        return mass, mass * centre, inertia + mass * (centre @ centre * np.eye(3) - np.outer(centre, centre))

    plain, worn = models.build(contact=False), models.build(device="hip_knee_ankle", contact=False)
    device = models.load_device("hip_knee_ankle")
    assert {part.body for part in device.added_mass} >= {"pelvis", "femur_r", "tibia_l", "calcn_r"}
    for part in device.added_mass:
        (m0, c0, i0), (m1, c1, i1) = (about_origin(model.getBodySet().get(part.body)) for model in (plain, worn))
        place = np.array(part.location)
        assert m1 == pytest.approx(m0 + part.mass, abs=1e-12)
        assert c1 == pytest.approx(c0 + part.mass * place, abs=1e-12)
        assert i1 == pytest.approx(i0 + part.mass * (place @ place * np.eye(3) - np.outer(place, place)), abs=1e-12)


def test_actuators_carry_the_device_limits() -> None:
    opensim = models.import_opensim()
    model = models.build(device="hip_ankle", subject=models.Subject(60.0, 1.7))
    actuator = opensim.CoordinateActuator.safeDownCast(model.getForceSet().get("exo_ankle_angle_l"))
    joint = next(j for j in models.load_device("hip_ankle").actuation if j.coordinate == "ankle_angle_l")
    assert actuator.getOptimalForce() * actuator.getMaxControl() == pytest.approx(60.0 * joint.peak_positive)
    assert actuator.getOptimalForce() * actuator.getMinControl() == pytest.approx(-60.0 * joint.peak_negative)


def test_nothing_reaches_the_screen_or_the_folder(tmp_path: Path) -> None:
    code = "from exogait import models; models.build(device='hip_ankle').initSystem(); "
    code += "models.read(models.MODEL_PATH).initSystem()"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r}); {code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_importing_models_stays_cheap() -> None:
    code = "import sys; from exogait import models; models.build; models.device_names(); "
    code += "assert 'opensim' not in sys.modules and 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_write_is_all_or_nothing(tmp_path: Path) -> None:
    class Broken:
        def printToXML(self, path: str) -> None:
            Path(path).write_text("half")
            raise RuntimeError("disk full")

    target = tmp_path / "model.osim"
    target.write_text("old")
    with pytest.raises(OutputError) as caught:
        models.write(Broken(), target)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert [path.name for path in tmp_path.iterdir()] == ["model.osim"]
    assert target.read_text() == "old"


def test_a_file_that_is_no_model_gets_one_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.osim"
    path.write_text("<OpenSimDocument><Model>")
    with pytest.raises(FileFormatError) as caught:
        models.read(path)
    assert "\n" not in str(caught.value) and "broken.osim" in str(caught.value)


def test_summary_and_moment_arms(tmp_path: Path) -> None:
    model = models.build(device="hip_ankle", deficit="plantarflexors")
    text = models.summary(model)
    for word in ("82.16 kg", "12 bodies", "23 coordinates", "92 muscles", "exo_ankle_angle_l", "-50 .. 30"):
        assert word in text
    picture, sheet = models.plot_moment_arms(model, tmp_path / "new" / "folder", points=5)
    assert picture.stat().st_size > 10_000
    import pandas as pd

    table = pd.read_csv(sheet)
    ankle = table[table["coordinate"] == "ankle_angle_r"].groupby("muscle")["moment_arm_m"].mean()
    assert ankle["soleus_r"] < -0.03 < 0.03 < ankle["tib_ant_r"]
    knee = table[table["coordinate"] == "knee_angle_r"].groupby("muscle")["moment_arm_m"].mean()
    assert knee["bifemsh_r"] < 0.0 < knee["vas_lat_r"]
