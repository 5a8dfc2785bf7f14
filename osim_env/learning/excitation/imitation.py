"""From a teacher to a student that moves muscles itself: DAgger (Ross, Gordon & Bagnell 2011).

Bodies walk under teacher and student, pushed and with noise on their excitations, and the teacher says in every state
what it would do; the student learns from all that was said so far. Excitations are learned as the command before the
squash, by plain squared error.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import torch

from ...engine.threads import over_parts
from ...excitation.config import inverse_softplus
from ...gait.population import CONDITIONS
from ...gait.reference import load_reference
from ..learner import CLIP_OBSERVATION
from .config import ExcitationTrainConfig, ImitationConfig
from .learner import PART, ExcitationLearner
from .network import Adam, Room
from .setup import make_excitation_world
from .teacher import Floats, Teacher

MOST_NOISE = 1.5
"""Excitations are multiplied by one plus noise of at most this size."""
MIXED = 8
"""Bodies of one kind of noise and pushes follow one another in groups of this many."""


def imitate(
    config: ExcitationTrainConfig,
    learner: ExcitationLearner,
    report: Callable[[dict[str, float]], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Teach the learner's policy; its statistics and the covariance of its noise become those of the labels.

    Args:
        config: Settings of the training.
        learner: Its policy is written.
        report: Called with the figures of every round.
        stop: Asked after every round; gives up where it says so, and the learner is left half taught.

    Returns:
        Whether it came to the end.
    """
    assert config.imitation is not None
    lesson = Lesson(config, config.imitation, learner)
    for number in range(config.imitation.iterations):
        figures = lesson.round(number)
        if report is not None:
            report(figures)
        if stop():
            return False
    lesson.end()
    return True


