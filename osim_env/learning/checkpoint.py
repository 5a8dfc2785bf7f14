"""Checkpoints: what they hold, and how networks take them up."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError, InputError
from exogait.data.files import written_beside
from exogait.data.loading import agree, damaged, parsed, read_archive

from ..device.legs import Legs
from ..gait.world import GaitWorld
from .collect import Episodes
from .config import Array, TrainConfig, changed_settings, jsonable, may_change, without_folders
from .learner import NEVER_VARIED, NEW_STD, STD_FLOOR, Learner
from .policy import Policy, load_policy

CHECKPOINT_BYTES = 512 << 20
"""Most bytes of all arrays of a checkpoint."""
MT19937_WORDS = 624
MOST, MOST_LOG_STD = 1e12, 20.0
"""Largest magnitude of a number in a checkpoint, and of the logarithm of a standard deviation."""


def read_checkpoint(path: Path) -> dict[str, Array]:
    """Read the arrays of a checkpoint without ever running code from it.

    Raises:
        FileFormatError: The file is missing or damaged.
    """
    if not path.is_file():
        raise FileFormatError(path, "no such checkpoint", "start without --resume")
    return read_archive(path, "damaged checkpoint", "delete it and start again", limit=CHECKPOINT_BYTES)


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


def load_device(learner: Learner, name: str, legs: Legs | None, signature: dict[str, Any]) -> None:
    """Start a device's learner from a policy at rest, of which each leg's half where one network decides for each.

    Raises:
        InputError: It knows other observations or actions, or its legs' controllers differ.
    """
    start = load_policy(name)
    if legs is not None:
        try:
            layers, log_std = legs.leg(start.layers), start.log_std[legs.right]
            start = dataclasses.replace(start, layers=tuple(layers), log_std=log_std)
        except ValueError as error:
            reason = f"one network for each leg, but {error}: set share_legs: false"
            raise InputError("start_device", name, reason) from None
    load_networks(learner, start, "device", signature)


def global_random() -> tuple[dict[str, Array], list[Any]]:
    """The generators that stable-baselines3 shares with everybody: arrays, and what of numpy's is none."""
    kind, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002 (it shuffles minibatches)
    arrays: dict[str, Array] = {"torch_random": torch.get_rng_state().numpy(), "numpy_keys": np.asarray(keys)}
    return arrays, [kind, position, has_gauss, cached]


def check_global_random(content: dict[str, Array], facts: Any) -> None:
    """Refuse what :func:`global_random` cannot have given.

    Raises:
        ValueError: It is no state of random numbers.
    """
    agree(content, {"torch_random": torch.get_rng_state().numpy(), "numpy_keys": np.zeros(MT19937_WORDS, np.uint32)})
    if not isinstance(facts, list) or len(facts) != 4:
        raise ValueError("no state of random numbers")
    kind, position, has_gauss, cached = facts
    # numpy reads where the position says without looking.
    if kind != "MT19937" or type(position) is not int or not 0 <= position <= MT19937_WORDS or has_gauss not in (0, 1):
        raise ValueError(f"no state of random numbers: {str(facts)[:60]}")
    float(cached)


def set_global_random(content: dict[str, Array], facts: list[Any]) -> None:
    """Restore what :func:`global_random` returned."""
    torch.set_rng_state(torch.from_numpy(content["torch_random"].copy()))
    kind, position, has_gauss, cached = facts
    np.random.set_state((kind, content["numpy_keys"], position, has_gauss, cached))  # noqa: NPY002


def start_networks(
    config: TrainConfig, human: Learner, device: Learner | None, legs: Legs | None, world: GaitWorld
) -> int:
    """Start both learners from the policies or the checkpoint that a run's settings name.

    Args:
        config: Settings of the run.
        human: The human's learner.
        device: The device's learner, if it has one.
        legs: Views of the two legs, where one network controls each.
        world: What they walk in.

    Returns:
        Samples that these networks had seen.

    Raises:
        InputError: They do not fit.
    """
    earlier = 0
    if config.start_human is not None:
        start = load_policy(config.start_human)
        earlier = int(start.metadata.get("samples", 0))
        load_networks(human, start, "human", world.signature())
    if config.start_device is not None and device is not None:
        load_device(device, config.start_device, legs, world.signature())
    if config.start_checkpoint is not None:
        path = Path(config.start_checkpoint)
        content = read_checkpoint(path)
        facts = parsed(path, "damaged checkpoint", "start from another", lambda: _facts(content["facts"]))
        earlier = int(facts["samples"] + facts.get("earlier_samples", 0))
        human.load_arrays(part_of(content, "human/"), optimizer=False)
        if config.human.start_std is not None:
            human.set_std(config.human.start_std)
        if device is not None:
            arrays = part_of(content, "device/")
            if legs is None and world.exoskeleton is not None and facts.get("legs_shared"):
                arrays = Legs(world.exoskeleton.device).plain(arrays)
            try:
                device.load_arrays(arrays, optimizer=False)
            except RuntimeError as error:
                raise InputError(
                    "start_checkpoint", config.start_checkpoint, f"networks of the same layers ({error})"
                ) from None
    return earlier


