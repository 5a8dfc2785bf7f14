"""PPO of one excitation a muscle, at the speed of the machine.

The algorithm is PPO with clipping (Schulman et al. 2017) and generalized advantages. What is particular to walking
with muscles: noise with memory along the teacher's covariance (:mod:`.noise`; the density is that of the action given
the noise before, so it is exact), advantages cut at robust standard deviations, rewards times 1 - gamma, a critic that
may know the reference, a learning rate that follows the KL divergence, and optionally the gradient of the heat that the
mean excitation stands for, which needs no estimate.

Work is split into parts of :data:`PART` samples, whatever the number of threads, and their gradients are added in
order: the same bits on every number of threads.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...engine.threads import over_parts
from ...excitation.world import ExcitationWorld
from ..checkpoint import part_of
from ..learner import robust_scale
from .config import PpoConfig
from .network import Adam, Network, Room, in_slices
from .noise import Floats, Noise, aligned
from .normalize import Statistics

PART = 768
"""Samples of one part of a minibatch."""
ACTING = 96
"""Bodies of one part while acting."""
LEAST_KL, MOST_KL = 0.5, 2.0
"""Bounds on the KL divergence over the wanted one outside which the learning rate changes by half."""
STOP_KL = 3.0
"""A pass over the roll-out ends early above this multiple of the wanted KL divergence."""
HEAT_RATE, HEAT_POWER = 133.0, 0.6
"""Heat of activation: ``HEAT_RATE m (e + 0.01)^HEAT_POWER`` W for a muscle of mass m (kg) at excitation e, from the
terms of Umberger 2010 with half slow fibres, aerobic factor included, linear in nothing but mass."""
HEAT_FLOOR = 0.01


def heat_and_slope(mean: torch.Tensor, coefficient: torch.Tensor, squash: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Heat rate that commands stand for, and its derivative.

    Args:
        mean: Commands before the squash, shape (n, n_muscles).
        coefficient: Heat rate of each muscle at full excitation over body mass, W/kg, shape (n_muscles,).
        squash: Of the excitation, ``log(1 + exp(squash z)) / squash``.

    Returns:
        Heat rate, shape (n,), W/kg, and its derivative with respect to ``mean``, shape (n, n_muscles).
    """
    base = torch.nn.functional.softplus(squash * mean, threshold=30.0).div_(squash).add_(HEAT_FLOOR)
    heat = base.pow(HEAT_POWER).mul_(coefficient)
    slope = heat.div(base).mul_(torch.sigmoid(squash * mean)).mul_(HEAT_POWER)
    return heat.sum(1), slope


