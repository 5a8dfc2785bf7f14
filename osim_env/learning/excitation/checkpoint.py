"""Checkpoints of a training in the excitation world: arrays and JSON, read without running code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from exogait.data.errors import FileFormatError
from exogait.data.loading import agree, damaged, parsed

from ...excitation.world import ExcitationWorld
from ..checkpoint import (
    MOST,
    check_global_random,
    check_learner,
    compare_settings,
    facts_in,
    global_random,
    part_of,
    read_checkpoint,
    set_global_random,
    standing_in,
    write_arrays,
)
from ..collect import Episodes
from .config import ExcitationTrainConfig
from .device import DeviceAgent
from .learner import ExcitationLearner

KINDS = {
    "signature": dict, "config": dict, "finished": list, "random": list, "samples": int, "earlier_samples": int,
    "seconds": float, "best": float, "next_evaluation": float, "curve": list,
}  # fmt: skip
"""What a run says about itself, and of what type."""

PARAMETERS = "bodies/parameters"


def write_checkpoint(
    path: Path,
    facts: dict[str, Any],
    learner: ExcitationLearner,
    device: DeviceAgent | None,
    world: ExcitationWorld,
    episodes: Episodes,
) -> Path:
    """Write everything that a run depends on, whole or not at all.

    Args:
        path: Where to.
        facts: What the run says about itself; JSON.
        learner: The human's learner.
        device: What decides for the devices; kept where it learns.
        world: The bodies.
        episodes: Where their episodes stand.

    Returns:
        The path.
    """
    content = {f"human/{key}": value for key, value in learner.arrays().items()}
    content |= {f"world/{key}": value for key, value in world.arrays().items()}
    facts = {**facts, "random": learner.random_states()}
    if device is not None and device.learner is not None:
        content |= {f"device/{key}": value for key, value in device.learner.arrays().items()}
        random, facts["numpy"] = global_random()
        content |= {**random, "device_starts": device.starts}
    return write_arrays(path, content, facts, episodes)


def restore_checkpoint(
    path: Path,
    config: ExcitationTrainConfig,
    learner: ExcitationLearner,
    device: DeviceAgent | None,
    world: ExcitationWorld,
    episodes: Episodes,
    *,
    override: bool = False,
) -> dict[str, Any]:
    """Put learner, bodies, episodes and random numbers back to where :func:`write_checkpoint` left them.

    Args:
        path: The checkpoint.
        config: Settings of the run that goes on.
        learner: The human's learner.
        device: What decides for the devices; restored where it learns.
        world: The bodies.
        episodes: Where their episodes stand.
        override: Whether settings that may change may have changed.

    Returns:
        What the run said about itself, and under ``changed`` one line a setting that differs.

    Raises:
        FileFormatError: The file is damaged, belongs to another run, or was made with other settings.
    """
    content = read_checkpoint(path)
    facts = parsed(path, "damaged checkpoint", "start a new run", lambda: facts_in(content.pop("facts"), KINDS))
    if facts["signature"] != json.loads(json.dumps(world.signature())):
        raise FileFormatError(path, "belongs to another model, scheme or observation layout", "start a new run")
    changed = compare_settings(path, facts["config"], config, override)
    try:
        human, bodies = part_of(content, "human/"), part_of(content, "world/")
        agree(human, learner.arrays(), most=MOST)
        for name, array in human.items():
            if name.endswith(("/square", "/variance", "/count", "updates", "rate")) and (np.asarray(array) < 0).any():
                raise ValueError(f"{name}: a number is negative")
        np.linalg.cholesky(human["covariance"] + 1e-9 * np.eye(len(human["covariance"])))
        own = world.arrays()
        # Limits that a body does not have are infinite; they are so in every body of the model.
        limits, own_limits = bodies.pop(PARAMETERS), own.pop(PARAMETERS)
        agree({PARAMETERS: limits}, {PARAMETERS: own_limits})
        finite = np.isfinite(own_limits)
        if not (np.array_equal(limits[~finite], own_limits[~finite]) and (np.abs(limits[finite]) <= MOST).all()):
            raise ValueError(f"{PARAMETERS}: a number is not finite, or above {MOST:g}")
        agree(bodies, own, most=MOST)
        bodies[PARAMETERS] = limits
        starts, lengths = standing_in(content, episodes)
        if device is not None and device.learner is not None:
            check_learner(part_of(content, "device/"), device.learner)
            agree(content, {"device_starts": device.starts})
            check_global_random(content, facts.get("numpy"))
        learner.set_random_states(facts["random"])
        learner.load_arrays(human)
        world.load_arrays(bodies)
        if device is not None and device.learner is not None:
            device.find()
            device.learner.load_arrays(part_of(content, "device/"))
            device.starts = content["device_starts"].astype(bool)
            set_global_random(content, facts["numpy"])
    except (KeyError, ValueError, RuntimeError, TypeError, OverflowError, np.linalg.LinAlgError) as error:
        raise damaged(path, "does not fit this configuration", error, "start a new run") from None
    episodes.starts, episodes.lengths = starts, lengths
    episodes.finished = facts["finished"]
    return {**facts, "changed": changed}