def write_checkpoint(
    path: Path, facts: dict[str, Any], human: Learner, device: Learner | None, world: GaitWorld, episodes: Episodes
) -> Path:
    """Write everything a run depends on, atomically.

    Args:
        path: Where to.
        facts: What the run says about itself; JSON.
        human: The human's learner.
        device: The device's learner, if it has one.
        world: The bodies.
        episodes: Where their episodes stand.

    Returns:
        The path.
    """
    content: dict[str, Array] = {f"human/{key}": value for key, value in human.arrays().items()}
    if device is not None:
        content |= {f"device/{key}": value for key, value in device.arrays().items()}
    content |= {f"world/{key}": value for key, value in world.arrays().items()}
    random, numpy_random = global_random()
    content |= random
    facts = {**facts, "numpy": numpy_random, "world_random": world.rng.bit_generator.state}
    return write_arrays(path, content, facts, episodes)


def write_arrays(path: Path, content: dict[str, Array], facts: dict[str, Any], episodes: Episodes) -> Path:
    """Write arrays, facts and where episodes stand, whole or not at all.

    Args:
        path: Where to.
        content: Arrays by name.
        facts: What the run says about itself; JSON.
        episodes: Where its episodes stand.

    Returns:
        The path.
    """
    text = json.dumps({**facts, "finished": episodes.finished})
    content = {
        **content, "starts": episodes.starts, "lengths": episodes.lengths,
        "facts": np.frombuffer(text.encode(), np.uint8),
    }  # fmt: skip
    with written_beside(path) as beside, beside.open("wb") as stream:
        np.savez(stream, **content)  # type: ignore[arg-type]
        stream.flush()
        os.fsync(stream.fileno())
    return path


def facts_in(text: Array, kinds: Mapping[str, type]) -> dict[str, Any]:
    """What a run says about itself, of a checkpoint's bytes.

    Args:
        text: The bytes, as :func:`write_arrays` wrote them.
        kinds: What it has to say, and of what type.

    Raises:
        ValueError: It is not what :func:`write_arrays` writes.
    """
    if text.dtype != np.uint8 or text.ndim != 1:
        raise ValueError("its facts are no text")
    facts = json.loads(text.tobytes())
    if not isinstance(facts, dict) or any(not isinstance(facts.get(name), kind) for name, kind in kinds.items()):
        raise ValueError(f"its facts lack one of {', '.join(kinds)}")
    if any(not isinstance(length, int | float) for length in facts["finished"]):
        raise ValueError("a length of an episode is no number")
    return facts


def standing_in(content: dict[str, Array], episodes: Episodes) -> tuple[NDArray[np.bool_], Array]:
    """Starts and lengths of a checkpoint's episodes, which are as many as these.

    Raises:
        KeyError: The checkpoint lacks one of them.
        ValueError: They are of other bodies.
    """
    agree(content, {"starts": episodes.starts, "lengths": episodes.lengths})
    return content["starts"].astype(bool), content["lengths"]


