"""Scaling to a person: OpenSim's own geometry, strength by muscle volume."""

from __future__ import annotations

from pathlib import Path

import pytest

from exogait import models
from tests.validation.validate_model import named


def test_the_generic_person_changes_nothing() -> None:
    subject = models.Subject(models.generic_mass(), 1.8)
    assert subject.volume_ratio == pytest.approx(1.0)
    scaled, generic = models.build(subject=subject), models.build()
    for name in named(generic.getMuscles()):
        mine, theirs = (model.getMuscles().get(name) for model in (scaled, generic))
        assert mine.getMaxIsometricForce() == pytest.approx(theirs.getMaxIsometricForce(), rel=1e-9)
        assert mine.getTendonSlackLength() == pytest.approx(theirs.getTendonSlackLength(), rel=1e-9)
    assert scaled.getCoordinateSet().get("pelvis_ty").getDefaultValue() == pytest.approx(0.95)


def test_uniform_scaling_scales_lengths_masses_and_strength() -> None:
    subject = models.Subject(60.0, 1.62)
    scaled, generic = models.build(subject=subject), models.build()
    state = scaled.initSystem()
    assert scaled.getTotalMass(state) == pytest.approx(60.0)
    for name in ("soleus_r", "vas_lat_l", "ercspn_r"):
        mine, theirs = (model.getMuscles().get(name) for model in (scaled, generic))
        assert mine.getOptimalFiberLength() / theirs.getOptimalFiberLength() == pytest.approx(0.9)
        strength = mine.getMaxIsometricForce() / theirs.getMaxIsometricForce()
        assert strength == pytest.approx(subject.volume_ratio / 0.9)
    # Volume: (47 * 60 * 1.62 + 1285) / (47 * 75.1646 * 1.8 + 1285)
    assert subject.volume_ratio == pytest.approx(5853.4 / 7643.93, rel=1e-6)
    # Soleus: 0.0507 * 5853.4 + 78.2 cm3
    assert models.muscle_masses(subject=subject)["soleus_r"] == pytest.approx(374.97e-6 * 1059.7, rel=1e-4)


def test_one_longer_thigh() -> None:
    subject = models.Subject(75.0, 1.8, (("thigh_r", (1.1, 1.1, 1.1)), ("femur_l", (1.0, 0.95, 1.0))))
    factors = subject.body_factors()
    assert factors["femur_r"] == (1.1, 1.1, 1.1)
    assert factors["femur_l"] == (1.0, 0.95, 1.0)
    assert factors["tibia_r"] == (1.0, 1.0, 1.0)


def test_contact_spheres_scale_with_the_foot() -> None:
    opensim = models.import_opensim()
    scaled = models.build(subject=models.Subject(75.0, 1.8, (("foot", (1.2, 1.1, 1.0)),)))
    sphere = opensim.ContactSphere.safeDownCast(scaled.getContactGeometrySet().get("heel_r"))
    unscaled = models.build()
    generic = opensim.ContactSphere.safeDownCast(unscaled.getContactGeometrySet().get("heel_r"))
    assert sphere.getRadius() == pytest.approx(1.1 * generic.getRadius())
    for axis, factor in enumerate((1.2, 1.1, 1.0)):
        assert sphere.get_location().get(axis) == pytest.approx(factor * generic.get_location().get(axis))


def test_subject_files(tmp_path: Path) -> None:
    path = tmp_path / "anna.yaml"
    path.write_text("mass_kg: 58\nheight_m: 1.66\nsegment_factors: {thigh: 0.95, pelvis: [0.9, 1.0, 1.05]}\n")
    subject = models.Subject.from_yaml(path)
    assert (subject.name, subject.mass) == ("anna", 58.0)
    assert subject.body_factors()["pelvis"] == (0.9, 1.0, 1.05)
    assert models.build(subject=path).getName() == "gait2392_exo_anna"
