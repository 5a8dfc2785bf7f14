"""A batch of walking bodies as a ``VecEnv``: any stable-baselines3 algorithm trains the muscles' policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from exogait.data.errors import InputError

from ..excitation.world import ExcitationWorld
from .gait_env import device_action, facts, spaces_of, standing, start
from .outside.one_world import OneWorldVecEnv, rows
from .policy import Policy


class GaitVecEnv(OneWorldVecEnv[ExcitationWorld]):
    """The human's side of an :class:`ExcitationWorld`; devices, if any, follow a given policy or give no torque.

    Observations, actions and infos are those of :class:`OsimGaitEnv`.

    Args:
        world: A world with ``auto_reset=True``.
        device_policy: Policy that drives the devices.

    Raises:
        InputError: It is another world, or one that does not start bodies anew.
    """

    def __init__(self, world: ExcitationWorld, device_policy: Policy | None = None) -> None:
        if not isinstance(world, ExcitationWorld) or not world.auto_reset:
            what = "an ExcitationWorld with auto_reset=True; RecruitmentVecEnv takes a GaitWorld"
            raise InputError("world", type(world).__name__, what)
        super().__init__(world, device_policy, *spaces_of(world))

    def reset(self) -> np.ndarray:
        """Put every body on the reference motion, with the seed and the options (a task for each body) set before.

        Every body's own random numbers follow from the first of the seeds.

        Raises:
            InputError: An option is unknown, or outside its range.
        """
        if self._seeds[0] is not None:
            self.world.seed(self._seeds[0])
        self.world.steps = 0
        start(self.world, np.arange(self.num_envs), self._options)
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = rows(standing(self.world), self.num_envs)
        return self.world.results.observation.copy()

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Advance every body by one control step; those whose episode ended have been reset."""
        results = self.world.step(self._actions, device_action(self.world, self.device_policy))
        done = results.terminated | results.truncated
        infos = rows(facts(self.world), self.num_envs)
        for i in np.flatnonzero(done):
            infos[i]["terminal_observation"] = results.final_observation[i].copy()
            infos[i]["TimeLimit.truncated"] = bool(results.truncated[i])
        return results.observation.copy(), results.reward.astype(np.float32), done, infos
