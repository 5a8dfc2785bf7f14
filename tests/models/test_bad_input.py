"""Bad input gets one line that names the field, the value and what is allowed, and leaves nothing half written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exogait import models
from exogait.data.errors import ExogaitError

GOOD_DEVICE = """
name: own
joints:
  ankle_angle: {peak_torque_nm_per_kg: {plantarflexion: 1.0}, rate_limit_nm_per_kg_per_s: 10}
added_mass:
  tibia: {mass_kg: 1.0}
"""
GOOD_DEFICIT = "name: own\nstrength: {plantarflexors: 50}\n"


def own_file(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text)
    return path


CALLS: dict[str, tuple[Callable[[], object], list[str]]] = {
    "unknown device": (lambda: models.build(device="hip_ankel"), ["device", "hip_ankel", "hip_ankle"]),
    "unknown deficit": (lambda: models.build(deficit="plantaflexors"), ["deficit", "plantaflexors", "plantarflexors"]),
    "strength of 140%": (
        lambda: models.load_deficit("quadriceps", strength=140),
        ["strength", "140", "1 to 100 percent"],
    ),
    "strength of 0%": (lambda: models.load_deficit("quadriceps", strength=0), ["strength", "0", "1 to 100 percent"]),
    "unknown side": (lambda: models.load_deficit("quadriceps", side="rigth"), ["side", "rigth", "left, right or both"]),
    "negative mass": (lambda: models.Subject(-70.0, 1.8), ["mass", "-70", "10 to 250 kg"]),
    "height in cm": (lambda: models.Subject(70.0, 180.0), ["height", "180", "0.7 to 2.5 m"]),
    "mass not a number": (lambda: models.Subject(float("nan"), 1.8), ["mass", "nan", "10 to 250 kg"]),
    "unknown segment": (
        lambda: models.Subject(70.0, 1.8, (("tigh", (1.0, 1.0, 1.0)),)),
        ["segment", "tigh", "thigh"],
    ),
    "factor out of range": (
        lambda: models.Subject(70.0, 1.8, (("thigh", (9.0, 1.0, 1.0)),)),
        ["thigh", "9", "0.3 to 2"],
    ),
    "unknown muscle kind": (lambda: models.build(muscles="millard"), ["muscles", "millard", "thelen"]),  # type: ignore[arg-type]
    "tendon for thelen": (
        lambda: models.build(muscles="thelen", tendon="compliant_plantarflexors"),
        ["tendon", "compliant_plantarflexors", "thelen"],
    ),
    "missing subject file": (lambda: models.build(subject="nobody.yaml"), ["nobody.yaml", "no such file"]),
    "missing device file": (lambda: models.build(device="nothing.yaml"), ["nothing.yaml", "no such file"]),
}


@pytest.mark.parametrize("case", CALLS, ids=lambda case: case.replace(" ", "_"))
def test_bad_arguments(case: str) -> None:
    call, words = CALLS[case]
    with pytest.raises(ExogaitError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("find", "replace", "words"),
    [
        ("ankle_angle:", "elbow_angle:", ["coordinate", "elbow_angle", "knee_angle"]),
        ("ankle_angle:", "pelvis_tilt:", ["coordinate", "pelvis_tilt"]),
        (
            "plantarflexion: 1.0",
            "plantarflexion: -1.0",
            ["peak_torque_nm_per_kg.plantarflexion", "-1.0", "0 to 5 Nm/kg"],
        ),
        ("plantarflexion: 1.0", "flexion: 1.0", ["flexion", "plantarflexion"]),
        ("plantarflexion: 1.0", "plantarflexion: strong", ["plantarflexion", "'strong'", "number"]),
        ("plantarflexion: 1.0", "plantarflexion: 0", ["peak_torque_nm_per_kg", "dorsiflexion or plantarflexion"]),
        ("rate_limit_nm_per_kg_per_s: 10", "rate_limit: 10", ["rate_limit", "rate_limit_nm_per_kg_per_s"]),
        (", rate_limit_nm_per_kg_per_s: 10", "", ["rate_limit_nm_per_kg_per_s", "missing"]),
        ("mass_kg: 1.0", "mass_kg: -1.0", ["added_mass.tibia.mass_kg", "-1.0", "0 to 40 kg"]),
        ("mass_kg: 1.0", "mass_kg: 1.0, location_m: [0, 1]", ["location_m", "three numbers"]),
        ("tibia:", "shin:", ["body", "shin"]),
        ("name: own", "name: other", ["name", "'other'", "'own'"]),
        ("name: own", "nmae: own", ["field", "nmae", "name"]),
        ("name: own", "name: own\nsides: [up]", ["sides", "up", "[left, right]"]),
        ("name: own", "name: own\ndelay_s: 3", ["delay_s", "3", "0 to 0.5 s"]),
        ("name: own", "name: own\nsensed: [ankle_angle.valeu]", ["signal", "ankle_angle.valeu", "ankle_angle.value"]),
        ("name: own", "name: own\nsensed: ankle_angle.value", ["sensed", "list of signals"]),
        ("joints:", "joints: [", ["malformed YAML", "own.yaml:"]),
    ],
)
def test_bad_device_files(tmp_path: Path, find: str, replace: str, words: list[str]) -> None:
    models.load_device(own_file(tmp_path, GOOD_DEVICE))
    path = own_file(tmp_path, GOOD_DEVICE.replace(find, replace, 1))
    with pytest.raises(ExogaitError) as caught:
        models.build(device=path)
    message = str(caught.value)
    assert "\n" not in message and "own.yaml" in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: own\nstrength: {plantarflexors: 140}\n", ["strength.plantarflexors", "140", "1 to 100 percent"]),
        ("name: own\nstrength: {plantarflexers: 40}\n", ["muscle group", "plantarflexers", "plantarflexors"]),
        ("name: own\nstrength: 50\n", ["strength", "50", "mapping"]),
        ("name: own\nstrength: {}\n", ["strength", "at least one"]),
        ("name: own\n", ["strength", "missing"]),
        ("name: own\nstrength: {soleus: 50}\natrophy: 1\n", ["atrophy", "1", "true or false"]),
        ("name: own\nstrength: {soleus: 50}\nside: middle\n", ["side", "middle", "left, right or both"]),
        ("name: own\n  strength: {soleus: 50}\n", ["malformed YAML"]),
        ("- name\n- own\n", ["mapping"]),
        ("", ["mapping"]),
    ],
)
def test_bad_deficit_files(tmp_path: Path, text: str, words: list[str]) -> None:
    models.load_deficit(own_file(tmp_path, GOOD_DEFICIT))
    path = own_file(tmp_path, text)
    with pytest.raises(ExogaitError) as caught:
        models.build(deficit=path)
    message = str(caught.value)
    assert "\n" not in message and "own.yaml" in message
    for word in words:
        assert word in message, message


def test_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(ExogaitError, match="UTF-8"):
        models.load_device(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [("model.xml", ["out", "model.xml", ".osim"]), ("no/folder/model.osim", ["folder", "does not exist"])],
)
def test_bad_output_writes_nothing(tmp_path: Path, name: str, words: list[str]) -> None:
    with pytest.raises(ExogaitError) as caught:
        models.write(models.build(contact=False), tmp_path / name)
    for word in words:
        assert word in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_bad_scale_set(tmp_path: Path) -> None:
    path = tmp_path / "scale.xml"
    path.write_text("<OpenSimDocument></OpenSimDocument>")
    with pytest.raises(ExogaitError, match="no scale factors"):
        models.Subject.from_scale_set(path, mass=70.0, height=1.7)
    path.write_text("not xml")
    with pytest.raises(ExogaitError, match="cannot be read"):
        models.Subject.from_scale_set(path, mass=70.0, height=1.7)
