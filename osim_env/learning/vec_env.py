"""A batch of walking bodies as a ``VecEnv``: any stable-baselines3 algorithm trains the human policy on the twin."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from ..gait.world import GaitWorld
from .policy import Policy


class GaitVecEnv(VecEnv):
    """The human's side of a :class:`GaitWorld`; the device, if any, follows a given policy or gives no torque.

    Args:
        world: A world with ``auto_reset=True``.
        device_policy: Policy that drives the device.
    """

    def __init__(self, world: GaitWorld, device_policy: Policy | None = None) -> None:
        self.world, self.device_policy = world, device_policy
        super().__init__(
            world.n_envs,
            spaces.Box(-np.inf, np.inf, (len(world.human_observation_names),), np.float32),
            spaces.Box(-1.0, 1.0, (world.n_human_actions,), np.float32),
        )
        self._actions = np.zeros((world.n_envs, world.n_human_actions))

    def reset(self) -> np.ndarray:
        """Put every body on the reference motion."""
        if self._seeds[0] is not None:
            self.world.rng = np.random.default_rng(self._seeds[0])
        self._reset_seeds()
        self.world.reset(np.arange(self.num_envs))
        return self.world.human_observation().astype(np.float32)

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions for :meth:`step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Advance every body by one control step; those whose episode ended have been reset."""
        device_action = None
        if self.device_policy is not None:
            device_action = self.device_policy.act(self.world.device_observation())
        step = self.world.step(self._actions, device_action)
        done = step.terminated | step.truncated
        infos: list[dict[str, Any]] = [
            {f"reward/{name}": float(value[i]) for name, value in step.terms.items()} for i in range(self.num_envs)
        ]
        for i in np.flatnonzero(done):
            infos[i]["terminal_observation"] = step.human_final[i].astype(np.float32)
            infos[i]["TimeLimit.truncated"] = bool(step.truncated[i])
        return self.world.human_observation().astype(np.float32), step.human_reward.astype(np.float32), done, infos

    def close(self) -> None:
        """Nothing to release."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The world's attribute, once per environment."""
        return [getattr(self.world, attr_name, None)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Not supported: bodies share one world."""
        raise NotImplementedError("set attributes of the world itself")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method of the world, once per environment."""
        return [getattr(self.world, method_name)(*args, **kwargs)] * len(list(self._get_indices(indices)))

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Bodies are never wrapped one by one."""
        return [False] * len(list(self._get_indices(indices)))
