"""Checkpoints: what they hold, and how networks take them up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from exogait.data.errors import FileFormatError, InputError

from .config import Array
from .learner import Learner
from .policy import Policy

NEW_STD = 0.3
"""Standard deviation that new observations start with: strengths (0-1), torques (N m/kg), flags (0 or 1)."""


def read_checkpoint(path: Path) -> dict[str, Array]:
    """Read the arrays of a checkpoint without ever running code from it.

    Raises:
        FileFormatError: The file is missing or damaged.
    """
    import zipfile

    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        raise FileFormatError(path, "no such checkpoint", "start without --resume") from None
    except (ValueError, OSError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise FileFormatError(path, f"damaged checkpoint ({error})", "delete it and start again") from None


def part_of(content: dict[str, Array], prefix: str) -> dict[str, Array]:
    """The entries of a checkpoint below a prefix."""
    return {key.removeprefix(prefix): value for key, value in content.items() if key.startswith(prefix)}


def load_networks(learner: Learner, policy: Policy, role: str, signature: dict[str, Any]) -> None:
    """Start a learner's policy network (not its critic) from a policy at rest.

    Observations are matched by name. One that the policy did not know (a device's torque, say), or knew without ever
    seeing it vary (the strength of a healthy body), starts without any influence: what the network makes of it was
    never learned.

    Raises:
        InputError: The actions differ, or the policy knows observations that do not exist here.
    """
    from .learner import NEVER_VARIED, STD_FLOOR

    names, known = signature[f"{role}_observations"], policy.metadata[f"{role}_observations"]
    if role == "device":  # the device sees several samples of each signal
        repeat = learner.statistics.mean.size // len(names)
        names, known = [[f"{name} {k}" for k in range(repeat) for name in some] for some in (names, known)]
    unknown = sorted(set(known) - set(names))
    if unknown or policy.n_actions != learner.action_space.shape[0]:  # type: ignore[index]
        raise InputError(
            "starting policy", policy.metadata.get("name", ""), f"it knows other observations or actions {unknown[:3]}"
        )
    varied = 1.0 / policy.scale - STD_FLOOR > NEVER_VARIED
    columns = np.array([names.index(name) for name in known])[varied]
    state = learner.policy.state_dict()
    for i, (weight, bias) in enumerate(policy.layers):
        prefix = "action_net" if i == len(policy.layers) - 1 else f"mlp_extractor.policy_net.{2 * i}"
        if i == 0:
            wide = np.zeros((len(weight), len(names)))
            wide[:, columns] = weight[:, varied]
            weight = wide
        state[f"{prefix}.weight"], state[f"{prefix}.bias"] = torch.from_numpy(weight), torch.from_numpy(bias)
    state["log_std"] = torch.from_numpy(policy.log_std)
    learner.policy.load_state_dict(state)
    if learner.config.start_std is not None:
        learner.set_std(learner.config.start_std)
    statistics = learner.statistics
    statistics.mean[[names.index(name) for name in known]] = policy.mean
    statistics.var[:] = np.square(NEW_STD)
    statistics.var[columns] = np.square(1.0 / policy.scale - STD_FLOOR)[varied]
    statistics.count = 1e6  # the statistics of the first training outweigh the first batches of the next
