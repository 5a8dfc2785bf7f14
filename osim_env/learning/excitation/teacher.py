"""A policy of the recruitment scheme as a teacher: what it would excite in any state of the excitation world.

The teacher decides every 20 ms, as it was trained; what its moments take of each muscle is found anew every 10 ms from
the muscles' state, and these are the labels. Labels held for 20 ms make walkers that fall (docs/training.md). The trunk
is carried by its six muscles alone, since a student has nothing else.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.constants import GRAVITY
from exogait.data.errors import InputError
from exogait.data.settings import from_mapping

from ...engine import kinematics
from ...excitation.world import ExcitationWorld
from ...gait.config import WorldConfig
from ...gait.reference import ReferenceMotion
from ...gait.twin_physics import TwinPhysics
from ...gait.view import mirrored
from ...gait.world import GaitWorld
from ..policy import Policy, load_policy

Floats = NDArray[np.floating[Any]]


class Teacher:
    """Labels for the bodies of an excitation world.

    Args:
        policy: Policy of the recruitment scheme without a device.
        world: The bodies.
        reference: Reference motion of that world.
        trunk_effort_weight: Weight of the trunk actuators in the recruitment.

    Raises:
        InputError: The policy is of another scheme, or decides at another pace than a multiple of the world's.
    """

    def __init__(
        self, policy: str | Policy, world: ExcitationWorld, reference: ReferenceMotion, *, trunk_effort_weight: float
    ) -> None:
        brain = policy if isinstance(policy, Policy) else load_policy(policy)
        if brain.metadata.get("scheme") != "recruitment" or brain.metadata.get("device") is not None:
            raise InputError("teacher", policy, "a policy of the recruitment scheme that knows no device")
        config = from_mapping(WorldConfig, brain.metadata["settings"]["world"])
        muscles = dataclasses.replace(config.muscles, trunk_effort_weight=trunk_effort_weight)
        config = dataclasses.replace(config, muscles=muscles, treadmill=0.0)
        self.policy, self.world = brain, world
        every = config.control_step / world.config.control_step
        if abs(every - round(every)) > 1e-9:
            raise InputError("teacher", policy, f"decisions every multiple of {world.config.control_step} s")
        self.every = round(every)
        """Control steps of the student from one decision of the teacher to the next."""
        self.physics = TwinPhysics(world.model, world.n_envs)
        self.shadow = GaitWorld(self.physics, reference, config, auto_reset=False)
        self._action = np.zeros((world.n_envs, self.shadow.n_human_actions))
        self._feet = [world.model.index("foot", side) for side in "rl"]
        self._age = np.zeros(world.n_envs, np.int64)

    def start(self, index: NDArray[np.int64]) -> None:
        """Forget the past of bodies that begin anew; they decide at once."""
        if len(index):
            self.shadow.state.clear(index)
            self._age[index] = 0
            self.shadow.state.multiplier[index] = 0.0

    def label(self) -> tuple[Floats, Floats]:
        """What the teacher would command now.

        Returns:
            Excitations of the muscles (not mirrored), shape (batch, n_muscles), and the change of step rate, shape
            (batch,), in [-1, 1].
        """
        self._follow()
        shadow, state, now = self.shadow, self.shadow.state, self.world.bodies
        deciding = np.flatnonzero(self._age % self.every == 0)
        if len(deciding):
            fresh = self.policy.act(shadow.observe_anew()[deciding])
            state.human_action[deciding] = fresh
            # Meant for the near leg of the moment of the decision; carried out on right and left.
            self._action[deciding] = mirrored(fresh, shadow.action_mirror, now.phase[deciding] >= 0.5)
        self._age += 1
        rate = np.clip(self._action[:, -1], -1.0, 1.0)
        pace = np.polynomial.polynomial.polyval(now.pace, self.world.motion.frequency)
        step = pace * (1.0 + shadow.config.muscles.phase_rate * rate) * self.world.config.control_step
        state.phase = (now.phase + step) % 1.0
        share = shadow.config.muscles.phase_rate / self.world.config.phase_rate
        return shadow.would_excite(self._action), rate * share

    def _follow(self) -> None:
        """Write the bodies' state into the shadow."""
        now, state, physics, n = self.world.bodies, self.shadow.state, self.physics, self.world.model.n_coordinates
        physics.state.q[:], physics.state.u[:] = now.state[:, :n], now.state[:, n : 2 * n]
        physics.state.activation[:] = self.world.activation
        first = self.world.columns.strength
        physics.strength[:] = now.parameters[:, first : first + self.world.model.n_muscles]
        physics.body_mass[:] = now.body_mass
        physics.state.record.mean_foot_force[:, self._feet, 1] = now.foot_load * (GRAVITY * now.body_mass[:, None])
        physics.state.record.body_position[:] = kinematics(self.world.model, physics.q, physics.u).position
        state.phase, state.speed, state.pace = now.phase.copy(), now.speed.copy(), now.pace.copy()
        state.mean_speed, state.time = now.mean_speed.copy(), now.time.copy()
