"""What walks begin with: the grounded reference, and muscles that are already walking."""

from __future__ import annotations

import numpy as np

from ..engine import Model
from ..gait.grounding import ground_reference
from ..gait.muscle_command import MuscleCommandConfig, Recruitment
from ..gait.reference import ReferenceMotion
from ..gait.twin_physics import TwinPhysics
from .arrays import Floats, Motion
from .assemble import make_motion

START_PHASES, START_SPEEDS = 50, 5
"""Grid over phase and speed of the activations that bodies start with."""


def recruited(model: Model, grounded: ReferenceMotion, phase: Floats, speed: Floats) -> TwinPhysics:
    """Bodies on the reference motion, with the activations that static optimization gives for its net moments.

    Args:
        model: The compiled model.
        grounded: The reference, standing on the floor (:func:`..gait.grounding.ground_reference`).
        phase: Share of the stride, shape (n,).
        speed: Walking speed, shape (n,), m/s.
    """
    n = len(phase)
    physics = TwinPhysics(model, n)
    order = [grounded.coordinate_names.index(name) for name in model.coordinate_names]
    q, u = (values[:, order] for values in grounded.evaluate(phase, speed))
    recruitment = Recruitment(model, MuscleCommandConfig())
    physics.set_state(np.arange(n), q, u, np.full((n, model.n_muscles), 0.02))
    moments, demand = grounded.net_moments(phase, speed), np.zeros((n, len(recruitment.demanded)))
    for j, name in enumerate(recruitment.demanded):
        if name in grounded.moment_names:
            demand[:, j] = moments[:, grounded.moment_names.index(name)] * model.total_mass
    activation, _ = recruitment.solve(*physics.muscles(), demand, np.zeros_like(demand))
    physics.set_state(np.arange(n), q, u, activation)
    return physics


def make_start(model: Model, reference: ReferenceMotion) -> Motion:
    """The grounded reference, with the activations and tendon forces to start with over phase and speed."""
    phase, speed = np.meshgrid(
        np.arange(START_PHASES) / START_PHASES, np.linspace(*reference.speed_range, START_SPEEDS), indexing="ij"
    )
    grounded = ground_reference(model, reference)
    physics = recruited(model, grounded, phase.ravel(), speed.ravel())
    shape = (START_PHASES, START_SPEEDS, model.n_muscles)
    start = np.clip(physics.activation, 0.01, 1.0).astype(np.float64)
    tendon = np.array(physics.tendon_force) if len(physics.elastic) else np.zeros(start.shape)
    return make_motion(grounded, model, start.reshape(shape), tendon.astype(np.float64).reshape(shape))
