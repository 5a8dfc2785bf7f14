"""What Gymnasium's vector environments of a batch share: settings, spaces, and infos of bodies that ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from exogait.data.errors import InputError

from ...excitation.config import ExcitationConfig
from ...gait.config import WorldConfig
from ..policy import Policy

Config = TypeVar("Config", WorldConfig, ExcitationConfig)
Infos = dict[str, NDArray[Any]]


def within(config: Config, max_episode_steps: int | None) -> Config:
    """Settings whose episodes end after so many control steps at the latest."""
    if max_episode_steps is None:
        return config
    return dataclasses.replace(config, episode=min(config.episode, max_episode_steps * config.control_step))


class BatchEnv(VectorEnv[NDArray[np.float32], NDArray[np.float32], NDArray[Any]]):
    """Many bodies in one world; those whose episode ended start anew within the same step.

    Args:
        num_envs: Number of bodies.
        device_policy: Policy that drives the devices.
        render_mode: Only None.
        setup: Names of what is set about the bodies.
        known: Names of what can be.

    Raises:
        InputError: A setting is impossible.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}  # noqa: RUF012 (Gymnasium's own)

    def __init__(
        self,
        num_envs: int,
        device_policy: Policy | None,
        render_mode: None,
        setup: Collection[str],
        known: Collection[str],
    ) -> None:
        if num_envs < 1:
            raise InputError("num_envs", num_envs, "at least one body")
        if render_mode is not None:
            raise InputError("render_mode", render_mode, "a batch shows nothing; render one body of its own")
        if unknown := sorted(set(setup) - set(known)):
            *first, last = known
            raise InputError("settings", unknown[0], f"choose {', '.join(first)} or {last}")
        self.num_envs, self.device_policy, self.render_mode = num_envs, device_policy, None

    def set_spaces(self, observation: spaces.Box, action: spaces.Box) -> None:
        """Set the spaces of the batch from those of one body."""
        self.single_observation_space, self.single_action_space = observation, action
        self.observation_space = batch_space(observation, self.num_envs)
        self.action_space = batch_space(action, self.num_envs)

    def chosen(self, options: Mapping[str, Any] | None) -> tuple[NDArray[np.int64], dict[str, Any]]:
        """Bodies that a reset is of (``reset_mask``), and the other options."""
        left = dict(options or {})
        return np.flatnonzero(left.pop("reset_mask", np.ones(self.num_envs, bool))), left

    def batched(self, infos: Infos) -> dict[str, Any]:
        """Infos with the masks that Gymnasium's vector environments carry: all bodies know all."""
        return infos | {f"_{name}": np.ones(self.num_envs, bool) for name in infos}

    def ended(
        self, last: Infos, now: Infos, done: NDArray[np.bool_], observation: NDArray[np.float32]
    ) -> dict[str, Any]:
        """Infos of a step with which some episodes ended.

        Args:
            last: Infos of all bodies at the end of the step.
            now: Those of bodies after new starts, which replace them.
            done: Whose episode ended, shape (batch,).
            observation: What they saw last, shape (batch, n_observations).
        """
        final = np.full(self.num_envs, None, dtype=object)
        for i in np.flatnonzero(done):
            final[i] = observation[i].copy()
        return self.batched({**last, **now}) | {
            "final_obs": final, "_final_obs": done.copy(),
            "final_info": {**last, **{f"_{name}": done.copy() for name in last}}, "_final_info": done.copy(),
        }  # fmt: skip
