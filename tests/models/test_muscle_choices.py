"""The choices that the model card reports for the muscles' force law can be recomputed."""

from __future__ import annotations

import numpy as np
import pytest

from exogait import models


def test_width_of_the_force_length_curve_is_the_best_fit_to_the_published_one() -> None:
    opensim = models.import_opensim()
    muscle = opensim.DeGrooteFregly2016Muscle()
    lengths = np.linspace(0.5, 1.5, 201)
    published = np.exp(-((lengths - 1.0) ** 2) / models.load_tables().constants["thelen_shape_active"])

    def misfit(width: float) -> float:
        muscle.set_active_force_width_scale(width)
        ours = [muscle.calcActiveForceLengthMultiplier(float(length)) for length in lengths]
        return float(np.sqrt(np.mean((np.array(ours) - published) ** 2)))

    widths = np.round(np.arange(1.0, 2.01, 0.1), 1)
    best = widths[np.argmin([misfit(width) for width in widths])]
    assert best == models.load_tables().constants["active_force_width_scale"] == 1.6
    assert misfit(1.6) == pytest.approx(0.028, abs=0.001)
    assert misfit(1.0) == pytest.approx(0.256, abs=0.001)


def _rates(smoothing: float) -> tuple[float, float]:
    """Rates of change of activation, 1/s, just after full excitation from 0.2 and full relaxation from 0.2.

    Source: De Groote et al. 2016, the activation equations as OpenSim writes them.
    """
    constants = models.load_tables().constants
    activation = 0.2
    scale = 0.5 + 1.5 * activation

    def rate(excitation: float) -> float:
        step = 0.5 * np.tanh(smoothing * (excitation - activation))
        up = (step + 0.5) / (constants["activation_time_constant"] * scale)
        down = (0.5 - step) * scale / constants["deactivation_time_constant"]
        return float(up + down)

    return rate(1.0), rate(0.01)


def test_smoothing_keeps_activation_and_deactivation_apart() -> None:
    fast, slow = _rates(models.load_tables().constants["activation_smoothing"])
    assert fast > 5.0 * slow
    fast_default, slow_default = _rates(0.1)
    assert fast_default < 1.3 * slow_default


def test_all_muscles_share_one_set_of_activation_constants() -> None:
    """OpenSim 4.6 applies the first muscle's activation constants to all; ours must not depend on which is first."""
    opensim = models.import_opensim()
    model = models.build(contact=False)
    found = set()
    for index in range(model.getMuscles().getSize()):
        muscle = opensim.DeGrooteFregly2016Muscle.safeDownCast(model.getMuscles().get(index))
        found.add(
            (
                muscle.get_activation_time_constant(),
                muscle.get_deactivation_time_constant(),
                muscle.get_activation_dynamics_smoothing(),
            )
        )
    assert len(found) == 1
