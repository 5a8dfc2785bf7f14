"""Learning: train policies, fit what they imitate, hand a device's policy to its computer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from exogait.data.errors import ExogaitError
from exogait.data.extras import require_extra
from exogait.junction.reference import ReferenceRequest


def register(app: SubcommandApp) -> None:
    """Put the commands in."""
    for command in (train, controller, reference):
        app.command(command)


def train(
    config: Positional[str],
    *,
    out: Path,
    resume: bool = False,
    override: bool = False,
    agent: Literal["policy", "zero", "random", "reference"] = "policy",
    seed: int | None = None,
    minutes: float | None = None,
    threads: int | None = None,
) -> None:
    """Train a muscle policy, an exoskeleton policy, or both; resumable at any time.

    Args:
        config: Name of a configuration of the suite (healthy, device, assistance, excitation) or a YAML file.
        out: Folder of the run.
        resume: Go on from the folder's checkpoint; settings that differ from its own are listed and refused.
        override: With resume, go on with changed settings, where a run may change them (curriculum, rewards, learning
            rates; not seed, sizes, body or device).
        agent: Instead of training, walk 5 s with zero or random actions or on the reference motion, as a check.
        seed: Replaces the configuration's seed.
        minutes: Stop, with a checkpoint, after this many minutes.
        threads: Processor threads for simulation and learning; all without.
    """
    if agent == "policy":
        require_extra("learn", "training a policy")
    from exogait.osim_env.learning.run import check_agent, train_from_file

    if agent != "policy":
        print(check_agent(config, agent))
        return
    trainer = train_from_file(
        config, out, resume=resume, override=override, seed=seed, minutes=minutes, threads=threads
    )
    found = sorted(path.stem for path in out.glob("*_*.json") if path.with_suffix(".safetensors").is_file())
    print(f"{trainer.samples} steps; wrote {', '.join(found)} to {out}")


def controller(
    policy: Positional[str],
    *,
    out: Path,
    device: str | None = None,
    delay_added_by: Literal["hardware", "loop"] = "hardware",
) -> None:
    """Write an exoskeleton policy as ONNX with a contract that a device's own computer can follow at 100 Hz.

    Args:
        policy: Name of a device policy of the suite or path of one.
        out: Folder for controller.onnx, controller.json and the policy.
        device: Name or YAML file of the device; the policy's own if not given.
        delay_added_by: Whether the torque delay of the device file is the hardware's own or to be added by the loop.
    """
    require_extra("controller", "exporting a controller")
    from exogait.data.output import output_folder
    from exogait.models.device import load_device
    from exogait.osim_env.controller.contract import CONTRACT, ONNX
    from exogait.osim_env.controller.export import export_controller
    from exogait.osim_env.learning.policy import load_policy

    brain = load_policy(policy)
    name = device or brain.metadata.get("device")
    if name is None:
        raise ExogaitError(f"policy {policy!r} drives no device; name a device policy")
    with output_folder(out, "exogait controller", expects=(ONNX, CONTRACT)):
        written = export_controller(brain, load_device(name), out, delay_added_by=delay_added_by)
    for path in written.values():
        print(f"wrote {path}")


def reference(request: Annotated[ReferenceRequest, arg(name="")]) -> None:
    """Fit a reference motion, as a function of walking speed, to measured walks."""
    from exogait.junction.reference import fit_reference_to_walks

    fitted = fit_reference_to_walks(request, report=print)
    print(f"wrote {fitted.file}: {fitted.n_strides} strides, {len(fitted.motion.coordinate_names)} coordinates")
