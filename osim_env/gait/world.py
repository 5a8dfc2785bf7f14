"""The simulated world: bodies, devices, reference and rewards of a batch of environments.

:class:`GaitWorld` is what the Gymnasium environment (a batch of one), the vectorised environment and the training
loop share. One control step (:meth:`GaitWorld.step`): the human's action becomes excitations and the device's action
torque (every 10 ms), physics advances, then rewards, ends of episodes and, in training, resets. The world keeps the
arrays and the order; what is done with them are functions of arrays in :mod:`exogait.osim_env.gait.step`.

No force acts on the bodies but muscles, contact, joint limits and springs, the trunk actuators of the model card, and
the device. A pelvis spring may hold a body early in training; it is refused in evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import SIDE_WORDS, side_of
from exogait.models.device import Device

from ..device.exoskeleton import TICK
from ..device.mirror import ODD_COORDINATES, mirror_map, mirrored_name
from ..engine.threads import refuse_after_fork
from .bodies import Bodies
from .config import Transition, WorldConfig
from .grounding import ground_reference
from .muscle_command import DAMPING_SHARE, stem
from .physics import Physics
from .population import CONDITIONS, BodySource, Population
from .reference import ModelReference, ReferenceMotion
from .step import command, ends
from .step.disturbance import renew_pushes
from .step.observation import Block, Sensor, device_table, human_table, names_of, observe
from .step.rewards import device_terms, evaluate, human_terms, without_the_dead
from .strategy import Strategies
from .view import Array, Index, Mirror, Standards, in_pelvis_axes, mirrored

BELT_REACH = 0.15
"""Ground lost or gained on a treadmill beyond which a body aims no harder to win it back, m."""

SPEED_MEMORY = 1.0
"""Time constant of the running mean of forward speed, about a stride, s."""

REST = 0.02
"""Activation of every muscle before recruitment has found the start's."""


