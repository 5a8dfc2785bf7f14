"""A batch of walking bodies as a ``VecEnv``: any stable-baselines3 algorithm trains the human policy on the twin."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from ..gait.world import GaitWorld
from .gait_env import advance, facts, start
from .policy import Policy


class GaitVecEnv(VecEnv):
    """The human's side of a :class:`GaitWorld`; the device, if any, follows a given policy or gives no torque.

    Infos hold what those of :class:`OsimGaitEnv` do; of a body whose episode ended, ``time`` and ``fall`` are those of
    the end, ``speed`` and ``commanded_speed`` those of its new start.

    Args:
        world: A world with ``auto_reset=True``.
        device_policy: Policy that drives the device.
    """

    render_mode = None

    def __init__(self, world: GaitWorld, device_policy: Policy | None = None) -> None:
        self.world, self.device_policy = world, device_policy
        super().__init__(
            world.n_envs,
            spaces.Box(-np.inf, np.inf, (len(world.human_observation_names),), np.float32),
            spaces.Box(-1.0, 1.0, (world.n_human_actions,), np.float32),
        )
        self._actions = np.zeros((world.n_envs, world.n_human_actions))

    def reset(self) -> np.ndarray:
        """Put every body on the reference motion, with the seed and the options (``phase``, ``speed``) set before.

        Bodies draw from one generator: of the seeds, the first counts.

        Raises:
            InputError: An option is unknown, or a speed outside the reference's range.
        """
        if self._seeds[0] is not None:
            self.world.rng = np.random.default_rng(self._seeds[0])
        start(self.world, np.arange(self.num_envs), self._options, None)
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = rows(facts(self.world), self.num_envs)
        return self.world.human_observation().astype(np.float32)

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions for :meth:`step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Advance every body by one control step; those whose episode ended have been reset."""
        time = self.world.state.time + self.world.config.control_step
        step = advance(self.world, self._actions, self.device_policy)
        done = step.terminated | step.truncated
        found = {**facts(self.world, step), "time": time, "fall": step.terminated.copy()}
        infos = rows(found, self.num_envs)
        for i in np.flatnonzero(done):
            infos[i]["terminal_observation"] = step.human_final[i].astype(np.float32)
            infos[i]["TimeLimit.truncated"] = bool(step.truncated[i])
        return self.world.human_observation().astype(np.float32), step.human_reward.astype(np.float32), done, infos

    def close(self) -> None:
        """Nothing to release."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The world's attribute, or else this object's own, once per environment.

        Raises:
            AttributeError: Neither has it.
        """
        owner = self.world if hasattr(self.world, attr_name) else self
        return [getattr(owner, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the world, which all bodies share.

        Raises:
            NotImplementedError: For some of the bodies only.
        """
        if len(set(self._get_indices(indices))) != self.num_envs:
            raise NotImplementedError(f"{attr_name}: bodies share one world; set it for all of them")
        setattr(self.world, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method of the world once; its result, once per environment."""
        return [getattr(self.world, method_name)(*args, **kwargs)] * len(list(self._get_indices(indices)))

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Bodies are never wrapped one by one."""
        return [False] * len(list(self._get_indices(indices)))


def rows(values: dict[str, np.ndarray], count: int) -> list[dict[str, Any]]:
    """Arrays over the bodies as one dictionary of plain numbers a body."""
    columns = {name: value.tolist() for name, value in values.items()}
    return [{name: column[i] for name, column in columns.items()} for i in range(count)]
