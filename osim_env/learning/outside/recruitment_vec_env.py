"""The recruitment baseline as a ``VecEnv``: any stable-baselines3 algorithm trains its policy on the twin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...gait.world import GaitWorld
from ..policy import Policy
from .one_world import OneWorldVecEnv, rows
from .recruitment_env import advance, facts, spaces_of, start


class RecruitmentVecEnv(OneWorldVecEnv[GaitWorld]):
    """The human's side of a :class:`GaitWorld`; the device, if any, follows a given policy or gives no torque.

    Infos hold what those of :class:`RecruitmentEnv` do; of a body whose episode ended, ``time`` and ``fall`` are those
    of the end, ``speed`` and ``commanded_speed`` those of its new start.

    Args:
        world: A world with ``auto_reset=True``.
        device_policy: Policy that drives the device.
    """

    def __init__(self, world: GaitWorld, device_policy: Policy | None = None) -> None:
        super().__init__(world, device_policy, *spaces_of(world))

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
