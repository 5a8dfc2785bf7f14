"""What stable-baselines3 asks of any batch of bodies that share one world."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from ...excitation.world import ExcitationWorld
from ...gait.world import GaitWorld
from ..policy import Policy

World = TypeVar("World", GaitWorld, ExcitationWorld)


class OneWorldVecEnv(VecEnv, Generic[World]):
    """A ``VecEnv`` whose bodies are one world; what moves them is left to others.

    Args:
        world: The bodies.
        device_policy: Policy that drives the devices.
        observation_space: Of one body.
        action_space: Of one body.
    """

    render_mode = None

    def __init__(
        self, world: World, device_policy: Policy | None, observation_space: spaces.Box, action_space: spaces.Box
    ) -> None:
        self.world, self.device_policy = world, device_policy
        super().__init__(world.n_envs, observation_space, action_space)
        self._actions = np.zeros((world.n_envs, *action_space.shape))

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions for ``step_wait``."""
        self._actions = actions

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
