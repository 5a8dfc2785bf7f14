"""Policies at rest and at work: safetensors for the numbers, JSON for what they mean, numpy to run them.

A policy file never runs code. It names the model, observation layout and settings it was trained with, and is refused
for others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from exogait import models
from exogait.data.errors import ExogaitError, FileFormatError, InputError, MissingDependencyError
from exogait.data.files import write_text_atomic, written_beside
from exogait.data.home import find
from exogait.data.loading import parsed, read_json, read_tensors
from exogait.data.show import Card, Shown, brief

if TYPE_CHECKING:
    from .learner import Learner

Array = NDArray[np.floating[Any]]

FORMAT = "exogait-policy-1"
MOST_LAYERS = 64
POLICY_FOLDER = Path(models.__file__).parent / "policies"


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


def _silu(x: Array) -> Array:
    return x / (1.0 + np.exp(-np.clip(x, -80.0, None)))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"elu": _elu, "silu": _silu}


class PolicyMismatchError(ExogaitError):
    """A policy was meant for another model, observation layout or device."""


@dataclass(frozen=True, eq=False)
class Policy(Shown):
    """A deterministic policy: normalise, dense ELU (or SiLU) layers, clip to [-1, 1].

    Attributes:
        mean: Of the observations, shape (n_observations,).
        scale: One over the standard deviation of the observations, shape (n_observations,).
        clip: Bound on normalised observations.
        layers: Weight (n_out, n_in) and bias (n_out,) of each layer, the last one linear.
        log_std: Log standard deviation of the action noise in training, shape (n_actions,).
        metadata: Role, model hash, observation and action names, settings, git revision, training curve.
    """

    mean: Array
    scale: Array
    clip: float
    layers: tuple[tuple[Array, Array], ...]
    log_std: Array
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def activation(self) -> str:
        """What stands between two layers: ``elu``, or ``silu`` where the description says so."""
        return self.metadata.get("activation", "elu")

    @property
    def n_observations(self) -> int:
        """Length of the observation it expects."""
        return len(self.mean)

    @property
    def n_actions(self) -> int:
        """Length of the action it gives."""
        return len(self.layers[-1][1])

    def act(self, observation: Array) -> Array:
        """Deterministic actions.

        Args:
            observation: Raw observations, shape (batch, n_observations).

        Returns:
            Actions in [-1, 1], shape (batch, n_actions).

        Raises:
            ValueError: The observations have the wrong length.
        """
        if np.shape(observation)[-1:] != (self.n_observations,):
            raise ValueError(f"observation: shape {np.shape(observation)}, expected (batch, {self.n_observations})")
        x = np.clip((observation - self.mean) * self.scale, -self.clip, self.clip)
        for weight, bias in self.layers[:-1]:
            x = x @ weight.T + bias
            x = ACTIVATIONS[self.activation](x)
        weight, bias = self.layers[-1]
        return np.clip(x @ weight.T + bias, -1.0, 1.0)

    def require(self, *, other_model: bool = False, **expected: Any) -> None:
        """Refuse to work with anything but what the policy was trained for.

        A policy from before models had a hash has none; it is accepted by its layout alone.

        Args:
            other_model: Accept a body of the same layout with other numbers: a subject, a changed model.
            **expected: Metadata entries that have to agree, ``model_hash`` among them.

        Raises:
            PolicyMismatchError: One does not.
        """
        who = f"policy {self.metadata.get('name', '')!r}"
        layout = {key: value for key, value in expected.items() if key != "model_hash"}
        for key, value in layout.items():
            found = self.metadata.get(key)
            if found != value:
                raise PolicyMismatchError(
                    f"{who}: {key} is {_short(found)}, here it is {_short(value)}; "
                    "use the policy with what it was trained for, or train one for this"
                )
        trained, here = self.metadata.get("model_hash"), expected.get("model_hash")
        if trained is not None and here is not None and trained != here and not other_model:
            raise PolicyMismatchError(
                f"{who}: trained on the model with hash {trained[:12]}, this one has {here[:12]}: same names, other "
                "numbers; if that is meant, say so with --other-model (other_model=True)"
            )

    def require_device(self, world: Mapping[str, Any]) -> None:
        """Refuse to drive a device that the policy was not trained for.

        Args:
            world: The world's signature.

        Raises:
            InputError: The world has no device.
            PolicyMismatchError: It has another one.
        """
        if world["device"] is None:
            raise InputError("device policy", self.metadata.get("name", ""), "a device for it: --device")
        self.require(role="device", device=world["device"], device_observations=world["device_observations"])

    def save(self, path: str | Path) -> Path:
        """Write ``path``.safetensors and ``path``.json."""
        from safetensors.numpy import save

        stem = Path(path).with_suffix("")
        stem.parent.mkdir(parents=True, exist_ok=True)
        tensors = {"mean": self.mean, "scale": self.scale, "log_std": self.log_std}
        for i, (weight, bias) in enumerate(self.layers):
            tensors[f"layer{i}/weight"], tensors[f"layer{i}/bias"] = weight, bias
        with written_beside(stem.with_suffix(".safetensors")) as beside:
            beside.write_bytes(save({key: np.ascontiguousarray(value, np.float32) for key, value in tensors.items()}))
        content = {"format": FORMAT, "clip": self.clip, "n_layers": len(self.layers), **self.metadata}
        return write_text_atomic(stem.with_suffix(".json"), json.dumps(content, indent=1) + "\n")

    def card(self) -> Card:
        """What it drives, what it was trained for, and how far."""
        about = self.metadata
        settings = about.get("settings") or {}
        setup, stages = settings.get("setup") or {}, settings.get("stages") or [{}]
        sizes = [self.n_observations, *(len(bias) for _, bias in self.layers)]
        facts = {
            "drives": {"human": "the muscles", "device": "the device"}.get(str(about.get("role")), about.get("role")),
            "device": about.get("device") or setup.get("device"),
            "weakness": setup.get("deficit"),
            "speeds": (stages[-1].get("speeds") or None),
            "trained": None if about.get("samples") is None else f"{about['samples']:,} control steps",
            "network": " - ".join(map(str, sizes)),
            "control step, s": about.get("control_step"),
            "model": str(about.get("model_hash") or "")[:12],
            "revision": about.get("git_revision"),
        }
        shown = tuple((key, brief(value)) for key, value in facts.items() if value not in (None, "", []))
        return Card(f"Policy {about.get('name', '')}".rstrip(), shown)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."


def policy_from_learner(
    learner: Learner,
    metadata: dict[str, Any],
    change: Callable[[Mapping[str, Array]], dict[str, Array]] | None = None,
) -> Policy:
    """The deterministic policy of a learner, its observation statistics frozen.

    What the learner never saw vary (the strength of muscles that were always healthy) has no influence on the policy:
    the network's first weights for it are still the random ones that it began with.

    Args:
        learner: The learner.
        metadata: What the policy is.
        change: Applied to the arrays of the network first.
    """
    from .learner import CLIP_OBSERVATION, NEVER_VARIED, STD_FLOOR

    state = {name: tensor.detach().cpu().numpy().astype(float) for name, tensor in learner.policy.state_dict().items()}
    if change is not None:
        state = change(state)
    std = np.sqrt(learner.statistics.var)
    layers = []
    index = 0
    while f"mlp_extractor.policy_net.{index}.weight" in state:
        prefix = f"mlp_extractor.policy_net.{index}"
        layers.append((state[f"{prefix}.weight"], state[f"{prefix}.bias"]))
        index += 2  # an activation stands between two layers
    layers.append((state["action_net.weight"], state["action_net.bias"]))
    layers[0] = (np.where(std < NEVER_VARIED, 0.0, layers[0][0]), layers[0][1])
    return Policy(
        mean=np.asarray(learner.statistics.mean, float).copy(),
        scale=1.0 / (std + STD_FLOOR),
        clip=CLIP_OBSERVATION,
        layers=tuple(layers),
        log_std=state["log_std"],
        metadata=metadata,
    )


def load_policy(path: str | Path) -> Policy:
    """Read a policy by name (of the user folder or the suite, such as ``hip_ankle/1-healthy_device``) or path.

    Raises:
        UnknownNameError: There is none of that name.
        FileFormatError: A file is missing, damaged or no policy.
    """
    description = find("policies", path)
    numbers = description.with_suffix(".safetensors")
    for file in (description, numbers):
        if not file.is_file():
            raise FileFormatError(file, "no such policy file", "a policy is a .json file and a .safetensors file")
    problem, todo = "damaged policy", "fetch or export it again"
    content = read_json(description, problem, todo)
    if content.pop("format", None) != FORMAT:
        raise FileFormatError(description, "not a policy description", f"expected format {FORMAT!r}")
    parsed(description, problem, todo, lambda: _check_description(content))
    tensors = read_tensors(numbers, problem, todo)
    return parsed(numbers, problem, todo, lambda: _assembled(tensors, content))


def _check_description(content: dict[str, Any]) -> None:
    """Check the types of what a description says; what it does not say is no fault here."""
    clip = content["clip"]
    if isinstance(clip, bool) or not isinstance(clip, int | float) or not 0.0 < clip < math.inf:
        raise ValueError(f"clip is {clip!r}, expected a positive number")
    if not isinstance(content["n_layers"], int) or not 1 <= content["n_layers"] <= MOST_LAYERS:
        raise ValueError(f"n_layers is {content['n_layers']!r}, expected 1 to {MOST_LAYERS}")
    for key, kind in (("name", str), ("role", str), ("device", str), ("settings", dict), ("model_hash", str),
                      ("activation", str), ("git_revision", str), ("samples", int),
                      ("control_step", int | float)):  # fmt: skip
        value = content.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise ValueError(f"{key} is {str(value)[:40]!r}")
    settings = content.get("settings") or {}
    setup, stages = settings.get("setup") or {}, settings.get("stages") or []
    if not isinstance(setup, dict) or not isinstance(stages, list) or any(not isinstance(one, dict) for one in stages):
        raise ValueError("settings: setup is no mapping, or stages are no list of mappings")
    if content.get("activation", "elu") not in ACTIVATIONS:
        raise ValueError(f"activation is {str(content['activation'])[:40]!r}, expected {' or '.join(ACTIVATIONS)}")
    for key, value in content.items():
        named = key.endswith(("_observations", "_actions")) and isinstance(value, list)
        if named and not all(isinstance(name, str) for name in value):
            raise ValueError(f"{key} is no list of names")


def _assembled(tensors: dict[str, Array], content: dict[str, Any]) -> Policy:
    """Make a policy of tensors whose shapes must agree with one another and with the names that go in and out."""
    about = dict(content)
    clip, n_layers = float(about.pop("clip")), int(about.pop("n_layers"))
    layers = tuple((tensors.pop(f"layer{i}/weight"), tensors.pop(f"layer{i}/bias")) for i in range(n_layers))
    mean, scale, log_std = tensors.pop("mean"), tensors.pop("scale"), tensors.pop("log_std")
    if tensors:
        raise ValueError(f"it holds {min(tensors)!r}, which no policy of {n_layers} layers has")
    width = mean.size
    if not width or mean.shape != (width,) or scale.shape != (width,) or not (scale > 0.0).all():
        raise ValueError(f"mean and scale have shapes {mean.shape} and {scale.shape}, or a scale is not positive")
    for i, (weight, bias) in enumerate(layers):
        if bias.ndim != 1 or weight.shape != (bias.size, width) or not bias.size:
            raise ValueError(f"layer{i} has shapes {weight.shape} and {bias.shape} after {width} values")
        width = bias.size
    if log_std.shape != (width,):
        raise ValueError(f"log_std has shape {log_std.shape}, expected ({width},)")
    return Policy(mean, scale, clip, layers, log_std, about)


def export_onnx(policy: Policy, path: str | Path) -> Path:
    """Write the policy as ONNX: raw observation in, action out, float32.

    Raises:
        MissingDependencyError: The package onnx is not installed.
    """
    try:
        from onnx import TensorProto, helper, numpy_helper, save
    except ImportError:
        raise MissingDependencyError("onnx", "exporting a policy to ONNX", "controller") from None

    def constant(name: str, value: Array) -> Any:
        return numpy_helper.from_array(np.asarray(value, np.float32), name)

    nodes = [
        helper.make_node("Sub", ["observation", "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "low", "high"], ["x0"]),
    ]
    constants = [
        constant("mean", policy.mean),
        constant("scale", policy.scale),
        constant("low", np.array(-policy.clip)),
        constant("high", np.array(policy.clip)),
        constant("minus_one", np.array(-1.0)),
        constant("one", np.array(1.0)),
    ]
    last = len(policy.layers) - 1
    for i, (weight, bias) in enumerate(policy.layers):
        constants += [constant(f"weight{i}", weight), constant(f"bias{i}", bias)]
        nodes.append(helper.make_node("Gemm", [f"x{i}", f"weight{i}", f"bias{i}"], [f"y{i}"], transB=1))
        if i < last:
            if policy.activation == "silu":
                nodes.append(helper.make_node("Sigmoid", [f"y{i}"], [f"share{i}"]))
                nodes.append(helper.make_node("Mul", [f"y{i}", f"share{i}"], [f"x{i + 1}"]))
            else:
                nodes.append(helper.make_node("Elu", [f"y{i}"], [f"x{i + 1}"]))
    nodes.append(helper.make_node("Clip", [f"y{last}", "minus_one", "one"], ["action"]))
    graph = helper.make_graph(
        nodes,
        "policy",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["batch", policy.n_observations])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, ["batch", policy.n_actions])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="exogait")
    model.ir_version = 8
    save(model, str(path))
    return Path(path)
