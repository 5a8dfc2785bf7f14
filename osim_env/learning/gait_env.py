"""The walking body as a Gymnasium environment, one body at a time, on either engine.

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
    The weighted sum of the terms in :mod:`exogait.osim_env.gait.step.rewards`; ``info["reward/<name>"]`` holds each raw
    value.

End
    ``terminated`` at a fall (pelvis below 0.7 of its nominal height, the body touching the ground with anything but a
    foot, or a diverged simulation), ``truncated`` after ``episode`` seconds.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ..gait.config import WorldConfig
from ..gait.setup import WorldSetup, make_world
from .policy import Policy


class OsimGaitEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """One walking body; see the module's text for observation, action, reward and end.

    Args:
        engine: ``"twin"`` (compiled) or ``"opensim"``.
        device: Name or file of an exoskeleton.
        deficit: Name or file of a muscle deficit.
        subject: File of a subject.
        speed: Walking speed, m/s; drawn from ``config.speeds`` at every reset without one.
        reference: Name or file of a reference motion.
        device_policy: Policy that drives the device; without one it gives no torque.
        config: Further settings.
    """

    metadata = {"render_modes": [], "render_fps": 50}  # noqa: RUF012 (Gymnasium's own convention)

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
    ) -> None:
        setup = WorldSetup(engine=engine, device=device, deficit=deficit, subject=_text(subject))
        if reference is not None:
            setup = dataclasses.replace(setup, reference=str(reference))
        config = config or WorldConfig(early_termination=False)
        self.world = make_world(setup, config, n_envs=1, seed=0, auto_reset=False)
        if speed is not None:
            self.world.reference.check_speed(speed)
        self.speed, self.device_policy = speed, device_policy
        n_observations = len(self.world.human_observation_names)
        self.observation_space = spaces.Box(-np.inf, np.inf, (n_observations,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (self.world.n_human_actions,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Put the body on the reference motion, at a random phase unless ``options["phase"]`` says one."""
        super().reset(seed=seed)
        if seed is not None:
            self.world.rng = np.random.default_rng(seed)
        options = options or {}
        speed = options.get("speed", self.speed)
        self.world.reset(
            np.arange(1),
            phase=None if "phase" not in options else np.array([options["phase"]], float),
            speed=None if speed is None else np.array([speed], float),
        )
        return self._observation(), {"speed": float(self.world.speed[0])}

    def step(self, action: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Advance by one control step."""
        device_action = None
        if self.device_policy is not None:
            device_action = self.device_policy.act(self.world.device_observation())
        transition = self.world.step(np.asarray(action, float)[None], device_action)
        info = {f"reward/{name}": float(value[0]) for name, value in transition.terms.items()}
        return (
            transition.human_final[0].astype(np.float32),
            float(transition.human_reward[0]),
            bool(transition.terminated[0]),
            bool(transition.truncated[0]),
            info,
        )

    def _observation(self) -> NDArray[np.float32]:
        return self.world.human_observation()[0].astype(np.float32)


def _text(value: str | Path | None) -> str | None:
    return None if value is None else str(value)


def register() -> None:
    """Register ``OsimGait-v0`` with Gymnasium."""
    if "OsimGait-v0" not in gymnasium.registry:
        gymnasium.register("OsimGait-v0", entry_point="exogait.osim_env.learning.gait_env:OsimGaitEnv")
