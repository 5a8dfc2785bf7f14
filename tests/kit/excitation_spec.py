"""The excitation world in plain numpy: what the compiled kernel has to do, to be read from top to bottom.

It takes the arrays of an :class:`~exogait.osim_env.excitation.world.ExcitationWorld`, advances copies of them by one
control step, and gives what the kernel gives. Physics is the engine's own public functions; nothing else is shared.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exogait.osim_env import engine
from exogait.osim_env.engine.curves import active_force_length
from exogait.osim_env.excitation.observation import STRENGTH_GROUPS
from exogait.osim_env.excitation.terms import TERMS
from exogait.osim_env.excitation.world import ExcitationWorld

GRAVITY = 9.80665


def actions(world: ExcitationWorld, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Commands about the present activations, some of them wild."""
    mirrored = world.activation[:, world.anatomy.muscle_mirror]
    now = np.where(world.bodies.phase[:, None] >= 0.5, mirrored, world.activation)
    z = np.log(np.expm1(10 * np.clip(now, 0.01, 1.0))) / 10
    z = z + rng.choice([0.02, 0.3], (world.n_envs, 1)) * rng.standard_normal(z.shape)
    action = np.concatenate([z, rng.uniform(-1.5, 1.5, (world.n_envs, 1))], axis=1)
    return action, rng.uniform(-1.2, 1.2, (world.n_envs, world.n_device_actions))


