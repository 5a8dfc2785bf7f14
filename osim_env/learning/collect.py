"""Collecting samples: every body of a batch walks while both agents act, and who learns keeps what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..device.legs import Legs
from ..gait.world import GaitWorld
from .config import Array
from .learner import Learner
from .prescribed import PrescribedTorque

REMEMBERED = 400
"""Episodes over whose length the mean is taken."""


@dataclass
class Episodes:
    """Where the episodes of a batch stand.

    Attributes:
        starts: Whether the next control step is the first of its episode, shape (batch,).
        lengths: Time since the start, shape (batch,), s.
        finished: Lengths of the last episodes that ended, s.
    """

    starts: NDArray[np.bool_]
    lengths: Array
    finished: list[float] = field(default_factory=list)

    @classmethod
    def new(cls, n: int) -> Episodes:
        """All ``n`` at their start."""
        return cls(np.ones(n, bool), np.zeros(n))

    def advance(self, done: NDArray[np.bool_], seconds: float) -> None:
        """One control step of ``seconds``, with which some episodes ended (shape (batch,))."""
        self.starts = done
        self.lengths += seconds
        self.finished += self.lengths[done].tolist()
        self.lengths[done] = 0.0

    def restart(self, index: NDArray[np.int64]) -> None:
        """Some bodies were put back to a start before their episode ended."""
        self.starts[index], self.lengths[index] = True, 0.0

    def mean_length(self) -> float:
        """Mean length of the last episodes, s; 0 before any ended."""
        self.finished = self.finished[-REMEMBERED:]
        return float(np.mean(self.finished)) if self.finished else 0.0


class Controllers:
    """The bodies whose device is on, as what decides for it sees them: whole, or leg by leg.

    Only they can teach it anything.

    Attributes:
        legs: Views of the two legs, where one network controls each.
        index: Who they are, shape (n_powered,).
    """

    legs: Legs | None
    index: NDArray[np.int64]

    @property
    def n_learned(self) -> int:
        """Controllers at work: one a body, or two."""
        return len(self.index) * (1 if self.legs is None else 2)

    def observations(self, of_all: Array) -> Array:
        """Observations of each controller from those of all bodies, shape (batch, n_device_observations)."""
        found = of_all[self.index]
        return found if self.legs is None else self.legs.observe(found)

    def each(self, of_all: NDArray) -> NDArray:
        """Values of the bodies, shape (batch,), for each controller, shape (n_learned,)."""
        found = of_all[self.index]
        return found if self.legs is None else np.tile(found, 2)

    def command(self, action: Array) -> Array:
        """Actions of the controllers as those of the devices, shape (n_powered, n_device_actions)."""
        return action if self.legs is None else self.legs.act(action)


class Wearers(Controllers):
    """Those of a world of the recruitment scheme.

    Args:
        world: A world with a device.
        legs: Views of the two legs, where one network controls each.
    """

    def __init__(self, world: GaitWorld, legs: Legs | None) -> None:
        self.world, self.legs = world, legs
        self.find()

    def find(self) -> None:
        """Look anew who they are."""
        assert self.world.exoskeleton is not None
        self.index = np.flatnonzero(self.world.exoskeleton.powered)

    def sensed(self) -> Array:
        """Observations of each controller now, shape (n_learned, n_device_observations)."""
        return self.observations(self.world.device_observation())


def collect(
    world: GaitWorld,
    human: Learner,
    device: Learner | None,
    wearers: Wearers | None,
    prescribed: PrescribedTorque | None,
    episodes: Episodes,
    *,
    n_steps: int,
    control_step: float,
    human_learns: bool,
    device_learns: bool,
) -> dict[str, float]:
    """Let every body walk for ``n_steps`` control steps; who learns records what it saw, did and got.

    Who does not learn acts without noise, and is learned against, as it will be used.

    Args:
        world: Bodies that start anew by themselves.
        human: The human's learner.
        device: The device's learner, if it has one.
        wearers: Who wears a device that is on; needed where it has a learner.
        prescribed: Drives the device instead.
        episodes: Where episodes stand; moved on.
        n_steps: Control steps.
        control_step: Length of one, s.
        human_learns: Whether the human records.
        device_learns: Whether the device does.

    Returns:
        Mean of every reward term (``term/...``) and of both rewards per control step.
    """
    sums: dict[str, float] = {}
    rewards = np.zeros(2)
    device_action = np.zeros((world.n_envs, world.n_device_actions)) if world.exoskeleton is not None else None
    for _ in range(n_steps):
        seen = world.human_observation()
        human_action = human.act(seen) if human_learns else human.act_without_noise(seen)
        if device is not None and wearers is not None and device_action is not None and len(wearers.index):
            act = device.act if device_learns else device.act_without_noise
            device_action[wearers.index] = wearers.command(act(wearers.sensed()))
        elif prescribed is not None:
            device_action = prescribed.act()
        step = world.step(
            np.clip(human_action, -1, 1), None if device_action is None else np.clip(device_action, -1, 1)
        )
        if human_learns:
            human.record(step.human_reward, episodes.starts, step.truncated, step.human_final)
        if device is not None and wearers is not None and device_learns:
            device.record(
                wearers.each(step.device_reward), wearers.each(episodes.starts), wearers.each(step.truncated),
                wearers.observations(step.device_final),
            )  # fmt: skip
        episodes.advance(step.terminated | step.truncated, control_step)
        rewards += step.human_reward.mean(), step.device_reward.mean()
        for name, value in step.terms.items():
            sums[name] = sums.get(name, 0.0) + float(np.nanmean(value))
    figures = {f"term/{name}": value / n_steps for name, value in sums.items()}
    return figures | {"reward/human": rewards[0] / n_steps, "reward/device": rewards[1] / n_steps}
