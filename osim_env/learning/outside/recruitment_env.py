"""The recruitment baseline as a Gymnasium environment, one body on either engine, or many in one batch.

Its actions change joint moments that static optimization gives to the muscles; the environment in which a policy
commands the muscles themselves is :class:`exogait.osim_env.learning.gait_env.OsimGaitEnv`.

Observation
    ``GaitWorld.human_observation_names`` lists every entry: phase of the half stride (cos, sin, twice), commanded speed
    (m/s), pelvis height error (m), pelvis tilt, list, rotation (rad) and sideways position (m), their rates (rad/s,
    m/s, the forward one relative to the reference), joint angles (rad), joint speeds (0.1 rad/s), angle errors against
    the reference (rad), present muscle moments (N m/kg), the previous action, vertical load of each foot (body
    weights), strength of seven muscle groups a side (1 = healthy), and with a device its torques (N m/kg) and whether
    it is worn and powered. In the second half of a stride everything is mirrored: the policy always sees the leg that
    struck the floor last as the near one.

Action
    ``human_action_names``, each in [-1, 1]: with ``scheme="recruitment"`` a change of the demanded moment of each
    joint and of the step rate; with ``scheme="excitation"`` a change of each muscle's excitation and of the step
    rate.

Reward
    The weighted sum of the terms in :mod:`exogait.osim_env.gait.step.rewards`.

End
    ``terminated`` at a fall (pelvis below 0.7 of its nominal height, the body touching the ground with anything but a
    foot, or a diverged simulation), ``truncated`` after ``config.episode`` seconds. A shorter limit in control steps
    is Gymnasium's own: ``gymnasium.make(..., max_episode_steps=100)``.

Info
    ======================  ==============================================================
    ``time``                Since the start of the episode, s.
    ``speed``               Forward speed of the pelvis now, m/s.
    ``commanded_speed``     Speed that the body shall walk, m/s.
    ``fall``                Whether the body fell in this step.
    ``reward/<name>``       Raw value of each reward term, before its weight.
    ======================  ==============================================================

:class:`RecruitmentVectorEnv` is the same for many bodies in one batch:
``gymnasium.make_vec("OsimGaitRecruitment-v0", 16)``.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from exogait.data.errors import InputError

from ...engine import Model
from ...gait.config import Transition, WorldConfig
from ...gait.setup import WorldSetup, make_world
from ...gait.world import GaitWorld
from ..policy import Policy
from .batch import BatchEnv, within
from .filmed import FilmedEnv

if TYPE_CHECKING:
    from ...viewing.live import Now


class RecruitmentEnv(FilmedEnv):
    """One walking body; see the module's text for observation, action, reward, end and info.

    Args:
        engine: ``"twin"`` (compiled) or ``"opensim"``.
        device: Name or file of an exoskeleton.
        deficit: Name or file of a muscle deficit.
        subject: File of a subject.
        speed: Walking speed, m/s; drawn from ``config.speeds`` at every reset without one.
        reference: Name or file of a reference motion.
        device_policy: Policy that drives the device; without one it gives no torque.
        config: Further settings.
        render_mode: ``"rgb_array"`` gives pictures, ``"human"`` shows them in a window; None neither.

    Raises:
        InputError: The speed is outside the reference's range, or there is no such way to render.
    """

    def __init__(
        self,
        *,
        engine: Literal["twin", "opensim"] = "twin",
        device: str | None = None,
        deficit: str | None = None,
        subject: str | Path | None = None,
        speed: float | None = None,
        reference: str | Path | None = None,
        device_policy: Policy | None = None,
        config: WorldConfig | None = None,
        render_mode: Literal["rgb_array", "human"] | None = None,
    ) -> None:
        super().__init__(render_mode)
        self.world = _world(1, engine, device, deficit, subject, speed, reference, config)
        self.world.rng = self.np_random
        self.speed, self.device_policy = speed, device_policy
        self.observation_space, self.action_space = spaces_of(self.world)
        self.film_each(self.world.config.control_step)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Put the body on the reference motion.

        Args:
            seed: Of everything random from here on; without one it goes on as it was, at first from a fresh seed.
            options: ``phase``, share of the stride to start at, random without; ``speed``, m/s.

        Raises:
            InputError: A speed is outside the reference's range, or an option is unknown.
        """
        super().reset(seed=seed)
        self.world.rng = self.np_random
        start(self.world, np.arange(1), [options or {}], self.speed)
        if self.render_mode == "human":
            self.render()
        observation = self.world.human_observation()[0].astype(np.float32)
        return observation, {name: value[0].item() for name, value in facts(self.world).items()}

    def step(self, action: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Advance by one control step."""
        step = advance(self.world, np.asarray(action, float)[None], self.device_policy)
        if self.render_mode == "human":
            self.render()
        return (
            step.human_final[0].astype(np.float32),
            float(step.human_reward[0]),
            bool(step.terminated[0]),
            bool(step.truncated[0]),
            {name: value[0].item() for name, value in facts(self.world, step).items()},
        )

    def look(self) -> tuple[Model, Now]:
        """The body, and what a picture shows of it."""
        from ...viewing.live import Now

        world, model = self.world, self.world.physics.model
        ground = np.array(world.physics.measurements()["ground"][0]).reshape(2, 3, 3)
        return model, Now(
            float(world.state.time[0]), world.q[0], world.activation[0], ground, float(world.person_mass[0]),
            float(world.speed[0]),
        )  # fmt: skip

    def __setstate__(self, content: dict[str, Any]) -> None:
        vars(self).update(content)
        # Both draw from one generator, also where a copier did not know that they are the same.
        self.world.rng = self.np_random


class RecruitmentVectorEnv(BatchEnv):
    """Many walking bodies as one compiled batch; ended episodes start anew within the same step.

    ``infos["final_obs"]`` and ``infos["final_info"]`` hold what the ended ones saw last (``AutoresetMode.SAME_STEP``);
    infos are arrays over the bodies with the names of :class:`RecruitmentEnv`.

    Args:
        num_envs: Number of bodies.
        device_policy: Policy that drives the devices; without one they give no torque.
        speed: Walking speed of all, m/s; drawn for each at every reset without one.
        max_episode_steps: End every episode after so many control steps, where that is before ``config.episode``.
        config: Further settings.
        render_mode: Only None.
        setup: ``device``, ``deficit``, ``subject``, ``reference`` as for :class:`RecruitmentEnv`.

    Raises:
        InputError: A setting is impossible.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        device_policy: Policy | None = None,
        speed: float | None = None,
        max_episode_steps: int | None = None,
        config: WorldConfig | None = None,
        render_mode: None = None,
        **setup: Any,
    ) -> None:
        known = ("engine", "device", "deficit", "subject", "reference")
        super().__init__(num_envs, device_policy, render_mode, setup, known)
        config, self.speed = within(config or WorldConfig(early_termination=False), max_episode_steps), speed
        self.world = _world(
            num_envs, setup.get("engine", "twin"), setup.get("device"), setup.get("deficit"), setup.get("subject"),
            speed, setup.get("reference"), config,
        )  # fmt: skip
        self.world.rng = self.np_random
        self.set_spaces(*spaces_of(self.world))

    def reset(
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Put every body on the reference motion.

        Args:
            seed: One for the batch, or one for each body of which the first counts: the batch draws from one generator.
            options: As for :class:`RecruitmentEnv`, for all bodies; ``reset_mask`` resets only some.
        """
        seed = seed[0] if isinstance(seed, list | tuple) else seed
        super().reset(seed=seed)
        self.world.rng = self.np_random
        index, asked = self.chosen(options)
        start(self.world, index, [asked] * len(index), self.speed)
        return self.world.human_observation().astype(np.float32), self.batched(facts(self.world))

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Advance every body by one control step; those whose episode ended have been reset."""
        step = advance(self.world, np.asarray(actions, float), self.device_policy)
        last, done = facts(self.world, step), step.terminated | step.truncated
        observation, infos = step.human_final.astype(np.float32), self.batched(last)
        if done.any():
            index = np.flatnonzero(done)
            start(self.world, index, [{}] * len(index), self.speed)
            infos = self.ended(last, facts(self.world), done, observation)
            observation = self.world.human_observation().astype(np.float32)
        return observation, step.human_reward.copy(), step.terminated, step.truncated, infos

    def __setstate__(self, content: dict[str, Any]) -> None:
        vars(self).update(content)
        self.world.rng = self.np_random


def spaces_of(world: GaitWorld) -> tuple[spaces.Box, spaces.Box]:
    """Observation and action space of one body."""
    return (
        spaces.Box(-np.inf, np.inf, (len(world.human_observation_names),), np.float32),
        spaces.Box(-1.0, 1.0, (world.n_human_actions,), np.float32),
    )


def start(world: GaitWorld, index: NDArray[np.int64], options: list[dict[str, Any]], speed: float | None) -> None:
    """Put some bodies on the reference motion, each with its options.

    Args:
        world: The bodies.
        index: Which, shape (n,).
        options: For each, ``phase`` (share of the stride) and ``speed`` (m/s), random without.
        speed: Speed of those whose options name none, m/s.

    Raises:
        InputError: An option is unknown, or a speed outside the reference's range.
    """
    for key in {key for one in options for key in one} - {"phase", "speed"}:
        raise InputError("options", key, "choose phase or speed")
    kinds: dict[tuple[bool, bool], list[int]] = {}  # a draw for all, as long as all ask for the same
    for k, one in enumerate(options):
        kinds.setdefault(("phase" in one, "speed" in one), []).append(k)
    for (has_phase, has_speed), rows in kinds.items():
        phase = np.array([options[k]["phase"] for k in rows], float) if has_phase else None
        speeds = None if speed is None else np.full(len(rows), float(speed))
        speeds = np.array([options[k]["speed"] for k in rows], float) if has_speed else speeds
        world.reset(index[rows], phase=phase, speed=speeds)


def advance(world: GaitWorld, action: NDArray[Any], device_policy: Policy | None) -> Transition:
    """One control step; the device follows its policy or gives no torque."""
    return world.step(action, None if device_policy is None else device_policy.act(world.device_observation()))


def facts(world: GaitWorld, step: Transition | None = None) -> dict[str, NDArray[Any]]:
    """What ``info`` says of every body now; each of shape (batch,). See the module's text."""
    found: dict[str, NDArray[Any]] = {
        "time": world.state.time.copy(),
        "speed": world.u[:, world.columns.tx].copy(),
        "commanded_speed": world.speed.copy(),
        "fall": world.fallen.copy(),
    }
    return found if step is None else found | {f"reward/{name}": value for name, value in step.terms.items()}


def _world(
    n_envs: int, engine: Literal["twin", "opensim"], device: str | None, deficit: str | None,
    subject: str | Path | None, speed: float | None, reference: str | Path | None, config: WorldConfig | None,
) -> GaitWorld:  # fmt: skip
    """Bodies that do not start anew by themselves."""
    subject = None if subject is None else str(subject)
    setup = WorldSetup(engine=engine, device=device, deficit=deficit, subject=subject)
    if reference is not None:
        setup = dataclasses.replace(setup, reference=str(reference))
    config = config or WorldConfig(early_termination=False)
    world = make_world(setup, config, n_envs=n_envs, seed=0, auto_reset=False)
    if speed is not None:
        world.reference.check_speed(speed)
    return world
