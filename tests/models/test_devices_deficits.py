"""Device and deficit files: what they mean, and that one new file is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from exogait import models
from exogait.models.device import DIRECTIONS
from tests.validation.validate_model import load_warnings, named

NEW_DEVICE = """
name: toe_pusher
description: A made-up device.
sides: [left]
joints:
  mtp_angle:
    peak_torque_nm_per_kg: {flexion: 0.1}
    rate_limit_nm_per_kg_per_s: 2
added_mass:
  toes: {mass_kg: 0.1, location_m: [0.01, 0.02, 0.03]}
delay_s: 0.04
sensed: [mtp_angle.value, calcn.gyroscope, applied_torque]
"""
NEW_DEFICIT = """
name: weak_soleus
side: left
strength: {soleus: 12.5}
atrophy: true
"""


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    for kind, name, text in (("devices", "toe_pusher", NEW_DEVICE), ("deficits", "weak_soleus", NEW_DEFICIT)):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / f"{name}.yaml").write_text(text)
    return tmp_path


def test_required_devices_and_deficits_exist() -> None:
    assert {"hip_ankle", "hip", "ankle", "knee", "hip_knee_ankle", "ankle_left", "ankle_right"} <= set(
        models.device_names()
    )
    assert {
        "plantarflexors",
        "dorsiflexors",
        "quadriceps",
        "hip_abductors",
        "hip_flexors",
        "hip_extensors",
        "hemiparetic",
    } <= set(models.deficit_names())


@pytest.mark.parametrize("name", models.device_names())
def test_every_device_is_complete_and_plausible(name: str) -> None:
    device = models.load_device(name)
    assert device.description and device.source and device.sensed
    assert 0.5 < device.mass < 15.0
    assert 0.0 < device.delay <= 0.1
    for joint in device.actuation:
        assert 0.1 < max(joint.peak_positive, joint.peak_negative) < 2.0
        assert joint.rate_limit > 1.0
    sides = {joint.coordinate[-1] for joint in device.actuation}
    assert sides == {side[0] for side in device.sides}


def test_directions_cover_every_coordinate_a_device_may_drive() -> None:
    stems = {row["coordinate"].removesuffix("_r").removesuffix("_l") for row in models.load_tables()["coordinates"]}
    assert set(DIRECTIONS) == {stem for stem in stems if not stem.startswith("pelvis_")}


def test_plantarflexion_is_negative() -> None:
    ankle = models.load_device("ankle").actuation[0]
    assert ankle.peak_negative > ankle.peak_positive > 0.0


def test_one_new_file_makes_a_device(own_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for direct in (own_folder / "devices" / "toe_pusher.yaml", models.load_device("toe_pusher", own_folder)):
        path = models.write(models.build(device=direct), tmp_path / "own.osim")
        assert load_warnings(path) == []
    monkeypatch.setenv("EXOGAIT_MODELS_PATH", str(own_folder))
    assert "toe_pusher" in models.device_names()
    device = models.load_device("toe_pusher")
    assert device.actuator_names == ("exo_mtp_angle_l",)
    assert device.sensed == ("mtp_angle_l.value", "calcn_l.gyroscope", "applied_torque")
    assert device.added_mass == (models.AddedMass("toes_l", 0.1, (0.01, 0.02, -0.03)),)
    assert "exo_mtp_angle_l" in named(models.build(device="toe_pusher").getForceSet())


def test_one_new_file_makes_a_deficit(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "weak_soleus" not in models.deficit_names()
    monkeypatch.setenv("EXOGAIT_MODELS_PATH", str(own_folder))
    assert "weak_soleus" in models.deficit_names()
    assert dict(models.load_deficit("weak_soleus").strength) == {"soleus_l": 0.125}
    weak, healthy = models.build(deficit="weak_soleus", contact=False), models.build(contact=False)
    changed = {
        name: weak.getMuscles().get(name).getMaxIsometricForce() / healthy.getMuscles().get(name).getMaxIsometricForce()
        for name in named(healthy.getMuscles())
    }
    assert {name: ratio for name, ratio in changed.items() if ratio != 1.0} == {"soleus_l": pytest.approx(0.125)}


def test_strength_and_side_can_be_given() -> None:
    deficit = models.load_deficit("plantarflexors", strength=30, side="both")
    assert set(deficit.strength.values()) == {0.3}
    assert len(deficit.strength) == 16


def test_strength_of_a_pattern_scales_the_losses() -> None:
    file, milder = models.load_deficit("hemiparetic"), models.load_deficit("hemiparetic", strength=90)
    losses = [100.0 - percent for _, percent in file.groups]
    assert [100.0 - percent for _, percent in milder.groups] == pytest.approx(
        [loss * 10.0 / max(losses) for loss in losses]
    )
    assert models.load_deficit("hemiparetic", strength=100).strength["soleus_r"] == 1.0


def test_a_muscle_of_two_weak_groups_takes_the_weaker() -> None:
    deficit = models.Deficit("both", "", "right", (("hip_flexors", 60.0), ("quadriceps", 40.0)))
    assert deficit.strength["rect_fem_r"] == 0.4
    assert deficit.strength["psoas_r"] == 0.6


def test_weak_muscles_keep_their_mass_without_atrophy(own_folder: Path) -> None:
    healthy = models.muscle_masses()
    assert models.muscle_masses(deficit=models.load_deficit("plantarflexors")) == healthy
    wasted = models.muscle_masses(deficit=models.load_deficit("weak_soleus", folder=own_folder))
    assert wasted["soleus_l"] == pytest.approx(0.125 * healthy["soleus_l"])
    assert wasted["soleus_r"] == healthy["soleus_r"]


def test_muscle_mass_is_density_times_volume() -> None:
    # Soleus: (0.0507 * 7643.93 + 78.2) cm3 * 1059.7 kg/m3
    assert models.muscle_masses()["soleus_r"] == pytest.approx(465.75e-6 * 1059.7, rel=1e-4)
    assert list(models.muscle_masses()) == named(models.build(contact=False).getMuscles())
