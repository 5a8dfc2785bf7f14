"""The bodies of a batch and what they wear, at an instant."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import InputError, UnknownNameError
from exogait.models.device import Device

from ..device.exoskeleton import Exoskeleton
from .muscle_command import MuscleCommandConfig, Recruitment
from .physics import Physics
from .population import CONDITIONS
from .step.state import BodyState
from .strategy import Strategy
from .view import Array, Flags, Index, Standards, View, find_columns, in_pelvis_axes

DEVICE_ARRAYS = ("torque_per_kg", "pipeline", "history", "powered")
"""What the next control step depends on of the device."""


class Bodies:
    """Bodies, their muscles and devices; :class:`exogait.osim_env.gait.world.GaitWorld` lets them walk.

    Attributes:
        physics: The bodies in their engine.
        state: What is known of every body beside its mechanical state.
        coordinate_names: Coordinates of the model, in order.
        column: Column of every coordinate by name.
        columns: The columns that the control step needs.
        recruitment: The muscles that carry demanded moments.
        person_mass: Mass of each body without what it wears, shape (batch,), kg.
        exoskeleton: The device, if there is one.
        strategy: What every body aims for beside the reference.
        standards: What they are judged by.
    """

    standards: Standards

    def __init__(self, physics: Physics, muscles: MuscleCommandConfig, device: Device | None, speed: float) -> None:
        self.physics, n, model = physics, physics.n_envs, physics.model
        self.coordinate_names = tuple(model.coordinate_names)
        self.column = {name: i for i, name in enumerate(self.coordinate_names)}
        self.recruitment = Recruitment(model, muscles)
        self.columns = find_columns(self.column, self.demanded)
        self.strategy = Strategy(n, self.coordinate_names)
        self.person_mass = physics.body_mass.copy()
        self.exoskeleton: Exoskeleton | None = None
        if device is not None:
            self.person_mass -= device.mass
            self.exoskeleton = Exoskeleton(device, tuple(model.actuator_names), n, self.person_mass)
        self.state = BodyState.allocate(
            n, n_human_actions=self.n_human_actions, n_device_actions=self.n_device_actions,
            n_coordinates=len(self.coordinate_names), n_demanded=len(self.demanded),
            n_controls=len(model.muscle_names) + len(model.actuator_names), speed=speed,
        )  # fmt: skip

    # ---- sizes and names -------------------------------------------------------------------------------------------

    @property
    def n_envs(self) -> int:
        """Number of bodies."""
        return self.physics.n_envs

    @property
    def demanded(self) -> tuple[str, ...]:
        """Coordinates whose moments are demanded."""
        return self.recruitment.demanded

    @property
    def joint_columns(self) -> Index:
        """Their columns among the coordinates, shape (n_demanded,)."""
        return self.columns.joints

    @property
    def n_human_actions(self) -> int:
        """Length of the human's action; the last entry changes the step rate."""
        if self.recruitment.config.scheme == "recruitment":
            return len(self.demanded) + 1
        return self.recruitment.n_muscles + 1

    @property
    def n_device_actions(self) -> int:
        """Length of the device's action, 0 without a device."""
        return 0 if self.exoskeleton is None else self.exoskeleton.n_actuators

    @property
    def human_action_names(self) -> tuple[str, ...]:
        """Name of every entry of the human's action."""
        if self.recruitment.config.scheme == "recruitment":
            return (*(f"moment {name}" for name in self.demanded), "step rate")
        return (*(f"excitation {name}" for name in self.physics.model.muscle_names), "step rate")

    # ---- state -----------------------------------------------------------------------------------------------------

    @property
    def q(self) -> Array:
        """Coordinates, shape (batch, n_coordinates), rad or m."""
        return self.physics.q

    @property
    def u(self) -> Array:
        """Speeds, shape (batch, n_coordinates), rad/s or m/s."""
        return self.physics.u

    @property
    def activation(self) -> Array:
        """Muscle activations, shape (batch, n_muscles)."""
        return self.physics.activation

    @property
    def strength(self) -> Array:
        """Strength of every muscle as a fraction of the healthy one, shape (batch, n_muscles)."""
        return self.physics.strength

    @property
    def body_mass(self) -> Array:
        """Mass of each body with what it wears, shape (batch,), kg."""
        return self.physics.body_mass

    @property
    def phase(self) -> Array:
        """Share of the stride since right heel strike, shape (batch,)."""
        return self.state.phase

    @property
    def speed(self) -> Array:
        """Commanded walking speed, shape (batch,), m/s."""
        return self.state.speed

    @property
    def pace(self) -> Array:
        """Speed aimed for at the moment, shape (batch,), m/s."""
        return self.state.pace

    @property
    def time(self) -> Array:
        """Since the start of the episode, shape (batch,), s."""
        return self.state.time

    @property
    def fallen(self) -> Flags:
        """Whether the body fell in the last control step, shape (batch,)."""
        return self.state.fallen

    @property
    def q_reference(self) -> Array:
        """Coordinates of the reference now, shape (batch, n_coordinates), rad or m."""
        return self.state.q_reference

    @property
    def controls(self) -> Array:
        """Excitations, then actuator controls, shape (batch, n_muscles + n_actuators)."""
        return self.state.controls

    @property
    def metabolic_power(self) -> Array:
        """Of all muscles at the end of the control step, without the basal rate, shape (batch,), W."""
        return self.state.metabolic_power

    @property
    def next_push(self) -> Array:
        """When the next push begins, shape (batch,), s."""
        return self.state.next_push

    def view(self) -> View:
        """What rewards and observation look at, as it is now."""
        physics, state, device = self.physics, self.state, self.exoskeleton
        return View(
            columns=self.columns,
            body_mass=physics.body_mass,
            person_mass=self.person_mass,
            strength=physics.strength,
            worn=physics.device_worn,
            powered=np.zeros(self.n_envs) if device is None else device.powered,
            phase=state.phase,
            speed=state.speed,
            pace=state.pace,
            mean_speed=state.mean_speed,
            q=physics.q,
            u=physics.u,
            q_reference=state.q_reference,
            u_reference=state.u_reference,
            q_aim=state.q_aim,
            feet=in_pelvis_axes(physics.feet, physics.q, self.columns),
            feet_reference=state.feet_reference,
            fallen=state.fallen,
            activation=physics.activation,
            muscle_moment=state.muscle_moment,
            metabolic_power=state.metabolic_power,
            foot_load=physics.foot_force[:, :, 1],
            previous_foot_load=state.previous_foot_load,
            torque_per_kg=np.zeros((self.n_envs, 0)) if device is None else device.torque_per_kg,
            human_action=state.human_action,
            previous_human_action=state.previous_human_action,
            device_action=state.device_action,
            previous_device_action=state.previous_device_action,
            standards=self.standards,
        )

    # ---- what they wear, and what a checkpoint holds of them -------------------------------------------------------

    def dress(self, index: Index, condition: str) -> None:
        """Put some bodies into a device condition.

        Args:
            index: Which bodies.
            condition: ``none`` takes the device off, ``unpowered`` leaves its mass only, ``powered`` turns it on.

        Raises:
            UnknownNameError: No such condition.
            InputError: There is no device to wear.
        """
        if condition not in CONDITIONS:
            raise UnknownNameError("device condition", condition, CONDITIONS)
        if self.exoskeleton is None:
            if condition != "none":
                raise InputError("device condition", condition, "a world without a device knows only none")
            return
        self.physics.wear(index, condition != "none", self.exoskeleton.device)
        self.exoskeleton.powered[index] = float(condition == "powered")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that the next control step depends on, but the random generator."""
        content = self.state.arrays()
        content |= {f"physics/{name}": array for name, array in self.physics.arrays().items()}
        content["strength"] = self.strength.copy()
        content["strategy"] = self.strategy.numbers.copy()
        if self.exoskeleton is not None:
            content["device/worn"] = self.physics.device_worn.copy()
            for name in DEVICE_ARRAYS:
                content[f"device/{name}"] = getattr(self.exoskeleton, name).copy()
        return content

    def load_arrays(self, content: dict[str, NDArray[Any]]) -> None:
        """Restore what :meth:`arrays` returned."""
        self.state.load_arrays(content)
        self.physics.load_arrays(
            {k.removeprefix("physics/"): v for k, v in content.items() if k.startswith("physics/")}
        )
        self.strength[:] = content["strength"]
        if "strategy" in content:  # not in checkpoints from before there were any
            self.strategy.numbers[:] = content["strategy"]
        if self.exoskeleton is not None:
            for worn in (0.0, 1.0):
                where = np.flatnonzero(content["device/worn"] == worn)
                if len(where):
                    self.physics.wear(where, bool(worn), self.exoskeleton.device)
            for name in DEVICE_ARRAYS:
                getattr(self.exoskeleton, name)[:] = content[f"device/{name}"]
