"""Write a device policy as ONNX with its contract."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Literal

import numpy as np

from exogait.data.files import write_text_atomic, written_beside
from exogait.models.device import Device

from ..device.exoskeleton import HISTORY, TICK, signal_channels
from ..learning.policy import Policy, export_onnx, load_policy
from .contract import (
    CONTRACT,
    FORMAT,
    ONNX,
    POLICY,
    Contract,
    Delay,
    Example,
    History,
    Output,
    describe_channel,
    directions,
    sha256,
    side_in_words,
    ticks_of,
)


def export_controller(
    policy: Policy,
    device: Device,
    folder: str | Path,
    *,
    delay_added_by: Literal["hardware", "loop"] = "hardware",
) -> dict[str, Path]:
    """Write a device policy as network and contract.

    Args:
        policy: Policy of a device.
        device: The device that it was trained with.
        folder: Where to write; made if needed.
        delay_added_by: Who delays torques by the device's delay; see :class:`Delay`.

    Returns:
        Paths by ``contract``, ``onnx`` and ``policy``.

    Raises:
        PolicyMismatchError: The policy is no device policy, or one of another device.
        InputError: It was trained with a control step that is no multiple of a tick.
        MissingDependencyError: The package onnx is not installed.
    """
    channels = signal_channels(device)
    policy.require(role="device", device=device.name, device_observations=list(channels))
    control_step = float(policy.metadata["control_step"])
    ticks_of(control_step, TICK, "control_step")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with written_beside(folder / ONNX) as beside:
        export_onnx(policy, beside)
    onnx = folder / ONNX
    description = policy.save(folder / POLICY)
    policy = load_policy(description)  # with the numbers as they are written, in float32
    observation = policy.mean + 0.5 * np.sin(np.arange(policy.n_observations)) / policy.scale
    contract = Contract(
        format=FORMAT,
        name=str(policy.metadata.get("name", "")),
        device=device.name,
        control_step=control_step,
        tick=TICK,
        inputs=tuple(describe_channel(name) for name in channels),
        history=History(HISTORY, control_step),
        outputs=tuple(
            Output(
                joint.actuator, joint.coordinate, side_in_words(joint.coordinate), *directions(joint.coordinate),
                joint.peak_positive, joint.peak_negative, joint.rate_limit,
            )
            for joint in device.actuation
        ),
        delay=Delay(device.delay, delay_added_by),
        example=Example(tuple(observation.tolist()), tuple(policy.act(observation[None])[0].tolist())),
        policy_hash=sha256(description.with_suffix(".safetensors")),
        onnx_hash=sha256(onnx),
        model_hash=policy.metadata.get("model_hash"),
        git_revision=policy.metadata.get("git_revision"),
    )  # fmt: skip
    path = folder / CONTRACT
    write_text_atomic(path, json.dumps(dataclasses.asdict(contract), indent=1) + "\n")
    return {"contract": path, "onnx": onnx, "policy": description}
