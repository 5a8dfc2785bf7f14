"""The shipped compiled models are the ones that the builder and the compiler make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exogait import models
from exogait.osim_env.engine import Model, compile_osim
from exogait.osim_env.engine.groups import GROUPS
from exogait.osim_env.gait.grounding import TOE_EXTENSION, ground_reference, sphere_heights
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import COMPILED


@pytest.mark.parametrize("device", list(COMPILED))
def test_shipped_models_are_up_to_date(device: str | None, tmp_path: Path) -> None:
    path = tmp_path / "model.osim"
    models.write(models.build(device=device), path)
    fresh, shipped = compile_osim(path), Model.load(COMPILED[device])
    for group in GROUPS:
        for name, array in getattr(fresh, group)._asdict().items():
            # Processors differ in the last bit of a vector's length.
            there = getattr(getattr(shipped, group), name)
            np.testing.assert_allclose(there, array, rtol=1e-14, atol=1e-16, err_msg=f"{group}.{name}")
    assert shipped.actuator_names == fresh.actuator_names


def test_the_grounded_reference_stands_on_the_floor_and_clears_it() -> None:
    model = Model.load(COMPILED[None])
    reference = ground_reference(model, load_reference())
    names = list(reference.coordinate_names)
    columns = [names.index(name) for name in model.coordinate_names]
    phase = np.arange(50) / 50
    right = [i for i, name in enumerate(model.sphere_names) if name.endswith("_r")]
    for speed in (0.75, 1.25, 1.75):
        q = reference.evaluate(phase, np.full(50, speed))[0][:, columns]
        height = sphere_heights(model, q)
        assert -0.008 < np.median(height.min(axis=1)) < -0.002
        swing = (phase > 0.68) & (phase < 0.82)
        assert height[swing][:, right].min() > 0.005
        toes = q[:, model.index("coordinate", "mtp_angle_r")]
        assert abs(toes.max() - TOE_EXTENSION) < 0.05
