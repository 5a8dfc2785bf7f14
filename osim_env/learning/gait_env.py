"""The walking body as a Gymnasium environment: a policy commands its muscles, one excitation each.

Observation
    ``env.unwrapped.world.observation_names`` lists every entry: phase of the half stride (cos, sin, twice) and the
    speed aimed for (m/s); slope (ten times the grade) and stride rate asked for; size of the body; height (m from
    0.9 m), orientation (rad), sideways position (m) and velocities (rad/s, m/s) of the pelvis; joint angles (rad) and
    speeds (0.1 rad/s); activation, normalized fibre length (less 1) and velocity, tendon force (over the strength) of
    every muscle; the last excitations and change of step rate; load of each foot now and a control step ago (body
    weights); strength of seven muscle groups a side (1 = healthy); with a device its torques (N m/kg) and whether it is
    worn and on. There is no reference motion in it.

Action
    ``env.unwrapped.world.action_names``, each in [-1, 1]: a number ``z`` a muscle, whose excitation is
    ``log(1 + exp(s z)) / s`` with ``s = config.squash`` (10), kept between ``config.min_excitation`` and 1, and a
    change of the step rate (1 is ``config.phase_rate``, 20%). So z = 1 is full excitation, z = 0 is 0.07, and below
    -0.46 a muscle rests. It is the number that the suite's own policies give:
    ``load_policy("walker").act(observation[None])[0]`` is an action. :meth:`OsimGaitEnv.action_of` makes one of
    excitations in [0, 1].

    Observation and action are seen from the near leg, the one that struck the floor last: in the second half of a
    stride left and right are exchanged.

Reward
    The weighted sum of the terms in :mod:`exogait.osim_env.excitation.terms`; weights are in ``config.human_weights``.

End
    ``terminated`` at a fall (pelvis below 0.7 of its nominal height, the body touching the ground with anything but a
    foot, or a diverged simulation), ``truncated`` after ``config.episode`` seconds. A shorter limit in control steps
    is Gymnasium's own: ``gymnasium.make(..., max_episode_steps=100)``.

Task
    ``env.reset(options={...})``, for this episode; what is not given is drawn, as ``config`` says.

    ======================  ==============================================================
    ``phase``               Where in the stride to begin, share since right heel strike.
    ``speed``               To walk at, m/s.
    ``stride_rate``         To keep, over the reference's at that speed; the body chooses without.
    ``slope``               Grade, rise over run; the ground tilts to it after the start, by 0.05 a second.
    ======================  ==============================================================

Info
    ======================  ==============================================================
    ``time``                Since the start of the episode, s.
    ``speed``               Forward speed of the pelvis now, m/s.
    ``commanded_speed``     Speed that the body shall walk, m/s.
    ``fall``                Whether the body fell in this step.
    ``reward/<name>``       Raw value of each reward term, before its weight.
    ======================  ==============================================================

:class:`OsimGaitVectorEnv` is the same for many bodies in one compiled batch: ``gymnasium.make_vec("OsimGait-v0", 16)``.
The recruitment baseline, whose actions change joint moments, is ``OsimGaitRecruitment-v0``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from exogait.data.errors import InputError

from ..engine import Model, contact_forces
from ..excitation.config import ExcitationConfig, inverse_softplus
from ..excitation.terms import HUMAN, TERMS
from ..excitation.world import ExcitationWorld
from ..gait.population import Population
from ..gait.setup import WorldSetup
from .excitation.setup import make_excitation_world
from .outside.batch import BatchEnv, within
from .outside.filmed import FilmedEnv
from .policy import Policy

if TYPE_CHECKING:
    from ..viewing.live import Now

TASK = {"phase": (0.0, 1.0), "speed": (0.0, 10.0), "stride_rate": (0.5, 2.0), "slope": (-0.5, 0.5)}
"""What can be asked of a body at a start, lowest and highest value; the reference may cover fewer speeds."""
NAMES = ("time", "speed", "commanded_speed", "fall", *(f"reward/{name}" for name in HUMAN))
"""What ``info`` says after a step."""
FALL = TERMS.index("device_fall")
"""Column of the reward terms that is 1 in the step of a fall."""
ENVIRONMENT_CONFIG = ExcitationConfig(early_termination=False)
"""Settings without a ``config``."""


class OsimGaitEnv(FilmedEnv):
    """One walking body; see the module's text for observation, action, reward, end, task and info.

    Args:
        device: Name or file of an exoskeleton.
        deficit: Name or file of a muscle deficit.
        subject: File of a subject: a body of another size.
        population: Bodies, and device conditions, to draw from at every reset.
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
        device: str | None = None,
        deficit: str | None = None,
        subject: str | Path | None = None,
        population: Population | None = None,
        speed: float | None = None,
        reference: str | Path | None = None,
        device_policy: Policy | None = None,
        config: ExcitationConfig | None = None,
        render_mode: Literal["rgb_array", "human"] | None = None,
    ) -> None:
        super().__init__(render_mode)
        self.world = _world(
            1, config, speed, auto_reset=False, device=device, deficit=deficit, subject=subject, population=population,
            reference=reference,
        )  # fmt: skip
        self.device_policy = device_policy
        self.world.seed(int(self.np_random.integers(2**63)))
        self.observation_space, self.action_space = spaces_of(self.world)
        self.film_each(self.world.config.control_step)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Put the body on the reference motion.

        Args:
            seed: Of everything random from here on; without one it goes on as it was, at first from a fresh seed.
            options: The task; see the module's text.

        Raises:
            InputError: An option is unknown, or outside its range.
        """
        super().reset(seed=seed)
        if seed is not None:
            self.world.seed(seed)
        self.world.steps = 0
        start(self.world, np.arange(1), [options or {}])
        if self.render_mode == "human":
            self.render()
        observation = self.world.results.observation[0].copy()
        return observation, {name: value[0].item() for name, value in standing(self.world).items()}

    def step(self, action: NDArray[Any]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Advance by one control step."""
        results = self.world.step(np.asarray(action)[None], device_action(self.world, self.device_policy))
        if self.render_mode == "human":
            self.render()
        terminated, truncated = bool(results.terminated[0]), bool(results.truncated[0])
        # What was seen last holds numbers alone, also of a body that diverged.
        seen = results.final_observation if terminated or truncated else results.observation
        terms = results.terms[0].tolist()
        info = dict(zip(NAMES, (*results.end[0].tolist(), terms[FALL] > 0.0, *terms), strict=False))
        return seen[0].copy(), float(results.reward[0]), terminated, truncated, info

    def action_of(self, excitation: ArrayLike, step_rate: float = 0.0) -> NDArray[np.float32]:
        """The action that gives the model's muscles these excitations in the next control step.

        Args:
            excitation: In [0, 1], in the order of ``world.model.muscle_names``, shape (n_muscles,); what is below
                ``config.min_excitation`` gives that.
            step_rate: Change of the step rate, in [-1, 1].
        """
        world, squash = self.world, self.world.config.squash
        wanted = np.clip(inverse_softplus(squash * np.asarray(excitation, float)) / squash, -1.0, 1.0)
        if world.bodies.phase[0] >= 0.5:  # the left leg is the near one
            wanted = wanted[world.anatomy.muscle_mirror]
        return np.append(wanted, step_rate).astype(np.float32)

    def look(self) -> tuple[Model, Now]:
        """The body, and what a picture shows of it."""
        from ..viewing.live import Now

        world, model = self.world, self.world.model
        feet = [model.index("foot", side) for side in "rl"]
        ground = contact_forces(model, world.q[:1], world.u[:1])
        free = ground.free_moment[0, feet, None] * np.array([0.0, 1.0, 0.0])
        under = np.stack([ground.foot_force[0, feet], ground.centre_of_pressure[0, feet], free], axis=1)
        bodies = world.bodies
        return model, Now(
            float(bodies.time[0]), world.q[0], world.activation[0], under, float(bodies.person_mass[0]),
            float(bodies.speed[0]),
        )  # fmt: skip