def compare_settings(path: Path, before: dict[str, Any], config: Any, override: bool) -> list[str]:
    """Differences between the settings that a checkpoint was made with and those of the run that goes on from it.

    Args:
        path: The checkpoint, for the message.
        before: Its settings.
        config: The run's.
        override: Go on with those that may change.

    Returns:
        One line a difference.

    Raises:
        FileFormatError: There are some, and ``override`` is not set or they are of the kind that never may change.
    """
    now = without_folders(json.loads(json.dumps(jsonable(dataclasses.asdict(config)))))
    found = changed_settings(without_folders(before), now)
    lines = [f"{name} was {_brief(old)}, now {_brief(new)}" for name, (old, new) in found.items()]
    fixed = [line for line, name in zip(lines, found, strict=True) if not may_change(name)]
    if fixed:
        raise FileFormatError(
            path,
            f"made with other settings: {'; '.join(fixed)}",
            "these never change in a run; take another folder",
        )
    if lines and not override:
        raise FileFormatError(
            path, f"made with other settings: {'; '.join(lines)}", "set them back, or go on with them by --override"
        )
    return lines


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def restore_checkpoint(
    path: Path,
    config: TrainConfig,
    human: Learner,
    device: Learner | None,
    world: GaitWorld,
    episodes: Episodes,
    *,
    override: bool = False,
) -> dict[str, Any]:
    """Put learners, bodies, episodes and random numbers back to where :func:`write_checkpoint` left them.

    Args:
        path: The checkpoint.
        config: Settings of the run that goes on.
        human: The human's learner.
        device: The device's learner, if it has one.
        world: The bodies.
        episodes: Where their episodes stand.
        override: Whether settings that may change may have changed.

    Returns:
        What the run said about itself, and under ``changed`` one line a setting that differs.

    Raises:
        FileFormatError: The file is damaged, belongs to another run, or was made with other settings.
    """
    content = read_checkpoint(path)
    facts = parsed(path, "damaged checkpoint", "start a new run", lambda: _facts(content.pop("facts")))
    own = world.signature()
    if "model_hash" not in facts["signature"]:  # a checkpoint from before there was one
        del own["model_hash"]
    if facts["signature"] != own:
        raise FileFormatError(path, "belongs to another model or observation layout", "start a new run")
    changed = compare_settings(path, facts["config"], config, override) if "config" in facts else []
    try:
        check_learner(part_of(content, "human/"), human)
        if device is not None:
            check_learner(part_of(content, "device/"), device)
        own_state = world.arrays()
        own_state.pop("next_push", None)  # infinite where there are no pushes
        agree(part_of(content, "world/"), own_state, most=MOST)
        starts, lengths = standing_in(content, episodes)
        check_global_random(content, facts["numpy"])
        human.load_arrays(part_of(content, "human/"))
        if device is not None:
            device.load_arrays(part_of(content, "device/"))
        world.load_arrays(part_of(content, "world/"))
        world.rng.bit_generator.state = facts["world_random"]
        set_global_random(content, facts["numpy"])
    except (KeyError, ValueError, RuntimeError, TypeError, OverflowError) as error:
        raise damaged(path, "does not fit this configuration", error, "start a new run") from None
    episodes.starts, episodes.lengths = starts, lengths
    episodes.finished = facts["finished"]
    return {**facts, "changed": changed}


def _facts(text: Array) -> dict[str, Any]:
    """What a run says about itself, of a checkpoint's bytes.

    Raises:
        ValueError: It is not what :func:`write_checkpoint` writes.
    """
    facts = facts_in(text, {"signature": dict, "finished": list, "numpy": list, "world_random": dict})
    if not isinstance(facts.get("config", {}), dict):
        raise ValueError("its configuration is no mapping")
    return facts


def check_learner(content: dict[str, Array], learner: Learner) -> None:
    """Refuse arrays of other shapes and types than the learner's, and numbers that are not finite.

    Raises:
        ValueError: One is none of this learner's.
    """
    known = learner.arrays()
    # The optimizer counts through its groups: what acts first, then the critic.
    groups = learner.policy.optimizer.param_groups
    parameters = [parameter.detach().cpu().numpy() for group in groups for parameter in group["params"]]
    for index, parameter in enumerate(parameters):
        known |= {f"optimizer/{index}/{name}": parameter for name in ("exp_avg", "exp_avg_sq")}
        known[f"optimizer/{index}/step"] = np.zeros((), np.float32)
    if unknown := sorted(set(content) - set(known)):
        raise ValueError(f"it holds {unknown[0]!r}")
    agree(content, known, most=MOST)
    for name, array in content.items():
        if name.endswith(("exp_avg_sq", "/step", "/var", "/count")) and (array < 0).any():
            raise ValueError(f"{name}: a number is negative")
        if name == "policy/log_std" and (np.abs(array) > MOST_LOG_STD).any():
            raise ValueError(f"{name}: a standard deviation out of range")
