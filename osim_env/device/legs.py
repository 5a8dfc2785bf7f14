"""One controller for both legs of an exoskeleton.

A device with the same drives on both sides is controlled leg by leg with the same network: each leg's controller sees
its own side's signals first and the other side's second, as if reflected in the sagittal plane. That halves what has
to be learned, and makes the assistance of a symmetric gait symmetric. Which leg is which the network cannot know, so
where one leg is weak, a fine-tune lets the two controllers differ: it starts from both of them in one network.

Two copies of a network side by side are a network of twice the width with block matrices, so nothing outside of
training has to know: policies at rest are always plain networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.names import mirrored_name, side_of
from exogait.models.device import Device

from .exoskeleton import HISTORY, mirrored_channel, signal_channels
from .mirror import ODD_COORDINATES, mirror_map

Array = NDArray[np.floating[Any]]

TOWERS = ("policy", "value")
HEADS = {"policy": "action_net", "value": "value_net"}


def alike_on_both_sides(device: Device) -> bool:
    """Whether both sides of a device have the same drives and sensors."""
    drives, names = device.coordinates, set(signal_channels(device))
    return (
        all(side_of(name) for name in drives)
        and {mirrored_name(name) for name in drives} == set(drives)
        and {mirrored_channel(name)[0] for name in names} == names
    )


class Legs:
    """Views of a two-sided device's signals and actions from its right and its left leg.

    Attributes:
        n_actions: Drives of one leg.
        right: Which of the device's drives are the right leg's.
    """

    def __init__(self, device: Device) -> None:
        names = signal_channels(device)
        index, sign = np.empty(len(names), np.int64), np.empty(len(names))
        for i, name in enumerate(names):
            other, sign[i] = mirrored_channel(name)
            index[i] = names.index(other)
        # Observations hold all channels of one sample, newest sample first.
        offset = len(names) * np.arange(HISTORY)[:, None]
        self._index, self._sign = (index + offset).ravel(), np.tile(sign, HISTORY)
        drives = device.coordinates
        partner, drive_sign = mirror_map(drives, ODD_COORDINATES)
        self.right = np.array([i for i, name in enumerate(drives) if side_of(name) == "r"])
        self._left, self._left_sign = partner[self.right], drive_sign[self.right]
        self.n_actions = len(self.right)

    def observe(self, observation: Array) -> Array:
        """Observations (batch, n) to (2 batch, n): all right legs, then all left legs."""
        return np.concatenate([observation, self._sign * observation[:, self._index]])

    def act(self, action: Array) -> Array:
        """Actions of the legs, (2 batch, n_actions), to those of the devices, (batch, 2 n_actions)."""
        right, left = np.split(action, 2)
        both = np.empty((len(right), 2 * self.n_actions))
        both[:, self.right], both[:, self._left] = right, self._left_sign * left
        return both

    def plain(self, content: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The network of one leg as the plain network of both.

        Args:
            content: Arrays of a learner, with names as in :meth:`Learner.arrays`, or of its ``state_dict`` only.

        Returns:
            The same for a network of twice the width; its critic is the mean of the legs'. Statistics stay: over both
            legs they are the same seen from either. No optimizer state.
        """
        prefix = "policy/" if "policy/log_std" in content else ""
        found = {key: value for key, value in content.items() if key.startswith("statistics/") or key == "updates"}
        if "rate" in content:
            found["rate"] = content["rate"]
        for tower in TOWERS:
            index = 0
            while (name := f"{prefix}mlp_extractor.{tower}_net.{index}") + ".weight" in content:
                weight, bias = content[f"{name}.weight"], content[f"{name}.bias"]
                if index == 0:
                    reflected = np.empty_like(weight)
                    reflected[:, self._index] = weight * self._sign.astype(weight.dtype)
                    wide = np.concatenate([weight, reflected])
                else:
                    wide = _blocks(weight)
                found[f"{name}.weight"], found[f"{name}.bias"] = wide, np.concatenate([bias, bias])
                index += 2
            head = f"{prefix}{HEADS[tower]}"
            weight, bias = content[f"{head}.weight"], content[f"{head}.bias"]
            if tower == "value":
                found[f"{head}.weight"], found[f"{head}.bias"] = np.concatenate([weight, weight], axis=1) / 2, bias
                continue
            wide, both = np.empty_like(_blocks(weight)), np.empty(2 * len(bias), bias.dtype)
            order = np.concatenate([self.right, self._left])
            sign = np.concatenate([np.ones(len(bias)), self._left_sign])
            wide[order] = (sign[:, None] * _blocks(weight)).astype(weight.dtype)
            both[order] = (sign * np.concatenate([bias, bias])).astype(bias.dtype)
            found[f"{head}.weight"], found[f"{head}.bias"] = wide, both
        log_std = content[f"{prefix}log_std"]
        std = np.empty(2 * len(log_std), log_std.dtype)
        std[self.right] = std[self._left] = log_std
        found[f"{prefix}log_std"] = std
        return found

    def leg(self, layers: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """The network of one leg from the policy of both that :meth:`plain` made of it.

        Args:
            layers: Weights and biases of the policy, from the first layer to the last.

        Raises:
            ValueError: The two legs' controllers differ or depend on one another.
        """
        found: list[tuple[NDArray[Any], NDArray[Any]]] = []
        for i, (weight, bias) in enumerate(layers):
            rows, columns = len(weight) // 2, weight.shape[1] if i == 0 else weight.shape[1] // 2
            if i < len(layers) - 1:
                found.append((weight[:rows, :columns], bias[:rows]))
            else:
                found.append((weight[self.right][:, :columns], bias[self.right]))
        content = {"log_std": np.zeros(self.n_actions, np.float32)}
        names = [f"mlp_extractor.policy_net.{2 * i}" for i in range(len(found) - 1)] + ["action_net"]
        for name, (weight, bias) in zip(names, found, strict=True):
            content |= {f"{name}.weight": weight, f"{name}.bias": bias}
            value = name.replace("policy_net", "value_net").replace("action_net", "value_net")
            content |= {f"{value}.weight": weight, f"{value}.bias": bias}
        again = self.plain(content)
        for name, (weight, bias) in zip(names, layers, strict=True):
            if not (np.allclose(again[f"{name}.weight"], weight) and np.allclose(again[f"{name}.bias"], bias)):
                raise ValueError("its legs are controlled differently")
        return found


def _blocks(weight: NDArray[Any]) -> NDArray[Any]:
    """The matrix twice along the diagonal."""
    return np.kron(np.eye(2, dtype=weight.dtype), weight)