class Lesson:
    """Labels gathered so far, and the bodies that gather more."""

    def __init__(self, config: ExcitationTrainConfig, how: ImitationConfig, learner: ExcitationLearner) -> None:
        self.how, self.learner = how, learner
        world_config = dataclasses.replace(config.world, push_force=0.0, push_interval=0.0)
        self.world = make_excitation_world(config.setup, world_config, n_envs=how.n_envs, seed=config.seed + 1)
        if self.world.device is not None:  # the teacher knows no device
            self.world.dress(np.arange(how.n_envs), CONDITIONS[0])
            self.world.reset()
        reference = load_reference(config.setup.reference)
        self.teacher = Teacher(how.teacher, self.world, reference, trunk_effort_weight=how.trunk_effort_weight)
        self.rng = np.random.default_rng(config.seed)
        self.torch = torch.Generator().manual_seed(config.seed)
        # Half precision holds an observation to a thousandth; labels stay as they are.
        self.seen = torch.zeros((how.labels, self.world.n_observations), dtype=torch.float16)
        self.said = torch.zeros((how.labels, self.world.n_actions))
        self.count = 0
        self.adam = Adam(learner.actor.flat)
        kinds = np.arange(how.n_envs) // MIXED
        self.noise_size = np.array(how.noise)[kinds % len(how.noise)][:, None]
        self.push_size = np.array(how.pushes)[kinds // len(how.noise) % len(how.pushes)]
        self.noise = np.zeros((how.n_envs, self.world.model.n_muscles))

    # ---- gathering -------------------------------------------------------------------------------------------------

    def gather(self, share: float) -> dict[str, float]:
        """Walk for one round, ``share`` of the bodies under the student."""
        world, how, learner = self.world, self.how, self.learner
        n, muscles, dt = how.n_envs, world.model.n_muscles, world.config.control_step
        student = self.rng.random(n) < share
        memory, falls = np.exp(-dt / how.noise_time), 0
        room = Room(learner.actor, n)
        self.teacher.start(np.arange(n))
        for step in range(how.n_steps):
            if step % max(1, round(how.turn / dt)) == 0:
                student = self.rng.random(n) < share
            far = (world.bodies.phase >= 0.5)[:, None]
            excitation, rate = self.teacher.label()
            near = np.where(far, excitation[:, world.anatomy.muscle_mirror], excitation)
            squash = world.config.squash
            label = np.concatenate([inverse_softplus(squash * near) / squash, rate[:, None]], axis=1)
            kept = slice(self.count, self.count + n)
            self.seen[kept] = torch.from_numpy(world.results.observation)
            self.said[kept] = torch.from_numpy(label.astype(np.float32))
            self.count += n
            action = label.copy()
            if student.any():
                action[student] = learner.mean_action(world.results.observation, room)[student]
            self.noise *= memory
            self.noise += np.sqrt(1.0 - memory**2) * self.rng.standard_normal((n, muscles))
            noise = np.where(far, self.noise[:, world.anatomy.muscle_mirror], self.noise)
            action[:, :-1] = self._disturbed(action[:, :-1], noise)
            self._push()
            results = world.step(action)
            self.teacher.start(np.flatnonzero(results.terminated | results.truncated))
            falls += int(results.terminated.sum())
        return {"falls": float(falls)}

    def _disturbed(self, command: Floats, noise: Floats) -> Floats:
        """Commands whose excitations are those of ``command`` times one plus noise, shape (batch, n_muscles)."""
        squash = self.world.config.squash
        excitation = np.logaddexp(0.0, squash * command) / squash
        factor = np.clip(1.0 + self.noise_size * noise, 0.0, 1.0 + MOST_NOISE)
        return inverse_softplus(squash * np.clip(excitation * factor, 1e-4, 1.0)) / squash

    def _push(self) -> None:
        """Push every body for the world's time of a push, at its own moment of the interval."""
        world, how = self.world, self.how
        if not how.push_interval:
            return
        dt, first = world.config.control_step, world.columns.push
        own = how.push_interval * np.arange(how.n_envs) / how.n_envs
        since = (world.steps * dt + own) % how.push_interval
        begins = np.flatnonzero(since < dt - 1e-9)
        angle = 2.0 * np.pi * self.rng.random(how.n_envs)
        for k, part in ((0, np.cos), (2, np.sin)):
            world.bodies.parameters[begins, first + k] = self.push_size[begins] * part(angle[begins])
        world.bodies.parameters[since >= world.config.push_duration, first : first + 3] = 0.0

    # ---- learning --------------------------------------------------------------------------------------------------

    def round(self, number: int) -> dict[str, float]:
        """Gather, and learn from everything so far."""
        how = self.how
        figures = self.gather(how.student_share if number else 0.0)
        if number == 0:
            self._describe()
        share = number / max(1, how.iterations - 1)
        rate = how.rates[0] ** (1 - share) * how.rates[1] ** share
        loss = self._learn(how.steps, lambda _: rate)
        return {**figures, "round": float(number + 1), "labels": float(self.count), "loss": loss}

    def end(self) -> None:
        """The last gradient steps, and what the labels tell the noise."""
        first, last = self.how.rates[1:]
        total = max(1, self.how.final_steps)
        self._learn(self.how.final_steps, lambda k: first * (last / first) ** (k / total))
        said = self.said[: self.count].numpy()
        self.learner.set_covariance(np.cov(said, rowvar=False, dtype=np.float64))

    def _describe(self) -> None:
        """Statistics of the observations of the first round, in which all kinds of noise and pushes are."""
        self.learner.statistics.learn(self.seen[: self.count].numpy().astype(np.float32))
        self.learner.statistics.count = float(self.how.labels)
        self.learner.actor.layers[-1][1].copy_(self.said[: self.count].mean(0))
        self.learner.actor.changed()

    def _learn(self, steps: int, rate: Callable[[int], float]) -> float:
        """Gradient steps on the squared error of labels drawn at random; returns the mean loss of the last tenth."""
        losses = []
        for k in range(steps):
            index = torch.randint(self.count, (min(self.how.minibatch, self.count),), generator=self.torch)
            losses.append(self._step(index, rate(k)))
        return float(np.mean(losses[-max(1, steps // 10) :])) if losses else 0.0

    def _step(self, index: torch.Tensor, rate: float) -> float:
        network, s = self.learner.actor, self.learner.statistics
        parts, n = -(-len(index) // PART), self.world.n_observations
        gradients = torch.zeros((parts, len(network.flat)))
        centre, scale = torch.from_numpy(s.centre[:n]), torch.from_numpy(s.scale[:n])
        found = np.zeros(parts)

        def part(k: int) -> None:
            chosen = index[k * PART : (k + 1) * PART]
            x = self.seen[chosen].float().sub_(centre).mul_(scale).clamp_(-CLIP_OBSERVATION, CLIP_OBSERVATION)
            room = self.learner.room("lesson", network, PART)
            off = network.forward(x, room) - self.said[chosen]
            found[k] = float((off * off).sum())
            network.backward(off * (2.0 / (len(index) * off.shape[1])), room, gradients[k])

        over_parts(parts, part)
        total = gradients.sum(0)
        self.adam.move(total, rate)
        network.changed()
        return float(found.sum()) / (len(index) * self.world.n_actions)
