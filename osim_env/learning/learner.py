"""One learner: stable-baselines3's PPO with its own networks, critic, advantages and rewards.

The human and the exoskeleton are two of these. They share the simulated world and nothing else: each sees its own
observation, is paid its own reward, and updates its own parameters, so what the human is rewarded for (imitation)
cannot reach the exoskeleton's gradient. Beyond stable-baselines3: observations normalised by running statistics that
can be frozen, a learning rate that follows the measured KL divergence (Schulman et al. 2017, section 4; the rule of
Rudin et al. 2022), and a state that can be written without pickle and resumed exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv

from .config import LearnerConfig

Array = NDArray[np.floating[Any]]
CLIP_OBSERVATION = 10.0
STD_FLOOR = 1e-2
NEVER_VARIED = 1e-3
"""Standard deviation below which an observation counts as one that never varied; nothing was learned about it."""
NEW_STD = 0.3
"""Standard deviation that new observations start with: strengths (0-1), torques (N m/kg), flags (0 or 1)."""
ADAM_EPSILON = 1e-5
"""That of stable-baselines3's policies."""


def robust_scale(values: NDArray[Any], clip: float) -> NDArray[Any]:
    """Values less their median in robust standard deviations (1.48 times the median absolute deviation), cut at +-clip.

    Example:
        >>> robust_scale(np.array([-90.0, -1.0, 0.0, 1.0, 2.0]), 4.0).round(2).tolist()
        [-4.0, -0.67, 0.0, 0.67, 1.35]
    """
    off = values - np.median(values)
    scale = 1.4826 * np.median(np.abs(off))
    return np.clip(off / max(float(scale), 1e-8), -clip, clip)


def _whole_share(size: int, most: int) -> int:
    """Largest minibatch up to ``most`` that divides a roll-out into whole ones; ``most`` where that is far smaller."""
    share = next(n for n in range(min(most, size), 0, -1) if size % n == 0)
    return share if 2 * share > min(most, size) else min(most, size)


class _Spaces(VecEnv):
    """The spaces of one learner, for stable-baselines3's constructor; stepping is the training loop's business."""

    def __init__(self, n_envs: int, n_observations: int, n_actions: int) -> None:
        super().__init__(
            n_envs,
            spaces.Box(-np.inf, np.inf, (n_observations,), np.float32),
            spaces.Box(-1.0, 1.0, (n_actions,), np.float32),
        )

    def reset(self) -> Any:
        raise NotImplementedError

    def step_async(self, actions: np.ndarray) -> None:
        raise NotImplementedError

    def step_wait(self) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        pass

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs


