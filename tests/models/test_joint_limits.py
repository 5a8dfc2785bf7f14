"""No joint overshoots its anatomical limit by more than 5 degrees; falls and more runs are in validate_model.py."""

from __future__ import annotations

import numpy as np
import pytest

from exogait import models
from tests.validation.validate_model import OVERSHOOT_TOLERANCE_DEG, overshoots


@pytest.mark.parametrize(
    "drive",
    [
        ("hip_flexion_r", 1),
        ("hip_flexion_r", -1),
        ("hip_adduction_r", -1),
        ("knee_angle_r", 1),
        ("ankle_angle_r", -1),
        ("subtalar_angle_r", 1),
        ("lumbar_extension", -1),
        ("lumbar_rotation", 1),
    ],
)
def test_full_excitation_against_a_limit(drive: tuple[str, int]) -> None:
    found = overshoots(drive=drive)
    assert max(found.values()) < OVERSHOOT_TOLERANCE_DEG, found
    assert found[drive[0]] > 0.3  # a motion that reaches no limit would prove nothing


def test_fall_on_the_feet_with_random_controls() -> None:
    found = overshoots(seed=0, contact=True, drop=0.3, duration=0.6)
    assert max(found.values()) < OVERSHOOT_TOLERANCE_DEG, found


@pytest.mark.parametrize("coordinate", ["knee_angle_r", "hip_flexion_l", "mtp_angle_r", "lumbar_bending"])
def test_limit_force_is_zero_inside_and_pushes_back_outside(coordinate: str) -> None:
    opensim = models.import_opensim()
    model = models.build(contact=False)
    state = model.initSystem()
    limit = opensim.CoordinateLimitForce.safeDownCast(model.getForceSet().get(f"limit_{coordinate}"))
    joint = model.getCoordinateSet().get(coordinate)
    low, high = limit.get_lower_limit(), limit.get_upper_limit()

    def force(angle: float) -> float:
        joint.setValue(state, np.radians(angle), False)
        model.realizeVelocity(state)
        return limit.calcLimitForce(state)

    for inside in np.linspace(low, high, 7):
        assert force(inside) == pytest.approx(0.0, abs=1e-9)
    assert force(high + 4.0) < 0.0 < force(low - 4.0)
    # Beyond the transition the spring is linear with the table's stiffness.
    assert force(low - 6.0) - force(low - 5.0) == pytest.approx(limit.get_lower_stiffness(), rel=1e-9)


def test_limits_lie_inside_what_the_published_geometry_describes() -> None:
    ranges = {
        row["coordinate"]: (float(row["range_min"]), float(row["range_max"]))
        for row in models.load_tables()["coordinates"]
    }
    limits = models.load_tables()["joint_limits"]
    assert {"knee_angle_r", "knee_angle_l", "ankle_angle_r"} <= {row["coordinate"] for row in limits}
    for row in limits:
        low, high = ranges[row["coordinate"]]
        assert low <= np.radians(float(row["lower_deg"])) + 1e-6
        assert high >= np.radians(float(row["upper_deg"])) - 1e-6