class ExcitationLearner:
    """Policy, critic, noise and what a roll-out needs, for one batch of bodies.

    Attributes:
        actor: The policy's network: normalised observation in, command before the squash out.
        critic: Normalised observation and what only it sees in, value out.
        statistics: Of the observations, those of the critic behind those of the policy.
        rate: Learning rate of the policy.
        updates: Updates so far.
        frozen_statistics: Whether normalisation stays as it is. A trained policy needs it: its commands would change
            with every observation's mean and spread, and no ratio of probabilities would notice.
        seconds: Wall time of the last update by kind: ``forward``, ``learning``.
    """

    def __init__(
        self, config: PpoConfig, world: ExcitationWorld, *, n_steps: int, seed: int, covariance: Floats | None = None
    ) -> None:  # fmt: skip
        self.config, self.n_steps, self.n_envs = config, n_steps, world.n_envs
        self.n_observations, self.n_actions = world.n_observations, world.n_actions
        n_privileged = len(world.privileged_names)
        torch.set_num_threads(1)  # parts run side by side, each product on one thread
        self._torch = torch.Generator().manual_seed(seed)
        self.actor = Network(
            (self.n_observations, *config.actor, self.n_actions), self._torch, products=config.products
        )  # fmt: skip
        self._n_seen = self.n_observations + (n_privileged if config.privileged else 0)
        self.critic = Network((self._n_seen, *config.critic, 1), self._torch, output_gain=1.0, products=config.products)
        self.actor_adam, self.critic_adam = Adam(self.actor.flat), Adam(self.critic.flat)
        self.statistics = Statistics(self.n_observations + n_privileged)
        self.rate, self.updates = config.learning_rate, 0
        self.frozen_statistics = False
        self._acting = -(-self.n_envs // ACTING)
        sequences = np.random.SeedSequence(seed).spawn(self._acting + 1)
        self._random = [np.random.Generator(np.random.PCG64(one)) for one in sequences]
        self.set_covariance(covariance)
        mass = world.anatomy.muscle_mass
        self._heat = aligned(HEAT_RATE * mass / world.bodies.person_mass.mean())
        self._squash = world.config.squash
        self._flip = np.append(world.anatomy.muscle_mirror, world.model.n_muscles)
        self._allocate(n_privileged)

    def _allocate(self, n_privileged: int) -> None:
        n, t, a = self.n_envs, self.n_steps, self.n_actions
        self.inputs = torch.zeros((t + 1, n, self.n_observations + n_privileged))
        self.target = torch.zeros((t, n, a))
        """Actions less what the memory of the noise gave: what the mean is held against."""
        self.unlikely = torch.zeros((t, n))
        """Half the squared whitened distance of the target from the mean when it was drawn."""
        self.reward, self.value = np.zeros((t, n)), np.zeros((t + 1, n))
        self.ended, self.cut = np.zeros((t, n), bool), np.zeros((t, n), bool)
        self.noise_now = torch.zeros((n, a))
        self.action = np.zeros((n, a))
        self._drawn = torch.zeros((n, a))
        self._cut_inputs: list[tuple[int, NDArray[np.int64], NDArray[np.float32]]] = []
        self._gradients = torch.zeros((0, 0))
        self._local = threading.local()

    def set_covariance(self, covariance: Floats | None) -> None:
        """Explore along a covariance from now on, shape (n_actions, n_actions); None for all entries alike."""
        c, self.covariance = self.config, covariance
        self.noise = Noise(
            self.n_actions, size=c.noise, memory=c.noise_memory, along=c.noise_along, covariance=covariance
        )

    # ---- acting ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a new roll-out."""
        self.statistics.begin(self._acting)
        self._cut_inputs.clear()
        self.seconds = {"forward": 0.0, "learning": 0.0}

    def act(self, world: ExcitationWorld, step: int) -> NDArray[np.float64]:
        """Draw actions for all bodies and remember what the update needs.

        Args:
            world: The bodies; their observations are read where they are.
            step: Number of the control step in the roll-out.

        Returns:
            Shape (batch, n_actions); the same array at every call.
        """
        start = time.monotonic()
        results, inputs = world.results, self.inputs[step]
        numbers, memory = inputs.numpy(), self.noise.memory

        def part(k: int) -> None:
            rows = slice(k * ACTING, min((k + 1) * ACTING, self.n_envs))
            self.statistics.normalize(results.observation, results.privileged, numbers, k, rows)
            x = inputs[rows, : self.n_observations]
            mean = self.actor.forward(x, self.room("act", self.actor, ACTING))
            new = self._drawn[rows]
            self._random[k].standard_normal(dtype=np.float32, out=new.numpy())
            torch.sum(new * new, 1, out=self.unlikely[step, rows]).mul_(0.5)
            torch.addmm(mean, new, self.noise.spread.t(), out=self.target[step, rows])
            noise = self.noise_now[rows]
            self.action[rows] = torch.add(self.target[step, rows], noise, alpha=memory).numpy()
            noise.mul_(memory).add_(self.target[step, rows]).sub_(mean)

        over_parts(self._acting, part)
        self.seconds["forward"] += time.monotonic() - start
        return self.action

    def act_without_noise(self, world: ExcitationWorld) -> NDArray[np.float64]:
        """Actions of the policy as it is, while it does not learn; statistics stay, and the noise forgets.

        Args:
            world: The bodies; their observations are read where they are.

        Returns:
            Shape (batch, n_actions); the same array at every call.
        """
        start = time.monotonic()
        self.noise_now.zero_()

        def part(k: int) -> None:
            rows = slice(k * ACTING, min((k + 1) * ACTING, self.n_envs))
            x = torch.from_numpy(self.statistics.normalized(world.results.observation[rows]))
            self.action[rows] = self.actor.forward(x, self.room("act", self.actor, ACTING)).numpy()

        over_parts(self._acting, part)
        self.seconds["forward"] += time.monotonic() - start
        return self.action

    def mean_action(self, observation: NDArray[np.float32], room: Room) -> NDArray[np.float32]:
        """What the policy commands without noise.

        Args:
            observation: Raw, shape (batch, n_observations).
            room: Buffers for so many rows.

        Returns:
            Shape (batch, n_actions); overwritten by the next call with the same room.
        """
        return self.actor.forward(torch.from_numpy(self.statistics.normalized(observation)), room).numpy()

    def record(self, world: ExcitationWorld, step: int, far: NDArray[np.bool_]) -> None:
        """Keep what followed :meth:`act`.

        Args:
            world: The bodies after the control step.
            step: Number of the control step.
            far: Which bodies were seen from the left leg before the step, shape (batch,); the noise of those that
                changed legs changes legs, too.
        """
        results = world.results
        self.reward[step] = results.reward
        np.logical_or(results.terminated, results.truncated, out=self.ended[step])
        self.cut[step] = results.truncated
        index = np.flatnonzero(results.truncated)
        if len(index):
            seen = np.concatenate([results.final_observation[index], results.final_privileged[index]], axis=1)
            self._cut_inputs.append((step, index, seen))
        changed = np.flatnonzero((world.bodies.phase >= 0.5) != far)
        if len(changed):
            noise = self.noise_now.numpy()
            noise[changed] = noise[changed][:, self._flip]

    # ---- learning --------------------------------------------------------------------------------------------------

    def update(self, world: ExcitationWorld) -> dict[str, float]:
        """Finish the roll-out and improve policy and critic.

        Returns:
            Training figures by name.
        """
        start = time.monotonic()
        results, last = world.results, self.inputs[self.n_steps].numpy()
        over_parts(
            self._acting,
            lambda k: self.statistics.normalize(
                results.observation, results.privileged, last, k, slice(k * ACTING, (k + 1) * ACTING)
            ),
        )
        self._values()
        self.seconds["forward"] += time.monotonic() - start
        start = time.monotonic()
        advantage, wanted = self._advantages()
        figures = self._learn(advantage, wanted)
        if not self.frozen_statistics:
            self.statistics.end()
        self.updates += 1
        self.seconds["learning"] += time.monotonic() - start
        return figures

    def _values(self) -> None:
        """What the critic makes of every state of the roll-out, and of states that time alone ended."""
        flat = self.inputs.view(-1, self.inputs.shape[2])[:, : self._n_seen]
        value = self.value.reshape(-1)

        def part(k: int) -> None:
            rows = slice(k * PART, (k + 1) * PART)
            value[rows] = self.critic.forward(flat[rows], self.room("critic", self.critic, PART))[:, 0].numpy()

        over_parts(-(-len(flat) // PART), part)
        self._beyond = np.zeros(self.reward.shape)
        for step, index, seen in self._cut_inputs:
            x = aligned(self.statistics.normalized(seen)[:, : self._n_seen])
            for at in range(0, len(index), PART):
                found = self.critic.forward(x[at : at + PART], self.room("critic", self.critic, PART))[:, 0].numpy()
                self._beyond[step, index[at : at + PART]] = found

    def _advantages(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Generalized advantages, cut and scaled, and what the critic should have said; shape (n_steps * batch,)."""
        c = self.config
        reward = self.reward * (1.0 - c.gamma) + c.gamma * self._beyond * self.cut
        advantage, following = np.zeros_like(self.reward), np.zeros(self.n_envs)
        for t in range(self.n_steps - 1, -1, -1):
            goes_on = 1.0 - self.ended[t]
            change = reward[t] + c.gamma * goes_on * self.value[t + 1] - self.value[t]
            following = change + c.gamma * c.gae_lambda * goes_on * following
            advantage[t] = following
        wanted = (advantage + self.value[:-1]).ravel().astype(np.float32)
        self._explained = 1.0 - np.var(advantage) / max(float(np.var(wanted)), 1e-12)
        flat = advantage.ravel()
        flat = robust_scale(flat, c.advantage_clip) if c.advantage_clip else flat
        flat = (flat - flat.mean()) / (flat.std() + 1e-8)
        return torch.from_numpy(flat.astype(np.float32)), torch.from_numpy(wanted)

    def _learn(self, advantage: torch.Tensor, wanted: torch.Tensor) -> dict[str, float]:
        """Some passes over the roll-out in random order."""
        c, size = self.config, len(advantage)
        batch = min(c.minibatch, size)
        warm = self.updates >= c.critic_warmup
        sums: list[NDArray[np.float64]] = []
        for _ in range(c.epochs):
            order = torch.randperm(size, generator=self._torch)
            for start in range(0, size - batch + 1, batch):
                sums.append(self._step(order[start : start + batch], advantage, wanted, warm))
            if warm and np.mean([found[0] for found in sums[-(size // batch) :]]) > STOP_KL * c.target_kl:
                break
        last = np.mean(sums[-(size // batch) :], axis=0)
        if warm:
            self._follow_kl(last[0])
        return {
            **dict(zip(("kl", "clipped", "value_loss", "heat"), map(float, last), strict=True)),
            "learning_rate": self.rate, "explained_variance": float(self._explained),
            "passes": len(sums) / (size // batch),
        }  # fmt: skip

    def _step(
        self, chosen: torch.Tensor, advantage: torch.Tensor, wanted: torch.Tensor, warm: bool
    ) -> NDArray[np.float64]:
        """One gradient step of both networks; returns the means of KL, share clipped, critic's loss and heat."""
        parts = -(-len(chosen) // PART)
        lengths = (len(self.actor.flat), len(self.critic.flat))
        if self._gradients.shape != (parts, sum(lengths)):
            self._gradients = torch.zeros((parts, sum(lengths)))
        found = np.zeros((parts, 4))
        whole = len(chosen)

        def part(k: int) -> None:
            index = chosen[k * PART : (k + 1) * PART]
            x = self._gather("x", self.inputs.view(-1, self.inputs.shape[2]), index)
            gradient = self._gradients[k]
            if warm:
                found[k, [0, 1, 3]] = self._policy_part(x, index, advantage, whole, gradient[: lengths[0]])
            room = self.room("critic", self.critic, PART)
            off = self.critic.forward(x[:, : self._n_seen], room)[:, 0] - wanted[index]
            found[k, 2] = float(off @ off)
            self.critic.backward((off / whole)[:, None], room, gradient[lengths[0] :])

        over_parts(parts, part)
        self._descend(lengths, warm)
        return found.sum(axis=0) / whole

    def _policy_part(
        self, x: torch.Tensor, index: torch.Tensor, advantage: torch.Tensor, whole: int, gradient: torch.Tensor
    ) -> tuple[float, float, float]:
        """Gradient of the policy's loss over some samples; returns sums of KL, clipped samples and heat."""
        c, room = self.config, self.room("actor", self.actor, PART)
        mean = self.actor.forward(x[:, : self.n_observations], room)
        off = self._gather("target", self.target.view(-1, self.n_actions), index).sub_(mean)
        white = off @ self.noise.whiten.t()
        log_ratio = self.unlikely.view(-1)[index] - 0.5 * (white * white).sum(1)
        ratio, gain = torch.exp(log_ratio), advantage[index]
        outside = torch.where(gain >= 0, ratio > 1.0 + c.clip, ratio < 1.0 - c.clip)
        weight = torch.where(outside, 0.0, gain * ratio).div_(-whole)
        delta = white.mul_(weight[:, None]) @ self.noise.whiten
        heat = 0.0
        if c.effort_gradient:
            rates, slope = heat_and_slope(mean[:, :-1], self._heat, self._squash)
            delta[:, :-1].add_(slope, alpha=c.effort_gradient / whole)
            heat = float(rates.sum())
        self.actor.backward(delta, room, gradient)
        return float((ratio - 1.0 - log_ratio).sum()), float(outside.sum()), heat

    def _descend(self, lengths: tuple[int, int], warm: bool) -> None:
        """Add the parts' gradients in order, bound their norms, and let Adam move both networks."""
        total = self._total(lengths)
        which = [(self.critic, self.critic_adam, self.config.critic_rate, slice(lengths[0], None))]
        if warm:
            which.append((self.actor, self.actor_adam, self.rate, slice(0, lengths[0])))
        for network, adam, rate, part in which:
            gradient = total[part]
            norm = float(torch.linalg.vector_norm(gradient))
            if norm > self.config.max_gradient:
                gradient.mul_(self.config.max_gradient / norm)
            adam.move(gradient, rate)
            network.changed()

    def _total(self, lengths: tuple[int, int]) -> torch.Tensor:
        total = self._gradients[0]

        def add(rows: slice) -> None:
            for k in range(1, len(self._gradients)):
                total[rows] += self._gradients[k, rows]

        in_slices(sum(lengths), add)
        return total

    def _follow_kl(self, kl: float) -> None:
        low, high = self.config.learning_rate_range
        if kl > MOST_KL * self.config.target_kl:
            self.rate = max(low, self.rate / 1.5)
        elif kl < LEAST_KL * self.config.target_kl:
            self.rate = min(high, self.rate * 1.5)

    # ---- buffers of each thread ------------------------------------------------------------------------------------

    def room(self, what: str, network: Network, rows: int) -> Room:
        """This thread's buffers for one use of a network."""
        rooms = self._local.__dict__.get("rooms")
        if rooms is None:
            # OpenMP counts threads for every thread anew: without this, products of the pool's threads are split.
            torch.set_num_threads(1)
            rooms = self._local.rooms = {}
        if what not in rooms:
            rooms[what] = Room(network, rows)
        return rooms[what]

    def _gather(self, what: str, rows: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        kept = self._local.__dict__.setdefault("gathered", {})
        if what not in kept:
            kept[what] = torch.empty((PART, rows.shape[1]))
        return torch.index_select(rows, 0, index, out=kept[what][: len(index)])

    # ---- state, without pickle -------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that the next update depends on, but the random generators, as named arrays."""
        content: dict[str, NDArray[Any]] = {
            "actor": self.actor.flat.numpy().copy(), "critic": self.critic.flat.numpy().copy(),
            "noise": self.noise_now.numpy().copy(), "rate": np.array(self.rate), "updates": np.array(self.updates),
            "covariance": np.eye(self.n_actions) if self.covariance is None else self.covariance.copy(),
            "torch_random": self._torch.get_state().numpy().copy(),
        }  # fmt: skip
        for name, part in self._parts().items():
            content |= {f"{name}/{key}": value for key, value in part.arrays().items()}
        return content

    def load_arrays(self, content: dict[str, NDArray[Any]]) -> None:
        """Restore what :meth:`arrays` returned."""
        for network, name in ((self.actor, "actor"), (self.critic, "critic")):
            network.flat.copy_(torch.from_numpy(content[name]))
            network.changed()
        self.noise_now.copy_(torch.from_numpy(content["noise"]))
        self.rate, self.updates = float(content["rate"]), int(content["updates"])
        self.set_covariance(content["covariance"].copy())
        self._torch.set_state(torch.from_numpy(content["torch_random"].copy()))
        for name, part in self._parts().items():
            part.load_arrays(part_of(content, f"{name}/"))

    def _parts(self) -> dict[str, Adam | Statistics]:
        """What keeps arrays of its own."""
        return {"actor_adam": self.actor_adam, "critic_adam": self.critic_adam, "statistics": self.statistics}

    def random_states(self) -> list[dict[str, Any]]:
        """States of the generators that draw the noise; JSON."""
        return [dict(one.bit_generator.state) for one in self._random]

    def set_random_states(self, states: list[dict[str, Any]]) -> None:
        """Restore what :meth:`random_states` returned."""
        for one, state in zip(self._random, states, strict=True):
            one.bit_generator.state = state
