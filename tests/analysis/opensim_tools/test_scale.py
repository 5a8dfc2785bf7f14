"""Scaling to stated lengths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exogait.analysis.opensim_tools.common import load_model
from exogait.analysis.opensim_tools.scale import factors_of_lengths, write_base_model
from exogait.data.errors import InputError, UnknownNameError


def test_stated_lengths_are_the_scaled_models(tmp_path: Path) -> None:
    """Joint centres of the scaled model are as far apart as was stated, a side by itself where it was."""
    model = load_model(write_base_model(tmp_path / "body.osim"))
    stated = {"thigh": 0.42, "shank_l": 0.36, "pelvis": 0.19, "foot_r": 0.2}
    factors = factors_of_lengths(model, stated)
    state = model.initSystem()

    def apart(a: str, b: str) -> float:
        places = [model.getBodySet().get(body).getPositionInGround(state) for body in (a, b)]
        return float(np.linalg.norm([places[1].get(k) - places[0].get(k) for k in range(3)]))

    assert factors["femur_r"] * apart("femur_r", "tibia_r") == pytest.approx(0.42)
    assert factors["femur_l"] == pytest.approx(factors["femur_r"])
    assert factors["tibia_l"] * apart("tibia_l", "talus_l") == pytest.approx(0.36) and "tibia_r" not in factors
    assert factors["pelvis"] * apart("femur_r", "femur_l") == pytest.approx(0.19)
    assert set(factors) == {"femur_r", "femur_l", "tibia_l", "talus_l", "pelvis", "calcn_r", "toes_r"}
    for wrong, error in (
        ({"arm": 0.3}, UnknownNameError),
        ({"pelvis_r": 0.2}, UnknownNameError),
        ({"thigh": 42.0}, InputError),
    ):
        with pytest.raises(error):
            factors_of_lengths(model, wrong)
