"""What is known of every body between two control steps, beside its mechanical state: one array a quantity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..view import Array, Flags, Index

SAVED = (
    "phase", "speed", "pace", "mean_speed",
    "time", "fallen", "human_action", "previous_human_action", "device_action",
    "previous_device_action", "metabolic_power", "push", "next_push", "muscle_moment", "multiplier",
)  # fmt: skip
"""What a checkpoint holds; everything else follows from it before it is read."""

CLEARED = (
    "time", "fallen", "human_action", "previous_human_action", "device_action", "previous_device_action",
    "metabolic_power", "push",
)  # fmt: skip
"""What is zero at the start of an episode."""


@dataclass
class BodyState:
    """The bodies of a batch.

    Attributes:
        phase: Share of the stride since right heel strike, shape (batch,).
        speed: Commanded walking speed, shape (batch,), m/s.
        pace: Speed aimed for at the moment, shape (batch,), m/s: the commanded one, but for ground to win back on a
            treadmill.
        mean_speed: Running mean of the forward speed, shape (batch,), m/s.
        time: Since the start of the episode, shape (batch,), s.
        fallen: Whether the body fell in the last control step, shape (batch,).
        human_action: Shape (batch, n_human_actions), in [-1, 1].
        previous_human_action: That of one control step ago.
        device_action: Shape (batch, n_device_actions), in [-1, 1].
        previous_device_action: That of one control step ago.
        metabolic_power: Of all muscles, without the basal rate, shape (batch,), W.
        push: Force at the pelvis, shape (batch, 3), N.
        next_push: When the next push begins, shape (batch,), s.
        muscle_moment: Moments of the muscles about the demanded coordinates, shape (batch, n_demanded), N m.
        multiplier: Where the recruitment solver starts, shape (batch, n_demanded).
        previous_foot_load: Vertical ground reaction of right and left foot one control step ago, shape (batch, 2), N.
        q_reference: Coordinates of the reference at this phase and pace, shape (batch, n_coordinates).
        u_reference: Its speeds, same shape.
        q_aim: Coordinates that the body aims for, same shape.
        feet_reference: Heel and toe frames of the reference relative to the pelvis, shape (batch, 4, 3), m.
        controls: Excitations, then actuator controls, shape (batch, n_muscles + n_actuators).
    """

    phase: Array
    speed: Array
    pace: Array
    mean_speed: Array
    time: Array
    fallen: Flags
    human_action: Array
    previous_human_action: Array
    device_action: Array
    previous_device_action: Array
    metabolic_power: Array
    push: Array
    next_push: Array
    muscle_moment: Array
    multiplier: Array
    previous_foot_load: Array
    q_reference: Array
    u_reference: Array
    q_aim: Array
    feet_reference: Array
    controls: Array

    @classmethod
    def allocate(
        cls, n: int, *, n_human_actions: int, n_device_actions: int, n_coordinates: int, n_demanded: int,
        n_controls: int, speed: float,
    ) -> BodyState:  # fmt: skip
        """Arrays of zeros for ``n`` bodies that are to walk at ``speed`` (m/s)."""
        zeros = lambda *shape: np.zeros((n, *shape))  # noqa: E731
        return cls(
            phase=zeros(), speed=np.full(n, speed), pace=np.full(n, speed), mean_speed=np.full(n, speed),
            time=zeros(), fallen=np.zeros(n, bool),
            human_action=zeros(n_human_actions), previous_human_action=zeros(n_human_actions),
            device_action=zeros(n_device_actions), previous_device_action=zeros(n_device_actions),
            metabolic_power=zeros(), push=zeros(3), next_push=zeros(),
            muscle_moment=zeros(n_demanded), multiplier=zeros(n_demanded), previous_foot_load=zeros(2),
            q_reference=zeros(n_coordinates), u_reference=zeros(n_coordinates), q_aim=zeros(n_coordinates),
            feet_reference=zeros(4, 3), controls=zeros(n_controls),
        )  # fmt: skip

    def clear(self, index: Index) -> None:
        """Forget the last episode of some bodies."""
        for name in CLEARED:
            getattr(self, name)[index] = 0

    def take_actions(self, human: Array, device: Array) -> None:
        """The actions of this control step; those of the last become the previous ones."""
        self.previous_human_action, self.human_action = self.human_action, np.clip(human, -1.0, 1.0)
        self.previous_device_action, self.device_action = self.device_action, np.clip(device, -1.0, 1.0)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of what a checkpoint holds."""
        return {name: np.array(getattr(self, name)) for name in SAVED}

    def load_arrays(self, content: Mapping[str, NDArray[Any]]) -> None:
        """Restore what :meth:`arrays` returned."""
        for name in SAVED:
            setattr(self, name, content[name].copy())