class OsimGaitVectorEnv(BatchEnv):
    """Many walking bodies as one compiled batch; ended episodes start anew within the same step, in the kernel.

    ``infos["final_obs"]`` and ``infos["final_info"]`` hold what the ended ones saw last (``AutoresetMode.SAME_STEP``);
    infos are arrays over the bodies with the names of :class:`OsimGaitEnv`.

    Args:
        num_envs: Number of bodies.
        device_policy: Policy that drives the devices; without one they give no torque.
        speed: Walking speed of all, m/s; drawn for each at every start without one.
        max_episode_steps: End every episode after so many control steps, where that is before ``config.episode``.
        config: Further settings; ``ExcitationConfig(backend="float32")`` is twice as fast from 16 bodies on.
        render_mode: Only None.
        setup: ``device``, ``deficit``, ``subject``, ``population``, ``reference`` as for :class:`OsimGaitEnv`; here a
            population may have several sizes.

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
        config: ExcitationConfig | None = None,
        render_mode: None = None,
        **setup: Any,
    ) -> None:
        known = ("device", "deficit", "subject", "population", "reference")
        super().__init__(num_envs, device_policy, render_mode, setup, known)
        settings = within(config or ENVIRONMENT_CONFIG, max_episode_steps)
        self.world = _world(num_envs, settings, speed, auto_reset=True, **setup)
        self.world.seed(int(self.np_random.integers(2**63)))
        self.set_spaces(*spaces_of(self.world))

    def reset(
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Put every body on the reference motion.

        Args:
            seed: One for the batch, from which every body's own follows; of one for each body the first counts.
            options: As for :class:`OsimGaitEnv`, one number for all bodies; ``reset_mask`` resets only some.
        """
        seed = seed[0] if isinstance(seed, list | tuple) else seed
        super().reset(seed=seed)
        if seed is not None:
            self.world.seed(seed)
        index, asked = self.chosen(options)
        if len(index) == self.num_envs:
            self.world.steps = 0
        start(self.world, index, [asked] * len(index))
        return self.world.results.observation.copy(), self.batched(standing(self.world))

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Advance every body by one control step; those whose episode ended have been reset."""
        results = self.world.step(actions, device_action(self.world, self.device_policy))
        last, done = facts(self.world), results.terminated | results.truncated
        infos = self.batched(last)
        if done.any():
            infos = self.ended(last, standing(self.world), done, results.final_observation)
        return (
            results.observation.copy(), results.reward.copy(), results.terminated.copy(), results.truncated.copy(),
            infos,
        )  # fmt: skip


def spaces_of(world: ExcitationWorld) -> tuple[spaces.Box, spaces.Box]:
    """Observation and action space of one body."""
    return (
        spaces.Box(-np.inf, np.inf, (world.n_observations,), np.float32),
        spaces.Box(-1.0, 1.0, (world.n_actions,), np.float32),
    )


def start(world: ExcitationWorld, index: NDArray[np.int64], options: Sequence[Mapping[str, Any]]) -> None:
    """Put some bodies on the reference motion, each with its task.

    Args:
        world: The bodies.
        index: Which, shape (n,).
        options: What is asked of each (:data:`TASK`); what is not is drawn.

    Raises:
        InputError: An option is unknown, or outside its range.
    """
    for one in options:
        for key, value in one.items():
            if key not in TASK:
                raise InputError("options", key, f"choose {', '.join(TASK)}")
            low, high = TASK[key]
            if not (isinstance(value, Real) and low <= float(value) <= high):
                raise InputError(key, value, f"a number from {low:g} to {high:g}")
    world.reset(index)
    given = [k for k, one in enumerate(options) if one]
    if not given:
        return
    asked, bodies = index[given], world.bodies
    now = {"phase": bodies.phase, "speed": bodies.speed, "stride_rate": bodies.stride_rate, "slope": bodies.slope_ahead}
    task = {
        name: np.array([options[k].get(name, drawn[i]) for k, i in zip(given, asked, strict=True)], float)
        for name, drawn in now.items()
    }
    world.ask(asked, stride_rate=task["stride_rate"], slope=task["slope"])
    world.reset(asked, phase=task["phase"], speed=task["speed"])


def device_action(world: ExcitationWorld, policy: Policy | None) -> NDArray[Any] | None:
    """What a policy commands the devices; None where none does or no decision is due."""
    if policy is None or world.device is None or not world.device_decides:
        return None
    return policy.act(world.results.device_observation)


def standing(world: ExcitationWorld) -> dict[str, NDArray[Any]]:
    """What ``info`` says of every body as it is now, after a start; each of shape (batch,)."""
    return {
        "time": world.bodies.time.copy(),
        "speed": world.u[:, world.columns.pelvis_tx].copy(),
        "commanded_speed": world.bodies.speed.copy(),
        "fall": world.bodies.fallen != 0,
    }


def facts(world: ExcitationWorld) -> dict[str, NDArray[Any]]:
    """What ``info`` says of every body at the end of the last control step, before new starts; shape (batch,) each."""
    results = world.results
    columns = (*results.end.T.copy(), results.terms[:, FALL] > 0.0, *results.terms[:, : len(HUMAN)].T.copy())
    return dict(zip(NAMES, columns, strict=True))


def _world(
    n_envs: int, config: ExcitationConfig | None, speed: float | None, *, auto_reset: bool,
    device: str | None = None, deficit: str | None = None, subject: str | Path | None = None,
    population: Population | None = None, reference: str | Path | None = None,
) -> ExcitationWorld:  # fmt: skip
    config = config or ENVIRONMENT_CONFIG
    if speed is not None:
        config = dataclasses.replace(config, speeds=(float(speed), float(speed)))
    setup = WorldSetup(
        device=device, deficit=deficit, subject=None if subject is None else str(subject), population=population
    )
    if reference is not None:
        setup = dataclasses.replace(setup, reference=str(reference))
    return make_excitation_world(setup, config, n_envs=n_envs, auto_reset=auto_reset, sizes=True)