class Specification:
    """A copy of a world's arrays, advanced by numpy."""

    def __init__(self, world: ExcitationWorld) -> None:
        self.world, self.model = world, world.model
        for name in world.bodies._fields:
            setattr(self, name, np.array(getattr(world.bodies, name)))
        self.observation = world.results.observation.astype(float)
        self.privileged = world.results.privileged.astype(float)
        self.device_observation = world.results.device_observation.astype(float)
        self.steps = world.steps
        n, m = self.model.n_coordinates, self.model.n_muscles
        self.q, self.u = self.state[:, :n], self.state[:, n : 2 * n]
        self.activation = self.state[:, 2 * n : 2 * n + m]
        self.strength = self.parameters[:, world.columns.strength : world.columns.strength + m]
        self.push = self.parameters[:, world.columns.push : world.columns.push + 3]
        self.gravity = self.parameters[:, world.columns.gravity : world.columns.gravity + 3]
        first = self.model.layout.added_mass - self.model.layout.strength
        self.added_mass = self.parameters[:, first + 1 : first + 1 + self.model.n_bodies]
        self.column = {name: i for i, name in enumerate(self.model.coordinate_names)}

    # ---- random numbers ---------------------------------------------------------------------------------------------

    def uniform(self, i: int) -> float:
        """Next number of environment ``i`` (SplitMix64)."""
        mask = (1 << 64) - 1
        state = (int(self.random[i]) + 0x9E3779B97F4A7C15) & mask
        self.random[i] = state
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return ((z ^ (z >> 31)) >> 11) / 2.0**53

    def normal(self, i: int) -> float:
        """Next standard normal number of environment ``i``."""
        a = 1.0 - self.uniform(i)
        return float(np.sqrt(-2 * np.log(a)) * np.cos(2 * np.pi * self.uniform(i)))

    # ---- the step ---------------------------------------------------------------------------------------------------

    def step(self, action: np.ndarray, device_action: np.ndarray) -> None:
        """Advance everything by one control step."""
        self.decides = self.steps % self.world.settings.device_every == 0
        self.change_task()
        self.command_muscles(action)
        if self.world.device is not None:
            self.command_device(device_action)
        self.draw_pushes()
        self.advance()
        self.move_on()
        self.at_end = np.stack([self.time, self.u[:, self.column["pelvis_tx"]], self.speed], axis=1)
        self.end()
        if self.world.device is not None and self.decides:
            self.sense(fill=np.zeros(len(self.q), bool))
        self.judge()
        self.observation, self.device_observation = self.observe(), self.sensed()
        self.privileged = self.see_more()
        self.final_observation, self.final_privileged = self.observation.copy(), self.privileged.copy()
        if self.world.settings.auto_reset:
            self.begin_anew()
        self.steps += 1

    def change_task(self) -> None:
        """A new task where it is time for one, and the ground's approach to the grade ahead."""
        for i in np.flatnonzero(self.time >= self.next_task):
            self.draw_task(i)
        step = 0.05 * self.world.settings.control_step
        self.set_slope(self.slope + np.clip(self.slope_ahead - self.slope, -step, step))

    def set_slope(self, grade: np.ndarray) -> None:
        """Gravity turned about the sideways axis, so that the ground is uphill."""
        self.slope, angle = grade, np.arctan(grade)
        x, y, z = self.world._gravity
        self.gravity[:, 0] = x * np.cos(angle) + y * np.sin(angle)
        self.gravity[:, 1] = y * np.cos(angle) - x * np.sin(angle)
        self.gravity[:, 2] = z

    def command_muscles(self, action: np.ndarray) -> None:
        s, far = self.world.settings, self.phase >= 0.5
        mirrored = action[:, self.world.anatomy.muscle_mirror]
        z = np.where(far[:, None], mirrored, action[:, :-1])
        self.previous_excitation = self.excitation.copy()
        self.excitation = np.clip(np.logaddexp(0.0, s.squash * z) / s.squash, s.min_excitation, 1.0)
        self.rate_action = np.clip(action[:, -1], -1.0, 1.0)
        frequency = self.stride_frequency(self.pace)
        rate = np.where(self.stride_rate > 0, self.stride_rate, 1 + s.phase_rate * self.rate_action)
        self.phase = (self.phase + frequency * rate * s.control_step) % 1.0

    def command_device(self, action: np.ndarray) -> None:
        a, s = self.world.anatomy, self.world.settings
        if self.decides:
            self.previous_command, self.command = self.command, np.clip(action, -1.0, 1.0)
        share = self.command * (self.powered * self.worn)[:, None]
        wanted = np.where(share > 0, share * a.peak_positive, share * a.peak_negative)
        step = a.rate_limit * s.control_step
        self.drive_torque = self.drive_torque + np.clip(wanted - self.drive_torque, -step, step)
        self.pipeline = np.concatenate([self.pipeline[:, 1:], self.drive_torque[:, None]], axis=1)
        self.torque[:, a.drive_columns] = self.pipeline[:, 0] * self.person_mass[:, None]

    def draw_pushes(self) -> None:
        s = self.world.settings
        self.previous_foot_load = self.foot_load.copy()
        if not s.push_interval:
            return
        for i in range(len(self.q)):
            if self.time[i] >= self.next_push[i]:
                angle = 2 * np.pi * self.uniform(i)
                self.push[i, [0, 2]] = s.push_force * np.array([np.cos(angle), np.sin(angle)])
                self.next_push[i] = self.time[i] + s.push_interval
            elif self.time[i] >= self.next_push[i] - s.push_interval + s.push_duration:
                self.push[i] = 0.0

    def advance(self) -> None:
        """The engine's own step, with the device's torques as controls."""
        s, model, world = self.world.settings, self.model, self.world
        state = engine.State.create(model, len(self.q))
        state.q[:], state.u[:], state.activation[:] = self.q, self.u, self.activation
        state.tendon_force[:] = self.state[:, world.columns.tendon : world.columns.tendon + model.n_muscles]
        state.actuator_activation[:] = 0.0
        state.status[:] = self.status
        parameters = engine.Parameters(
            muscle_strength=self.strength,
            push=self.push,
            gravity=self.gravity,
            added_mass=self.added_mass,
            added_mass_location=world.parts[0].location[1:],
        )
        controls = np.concatenate([self.excitation, self.torque / model.actuators.optimal_force], axis=1)
        engine.step(
            model, state, controls, s.control_step, s.integration_step, parameters, record=True,
            speed_limit=s.speed_limit,
        )  # fmt: skip
        self.q[:], self.u[:], self.activation[:] = state.q, state.u, state.activation
        self.status = state.status.copy()
        record = state.record
        self.fiber_length = record.normalized_fiber_length.copy()
        self.fiber_velocity = record.normalized_fiber_velocity.copy()
        self.tendon_force = record.tendon_force / (self.strength * model.max_isometric_force)
        feet = [model.index("foot", side) for side in "rl"]
        self.foot_load = record.mean_foot_force[:, feet, 1] / (GRAVITY * self.body_mass[:, None])
        self.body_position, self.body_rotation = record.body_position.copy(), record.body_rotation.copy()
        self.body_velocity, self.body_turning = record.body_velocity.copy(), record.body_angular_velocity.copy()
        self.record, self.power = record, self.metabolic_power(record)

    def metabolic_power(self, record: Any) -> np.ndarray:
        """Umberger 2010 over the mean fibre state, with and without credit for eccentric work, W/kg."""
        a, model = self.world.anatomy, self.model
        excitation, activation = self.excitation, record.mean_activation
        length, v = record.mean_normalized_fiber_length, record.mean_normalized_fiber_velocity
        shape = active_force_length(model, length)
        scaling = np.where(excitation > activation, excitation, 0.5 * (excitation + activation))
        slow = a.slow_ratio * np.sin(0.5 * np.pi * excitation)
        slow = slow / (slow + (1 - a.slow_ratio) * (1 - np.cos(0.5 * np.pi * excitation)))
        heat = 1.5 * scaling**0.6 * (128 * (1 - slow) + 25) * np.where(length > 1, 0.4 + 0.6 * shape, 1)
        contracting = scaling**2 * (np.minimum(-250 * v, 100) * slow - 153 * v * (1 - slow))
        shortening = 1.5 * np.where(v <= 0, contracting, scaling * 1000 * v) * np.where(length > 1, shape, 1)
        work = -np.maximum(record.mean_active_fiber_force, 0) * v * a.fastest / a.muscle_mass
        credited = np.maximum(heat + shortening + work, 0)
        uncredited = heat + shortening + np.maximum(work, 0)
        watts = np.stack([credited @ a.muscle_mass, uncredited @ a.muscle_mass], axis=1)
        return watts / self.person_mass[:, None]

    def move_on(self) -> None:
        s, motion = self.world.settings, self.world.motion
        self.time = self.time + s.control_step
        self.distance = self.distance + self.speed * s.control_step
        forward = self.u[:, self.column["pelvis_tx"]]
        self.mean_speed = self.mean_speed + s.control_step * (forward - self.mean_speed)
        if s.treadmill:
            lost = np.clip(self.distance - self.q[:, self.column["pelvis_tx"]], -0.15, 0.15)
            self.pace = np.clip(self.speed + s.treadmill * lost, motion.slowest, motion.fastest)
        self.q_reference, self.u_reference = self.reference(self.phase, self.pace)
        self.q_reference[:, self.column["pelvis_tx"]] = self.q[:, self.column["pelvis_tx"]]

    def reference(self, phase: np.ndarray, speed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        motion = self.world.motion
        harmonics = np.arange(1, (motion.coefficients.shape[1] + 1) // 2)
        angle, rate = 2 * np.pi * phase[:, None] * harmonics, 2 * np.pi * harmonics
        basis, slope = np.ones((len(phase), 1 + 2 * len(harmonics))), np.zeros((len(phase), 1 + 2 * len(harmonics)))
        basis[:, 1::2], basis[:, 2::2] = np.cos(angle), np.sin(angle)
        slope[:, 1::2], slope[:, 2::2] = -rate * np.sin(angle), rate * np.cos(angle)
        alike = np.clip(speed / np.sqrt(motion.size), motion.slowest, motion.fastest)
        powers = alike[:, None] ** np.arange(motion.coefficients.shape[2])
        c = np.einsum("jkp,bp->bjk", motion.coefficients, powers)
        u = np.einsum("bjk,bk->bj", c, slope) * self.stride_frequency(speed)[:, None]
        q = np.einsum("bjk,bk->bj", c, basis)
        for name in ("pelvis_tx", "pelvis_tz"):
            q[:, self.column[name]] *= motion.size
            u[:, self.column[name]] *= motion.size
        u[:, self.column["pelvis_tx"]] += speed
        return q, u

    def stride_frequency(self, speed: np.ndarray) -> np.ndarray:
        motion = self.world.motion
        alike = np.polynomial.polynomial.polyval(speed / np.sqrt(motion.size), motion.frequency)
        return alike / np.sqrt(motion.size)

    def end(self) -> None:
        s = self.world.settings
        height, nominal = self.q[:, self.column["pelvis_ty"]], self.q_reference[:, self.column["pelvis_ty"]]
        legs = self.world.anatomy.legs - 1
        low = (self.body_position[:, legs, 1] < 0.06).any(axis=1)
        self.fallen = ((height < 0.7 * nominal) | (self.status != 0) | low).astype(int)
        self.terminated = self.fallen.astype(bool)
        if s.early_termination:
            trunk = np.abs(self.q[:, [self.column["pelvis_tilt"], self.column["pelvis_list"]]]).max(axis=1)
            self.terminated = self.terminated | (height < s.early_height * nominal) | (trunk > s.early_trunk)
        self.truncated = ~self.terminated & (self.time >= s.episode - 1e-9)

    def judge(self) -> None:
        a, s, joints = self.world.anatomy, self.world.settings, self.world.anatomy.joints
        beyond = np.maximum(np.abs(self.q - self.q_reference)[:, joints] - s.imitation_dead_zone, 0)
        pelvis = [self.column[f"pelvis_{name}"] for name in ("tilt", "list", "rotation")]
        height = (self.q - self.q_reference)[:, self.column["pelvis_ty"]]
        turn = np.sum((self.q - self.q_reference)[:, pelvis] ** 2, axis=1)
        past = np.maximum(a.limit_low - self.q[:, joints], 0) + np.maximum(self.q[:, joints] - a.limit_high, 0)
        change = np.minimum((self.foot_load - self.previous_foot_load) ** 2, 0.25)
        standing = 1.0 - self.fallen
        terms = {
            "upright": standing,
            "imitate_pose": np.exp(-np.mean(a.pose_weight * beyond**2, axis=1) / s.pose_sigma**2),
            "imitate_root": np.exp(-(height**2) / 0.05**2 - turn / 3 / 0.15**2),
            "keep_speed": 1 / (1 + ((self.mean_speed - self.pace) / 0.15) ** 2),
            "keep_path": 1 / (1 + (self.q[:, self.column["pelvis_tz"]] / 0.3) ** 2),
            "steady_trunk": np.minimum(np.sum(self.u[:, pelvis[:2]] ** 2, axis=1), 10),
            "effort": self.activation**2 @ a.volume_share,
            "metabolic_power": self.power[:, 1],
            "credited_power": self.power[:, 0],
            "joint_limits": np.mean(past**2, axis=1) / np.radians(5) ** 2,
            "loading_rate": change.sum(axis=1),
            "smoothness": np.mean((self.excitation - self.previous_excitation) ** 2, axis=1),
            "device_effort": self.power[:, 1] / np.maximum(self.mean_speed, 0.3),
            "device_smoothness": np.sum((self.command - self.previous_command) ** 2, axis=1)
            / max(self.world.n_device_actions, 1),
            "device_fall": self.fallen.astype(float),
            "device_upright": standing,
        }
        weights = dict(zip(TERMS, self.world.weights, strict=True))
        unused = {name for name in ("imitate_pose", "imitate_root") if weights[name] == 0}
        self.terms = np.stack([terms[name] * (name not in unused) for name in TERMS], axis=1)
        of_device = np.array([name.startswith("device") for name in TERMS])
        self.reward = self.terms[:, ~of_device] @ self.world.weights[~of_device]
        self.device_reward = self.terms[:, of_device] @ self.world.weights[of_device]

    # ---- what is observed -------------------------------------------------------------------------------------------

    def observe(self) -> np.ndarray:
        a, column, far = self.world.anatomy, self.column, self.phase >= 0.5
        odd, half = np.where(far, -1.0, 1.0), 2 * np.pi * np.where(far, self.phase - 0.5, self.phase)
        mirror = lambda values, index, sign=1.0: np.where(far[:, None], sign * values[:, index], values)  # noqa: E731
        q, u = self.q, self.u
        names, groups = list(self.model.muscle_names), engine_groups()
        blocks = [
            np.stack([np.cos(half), np.sin(half), np.cos(2 * half), np.sin(2 * half), self.pace], axis=1),
            np.stack(
                [10 * self.slope, self.stride_rate > 0, 5 * (self.stride_rate - 1) * (self.stride_rate > 0)], axis=1
            ),
            np.stack([5 * (self.height - 1.8), self.person_mass / 75 - 1], axis=1),
            np.stack(
                [
                    q[:, column["pelvis_ty"]] - 0.9,
                    q[:, column["pelvis_tilt"]],
                    odd * q[:, column["pelvis_list"]],
                    odd * q[:, column["pelvis_rotation"]],
                    odd * np.clip(q[:, column["pelvis_tz"]], -1, 1),
                    u[:, column["pelvis_tilt"]],
                    odd * u[:, column["pelvis_list"]],
                    odd * u[:, column["pelvis_rotation"]],
                    u[:, column["pelvis_tx"]],
                    u[:, column["pelvis_ty"]],
                    odd * u[:, column["pelvis_tz"]],
                ],
                axis=1,
            ),
            mirror(q[:, a.joints], a.joint_mirror, a.joint_sign),
            0.1 * mirror(u[:, a.joints], a.joint_mirror, a.joint_sign),
            *(
                mirror(values, a.muscle_mirror)
                for values in (self.activation, self.fiber_length - 1, self.fiber_velocity, self.tendon_force)
            ),
            mirror(self.excitation, a.muscle_mirror),
            self.rate_action[:, None],
            mirror(self.foot_load, [1, 0]),
            mirror(self.previous_foot_load, [1, 0]),
        ]
        for group in STRENGTH_GROUPS:
            members = [m for m in groups[group] if m in names]
            sides = [[names.index(m) for m in members if m.endswith(side)] for side in ("_r", "_l")]
            both = np.stack([self.strength[:, columns].mean(axis=1) for columns in sides], axis=1)
            blocks.append(mirror(both, [1, 0]))
        if self.world.device is not None:
            blocks.append(mirror(self.drive_torque, a.drive_mirror, a.drive_sign))
            blocks.append(np.stack([self.worn, self.worn * self.powered], axis=1))
        return np.concatenate(blocks, axis=1)

    def see_more(self) -> np.ndarray:
        """What only a critic sees."""
        a, column, far = self.world.anatomy, self.column, self.phase >= 0.5
        odd = np.where(far, -1.0, 1.0)
        off, rates = (self.q - self.q_reference)[:, a.joints], 0.1 * (self.u - self.u_reference)[:, a.joints]
        mirror = lambda x: np.where(far[:, None], a.joint_sign * x[:, a.joint_mirror], x)  # noqa: E731
        pelvis = {name: (self.q - self.q_reference)[:, column[f"pelvis_{name}"]] for name in ("ty", "tilt", "list")}
        turn = (self.q - self.q_reference)[:, column["pelvis_rotation"]]
        lost = np.clip(self.distance - self.q[:, column["pelvis_tx"]], -1, 1)
        rest = [
            pelvis["ty"], pelvis["tilt"], odd * pelvis["list"], odd * turn, self.mean_speed - self.pace, lost,
            0.01 * self.push[:, 0], odd * 0.01 * self.push[:, 2], odd,
            *(0.1 * self.load.T),
        ]  # fmt: skip
        return np.concatenate([mirror(off), mirror(rates), np.stack(rest, axis=1)], axis=1)

    def sense(self, fill: np.ndarray) -> None:
        """One sample of every channel; where ``fill``, the whole history becomes it."""
        from exogait.osim_env.device.exoskeleton import SIZE, signal_channels

        device, dt = self.world.device, self.world.settings.control_step * self.world.settings.device_every
        everywhere = bool(fill.any())
        sample = np.empty((len(self.q), len(signal_channels(device))))
        for c, channel in enumerate(signal_channels(device)):
            source, kind, *axis = channel.split(".")
            if kind in ("value", "speed"):
                value = (self.q if kind == "value" else self.u)[:, self.column[source]]
            elif kind == "applied_torque":
                value = self.drive_torque[:, device.actuator_names.index(source)]
            else:
                body = self.model.index("body", source)
                rotation = self.body_rotation[:, body]
                if kind == "orientation":
                    up = np.einsum("bij,bi->bj", rotation, -self.gravity)
                    value = np.arctan2(up[:, 0] if axis == ["tilt"] else -up[:, 2], up[:, 1])
                else:
                    vector = self.body_turning[:, body]
                    if kind == "accelerometer":
                        before = self.sensed_velocity[:, c]
                        now = self.body_velocity[:, body]
                        vector = np.where(fill[:, None], 0.0, (now - before) / dt) - self.gravity
                        chosen = fill if everywhere else slice(None)
                        self.sensed_velocity[chosen, c] = now[chosen]
                    value = np.einsum("bij,bi->bj", rotation, vector)[:, "xyz".index(axis[0])]
            sample[:, c] = value / SIZE[kind]
        if everywhere:
            self.history[fill] = sample[fill, None]
        else:
            self.history = np.concatenate([sample[:, None], self.history[:, :-1]], axis=1)

    def sensed(self) -> np.ndarray:
        return self.history.reshape(len(self.history), -1)

    # ---- new episodes -----------------------------------------------------------------------------------------------

    def begin_anew(self) -> None:
        done = np.flatnonzero(self.terminated | self.truncated)
        if not len(done):
            return
        for i in done:
            self.phase[i] = self.uniform(i)
            self.draw_body(i)
            self.place(i)
        at = engine.Parameters(
            muscle_strength=self.strength,
            added_mass=self.added_mass,
            added_mass_location=self.world.parts[0].location[1:],
        )  # fmt: skip
        muscles = engine.muscle_state(self.model, self.q, self.u, self.activation, at)
        contact = engine.contact_forces(self.model, self.q, self.u, at)
        bodies = engine.kinematics(self.model, self.q, self.u, at)
        feet = [self.model.index("foot", side) for side in "rl"]
        load = contact.foot_force[:, feet, 1] / (GRAVITY * self.body_mass[:, None])
        force = muscles.tendon_force / (self.strength * self.model.max_isometric_force)
        for name, values in (
            ("fiber_length", muscles.normalized_fiber_length), ("fiber_velocity", muscles.normalized_fiber_velocity),
            ("tendon_force", force), ("foot_load", load), ("previous_foot_load", load),
            ("body_rotation", bodies.rotation), ("body_velocity", bodies.velocity),
            ("body_turning", bodies.angular_velocity),
        ):  # fmt: skip
            getattr(self, name)[done] = values[done]
        if self.world.device is not None:
            fill = np.zeros(len(self.q), bool)
            fill[done] = True
            self.sense(fill)
        self.observation[done], self.device_observation[done] = self.observe()[done], self.sensed()[done]
        self.privileged[done] = self.see_more()[done]

    def draw_body(self, i: int) -> None:
        draw, weakness = self.world.draw, self.world.settings.weakness
        self.time[i] = self.stride_rate[i] = self.slope_ahead[i] = 0.0
        if len(draw.share):
            kind = min(int(np.searchsorted(draw.share, self.uniform(i), side="right")), len(draw.share) - 1)
            side = int(draw.side[kind])
            if side == 2:
                side = int(self.uniform(i) < 0.5)
            level = draw.low[kind] + self.uniform(i) * (draw.high[kind] - draw.low[kind])
            self.strength[i] = 1 - weakness * (1 - level) * draw.loss[kind, side]
        self.draw_load(i)
        self.draw_task(i)
        level = self.slope.copy()
        level[i] = 0.0
        self.set_slope(level)

    def draw_load(self, i: int) -> None:
        s, bodies = self.world.settings, (("pelvis",), ("tibia_r", "tibia_l"), ("calcn_r", "calcn_l"))
        if not s.load_share:
            return
        loaded = self.uniform(i) < s.load_share
        heavy = min(int(3 * self.uniform(i)), 2)
        mass = self.uniform(i) * s.loads[heavy]
        for place, names in enumerate(bodies):
            now = mass if loaded and place == heavy else 0.0
            for name in names:
                self.added_mass[i, self.model.index("body", name)] += now - self.load[i, place]
                self.body_mass[i] += now - self.load[i, place]
            self.load[i, place] = now

    def draw_task(self, i: int) -> None:
        draw, s = self.world.draw, self.world.settings
        place = int(np.searchsorted(draw.speed_share, self.uniform(i), side="right"))
        place = min(place, len(draw.speed_share) - 1)
        low, high = draw.speed_edges[place], draw.speed_edges[place + 1]
        self.speed[i] = low + self.uniform(i) * (high - low)
        for share, span, target in (
            (s.imposed_share, s.stride_rates, self.stride_rate),
            (s.slope_share, s.slopes, self.slope_ahead),
        ):
            if share:
                chosen = self.uniform(i) < share
                value = span[0] + self.uniform(i) * (span[1] - span[0])
                target[i] = value if chosen else 0.0
        if s.task_interval:
            self.next_task[i] = self.time[i] + s.task_interval * (0.5 + self.uniform(i))
        else:
            self.next_task[i] = 1e9

    def place(self, i: int) -> None:
        s, motion, world = self.world.settings, self.world.motion, self.world
        self.pace[i] = self.mean_speed[i] = self.speed[i]
        q, u = self.reference(self.phase[i : i + 1], self.speed[i : i + 1])
        self.q_reference[i], self.u_reference[i] = q[0], u[0]
        self.q[i], self.u[i] = q[0], u[0]
        for k in world.anatomy.joints:
            self.q[i, k] += s.reset_noise * self.normal(i)
            self.u[i, k] += 5 * s.reset_noise * self.normal(i)
        self.q[i, self.column["pelvis_tx"]] = self.q_reference[i, self.column["pelvis_tx"]] = 0.0
        phases, speeds = motion.start_activation.shape[:2]
        p = int(np.floor(self.phase[i] * phases + 0.5)) % phases
        same = np.clip(self.speed[i] / np.sqrt(motion.size), motion.slowest, motion.fastest)
        x = (same - motion.slowest) / (motion.fastest - motion.slowest) * (speeds - 1)
        low = int(np.clip(np.floor(x), 0, speeds - 2))
        share = np.clip(x - low, 0, 1)
        start = (1 - share) * motion.start_activation[p, low] + share * motion.start_activation[p, low + 1]
        self.activation[i] = self.excitation[i] = self.previous_excitation[i] = start
        self.status[i] = self.fallen[i] = 0
        self.time[i] = self.distance[i] = self.rate_action[i] = 0.0
        self.power[i] = self.push[i] = self.torque[i] = 0.0
        self.next_push[i] = (0.5 + 0.5 * self.uniform(i)) * s.push_interval
        for array in (self.command, self.previous_command, self.drive_torque):
            array[i] = 0.0
        self.pipeline[i] = 0.0


def engine_groups() -> dict[str, list[str]]:
    """Muscle groups by name."""
    from exogait.models.deficit import muscle_groups

    return {name: list(members) for name, members in muscle_groups().items()}