class Learner(PPO):
    """PPO of one agent, driven step by step from a loop that may hold several."""

    def __init__(
        self, config: LearnerConfig, *, n_envs: int, n_steps: int, n_observations: int, n_actions: int, seed: int
    ) -> None:
        self.config = config
        self.adaptive_rate = config.learning_rate
        self.updates = 0
        super().__init__(
            "MlpPolicy",
            _Spaces(n_envs, n_observations, n_actions),
            learning_rate=config.learning_rate,
            n_steps=n_steps,
            batch_size=_whole_share(n_envs * n_steps, config.minibatch),
            n_epochs=config.epochs,
            gamma=config.gamma,
            gae_lambda=config.gae_lambda,
            clip_range=config.clip,
            ent_coef=config.entropy,
            vf_coef=config.value,
            max_grad_norm=config.max_gradient,
            target_kl=3 * config.target_kl,
            policy_kwargs={
                "net_arch": {"pi": list(config.layers), "vf": list(config.layers)},
                "log_std_init": float(np.log(config.initial_std)),
                "activation_fn": torch.nn.ELU,
            },
            seed=seed,
            device="cpu" if config.processor == "cpu" else "auto",
        )
        if config.critic_rate is not None:
            own = {name: [p for n, p in self.policy.named_parameters() if ("value" in n) == (name == "critic")]
                   for name in ("policy", "critic")}  # fmt: skip
            groups = [{"params": own["policy"]}, {"params": own["critic"], "lr": config.critic_rate, "stays": True}]
            self.policy.optimizer = torch.optim.Adam(groups, lr=config.learning_rate, eps=ADAM_EPSILON)
        self.set_logger(Logger(None, []))
        self.statistics = RunningMeanStd(shape=(n_observations,))
        self.frozen_statistics = False

    def normalize(self, observation: NDArray[Any]) -> NDArray[np.float32]:
        """Normalise observations by the running statistics, shape (batch, n_observations)."""
        std = np.sqrt(self.statistics.var) + STD_FLOOR
        scaled = (observation - self.statistics.mean) / std
        return np.clip(scaled, -CLIP_OBSERVATION, CLIP_OBSERVATION).astype(np.float32)

    def _tensor(self, values: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(values).to(self.device)

    def set_environments(self, n_envs: int) -> None:
        """Learn from another number of environments from now on."""
        if n_envs == self.n_envs:
            return
        self.n_envs = n_envs
        self.batch_size = _whole_share(n_envs * self.n_steps, self.config.minibatch)
        self.rollout_buffer = RolloutBuffer(
            self.n_steps, self.observation_space, self.action_space, device=self.device,
            gae_lambda=self.gae_lambda, gamma=self.gamma, n_envs=n_envs,
        )  # fmt: skip

    def begin(self) -> None:
        """Start a new roll-out."""
        self.policy.set_training_mode(False)
        self.rollout_buffer.reset()

    def act(self, observation: NDArray[Any]) -> NDArray[np.float32]:
        """Sample actions for a batch of raw observations, remembering what the update will need.

        Args:
            observation: Raw observations, shape (batch, n_observations).

        Returns:
            Actions, shape (batch, n_actions), unclipped.
        """
        if not self.frozen_statistics:
            self.statistics.update(observation)
        self._observation = self.normalize(observation)
        with torch.no_grad():
            action, self._value, self._log_prob = self.policy(self._tensor(self._observation))
        self._action = action.cpu().numpy()
        return self._action

    def act_without_noise(self, observation: NDArray[Any]) -> NDArray[np.float32]:
        """Actions of the policy as it is, while it does not learn; statistics stay.

        Args:
            observation: Raw observations, shape (batch, n_observations).
        """
        with torch.no_grad():
            distribution = self.policy.get_distribution(self._tensor(self.normalize(observation)))
        return distribution.mode().cpu().numpy()

    def record(
        self, reward: Array, start: NDArray[np.bool_], truncated: NDArray[np.bool_], final_observation: Array
    ) -> None:
        """Store the transition that followed :meth:`act`.

        Args:
            reward: Shape (batch,).
            start: Whether the observation acted on was an episode's first, shape (batch,).
            truncated: Whether the episode ended by time alone, shape (batch,); its reward then includes the critic's
                value of what would have come next (Pardo et al. 2018).
            final_observation: Raw observation before any reset, shape (batch, n_observations).
        """
        reward = (reward * (1.0 - self.gamma if self.config.mean_reward else 1.0)).astype(np.float32)
        if truncated.any():
            ended = self._tensor(self.normalize(final_observation[truncated]))
            with torch.no_grad():
                reward[truncated] += self.gamma * self.policy.predict_values(ended).cpu().numpy().ravel()
        self.rollout_buffer.add(self._observation, self._action, reward, start, self._value, self._log_prob)

    def update(self, observation: Array, done: NDArray[np.bool_]) -> dict[str, float]:
        """Finish the roll-out and improve policy and critic.

        Args:
            observation: Raw observations after the last step, shape (batch, n_observations).
            done: Whether the last step ended an episode, shape (batch,).

        Returns:
            Training figures by name.
        """
        with torch.no_grad():
            last = self.policy.predict_values(self._tensor(self.normalize(observation)))
        self.rollout_buffer.compute_returns_and_advantage(last_values=last, dones=done)
        if self.config.advantage_clip:
            self.rollout_buffer.advantages[:] = robust_scale(self.rollout_buffer.advantages, self.config.advantage_clip)
        warm = self.updates >= self.config.critic_warmup
        for name, parameter in self.policy.named_parameters():
            if "value_net" not in name:
                parameter.requires_grad_(warm)
        self.train()
        self.updates += 1
        figures = {key.removeprefix("train/"): float(value) for key, value in self.logger.name_to_value.items()}
        self.logger.name_to_value.clear()
        if warm:
            self._follow_kl(figures["approx_kl"])
        log_std = self.policy.log_std
        with torch.no_grad():
            log_std.clamp_(min=float(np.log(self.config.min_std)))
        figures["learning_rate"] = self.adaptive_rate
        return figures

    def _follow_kl(self, kl: float) -> None:
        low, high = self.config.learning_rate_range
        if kl > 2 * self.config.target_kl:
            self.adaptive_rate = max(low, self.adaptive_rate / 1.5)
        elif kl < 0.5 * self.config.target_kl:
            self.adaptive_rate = min(high, self.adaptive_rate * 1.5)

    def _update_learning_rate(self, optimizers: Any) -> None:
        for optimizer in optimizers if isinstance(optimizers, list) else [optimizers]:
            for group in optimizer.param_groups:
                if not group.get("stays"):
                    group["lr"] = self.adaptive_rate

    def set_std(self, std: float) -> None:
        """Give the action noise one standard deviation."""
        with torch.no_grad():
            self.policy.log_std.fill_(float(np.log(std)))

    # ---- state, without pickle -------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that the next update depends on, as named arrays."""
        content: dict[str, NDArray[Any]] = {
            f"policy/{name}": tensor.cpu().numpy().copy() for name, tensor in self.policy.state_dict().items()
        }
        for index, entry in self.policy.optimizer.state_dict()["state"].items():
            for name, tensor in entry.items():
                content[f"optimizer/{index}/{name}"] = tensor.cpu().numpy().copy()
        content["statistics/mean"] = self.statistics.mean.copy()
        content["statistics/var"] = self.statistics.var.copy()
        content["statistics/count"] = np.array(self.statistics.count)
        content["rate"] = np.array(self.adaptive_rate)
        content["updates"] = np.array([self.updates, self._n_updates])
        return content

    def load_arrays(self, content: dict[str, NDArray[Any]], *, optimizer: bool = True) -> None:
        """Restore what :meth:`arrays` returned; without the optimizer for a fine-tune."""
        self.policy.load_state_dict(
            {
                key.removeprefix("policy/"): torch.from_numpy(value)
                for key, value in content.items()
                if key.startswith("policy/")
            }
        )
        self.statistics.mean = content["statistics/mean"].copy()
        self.statistics.var = content["statistics/var"].copy()
        self.statistics.count = float(content["statistics/count"])
        if not optimizer:
            return
        self.adaptive_rate = float(content["rate"])
        self.updates, self._n_updates = (int(n) for n in content["updates"]) if "updates" in content else (0, 0)
        state = self.policy.optimizer.state_dict()
        entries: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in content.items():
            if key.startswith("optimizer/"):
                _, index, name = key.split("/")
                entries.setdefault(int(index), {})[name] = torch.from_numpy(np.array(value))
        state["state"] = entries
        self.policy.optimizer.load_state_dict(state)
