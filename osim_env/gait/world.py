"""The simulated world: bodies, devices, reference and rewards of a batch of environments.

:class:`GaitWorld` is what the Gymnasium environment (a batch of one), the vectorised environment and the training
loop share. One control step: the human's action becomes excitations and the device's action torque (every 10 ms),
physics advances, then rewards, ends of episodes and, in training, resets.

No force acts on the bodies but muscles, contact, joint limits and springs, the trunk actuators of the model card, and
the device. A pelvis spring may hold a body early in training; it is refused in evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import InputError, UnknownNameError
from exogait.models.deficit import muscle_groups
from exogait.models.device import Device

from ..device.exoskeleton import TICK, Exoskeleton
from ..device.mirror import ODD_COORDINATES, mirror_map, mirrored_name
from .config import Transition, WorldConfig
from .muscle_command import DAMPING_SHARE, Recruitment, stem
from .physics import Physics
from .population import CONDITIONS, BodySource, Population
from .reference import ReferenceMotion
from .rewards import DEVICE_TERMS, HUMAN_TERMS, IMITATION, Term, evaluate
from .strategy import Strategies, Strategy
from .view import STRENGTH_GROUPS, Array, Index, mirrored

BELT_REACH = 0.15
"""Ground lost or gained on a treadmill beyond which a body aims no harder to win it back, m."""

SPEED_MEMORY = 1.0
"""Time constant of the running mean of forward speed, about a stride, s."""

FALL_HEIGHT = 0.7
"""Pelvis height below this share of the reference counts as a fall."""


class GaitWorld:
    """A batch of walking bodies.

    Attributes:
        q, u: Coordinates and speeds, shape (batch, n_coordinates).
        person_mass: Mass of each body without what it wears, shape (batch,), kg.
        strength: Strength of every muscle as a fraction of the healthy one, shape (batch, n_muscles).
        phase: Share of the stride since right heel strike, shape (batch,).
        speed: Commanded walking speed, shape (batch,), m/s.
        pace: Speed aimed for at the moment: the commanded one, but for ground to win back on a treadmill.
        mean_speed: Running mean of the forward speed, shape (batch,), m/s.
        strategy: What every body aims for beside the reference.
        strategies: Where drawn bodies take that from at a reset; without, it stays as it is.
    """

    def __init__(
        self,
        physics: Physics,
        reference: ReferenceMotion,
        config: WorldConfig,
        *,
        device: Device | None = None,
        population: Population | None = None,
        seed: int = 0,
        auto_reset: bool = True,
    ) -> None:
        self.physics, self.config, self.auto_reset = physics, config, auto_reset
        self.reference = physics.ground_reference(reference)
        self.n_envs = n = physics.n_envs
        self.rng = np.random.default_rng(seed)
        model = physics.model
        names = self.coordinate_names = tuple(model.coordinate_names)
        self.column = {name: i for i, name in enumerate(names)}
        self.strength = physics.strength
        self.bodies = None if population is None else BodySource(population, tuple(model.muscle_names))
        self.recruitment = Recruitment(model, config.muscles)
        self.multiplier = np.zeros((n, len(self.recruitment.demanded)))
        self.demanded = self.recruitment.demanded
        self.joint_columns = np.array([self.column[name] for name in self.demanded])
        hips = [f"hip_{name}_{side}" for side in "rl" for name in ("flexion", "adduction", "rotation")]
        self._hip_columns = np.array([self.demanded.index(name) for name in hips])
        lifted = [f"{name}_{side}" for side in "rl" for name in ("hip_flexion", "knee_angle", "ankle_angle")]
        self._lift_columns = np.array([self.demanded.index(name) for name in lifted])
        self.pelvis_rotations = np.array([self.column[f"pelvis_{name}"] for name in ("tilt", "list", "rotation")])
        self.joint_limits = tuple(np.asarray(bound)[self.joint_columns] for bound in physics.anatomical_limits)
        self._reference_columns = np.array([reference.coordinate_names.index(name) for name in names])
        self._moment_columns = [
            reference.moment_names.index(name) if name in reference.moment_names else -1 for name in self.demanded
        ]
        gains = config.muscles.stiffness
        self.stiffness = config.muscles.stiffness_scale * np.array([gains[stem(name)] for name in self.demanded])
        self.amplitude_per_kg = config.muscles.amplitude_scale * np.array(
            [config.muscles.amplitude[stem(name)] for name in self.demanded]
        )
        volume = np.asarray(model.max_isometric_force) * np.asarray(model.optimal_fiber_length)
        self.volume_share = volume / volume.sum()
        self.exoskeleton: Exoskeleton | None = None
        self.person_mass = physics.body_mass.copy()
        if device is not None:
            self.person_mass -= device.mass
            self.exoskeleton = Exoskeleton(device, tuple(model.actuator_names), n, self.person_mass)
            self._drive_columns = np.array([self.demanded.index(name) for name in device.coordinates])
            if population is not None:
                for k, condition in enumerate(CONDITIONS):
                    self.dress(np.flatnonzero(population.conditions_of(n) == k), condition)
        self.strategy = Strategy(n, self.coordinate_names)
        self.strategies: Strategies | None = None
        self._group_columns = _group_columns(model.muscle_names)
        self.on_tick: Callable[[], None] | None = None
        self._prepare_mirror()
        self._set_terms(config)
        self._allocate(model)
        self.reset(np.arange(n))

    def _allocate(self, model: Any) -> None:
        n = self.n_envs
        self.phase = np.zeros(n)
        self.speed = np.full(n, np.mean(self.config.speeds))
        self.pace, self.mean_speed = self.speed.copy(), self.speed.copy()
        self.time = np.zeros(n)
        self.fallen = np.zeros(n, bool)
        self.human_action = np.zeros((n, self.n_human_actions))
        self.previous_human_action = np.zeros_like(self.human_action)
        self.device_action = np.zeros((n, self.n_device_actions))
        self.previous_device_action = np.zeros_like(self.device_action)
        self.metabolic_power = np.zeros(n)
        self.push = np.zeros((n, 3))
        self.previous_foot_load = np.zeros((n, 2))
        self.next_push = np.zeros(n)
        self.muscle_moment = np.zeros((n, len(self.demanded)))
        self.q_reference, self.u_reference = np.zeros_like(self.q), np.zeros_like(self.u)
        self.q_aim = np.zeros_like(self.q)
        self.feet_reference = np.zeros((n, 4, 3))
        self.controls = np.zeros((n, len(model.muscle_names) + len(model.actuator_names)))

    # ---- sizes and names -------------------------------------------------------------------------------------------

    @property
    def n_human_actions(self) -> int:
        """Length of the human's action; the last entry changes the step rate."""
        if self.config.muscles.scheme == "recruitment":
            return len(self.demanded) + 1
        return self.recruitment.n_muscles + 1

    @property
    def n_device_actions(self) -> int:
        """Length of the device's action, 0 without a device."""
        return 0 if self.exoskeleton is None else self.exoskeleton.n_actuators

    @property
    def human_action_names(self) -> tuple[str, ...]:
        """Name of every entry of the human's action."""
        if self.config.muscles.scheme == "recruitment":
            return (*(f"moment {name}" for name in self.demanded), "step rate")
        return (*(f"excitation {name}" for name in self.physics.model.muscle_names), "step rate")

    @property
    def human_observation_names(self) -> tuple[str, ...]:
        """Name of every entry of the human's observation; "near" is the side whose half stride it is."""
        near = lambda name: name.replace("_r", " near").replace("_l", " far") if name[-2:] in ("_r", "_l") else name  # noqa: E731
        joints = [near(name) for name in self.demanded]
        drives = () if self.exoskeleton is None else self.exoskeleton.device.coordinates
        return (
            *(f"{f} {k} phase" for k in (1, 2) for f in ("cos", "sin")),
            "speed command",
            "pelvis height error",
            *(f"pelvis {name}" for name in ("tilt", "list", "rotation", "sideways")),
            *(f"pelvis {name} rate" for name in ("tilt", "list", "rotation", "forward", "upward", "sideways")),
            *(f"{name} angle" for name in joints),
            *(f"{name} speed" for name in joints),
            *(f"{name} error" for name in joints),
            *(f"{name} muscle moment" for name in joints),
            *(f"previous {name}" for name in self.human_action_names),
            *(f"foot load {side}" for side in ("near", "far")),
            *(f"strength {group} {side}" for group in STRENGTH_GROUPS for side in ("near", "far")),
            *(f"device torque {near(name)}" for name in drives),
            *(f"device {state}" for state in ("worn", "powered") if self.exoskeleton is not None),
        )

    def _prepare_mirror(self) -> None:
        """Index and sign arrays that mirror actions and observations."""
        sided = self.demanded if self.config.muscles.scheme == "recruitment" else self.physics.model.muscle_names
        index, sign = mirror_map(sided, ODD_COORDINATES)
        last = len(sided)
        self._action_mirror = (np.append(index, last), np.append(sign, 1.0))
        self._joint_mirror = mirror_map(self.demanded, ODD_COORDINATES)
        self._device_mirror = self._drive_mirror = None
        if self.exoskeleton is not None:
            # A one-sided device has no mirror image; its drives stay where they are and are told apart by side.
            drives = self.exoskeleton.device.coordinates
            if {mirrored_name(name) for name in drives} == set(drives):
                self._drive_mirror = mirror_map(drives, ODD_COORDINATES)

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
    def body_mass(self) -> Array:
        """Mass of each body with what it wears, shape (batch,), kg."""
        return self.physics.body_mass

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

    @property
    def activation(self) -> Array:
        """Muscle activations, shape (batch, n_muscles)."""
        return self.physics.activation

    def _reference_state(self, phase: Array, speed: Array) -> tuple[Array, Array]:
        q, u = self.reference.evaluate(phase, speed)
        return q[:, self._reference_columns], u[:, self._reference_columns]

    def _aim(self, phase: Array, speed: Array) -> tuple[Array, Array]:
        """What the feedback law aims for: the reference, and what each body does otherwise."""
        q, u = self._reference_state(phase, speed)
        extra_q, extra_u = self.strategy.offsets(phase, self.reference.frequency(speed))
        return q + extra_q, u + extra_u

    def _reference_moments(self, phase: Array, speed: Array, index: Index | slice = slice(None)) -> Array:
        """Net joint moments of the reference, shape (batch, n_demanded), N m; zero where it has none."""
        moments = np.zeros((len(phase), len(self.demanded)))
        if self.reference.moment_names:
            known = self.reference.net_moments(phase, speed)
            for j, column in enumerate(self._moment_columns):
                if column >= 0:
                    moments[:, j] = known[:, column]
        return moments * self.body_mass[index, None]

    def feet_in_pelvis_axes(self, feet: Array, q: Array) -> Array:
        """Heel and toe frames relative to the pelvis, in ground axes, shape (n, 4, 3), m."""
        return feet - q[:, None, [self.column[f"pelvis_t{axis}"] for axis in "xyz"]]

    def reset(self, index: Index, *, phase: Array | None = None, speed: Array | None = None) -> None:
        """Put some environments on the reference motion.

        Args:
            index: Environments to reset.
            phase: Where in the stride, shape (len(index),); random without.
            speed: Walking speeds, shape (len(index),), m/s; drawn from the configured range without.

        Raises:
            InputError: A speed is outside the reference's range.
        """
        if speed is not None:
            self.reference.check_speed(speed)
        n = len(index)
        if n == 0:
            return
        self.phase[index] = self.rng.random(n) if phase is None else phase
        self.speed[index] = self.rng.uniform(*self.config.speeds, n) if speed is None else speed
        self.pace[index] = self.mean_speed[index] = self.speed[index]
        if self.bodies is not None:
            self.strength[index] = 1.0 - self.config.weakness * (1.0 - self.bodies.draw(n, self.rng))
        if self.strategies is not None:
            for body in index:
                self.strategy.numbers[body] = self._found(body, self.strategies)
        q, u = self._reference_state(self.phase[index], self.speed[index])
        noise = self.config.reset_noise
        q[:, self.joint_columns] += noise * self.rng.standard_normal((n, len(self.joint_columns)))
        u[:, self.joint_columns] += 5 * noise * self.rng.standard_normal((n, len(self.joint_columns)))
        q[:, self.column["pelvis_tx"]] = 0.0
        self.physics.set_state(index, q, u, np.full((n, self.recruitment.n_muscles), 0.02))
        # Muscles start with what static optimization gives for the reference moments, as if the gait had been going on.
        demand = self._reference_moments(self.phase[index], self.speed[index], index)
        start = np.zeros((n, len(self.demanded)))
        activation, _ = self.recruitment.solve(*self.physics.muscles(index), demand, start)
        self.multiplier[index] = start
        self.physics.set_state(index, q, u, activation)
        self.time[index] = 0.0
        self.fallen[index] = False
        for array in (self.human_action, self.previous_human_action, self.device_action, self.previous_device_action):
            array[index] = 0.0
        self.metabolic_power[index] = 0.0
        self.push[index] = 0.0
        self.next_push[index] = self.rng.uniform(0.5, 1.0, n) * self.config.push_interval
        self.muscle_moment[index] = demand
        self._update_reference(index)
        if self.exoskeleton is not None:
            self.exoskeleton.reset(index)
            self.exoskeleton.sense(self._signals(), index)

    def _found(self, body: int, strategies: Strategies) -> Array:
        """Strategy of one body in the condition that it is in."""
        worn = bool(self.physics.device_worn[body]) and self.exoskeleton is not None
        on = worn and self.exoskeleton is not None and bool(self.exoskeleton.powered[body])
        weakest = int(np.argmin(self.strength[body]))
        strength = 100.0 * float(self.strength[body, weakest])
        side = None
        if strength < 100.0:
            side = "right" if self.physics.model.muscle_names[weakest].endswith("_r") else "left"
        return strategies.at(CONDITIONS[worn + on], strength, side)

    def _update_reference(self, index: Index | slice = slice(None)) -> None:
        """Reference state and feet at the present phase and speed."""
        q, u = self._reference_state(self.phase[index], self.pace[index])
        q[:, self.column["pelvis_tx"]] = self.q[index, self.column["pelvis_tx"]]
        self.q_reference[index], self.u_reference[index] = q, u
        frequency = self.reference.frequency(self.pace[index])
        self.q_aim[index] = q + self.strategy.offsets(self.phase[index], frequency, index)[0]
        self.feet_reference[index] = self.feet_in_pelvis_axes(self.physics.feet_at(q), q)

    # ---- one control step ------------------------------------------------------------------------------------------

    def step(self, human_action: Array, device_action: Array | None = None) -> Transition:
        """Advance every environment by one control step.

        Args:
            human_action: Shape (batch, n_human_actions), in [-1, 1].
            device_action: Shape (batch, n_device_actions), in [-1, 1]; zeros without.

        Raises:
            ValueError: An action has the wrong shape or is not finite.
        """
        human_action = _checked("human action", human_action, (self.n_envs, self.n_human_actions))
        if device_action is None:
            device_action = np.zeros((self.n_envs, self.n_device_actions))
        device_action = _checked("device action", device_action, (self.n_envs, self.n_device_actions))
        self.previous_human_action, self.human_action = self.human_action, np.clip(human_action, -1.0, 1.0)
        self.previous_device_action, self.device_action = self.device_action, np.clip(device_action, -1.0, 1.0)
        second_half = self.phase >= 0.5
        action = mirrored(self.human_action, self._action_mirror, second_half)
        command = self.device_action
        if self._drive_mirror is not None:
            command = mirrored(command, self._drive_mirror, np.zeros(self.n_envs, bool))
        faster = np.clip(action[:, -1] + self.strategy.step_rate(self.phase), -1.0, 1.0)
        rate = self.reference.frequency(self.pace) * (1.0 + self.config.muscles.phase_rate * faster)
        self._draw_pushes()
        self.previous_foot_load[:] = self.physics.foot_force[:, :, 1]
        for _ in range(round(self.config.control_step / TICK)):
            self.phase = (self.phase + rate * TICK) % 1.0
            torque = None if self.exoskeleton is None else self.exoskeleton.tick(command)
            self._excite(action[:, :-1], torque)
            if self.exoskeleton is not None and torque is not None:
                columns = self.recruitment.n_muscles + self.exoskeleton.columns
                self.controls[:, columns] = torque / self.physics.optimal_force[self.exoskeleton.columns]
            self.physics.advance(self.controls, TICK, self.config.integration_step, self.push)
            if self.on_tick is not None:
                self.on_tick()
        if self._needs_power:
            self.metabolic_power = self.physics.metabolic_power(self.controls[:, : self.recruitment.n_muscles])
        self.time += self.config.control_step
        forward = self.u[:, self.column["pelvis_tx"]]
        self.mean_speed = self.mean_speed + self.config.control_step / SPEED_MEMORY * (forward - self.mean_speed)
        if self.config.treadmill:
            lost = np.clip(self.speed * self.time - self.q[:, self.column["pelvis_tx"]], -BELT_REACH, BELT_REACH)
            self.pace = np.clip(self.speed + self.config.treadmill * lost, *self.reference.speed_range)
        self._update_reference()
        return self._finish()

    def _excite(self, action: Array, device_torque: Array | None) -> None:
        """Write muscle excitations and trunk controls for the next tick, given the device's torque (N m)."""
        config, n = self.config.muscles, self.recruitment.n_muscles
        arms, gain, passive = self.physics.muscles()
        phase = (self.phase + config.anticipation * self.reference.frequency(self.pace)) % 1.0
        demand = config.feedforward * self._reference_moments(phase, self.pace)
        force = self.physics.muscle_forces(gain, passive)
        self.muscle_moment = np.matmul(force[:, None, :], arms)[:, 0, self.joint_columns]
        if config.scheme == "recruitment":
            q, u = self._aim(self.phase, self.pace)
            error = (q - self.q)[:, self.joint_columns]
            stance_hips, swing_hips = self._balance(q, u)
            error[:, self._hip_columns] += swing_hips
            error[:, self._lift_columns] += self._swing_lift()
            demand[:, self._hip_columns] += stance_hips
            rate_error = (u - self.u)[:, self.joint_columns]
            demand += (
                self.stiffness * (error + DAMPING_SHARE * rate_error)
                + self.body_mass[:, None] * self.amplitude_per_kg * action
            )
            if device_torque is not None:
                demand[:, self._drive_columns] -= config.device_share * device_torque
        activation, trunk = self.recruitment.solve(arms, gain, passive, demand, self.multiplier)
        if config.scheme == "excitation":
            activation = activation + config.excitation_amplitude * action
        self.controls[:, :n] = np.clip(activation, config.min_excitation, 1.0)
        for k, name in enumerate(self.recruitment.trunk):
            self.controls[:, n + self.physics.model.actuator_names.index(name)] = trunk[:, k]

    def _balance(self, q_aim: Array, u_aim: Array) -> tuple[Array, Array]:
        """Moments of the stance hip and target angles of the swing hip that keep balance.

        Returns:
            Moments (N m) and angles (rad) of hip flexion, adduction and rotation, right then left, shape (batch, 6).
        """
        gains, column = self.config.muscles.balance, self.column
        off = {name: self.q[:, k] - q_aim[:, k] for name, k in column.items() if name.startswith("pelvis_")}
        rate = {name: self.u[:, column[name]] - u_aim[:, column[name]] for name in off}
        stance = np.clip(
            self.physics.foot_force[:, :, 1] / (gains.stance_load * 9.80665 * self.body_mass[:, None]), 0.0, 1.0
        )
        tilt, lean, turn = (
            self.body_mass * (p * off[f"pelvis_{name}"] + d * rate[f"pelvis_{name}"])
            for name, p, d in (
                ("tilt", gains.trunk, gains.trunk_rate),
                ("list", gains.trunk, gains.trunk_rate),
                ("rotation", gains.turn, gains.turn_rate),
            )
        )
        # Leaning or turning the same way asks opposite moments of the right and the left hip, tilting the same ones.
        right, left = stance[:, 0], stance[:, 1]
        moments = np.stack([tilt * right, lean * right, turn * right, tilt * left, -lean * left, -turn * left], axis=1)
        # The pelvis over each foot against the reference; a swing leg answers to the other leg's foot.
        over = self.feet_reference - self.feet_in_pelvis_axes(self.physics.feet, self.q)
        sideways_speed = rate["pelvis_tz"] + gains.path * self.q[:, column["pelvis_tz"]]
        targets = []
        for own, other, outward in ((0, 1, 1.0), (1, 0, -1.0)):
            swing, foot = 1.0 - stance[:, own], over[:, 2 * other] * stance[:, other, None]
            forward = gains.step * rate["pelvis_tx"] + gains.place * foot[:, 0]
            sideways = gains.side_step * sideways_speed + gains.side_place * foot[:, 2]
            targets += [swing * forward, -outward * swing * sideways, np.zeros(self.n_envs)]
        return moments, np.clip(np.stack(targets, axis=1), -0.4, 0.4)

    def _swing_lift(self) -> Array:
        """Extra hip flexion, knee flexion and dorsiflexion of each leg, right first, shape (batch, 6), rad."""
        gains = self.config.muscles.balance
        size = np.array([gains.lift_hip, -gains.lift_knee, gains.lift_ankle])
        parts = []
        for start in (0.0, 0.5):
            away = np.abs((self.phase - start - gains.lift_middle + 0.5) % 1.0 - 0.5) / gains.lift_width
            parts.append(np.where(away < 1.0, 0.5 + 0.5 * np.cos(np.pi * away), 0.0)[:, None] * size)
        return np.concatenate(parts, axis=1)

    def _draw_pushes(self) -> None:
        """Start and end random horizontal pushes."""
        if not self.config.push_interval:
            return
        begin = self.time >= self.next_push
        if begin.any():
            angle = self.rng.uniform(0, 2 * np.pi, self.n_envs)
            force = self.config.push_force * np.stack([np.cos(angle), np.zeros(self.n_envs), np.sin(angle)], axis=1)
            self.push[begin] = force[begin]
            self.next_push[begin] = self.time[begin] + self.config.push_interval
        over = self.time >= self.next_push - self.config.push_interval + self.config.push_duration
        self.push[over & ~begin] = 0.0

    def _finish(self) -> Transition:
        """Falls, rewards, sensors, and resets where episodes ended."""
        height = self.q[:, self.column["pelvis_ty"]]
        nominal = self.q_reference[:, self.column["pelvis_ty"]]
        self.fallen = (height < FALL_HEIGHT * nominal) | self.physics.diverged | self.physics.other_ground_contact()
        human_reward, terms = evaluate(self, self._human_terms)
        device_terms: dict[str, Array] = {}
        device_reward = np.zeros(self.n_envs)
        if self.exoskeleton is not None:
            self.exoskeleton.sense(self._signals())
            device_reward, device_terms = evaluate(self, self._device_terms)
        terminated = self.fallen.copy()
        if self.config.early_termination:
            trunk = np.abs(self.q[:, self.pelvis_rotations[:2]]).max(axis=1)
            error = np.abs((self.q - self.q_reference)[:, self.joint_columns]).mean(axis=1)
            terminated |= (height < self.config.early_height * nominal) | (trunk > self.config.early_trunk)
            terminated |= error > self.config.early_pose
        truncated = (self.time >= self.config.episode - 1e-9) & ~terminated
        final_human, final_device = self.human_observation(), self.device_observation()
        dead = terminated & ~np.isfinite(final_human).all(axis=1)
        final_human[dead] = 0.0
        final_device[~np.isfinite(final_device).all(axis=1)] = 0.0
        human_reward = np.nan_to_num(human_reward) if dead.any() else human_reward
        device_reward = np.nan_to_num(device_reward) if dead.any() else device_reward
        done = terminated | truncated
        transition = Transition(
            human_reward, device_reward, terminated, truncated, final_human, final_device, {**terms, **device_terms}
        )
        if self.auto_reset:
            self.reset(np.flatnonzero(done))
        return transition

    # ---- what the two agents see -----------------------------------------------------------------------------------

    def human_observation(self) -> Array:
        """Observation of the human policy in the frame of the near leg, shape (batch, n_human_observations)."""
        far = self.phase >= 0.5
        half = 2 * np.pi * np.where(far, self.phase - 0.5, self.phase)
        q, u, column = self.q, self.u, self.column
        odd = np.where(far, -1.0, 1.0)
        joints = self.joint_columns
        rate = u - self.u_reference
        blocks: list[Array] = [
            np.stack([np.cos(half), np.sin(half), np.cos(2 * half), np.sin(2 * half), self.pace], axis=1),
            np.stack(
                [
                    q[:, column["pelvis_ty"]] - self.q_reference[:, column["pelvis_ty"]],
                    q[:, column["pelvis_tilt"]],
                    odd * q[:, column["pelvis_list"]],
                    odd * q[:, column["pelvis_rotation"]],
                    odd * np.clip(q[:, column["pelvis_tz"]], -1.0, 1.0),
                    u[:, column["pelvis_tilt"]],
                    odd * u[:, column["pelvis_list"]],
                    odd * u[:, column["pelvis_rotation"]],
                    rate[:, column["pelvis_tx"]],
                    u[:, column["pelvis_ty"]],
                    odd * u[:, column["pelvis_tz"]],
                ],
                axis=1,
            ),
        ]
        error = (self.q_aim - q)[:, joints]
        for values in (q[:, joints], 0.1 * u[:, joints], error, self.muscle_moment / self.body_mass[:, None]):
            blocks.append(mirrored(values, self._joint_mirror, far))
        # The previous action was given in the frame of its own time, which may have been the other one.
        blocks.append(self.human_action)
        load = self.physics.foot_force[:, :, 1] / (self.body_mass[:, None] * 9.80665)
        blocks.append(np.where(far[:, None], load[:, ::-1], load))
        for right, left in self._group_columns:
            strength = np.stack([self.strength[:, right].mean(axis=1), self.strength[:, left].mean(axis=1)], axis=1)
            blocks.append(np.where(far[:, None], strength[:, ::-1], strength))
        if self.exoskeleton is not None:
            torque = self.exoskeleton.torque_per_kg
            blocks.append(torque if self._drive_mirror is None else mirrored(torque, self._drive_mirror, far))
            worn = self.physics.device_worn
            blocks.append(np.stack([worn, worn * self.exoskeleton.powered], axis=1))
        return np.concatenate(blocks, axis=1)

    def device_observation(self) -> Array:
        """What the device senses, shape (batch, n_device_observations); empty without a device."""
        if self.exoskeleton is None:
            return np.zeros((self.n_envs, 0))
        return self.exoskeleton.observation().copy()

    # ---- for training ----------------------------------------------------------------------------------------------

    _ARRAYS = (
        "phase", "speed", "pace", "mean_speed",
        "time", "fallen", "human_action", "previous_human_action", "device_action",
        "previous_device_action", "metabolic_power", "push", "next_push", "muscle_moment",
    )  # fmt: skip

    def set_config(self, config: WorldConfig) -> None:
        """Change the settings between two control steps (a stage of a curriculum)."""
        if config == self.config:
            return
        self.config = config
        self._set_terms(config)

    def _set_terms(self, config: WorldConfig) -> None:
        self._human_terms = {
            name: Term(HUMAN_TERMS[name], weight * (config.imitation_weight if name in IMITATION else 1.0))
            for name, weight in config.human_weights.items()
        }
        self._device_terms = {name: Term(DEVICE_TERMS[name], weight) for name, weight in config.device_weights.items()}
        sagittal = np.array([stem(name) in ("hip_flexion", "knee_angle", "ankle_angle") for name in self.demanded])
        weights = np.where(sagittal, config.pose_emphasis, 1.0)
        self.pose_weights = weights / weights.mean()
        self._needs_power = self.exoskeleton is not None or "metabolic_power" in self._human_terms

    def signature(self) -> dict[str, Any]:
        """What a policy has to agree with: model, observation and action layout, meaning of the action."""
        return {
            "model_coordinates": list(self.coordinate_names),
            "model_muscles": list(self.physics.model.muscle_names),
            "scheme": self.config.muscles.scheme,
            "control_step": self.config.control_step,
            "human_observations": list(self.human_observation_names),
            "human_actions": list(self.human_action_names),
            "device": None if self.exoskeleton is None else self.exoskeleton.device.name,
            "device_observations": [] if self.exoskeleton is None else list(self.exoskeleton.signal_names),
            "model_hash": self.physics.model.content_hash,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that the next control step depends on, but the random generator."""
        content = {name: np.array(getattr(self, name)) for name in self._ARRAYS}
        content |= {f"physics/{name}": array for name, array in self.physics.arrays().items()}
        content["multiplier"] = self.multiplier.copy()
        content["strength"] = self.strength.copy()
        content["strategy"] = self.strategy.numbers.copy()
        if self.exoskeleton is not None:
            content["device/worn"] = self.physics.device_worn.copy()
            for name in ("torque_per_kg", "pipeline", "history", "powered"):
                content[f"device/{name}"] = getattr(self.exoskeleton, name).copy()
        return content

    def load_arrays(self, content: dict[str, NDArray[Any]]) -> None:
        """Restore what :meth:`arrays` returned."""
        for name in self._ARRAYS:
            setattr(self, name, content[name].copy())
        self.physics.load_arrays(
            {k.removeprefix("physics/"): v for k, v in content.items() if k.startswith("physics/")}
        )
        self.multiplier[:] = content["multiplier"]
        self.strength[:] = content["strength"]
        if "strategy" in content:  # not in checkpoints from before there were any
            self.strategy.numbers[:] = content["strategy"]
        if self.exoskeleton is not None:
            for worn in (0.0, 1.0):
                where = np.flatnonzero(content["device/worn"] == worn)
                if len(where):
                    self.physics.wear(where, bool(worn), self.exoskeleton.device)
            for name in ("torque_per_kg", "pipeline", "history", "powered"):
                getattr(self.exoskeleton, name)[:] = content[f"device/{name}"]
        self._update_reference()

    def _signals(self) -> dict[str, Array]:
        """Every signal a device can sense, by channel name."""
        assert self.exoskeleton is not None
        self.physics.sense_bodies(self.config.control_step)
        signals: dict[str, Array] = {}
        for channel in self.exoskeleton.signal_names:
            source, kind, *axis = channel.split(".")
            if kind == "value":
                signals[channel] = self.q[:, self.column[source]]
            elif kind == "speed":
                signals[channel] = self.u[:, self.column[source]]
            elif kind == "applied_torque":
                which = self.exoskeleton.device.actuator_names.index(source)
                signals[channel] = self.exoskeleton.torque_per_kg[:, which]
            else:
                signals[channel] = self.physics.inertial_signal(source, kind, axis[0])
        return signals


def _group_columns(muscle_names: Sequence[str]) -> list[tuple[Index, Index]]:
    """Columns of the right and left muscles of every strength group."""
    names, groups = list(muscle_names), muscle_groups()
    found = []
    for group in STRENGTH_GROUPS:
        members = groups[group]
        sides = [[names.index(m) for m in members if m.endswith(side) and m in names] for side in ("_r", "_l")]
        found.append((np.array(sides[0], np.int64), np.array(sides[1], np.int64)))
    return found


def _checked(what: str, action: Any, shape: tuple[int, int]) -> Array:
    """A finite action of the right shape."""
    array = np.asarray(action, float)
    if array.shape != shape:
        raise ValueError(f"{what}: shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what}: entry {tuple(np.argwhere(~np.isfinite(array))[0])} is not finite")
    return array