class GaitWorld(Bodies):
    """A batch of walking bodies.

    Attributes:
        config: Settings; change them with :meth:`set_config`.
        reference: The reference, set on the floor.
        observation_table: What the human policy sees: names, numbers and mirror images.
        action_mirror: What the human's action looks like with left and right exchanged: index and sign of each entry.
        strategies: Where drawn bodies take what they aim for from at a reset; without, it stays as it is.
        rng: Draws starts, bodies and pushes.
        on_tick: Called after every 10 ms.
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
        super().__init__(physics, config.muscles, device, float(np.mean(config.speeds)))
        self.config, self.auto_reset = config, auto_reset
        self.rng = np.random.default_rng(seed)
        self.reference = ground_reference(physics.model, reference)
        self._aimed = ModelReference.of(self.reference, self.coordinate_names, self.demanded)
        self._source = None if population is None else BodySource(population, tuple(physics.model.muscle_names))
        if population is not None and device is not None:
            for k, condition in enumerate(CONDITIONS):
                self.dress(np.flatnonzero(population.conditions_of(self.n_envs) == k), condition)
        self.strategies: Strategies | None = None
        self.on_tick: Callable[[], None] | None = None
        self._prepare_tables()
        self._set_terms(config)
        self.reset(np.arange(self.n_envs))

    def __getstate__(self) -> dict[str, Any]:
        """What pickle and ``copy.deepcopy`` keep: all but the tables of functions, some of which lead to this world."""
        return {name: value for name, value in vars(self).items() if name not in ("observation_table", "_sensors")}

    def __setstate__(self, content: dict[str, Any]) -> None:
        vars(self).update(content)
        self._prepare_tables()

    def _prepare_tables(self) -> None:
        """Tables of what the agents see, and what actions look like with left and right exchanged."""
        muscles, device = self.physics.model.muscle_names, None
        sided = self.demanded if self.config.muscles.scheme == "recruitment" else muscles
        index, sign = mirror_map(sided, ODD_COORDINATES)
        self.action_mirror = (np.append(index, len(sided)), np.append(sign, 1.0))
        drive_mirror: Mirror | None = None
        self._sensors: dict[str, Sensor] = {}
        self._drive_columns = np.zeros(0, np.int64)
        if self.exoskeleton is not None:
            device = self.exoskeleton.device
            self._drive_columns = np.array([self.demanded.index(name) for name in device.coordinates])
            self._sensors = device_table(
                self.exoskeleton.signal_names, self.column, device.actuator_names, self.physics.inertial_signal
            )
            if {mirrored_name(name) for name in device.coordinates} == set(device.coordinates):
                drive_mirror = mirror_map(device.coordinates, ODD_COORDINATES)
        self.observation_table: tuple[Block, ...] = human_table(
            self.demanded, self.human_action_names, muscles, None if device is None else device.coordinates,
            drive_mirror,
        )  # fmt: skip

    # ---- sizes and names -------------------------------------------------------------------------------------------

    @property
    def human_observation_names(self) -> tuple[str, ...]:
        """Name of every entry of the human's observation; "near" is the side whose half stride it is."""
        return names_of(self.observation_table)

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

    # ---- the start of an episode -----------------------------------------------------------------------------------

    def reset(self, index: Index, *, phase: Array | None = None, speed: Array | None = None) -> None:
        """Put some environments on the reference motion.

        Args:
            index: Environments to reset.
            phase: Where in the stride, shape (len(index),); random without.
            speed: Walking speeds, shape (len(index),), m/s; drawn from the configured range without.

        Raises:
            InputError: A speed is outside the reference's range.
        """
        refuse_after_fork()
        if speed is not None:
            self.reference.check_speed(speed)
        n, state = len(index), self.state
        if n == 0:
            return
        state.phase[index] = self.rng.random(n) if phase is None else phase
        state.speed[index] = self.rng.uniform(*self.config.speeds, n) if speed is None else speed
        state.pace[index] = state.mean_speed[index] = state.speed[index]
        if self._source is not None:
            self.strength[index] = 1.0 - self.config.weakness * (1.0 - self._source.draw(n, self.rng))
        if self.strategies is not None:
            for body in index:
                self.strategy.numbers[body] = self._found(body, self.strategies)
        self._place(index)
        state.clear(index)
        state.next_push[index] = self.rng.uniform(0.5, 1.0, n) * self.config.push_interval
        self._update_reference(index)
        if self.exoskeleton is not None:
            self.exoskeleton.reset(index)
            self._sense(index)

    def _place(self, index: Index) -> None:
        """Put some bodies into the reference's state, with noise, and their muscles at work."""
        state, joints, n = self.state, self.columns.joints, len(index)
        q, u = self._aimed.state(state.phase[index], state.speed[index])
        noise = self.config.reset_noise
        q[:, joints] += noise * self.rng.standard_normal((n, len(joints)))
        u[:, joints] += 5 * noise * self.rng.standard_normal((n, len(joints)))
        q[:, self.columns.tx] = 0.0
        self.physics.set_state(index, q, u, np.full((n, self.recruitment.n_muscles), REST))
        # Muscles start with what static optimization gives for the reference moments, as if the gait had been going on.
        demand = self._aimed.moments(state.phase[index], state.speed[index], self.body_mass[index])
        start = np.zeros((n, len(self.demanded)))
        activation, _ = self.recruitment.solve(*self.physics.muscles(index), demand, start)
        state.multiplier[index], state.muscle_moment[index] = start, demand
        self.physics.set_state(index, q, u, activation)

    def _found(self, body: int, strategies: Strategies) -> Array:
        """Strategy of one body in the condition that it is in."""
        worn = bool(self.physics.device_worn[body]) and self.exoskeleton is not None
        on = worn and self.exoskeleton is not None and bool(self.exoskeleton.powered[body])
        weakest = int(np.argmin(self.strength[body]))
        strength = 100.0 * float(self.strength[body, weakest])
        weak = side_of(self.physics.model.muscle_names[weakest]) if strength < 100.0 else None
        return strategies.at(CONDITIONS[worn + on], strength, None if weak is None else SIDE_WORDS[weak])

    def _update_reference(self, index: Index | slice = slice(None)) -> None:
        """Reference state and feet at the present phase and speed."""
        state, tx = self.state, self.columns.tx
        q, u = self._aimed.state(state.phase[index], state.pace[index])
        q[:, tx] = self.q[index, tx]
        state.q_reference[index], state.u_reference[index] = q, u
        frequency = self.reference.frequency(state.pace[index])
        state.q_aim[index] = q + self.strategy.offsets(state.phase[index], frequency, index)[0]
        state.feet_reference[index] = in_pelvis_axes(self.physics.feet_at(q), q, self.columns)

    # ---- one control step ------------------------------------------------------------------------------------------

    def step(self, human_action: Array, device_action: Array | None = None) -> Transition:
        """Advance every environment by one control step.

        Args:
            human_action: Shape (batch, n_human_actions), in [-1, 1].
            device_action: Shape (batch, n_device_actions), in [-1, 1]; zeros without.

        Raises:
            ValueError: An action has the wrong shape, or that of a body that has not fallen is not finite.
        """
        refuse_after_fork()
        if device_action is None:
            device_action = np.zeros((self.n_envs, self.n_device_actions))
        checked, fallen = command.checked_action, self.state.fallen
        self.state.take_actions(
            checked("human action", human_action, (self.n_envs, self.n_human_actions), fallen),
            checked("device action", device_action, (self.n_envs, self.n_device_actions), fallen),
        )
        self._push()
        self._move()
        self._take_stock()
        self._update_reference()
        transition = self._judge()
        if self.auto_reset:
            self.reset(np.flatnonzero(transition.terminated | transition.truncated))
        return transition

    def _push(self) -> None:
        """Start and end random pushes."""
        config, state = self.config, self.state
        renew_pushes(
            state.push, state.next_push, state.time, self.rng,
            force=config.push_force, interval=config.push_interval, duration=config.push_duration,
        )  # fmt: skip

    def _move(self) -> None:
        """Advance phase, device, muscles and bodies by the ticks of a control step."""
        state, muscles = self.state, self.config.muscles
        action = mirrored(state.human_action, self.action_mirror, state.phase >= 0.5)
        faster = np.clip(action[:, -1] + self.strategy.step_rate(state.phase), -1.0, 1.0)
        rate = self.reference.frequency(state.pace) * (1.0 + muscles.phase_rate * faster)
        state.previous_foot_load[:] = self.physics.foot_force[:, :, 1]
        for _ in range(round(self.config.control_step / TICK)):
            state.phase = (state.phase + rate * TICK) % 1.0
            torque = None if self.exoskeleton is None else self.exoskeleton.tick(state.device_action)
            self._excite(action[:, :-1], torque)
            if self.exoskeleton is not None and torque is not None:
                columns = self.recruitment.n_muscles + self.exoskeleton.columns
                state.controls[:, columns] = torque / self.physics.optimal_force[self.exoskeleton.columns]
            self.physics.advance(state.controls, TICK, self.config.integration_step, state.push)
            if self.on_tick is not None:
                self.on_tick()

    def _excite(self, action: Array, device_torque: Array | None) -> None:
        """Write muscle excitations and trunk controls for the next tick, given the device's torque (N m)."""
        config, state, physics, n = self.config.muscles, self.state, self.physics, self.recruitment.n_muscles
        arms, gain, passive = physics.muscles()
        phase = (state.phase + config.anticipation * self.reference.frequency(state.pace)) % 1.0
        demand = config.feedforward * self._aimed.moments(phase, state.pace, self.body_mass)
        state.muscle_moment = command.muscle_moments(arms, physics.muscle_forces(gain, passive), self.columns.joints)
        if config.scheme == "recruitment":
            self._add_feedback(demand, action)
            if device_torque is not None:
                demand[:, self._drive_columns] -= config.device_share * device_torque
        activation, trunk = self.recruitment.solve(arms, gain, passive, demand, state.multiplier)
        if config.scheme == "excitation":
            activation = activation + config.excitation_amplitude * action
        state.controls[:, :n] = np.clip(activation, config.min_excitation, 1.0)
        for k, name in enumerate(self.recruitment.trunk):
            state.controls[:, n + physics.model.actuator_names.index(name)] = trunk[:, k]

    def would_excite(self, action: Array) -> Array:
        """Excitations that an action stands for in the present state, without moving, shape (batch, n_muscles).

        For a state that was written into ``physics`` and ``state`` from outside; see :meth:`observe_anew`.

        Args:
            action: Shape (batch, n_human_actions), of the right and left leg and not of the near and far one.
        """
        self._excite(action[:, :-1], None)
        return self.state.controls[:, : self.recruitment.n_muscles].copy()

    def observe_anew(self) -> Array:
        """Human observation after the state was written from outside: the reference follows its phase and pace."""
        self._update_reference()
        return self.human_observation()

    def _add_feedback(self, demand: Array, action: Array) -> None:
        """Add balance, swing lift, feedback on what the body aims for, and the action to the demand (N m)."""
        gains, state, columns, mass = self.config.muscles.balance, self.state, self.columns, self.body_mass
        q, u = self._aimed.state(state.phase, state.pace)
        more_q, more_u = self.strategy.offsets(state.phase, self.reference.frequency(state.pace))
        q, u = q + more_q, u + more_u
        q_off, u_off = self.q - q, self.u - u
        feet = in_pelvis_axes(self.physics.feet, self.q, columns)
        stance = command.stance_share(self.physics.foot_force[:, :, 1], mass, gains.stance_load)
        stance_hips = command.stance_hip_moments(
            q_off, u_off, stance, mass, columns,
            trunk=gains.trunk, trunk_rate=gains.trunk_rate, turn=gains.turn, turn_rate=gains.turn_rate,
        )  # fmt: skip
        swing_hips = command.swing_hip_targets(
            self.q, u_off, feet, state.feet_reference, stance, columns,
            step=gains.step, place=gains.place, side_step=gains.side_step, side_place=gains.side_place,
            path=gains.path,
        )  # fmt: skip
        lift = np.array([gains.lift_hip, -gains.lift_knee, gains.lift_ankle])
        command.add_feedback(
            demand, (q - self.q)[:, columns.joints], (u - self.u)[:, columns.joints], stance_hips, swing_hips,
            command.swing_lift(state.phase, lift, middle=gains.lift_middle, width=gains.lift_width), columns,
            self.recruitment.stiffness, DAMPING_SHARE, mass[:, None] * self.recruitment.amplitude_per_kg, action,
        )  # fmt: skip

    def _take_stock(self) -> None:
        """Power of the muscles, time, and the speeds walked and aimed for."""
        state, config, tx = self.state, self.config, self.columns.tx
        if self._needs_power:
            state.metabolic_power = self.physics.metabolic_power(state.controls[:, : self.recruitment.n_muscles])
        state.time += config.control_step
        state.mean_speed = state.mean_speed + config.control_step / SPEED_MEMORY * (self.u[:, tx] - state.mean_speed)
        if config.treadmill:
            lost = state.speed * state.time - self.q[:, tx]
            state.pace = command.pace_on_belt(
                state.speed, lost, config.treadmill, BELT_REACH, *self.reference.speed_range
            )

    def _judge(self) -> Transition:
        """Falls, rewards, senses, and ends of episodes."""
        config, state, columns = self.config, self.state, self.columns
        height, nominal = self.q[:, columns.ty], state.q_reference[:, columns.ty]
        if self.exoskeleton is not None:
            self._sense()
        final_human, final_device = self.human_observation(), self.device_observation()
        # A body that cannot be seen cannot be commanded: its episode ends here, and no other's with it.
        no_human, no_device = ends.no_numbers(final_human), ends.no_numbers(final_device)
        lost = self.physics.diverged | no_human | no_device
        state.fallen = ends.fell(height, nominal, lost, self.physics.other_ground_contact())
        view = self.view()
        human_reward, terms = evaluate(view, self._human_terms)
        device_reward, device_terms = evaluate(view, self._device_terms)
        terminated = state.fallen.copy()
        if config.early_termination:
            terminated |= ends.off_the_reference(
                height, nominal, self.q[:, columns.pelvis_rotations[:2]],
                (self.q - state.q_reference)[:, columns.joints],
                early_height=config.early_height, early_trunk=config.early_trunk, early_pose=config.early_pose,
            )  # fmt: skip
        truncated = ends.out_of_time(state.time, config.episode) & ~terminated
        final_human[no_human] = 0.0
        final_device[no_device] = 0.0
        return Transition(
            without_the_dead(human_reward, lost), without_the_dead(device_reward, lost), terminated, truncated,
            final_human, final_device, {**terms, **device_terms},
        )  # fmt: skip

    # ---- what the two agents see -----------------------------------------------------------------------------------

    def human_observation(self) -> Array:
        """Observation of the human policy in the frame of the near leg, shape (batch, n_human_observations)."""
        return observe(self.observation_table, self.view())

    def device_observation(self) -> Array:
        """What the device senses, shape (batch, n_device_observations); empty without a device."""
        if self.exoskeleton is None:
            return np.zeros((self.n_envs, 0))
        return self.exoskeleton.observation().copy()

    def _sense(self, index: Index | None = None) -> None:
        """Let the device take a sample of every signal; see :meth:`Exoskeleton.sense`."""
        assert self.exoskeleton is not None
        self.physics.sense_bodies(self.config.control_step)
        view = self.view()
        self.exoskeleton.sense({channel: read(view) for channel, read in self._sensors.items()}, index)

    # ---- for training ----------------------------------------------------------------------------------------------

    def set_config(self, config: WorldConfig) -> None:
        """Change the settings between two control steps (a stage of a curriculum)."""
        if config == self.config:
            return
        self.config = config
        self._set_terms(config)

    def _set_terms(self, config: WorldConfig) -> None:
        """Reward terms with their weights, and what bodies are judged by."""
        self._human_terms = human_terms(config.human_weights, config.imitation_weight)
        self._device_terms = {} if self.exoskeleton is None else device_terms(config.device_weights)
        self._needs_power = self.exoskeleton is not None or "metabolic_power" in self._human_terms
        model, joints = self.physics.model, self.columns.joints
        sagittal = np.array([stem(name) in ("hip_flexion", "knee_angle", "ankle_angle") for name in self.demanded])
        weights = np.where(sagittal, config.pose_emphasis, 1.0)
        volume = np.asarray(model.max_isometric_force) * np.asarray(model.optimal_fiber_length)
        lower, upper = (np.asarray(bound)[joints] for bound in self.physics.anatomical_limits)
        self.standards = Standards(
            lower, upper, volume / volume.sum(), weights / weights.mean(), config.pose_sigma, config.imitation_dead_zone
        )

    def load_arrays(self, content: dict[str, NDArray[Any]]) -> None:
        """Restore what :meth:`arrays` returned."""
        super().load_arrays(content)
        self._update_reference()
