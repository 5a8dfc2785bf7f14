"""Muscle volumes and fibre shares: the published totals, whole muscles, small bodies, muscles of other models."""

from __future__ import annotations

import numpy as np
import pytest

from exogait import models
from exogait.data.errors import UnknownNameError
from exogait.models.anatomy import leg_muscle_volume, muscle_volume, slow_twitch_ratio
from exogait.models.tables import load_tables

LEG = [row["muscle"] for row in load_tables()["muscle_volumes"] if row["volume_slope"] and row["muscle"].endswith("_r")]
GENERIC = {"body_mass": 75.1646, "height": 1.8}


def whole(name: str) -> float:
    """Volume of all parts of a muscle, cm3."""
    parts = [m for m in LEG if m.startswith(name)]
    return 1e6 * float(muscle_volume(parts, **GENERIC).sum())


def test_a_leg_has_the_published_volume() -> None:
    assert 1e6 * leg_muscle_volume(**GENERIC) == pytest.approx(7644, abs=0.5)
    # Obturators and popliteus are no muscles of the model: 107.8 of 7648 cm3 that the 35 regressions sum to.
    assert 1e6 * muscle_volume(LEG, **GENERIC).sum() == pytest.approx(7648 - 107.8, abs=0.5)
    by_side = {side: sum(v for k, v in models.muscle_masses().items() if k in side_of(side)) for side in "rl"}
    assert by_side["r"] == pytest.approx(7.99, abs=0.005) and by_side["l"] == pytest.approx(by_side["r"], rel=1e-12)


def side_of(side: str) -> list[str]:
    """The leg's muscles of a side."""
    return [m[:-1] + side for m in LEG]


@pytest.mark.parametrize(
    ("name", "slope", "intercept"),  # of the regressions on height times mass (Handsfield 2014, supplement), cm3
    [
        ("glut_max", 6.01, 105.0), ("soleus", 2.57, 120.0), ("psoas", 2.43, -26.3), ("vas_lat", 5.89, 102.0),
        ("add_mag", 3.64, 109.0), ("per_", 0.956, 12.5), ("tib_ant", 0.796, 36.7), ("med_gas", 1.71, 46.2),
    ],
)  # fmt: skip
def test_whole_muscles_agree_with_the_other_published_regressions(name: str, slope: float, intercept: float) -> None:
    found = whole(name) - (whole("per_tert") if name == "per_" else 0.0)
    assert found == pytest.approx(slope * 75.1646 * 1.8 + intercept, rel=0.01)


def test_parts_of_a_muscle_share_it_as_strength_times_fibre_length() -> None:
    size = {
        row["muscle"]: float(row["max_isometric_force_N"]) * float(row["optimal_fiber_length_m"])
        for row in load_tables()["muscles"]
    }
    first, third = muscle_volume(["glut_max1_r", "glut_max3_l"], **GENERIC)
    assert first / third == pytest.approx(size["glut_max1_r"] / size["glut_max3_l"])


def test_mass_and_height_are_the_persons() -> None:
    small, large = (muscle_volume(LEG, body_mass=m, height=h).sum() for m, h in ((50.0, 1.5), (100.0, 1.9)))
    assert 1e6 * small == pytest.approx(47 * 75 + 1285 - 107.8, rel=0.01)
    assert 1e6 * large == pytest.approx(47 * 190 + 1285, rel=0.025)
    child = muscle_volume(LEG, body_mass=15.0, height=1.0)
    assert np.all(child > 0) and 1e6 * child.sum() == pytest.approx(47 * 15 + 1285, rel=0.03)


def test_trunk_muscles_are_to_the_legs_as_strength_times_fibre_length() -> None:
    erector = float(muscle_volume(["ercspn_r"], **GENERIC)[0])
    tension = 2500 * 0.12 / erector
    assert tension == pytest.approx(0.366e6, rel=0.005)
    scale = leg_muscle_volume(50.0, 1.5) / leg_muscle_volume(**GENERIC)
    assert float(muscle_volume(["ercspn_r"], body_mass=50.0, height=1.5)[0]) == pytest.approx(erector * scale)


def test_muscles_of_other_models_are_sized_by_their_strength() -> None:
    volume = muscle_volume(
        ["soleus_r", "masseter"], max_isometric_force=[1.0, 366.0], optimal_fiber_length=[1.0, 0.1], **GENERIC
    )
    assert volume == pytest.approx([465.7e-6, 100e-6], rel=0.002)
    with pytest.raises(UnknownNameError, match="masseter"):
        muscle_volume(["soleus_r", "masseter"], **GENERIC)


def test_slow_fibres() -> None:
    muscles = [row["muscle"] for row in load_tables()["muscles"]]
    shares = dict(zip(muscles, slow_twitch_ratio(muscles), strict=True))
    assert (shares["soleus_l"], shares["rect_fem_r"]) == (0.803, 0.3865)
    assert max(shares, key=lambda m: shares[m]).startswith("soleus") and min(shares.values()) == 0.3865
    assert {row["muscle"] for row in load_tables()["muscle_volumes"]} == set(muscles)
