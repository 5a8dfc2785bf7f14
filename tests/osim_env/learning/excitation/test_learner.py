"""The learner against what it is meant to be: autograd, torch's Adam, the definition of advantages, PPO of others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exogait.osim_env import engine
from exogait.osim_env.learning.excitation.config import PpoConfig
from exogait.osim_env.learning.excitation.learner import ExcitationLearner, heat_and_slope
from exogait.osim_env.learning.excitation.network import Adam, Network, Products, Room
from exogait.osim_env.learning.excitation.noise import Noise
from exogait.osim_env.learning.excitation.normalize import Statistics
from tests.kit.toy_learners import LEARNERS, SETTINGS, walk
from tests.kit.toy_world import N_ACTIONS, ToyWorld


def reference(network: Network, x: torch.Tensor, flat: torch.Tensor) -> torch.Tensor:
    """The network as anyone would write it."""
    views = network.views(flat)
    for weight, bias in views[:-1]:
        x = torch.nn.functional.silu(torch.nn.functional.linear(x, weight, bias))
    return torch.nn.functional.linear(x, *views[-1])


@pytest.mark.parametrize(("products", "tolerance"), [("float32", 2e-5), ("bfloat16", 3e-2)])
def test_gradients_equal_autograd(products: Products, tolerance: float) -> None:
    """bfloat16 keeps 8 bits: 0.4 % a product, and some of it in every layer."""
    network = Network((9, 33, 17, 5), torch.Generator().manual_seed(3), output_gain=1.0, products=products)
    network.flat.add_(0.1 * torch.randn(len(network.flat), generator=torch.Generator().manual_seed(4)))
    network.changed()
    rng = torch.Generator().manual_seed(5)
    x, delta = torch.randn((40, 9), generator=rng), torch.randn((40, 5), generator=rng)
    room, gradient = Room(network, 64), torch.full_like(network.flat, np.nan)
    out = network.forward(x, room)
    flat = network.flat.clone().requires_grad_(True)
    wanted = reference(network, x, flat)
    assert float((out - wanted.detach()).abs().max()) < tolerance * float(wanted.detach().abs().max())
    network.backward(delta, room, gradient)
    (wanted * delta).sum().backward()
    assert flat.grad is not None
    for (found, found_bias), (weight, bias) in zip(network.views(gradient), network.views(flat.grad), strict=True):
        assert float((found - weight).abs().max()) < tolerance * float(weight.abs().max())
        assert float((found_bias - bias).abs().max()) < tolerance * float(bias.abs().max())


def test_adam_equals_torch() -> None:
    rng = torch.Generator().manual_seed(0)
    own = torch.randn(50, generator=rng)
    other = own.clone().requires_grad_(True)
    adam, theirs = Adam(own), torch.optim.Adam([other], lr=0.03, eps=Adam.EPSILON)
    for _ in range(20):
        gradient = torch.randn(50, generator=rng)
        adam.count += 1
        for part in (slice(0, 20), slice(20, 50)):
            adam.step(gradient, 0.03, part)
        other.grad = gradient.clone()
        theirs.step()
    np.testing.assert_allclose(own.numpy(), other.detach().numpy(), rtol=2e-5, atol=1e-6)


def test_noise_has_the_covariance_and_the_memory_that_it_is_given() -> None:
    rng = np.random.default_rng(1)
    root = rng.standard_normal((4, 4))
    shape = root @ root.T
    noise = Noise(4, size=0.1, memory=0.8, along=0.7, covariance=shape)
    state, seen = np.zeros(4), []
    for _ in range(60_000):
        state = 0.8 * state + noise.spread.numpy() @ rng.standard_normal(4)
        seen.append(state)
    found = np.cov(np.array(seen), rowvar=False)
    wanted = 0.01 * (0.3 * np.eye(4) + 0.7 * shape * 4 / np.trace(shape))
    np.testing.assert_allclose(found, wanted, atol=0.06 * wanted.max())
    np.testing.assert_allclose((noise.whiten @ noise.spread).numpy(), np.eye(4), atol=1e-5)


def test_statistics_are_those_of_all_that_was_seen() -> None:
    rng = np.random.default_rng(2)
    statistics, everything = Statistics(5), []
    for _ in range(4):
        statistics.begin(2)
        for _ in range(3):
            rows = (rng.standard_normal((30, 5)) * [1, 2, 3, 4, 0.1] + [0, 10, 20, 0, 1]).astype(np.float32)
            everything.append(rows)
            out = np.zeros((30, 5), np.float32)
            for part in range(2):
                chosen = slice(15 * part, 15 * part + 15)
                statistics.normalize(rows[:, :3].copy(), rows[:, 3:].copy(), out, part, chosen)
            wanted = np.clip((rows - statistics.centre) * statistics.scale, -10, 10)
            np.testing.assert_allclose(out, wanted, rtol=1e-6, atol=1e-6)
        statistics.end()
    seen = np.concatenate(everything).astype(float)
    np.testing.assert_allclose(statistics.mean, seen.mean(axis=0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(statistics.variance, seen.var(axis=0), rtol=1e-3)


def test_heat_slope_is_its_derivative() -> None:
    z = torch.linspace(-0.6, 1.0, 12, dtype=torch.float64).reshape(3, 4).requires_grad_(True)
    coefficient = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    excitation = torch.log1p(torch.exp(10 * z)) / 10
    heat = ((excitation + 0.01) ** 0.6) @ coefficient
    heat.sum().backward()
    found, slope = heat_and_slope(z.detach(), coefficient, 10.0)
    np.testing.assert_allclose(found.numpy(), heat.detach().numpy(), rtol=1e-6)
    assert z.grad is not None
    np.testing.assert_allclose(slope.numpy(), z.grad.numpy(), rtol=1e-6)


def rolled_out(
    config: PpoConfig, *, n_envs: int = 64, n_steps: int = 24, seed: int = 0
) -> tuple[ExcitationLearner, ToyWorld]:
    """A learner after a roll-out that it has not learned from."""
    world = ToyWorld(n_envs, seed)
    learner = ExcitationLearner(config, world, n_steps=n_steps, seed=seed)  # type: ignore[arg-type]
    walk(world, learner)
    return learner, world


def test_the_loss_is_that_of_clipped_ppo() -> None:
    """Gradient of one step against autograd on the loss written down, with memory, covariance and direct heat."""
    root = np.random.default_rng(0).standard_normal((N_ACTIONS, N_ACTIONS))
    config = PpoConfig(actor=(16,), critic=(16,), noise=0.2, noise_memory=0.6, critic_warmup=0, effort_gradient=0.3)
    learner, world = rolled_out(config)
    learner.set_covariance(root @ root.T)
    walk(world, learner)
    learner.actor.flat.add_(0.05 * torch.randn(len(learner.actor.flat), generator=torch.Generator().manual_seed(1)))
    size = learner.n_steps * learner.n_envs
    advantage = torch.randn(size, generator=torch.Generator().manual_seed(2))
    x = learner.inputs[:-1].reshape(size, -1)
    gradient = torch.zeros_like(learner.actor.flat)
    total = torch.zeros_like(gradient)
    for start in range(0, size, 768):
        index = torch.arange(start, min(start + 768, size))
        learner._policy_part(x[index], index, advantage, size, gradient)
        total += gradient
    flat = learner.actor.flat.clone().requires_grad_(True)
    mean = reference(learner.actor, x[:, : learner.n_observations], flat)
    covariance = learner.noise.spread @ learner.noise.spread.t()
    density = torch.distributions.MultivariateNormal(mean, covariance)
    target = learner.target.reshape(size, -1)
    constant = -0.5 * torch.logdet(2 * torch.pi * covariance)
    ratio = torch.exp(density.log_prob(target) - (constant - learner.unlikely.reshape(-1)))
    clipped = torch.clamp(ratio, 1 - config.clip, 1 + config.clip)
    heat = ((torch.nn.functional.softplus(10 * mean[:, :-1]) / 10 + 0.01) ** 0.6) @ learner._heat
    loss = -torch.minimum(ratio * advantage, clipped * advantage).mean() + 0.3 * heat.mean()
    loss.backward()
    assert 0.02 < float((ratio.detach() - clipped.detach()).abs().gt(0).float().mean()) < 0.9
    assert flat.grad is not None
    np.testing.assert_allclose(total.numpy(), flat.grad.numpy(), atol=3e-4 * float(flat.grad.abs().max()))


def test_advantages_are_the_generalized_ones_and_time_is_no_end() -> None:
    learner, _ = rolled_out(SETTINGS, n_steps=70)
    learner.update(ToyWorld(64, 1))  # type: ignore[arg-type]
    c, value = SETTINGS, learner.value
    assert learner.cut.any()
    wanted = np.zeros_like(learner.reward)
    for i in range(learner.n_envs):
        for t in range(learner.n_steps):
            total, factor = 0.0, 1.0
            for k in range(t, learner.n_steps):
                following = learner._beyond[k, i] if learner.cut[k, i] else value[k + 1, i]
                total += factor * ((1 - c.gamma) * learner.reward[k, i] + c.gamma * following - value[k, i])
                factor *= c.gamma * c.gae_lambda
                if learner.ended[k, i]:
                    break
            wanted[t, i] = total
    found = learner._advantages()[0].numpy()
    scaled = (wanted - wanted.mean()) / wanted.std()
    np.testing.assert_allclose(found, scaled.ravel(), atol=1e-4)


def test_bits_do_not_depend_on_threads() -> None:
    found, before = [], engine.get_threads()
    try:
        for threads in (1, 2, 3):
            engine.set_threads(threads)
            learner, world = rolled_out(SETTINGS, n_envs=300)
            for _ in range(3):
                learner.update(world)  # type: ignore[arg-type]
                walk(world, learner)
            found.append(learner.arrays())
    finally:
        engine.set_threads(before)
    for name, array in found[0].items():
        for other in found[1:]:
            np.testing.assert_array_equal(array, other[name], err_msg=name)


CLOSE = 0.1
"""Share of the way from doing nothing to the best that seeds, products and learners may differ by."""


def test_it_learns_as_much_as_others_from_the_same_samples() -> None:
    """A linear system whose best controller is known: most of the way there, and not behind another PPO.

    One seed and half the samples of ``python -m tests.validation.learner``, which holds three seeds to the same.
    """
    own, low, others = (learner(0, 40) for learner in LEARNERS.values())
    assert own > 0.75
    assert own > others - CLOSE
    assert abs(own - low) < CLOSE
