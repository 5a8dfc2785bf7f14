"""The device in the excitation world: who wears one that is on, and what decides for it.

It is a policy at rest, or a learner of its own (:class:`..learner.Learner`, stable-baselines3's PPO) with its own
observation, reward, network and critic. It decides less often than the nervous system: between two of its decisions
its reward is added up until an episode ends.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...device.legs import Legs, alike_on_both_sides
from ...excitation.world import ExcitationWorld
from ..checkpoint import load_device
from ..collect import Controllers
from ..learner import Learner
from ..policy import Policy, load_policy, policy_from_learner
from .config import ExcitationTrainConfig

Floats = NDArray[np.float64]


class DeviceAgent(Controllers):
    """Decides for all devices that are on.

    Attributes:
        policy: What decides where nothing learns; None where there is a learner.
        learner: The device's learner.
        starts: Whether the next decision is the first of its episode, shape (batch,).
    """

    def __init__(self, config: ExcitationTrainConfig, world: ExcitationWorld) -> None:
        assert world.device is not None
        self.world = world
        self.policy: Policy | None = None
        self.learner: Learner | None = None
        self.legs = None
        n, width = world.n_envs, world.results.device_observation.shape[1]
        self.action = np.zeros((n, world.n_device_actions))
        self.starts = np.ones(n, bool)
        self._reward, self._ended, self._cut = np.zeros(n), np.zeros(n, bool), np.zeros(n, bool)
        self._final, self._open = np.zeros((n, width), np.float32), False
        self.find()
        if config.device is None:
            if config.device_policy is not None:
                self.policy = load_policy(config.device_policy)
                self.policy.require_device(world.signature())
            return
        if config.share_legs and alike_on_both_sides(world.device):
            self.legs = Legs(world.device)
        self.learner = Learner(
            config.device, n_envs=self.n_learned, n_steps=config.n_steps // world.settings.device_every,
            n_observations=width, n_actions=world.n_device_actions if self.legs is None else self.legs.n_actions,
            seed=config.seed + 1,
        )  # fmt: skip
        if config.start_device is not None:
            load_device(self.learner, config.start_device, self.legs, world.signature())

    def find(self) -> None:
        """Look anew whose device is on."""
        bodies = self.world.bodies
        self.index = np.flatnonzero(bodies.worn * bodies.powered)
        if self.learner is not None:
            self.learner.set_environments(self.n_learned)

    # ---- a roll-out ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a new roll-out."""
        self._open = False
        if self.learner is not None:
            self.learner.begin()

    def decide(self, *, learns: bool) -> Floats:
        """Decide for all devices, where it is time for it.

        Args:
            learns: Whether the learner explores and remembers.

        Returns:
            Actions of all devices, shape (batch, n_device_actions); the same array at every call.
        """
        if not self.world.device_decides or not len(self.index):
            return self.action
        seen = self.world.results.device_observation
        if self.learner is None:
            if self.policy is not None:
                self.action[self.index] = self.policy.act(seen[self.index])
            return self.action
        if learns:
            self._close()
        act = self.learner.act if learns else self.learner.act_without_noise
        self.action[self.index] = np.clip(self.command(act(self.observations(seen))), -1.0, 1.0)
        self._open = learns
        self._reward[:], self._ended[:], self._cut[:] = 0.0, False, False
        return self.action

    def follow(self) -> None:
        """Add up what a control step gave, in every episode until it ends."""
        results, going = self.world.results, ~self._ended
        self._reward += np.where(going, results.device_reward, 0.0)
        cut = going & results.truncated
        self._final[cut] = results.final_device_observation[cut]
        self._cut |= cut
        self._ended |= results.terminated | results.truncated

    def update(self) -> dict[str, float]:
        """Finish the roll-out and learn from it; training figures by name."""
        assert self.learner is not None
        self._close()
        now = self.observations(self.world.results.device_observation)
        return self.learner.update(now, self.each(self.starts))

    def _close(self) -> None:
        """Remember what followed the last decision."""
        if self._open and self.learner is not None:
            self.learner.record(
                self.each(self._reward), self.each(self.starts), self.each(self._cut), self.observations(self._final)
            )
            self.starts = self._ended.copy()
        self._open = False

    def at_rest(self, metadata: dict[str, Any]) -> Policy | None:
        """The deterministic policy as it is, a learner's with this description; None where nothing decides."""
        if self.learner is None:
            return self.policy
        return policy_from_learner(self.learner, metadata, None if self.legs is None else self.legs.plain)
