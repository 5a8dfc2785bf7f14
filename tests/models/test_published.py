"""Our model equals the published Gait2392; the full sample is in tests/validation/validate_model.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exogait import models
from tests.validation import validate_model as study


@pytest.fixture(scope="module")
def pair(real_data: Path) -> tuple[Any, Any]:
    ours, published = models.build(muscles="thelen", contact=False), models.read(real_data / study.PUBLISHED)
    ours.initSystem()
    published.initSystem()
    return ours, published


def test_masses_frames_and_ranges(pair: tuple[Any, Any]) -> None:
    differences = study.structure_differences(*pair)
    assert len(differences) == 6
    assert max(worst for worst, _ in differences.values()) <= study.STRUCTURE_TOLERANCE


def test_muscle_parameters(pair: tuple[Any, Any]) -> None:
    worst, count = study.muscle_parameter_difference(models.import_opensim(), *pair)
    assert count == 92 * 13
    assert worst <= study.STRUCTURE_TOLERANCE


def test_lengths_and_moment_arms_at_random_poses(pair: tuple[Any, Any]) -> None:
    differences = study.path_differences(*pair, n_poses=25, seed=1)
    assert differences["muscle-tendon length (m)"][1] == 25 * 92
    assert differences["muscle-tendon length (m)"][0] <= study.LENGTH_TOLERANCE
    assert differences["moment arm (m)"][1] > 92 * 17 * 3
    assert differences["moment arm (m)"][0] <= study.MOMENT_ARM_TOLERANCE


def test_a_moved_path_point_would_be_found(pair: tuple[Any, Any]) -> None:
    opensim = models.import_opensim()
    wrong = models.build(muscles="thelen", contact=False)
    muscle = wrong.updMuscles().get("soleus_l")
    point = opensim.PathPoint.safeDownCast(opensim.GeometryPath.safeDownCast(muscle.updPath()).updPathPointSet().get(0))
    point.setLocation(
        opensim.Vec3(*(value + 1e-4 for value in (point.getLocation(wrong.initSystem()).get(i) for i in range(3))))
    )
    differences = study.path_differences(wrong, pair[1], n_poses=3)
    assert differences["muscle-tendon length (m)"][0] > study.LENGTH_TOLERANCE


def test_inverse_dynamics_of_a_real_walk(real_data: Path, tmp_path: Path) -> None:
    """Scaled by OpenSim's own Scale Tool with the published set-up, and by build(subject=...) with its scale set."""
    opensim, example = models.import_opensim(), real_data / study.SUBJECT
    published, scale_set = study.scale_with_tool(
        opensim, models.read(real_data / study.PUBLISHED), example, tmp_path / "published"
    )
    subject = models.Subject.from_scale_set(scale_set, mass=72.6, height=1.8034, name="subject01")
    built = models.write(models.build(subject=subject), tmp_path / "built.osim")
    reference = study.inverse_dynamics(opensim, published, example, tmp_path / "a", end=0.9)
    ours = study.inverse_dynamics(opensim, built, example, tmp_path / "b", end=0.9)
    assert len(reference) == 23
    assert np.max(np.abs(reference["ankle_angle_r_moment"])) > 20.0
    assert max(study.inverse_dynamics_differences(ours, reference).values()) < study.INVERSE_DYNAMICS_TOLERANCE_PCT


def test_scaled_muscles_equal_those_of_the_scale_tool(real_data: Path, tmp_path: Path) -> None:
    opensim, example = models.import_opensim(), real_data / study.SUBJECT
    path, scale_set = study.scale_with_tool(
        opensim, models.read(real_data / study.PUBLISHED), example, tmp_path / "published"
    )
    tool = models.read(path)
    subject = models.Subject.from_scale_set(scale_set, mass=72.6, height=1.8034)
    ours = models.build(subject=subject, muscles="thelen", contact=False)
    names = study.named(tool.getMuscles())
    assert len(names) == 92
    for name in names:
        mine, theirs = (model.getMuscles().get(name) for model in (ours, tool))
        assert mine.getOptimalFiberLength() == pytest.approx(theirs.getOptimalFiberLength(), rel=1e-5)
        assert mine.getTendonSlackLength() == pytest.approx(theirs.getTendonSlackLength(), rel=1e-5)
