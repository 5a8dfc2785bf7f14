"""The exoskeleton's policy outside the simulation: a network, a contract that says what its numbers mean, and a loop.

:func:`export_controller` writes a folder:

=======================  ============================================================================================
``controller.json``      the contract (:class:`Contract`): inputs, history, outputs, limits, timing, hashes
``controller.onnx``      the network, normalisation inside: ``observation`` (1, n) to ``action`` (1, m), float32
``policy.safetensors``   the same network for numpy, with ``policy.json``
=======================  ============================================================================================

:class:`Controller` is the reference loop, called at 100 Hz. It does what the device of the training did, in this order:

1. Every control step (20 ms, say) the sensed values, each divided by its ``divide_by``, become the newest sample of the
   history. At the start the whole history is filled with the first sample. Between two control steps the values are
   checked, not used.
2. The network turns the history, newest sample first, into one share of the peak torque per actuator, in [-1, 1].
3. Every tick (10 ms) share times the peak torque of its direction (N m/kg) is approached within the rate limit, and
   multiplied by the mass of the person without the device (kg). That is the returned torque (N m).
4. In training the torque reached the body ``delay.seconds`` later. By default the loop does not wait: the motor, its
   drive and its bus are expected to take about that long (``delay.added_by`` is ``hardware``). Where they are much
   faster, export with ``delay_added_by="loop"``, and the loop holds every torque back.

**Fail-safe.** When a sensed value is not a finite number (or the network's output is none), the commanded share is zero
in the same tick, so the torque falls to zero within the rate limit, and :attr:`Controller.status` says why. With finite
values, the next control step starts anew with a fresh history. A missing channel raises, as does an impossible body
mass: a loop that gets an exception must switch the motors off. The rate limit and the peaks bound what a wrong signal
can do; they do not replace the device's own safety.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data.errors import ExogaitError, FileFormatError, InputError, MissingDependencyError
from data.settings import from_mapping
from models.device import DIRECTIONS, Device

from .exoskeleton import HISTORY, SIZE, TICK, signal_channels
from .policy import Policy, export_onnx, load_policy

Array = NDArray[np.floating[Any]]
Network = Callable[[Array], Array]
"""Observations (1, n_observations) to actions (1, n_actions)."""

FORMAT = "exogait-controller-1"
CONTRACT, ONNX, POLICY = "controller.json", "controller.onnx", "policy"
RUNNING = "running"
TOLERANCE = 1e-4
"""How far the network may be from the contract's example when loaded; float32 is some 1e-6 off."""


@dataclass(frozen=True)
class Channel:
    """One input.

    Attributes:
        name: Key of the value in a step's signals.
        meaning: What it is.
        unit: Its unit before division.
        positive: What a positive value means.
        side: Side of the body.
        divide_by: Divisor before the value enters the history; the network's own normalisation comes on top.
        source: ``sensor``, or ``controller`` for what the loop knows itself and needs not be given.
    """

    name: str
    meaning: str
    unit: str
    positive: str
    side: Literal["right", "left", "middle"]
    divide_by: float
    source: Literal["sensor", "controller"]


@dataclass(frozen=True)
class Output:
    """One torque. A share of 1 is the peak of the positive direction, -1 that of the negative one.

    Attributes:
        actuator: Key of the torque that a step returns.
        coordinate: OpenSim's name of the joint angle that it drives.
        side: Side of the body.
        positive: Direction of a positive torque.
        negative: Direction of a negative torque.
        peak_positive: Largest torque in the positive direction, N m/kg.
        peak_negative: Largest torque in the negative direction, not negative, N m/kg.
        rate_limit: Largest rate of torque, N m/kg/s.
    """

    actuator: str
    coordinate: str
    side: Literal["right", "left", "middle"]
    positive: str
    negative: str
    peak_positive: float
    peak_negative: float
    rate_limit: float


@dataclass(frozen=True)
class History:
    """The network's memory: the observation is all channels of the newest sample, then of the one before, and so on.

    Attributes:
        samples: Number of samples of each channel.
        interval: Time between two samples, s.
        order: Of samples in the observation.
        start: What the history holds at the first control step.
    """

    samples: int
    interval: float
    order: Literal["newest first"] = "newest first"
    start: Literal["filled with the first sample"] = "filled with the first sample"


@dataclass(frozen=True)
class Delay:
    """Time from the rate-limited torque to the torque on the body.

    Attributes:
        seconds: As in training, s.
        added_by: ``hardware``: the loop returns torques at once; ``loop``: it holds them back that long.
    """

    seconds: float
    added_by: Literal["hardware", "loop"] = "hardware"


@dataclass(frozen=True)
class Example:
    """One observation and the action that belongs to it, to test an implementation with."""

    observation: tuple[float, ...]
    action: tuple[float, ...]


@dataclass(frozen=True)
class Contract:
    """What the numbers of a controller mean. Times are in s, torques in N m/kg of the person without the device.

    Attributes:
        format: Version of this contract.
        name: The policy's name.
        device: The device's name.
        control_step: Time between two evaluations of the network, s.
        tick: Time between two torques, s.
        inputs: Channels of one sample, in order.
        history: The network's memory.
        outputs: Torques, in the order of the network's actions.
        delay: From torque to body.
        example: Of the network.
        policy_hash: SHA-256 of ``policy.safetensors``.
        onnx_hash: SHA-256 of ``controller.onnx``.
        model_hash: Hash of the body model of the training, where known.
        git_revision: Of the suite that trained, where known.
        frame: Axes of gyroscopes and accelerometers.
        body_mass: Which mass a step wants.
        fail_safe: What happens with a value that is no number.
    """

    format: str
    name: str
    device: str
    control_step: float
    tick: float
    inputs: tuple[Channel, ...]
    history: History
    outputs: tuple[Output, ...]
    delay: Delay
    example: Example
    policy_hash: str
    onnx_hash: str
    model_hash: str | None = None
    git_revision: str | None = None
    frame: str = "axes of the body: x forward, y up, z to the right in upright standing; right-handed"
    body_mass: str = "kg, the person without the device"
    fail_safe: str = "a value that is not finite: share 0 in the same tick, torque falls within the rate limit"


def _side(name: str) -> Literal["right", "left", "middle"]:
    return "right" if name.endswith("_r") else "left" if name.endswith("_l") else "middle"


def _directions(coordinate: str) -> tuple[str, str]:
    return DIRECTIONS[coordinate[:-2] if coordinate.endswith(("_r", "_l")) else coordinate]


def describe_channel(name: str) -> Channel:
    """Unit, sign and scale of a sensed channel (of :func:`osim_env.exoskeleton.signal_channels`)."""
    source, kind, *axis = name.split(".")
    scale = SIZE[kind]
    if kind in ("value", "speed"):
        word, unit = ("angle", "rad") if kind == "value" else ("angular velocity", "rad/s")
        return Channel(name, f"joint {word} {source}", unit, _directions(source)[0], _side(source), scale, "sensor")
    if kind == "applied_torque":
        coordinate = source.removeprefix("exo_")
        meaning = "torque that the loop asked for last, rate-limited, before the delay"
        return Channel(
            name, meaning, "N m/kg", _directions(coordinate)[0], _side(coordinate), scale, "controller"
        )  # fmt: skip
    if kind == "orientation":
        positive = "backward, the front rises" if axis[0] == "tilt" else "to the right, the right side sinks"
        meaning = f"inclination ({axis[0]}) of the body {source} against gravity"
        return Channel(name, meaning, "rad", positive, _side(source), scale, "sensor")
    if kind == "gyroscope":
        meaning, unit = f"angular velocity of the body {source}", "rad/s"
        positive = f"right-handed about the body's {axis[0]} axis"
    else:
        meaning = f"specific force (9.81 upwards at rest) at the origin of the body {source}, mean of a control step"
        unit, positive = "m/s2", f"along the body's {axis[0]} axis"
    return Channel(name, meaning, unit, positive, _side(source), scale, "sensor")


# ---- export --------------------------------------------------------------------------------------------------------


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
    _ticks_of(control_step, TICK, "control_step")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    onnx = export_onnx(policy, folder / ONNX)
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
                joint.actuator, joint.coordinate, _side(joint.coordinate), *_directions(joint.coordinate),
                joint.peak_positive, joint.peak_negative, joint.rate_limit,
            )
            for joint in device.actuation
        ),
        delay=Delay(device.delay, delay_added_by),
        example=Example(tuple(observation.tolist()), tuple(policy.act(observation[None])[0].tolist())),
        policy_hash=_sha256(description.with_suffix(".safetensors")),
        onnx_hash=_sha256(onnx),
        model_hash=policy.metadata.get("model_hash"),
        git_revision=policy.metadata.get("git_revision"),
    )  # fmt: skip
    path = folder / CONTRACT
    path.write_text(json.dumps(dataclasses.asdict(contract), indent=1) + "\n")
    return {"contract": path, "onnx": onnx, "policy": description}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _ticks_of(seconds: float, tick: float, field: str) -> int:
    ticks = round(seconds / tick)
    if ticks < 1 or abs(ticks * tick - seconds) > 1e-9:
        raise InputError(field, seconds, f"a multiple of {tick} s is needed")
    return ticks


def read_contract(path: str | Path) -> Contract:
    """Read a contract.

    Raises:
        FileFormatError: The file is missing, no JSON, or of another format.
        UnknownNameError: It holds a field that does not exist.
        InputError: A field is missing or has the wrong type.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise FileFormatError(path, "no such contract", "export the controller into this folder") from None
    except ValueError as error:
        raise FileFormatError(path, f"damaged contract ({error})", "export the controller again") from None
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise FileFormatError(path, f"contract of format {found!r}, this loop reads {FORMAT!r}", "export it again")
    return from_mapping(Contract, content, where=str(path))


# ---- the loop ------------------------------------------------------------------------------------------------------


class Controller:
    """The reference loop of one device on one person; see the module's text for what it does.

    Attributes:
        contract: What its numbers mean.
        status: ``running``, or why the torque is being taken away.
        torque_per_kg: Rate-limited torque before the delay, shape (n_actuators,), N m/kg.
    """

    def __init__(self, contract: Contract, network: Network) -> None:
        self.contract, self.network = contract, network
        self.ticks_per_step = _ticks_of(contract.control_step, contract.tick, "control_step")
        if abs(contract.history.interval - contract.control_step) > 1e-9:
            raise InputError("history: interval", contract.history.interval, "it must be the control step")
        outputs = contract.outputs
        self.peak_positive = np.array([output.peak_positive for output in outputs])
        self.peak_negative = np.array([output.peak_negative for output in outputs])
        self.step_limit = np.array([output.rate_limit for output in outputs]) * contract.tick
        self._sensors = [
            (i, channel.name) for i, channel in enumerate(contract.inputs) if channel.source == "sensor"
        ]  # fmt: skip
        actuators = [output.actuator for output in outputs]
        own = [(i, c.name) for i, c in enumerate(contract.inputs) if c.source == "controller"]
        self._own_columns = np.array([i for i, _ in own], np.int64)
        self._own_actuators = np.array([actuators.index(name.split(".")[0]) for _, name in own], np.int64)
        self._scale = 1.0 / np.array([channel.divide_by for channel in contract.inputs])
        delay_ticks = round(contract.delay.seconds / contract.tick) if contract.delay.added_by == "loop" else 0
        self._delayed: deque[Array] = deque(maxlen=delay_ticks + 1)
        self.reset()

    @classmethod
    def load(cls, folder: str | Path, network: Literal["onnx", "numpy"] | None = None) -> Controller:
        """Read a controller.

        Args:
            folder: Where :func:`export_controller` wrote to.
            network: What evaluates the network; onnxruntime where it is installed, else numpy.

        Raises:
            FileFormatError: A file is missing, damaged, changed after the export, or of another format.
            MissingDependencyError: onnxruntime was asked for and is not installed.
        """
        folder = Path(folder)
        contract = read_contract(folder / CONTRACT)
        if network is None:
            try:
                evaluate = _onnx_network(folder / ONNX, contract)
            except MissingDependencyError:
                evaluate = _numpy_network(folder / POLICY, contract)
        else:
            evaluate = {"onnx": _onnx_network, "numpy": _numpy_network}[network](
                folder / {"onnx": ONNX, "numpy": POLICY}[network], contract
            )
        example = contract.example
        found = evaluate(np.array([example.observation]))
        if found.shape != (1, len(contract.outputs)) or not np.allclose(
            found[0], example.action, rtol=0.0, atol=TOLERANCE
        ):
            raise FileFormatError(
                folder / CONTRACT, "the network does not give the contract's example action", "export it again"
            )
        return cls(contract, evaluate)

    def reset(self) -> None:
        """Begin anew, with zero torque and no history."""
        contract = self.contract
        self.status = RUNNING
        self.torque_per_kg = np.zeros(len(contract.outputs))
        self.share = np.zeros(len(contract.outputs))
        self._history = np.zeros((contract.history.samples, len(contract.inputs)))
        self._fresh = True
        self._tick = 0
        self._sample = np.zeros(len(contract.inputs))
        self._delayed.clear()
        self._delayed.extend([np.zeros(len(contract.outputs))] * (self._delayed.maxlen or 1))

    def step(self, signals: Mapping[str, float], body_mass: float) -> dict[str, float]:
        """One tick.

        Args:
            signals: Value of every channel whose source is ``sensor``; others are ignored.
            body_mass: Mass of the person without the device, kg.

        Returns:
            Torque of every actuator, N m.

        Raises:
            ExogaitError: A channel is missing; nothing has changed then.
            InputError: The mass is no positive number.
        """
        if not (math.isfinite(body_mass) and body_mass > 0):
            raise InputError("body_mass", body_mass, "a positive number of kg")
        bad = self._read(signals)
        control = self._tick % self.ticks_per_step == 0
        self._tick += 1
        if bad is not None:
            self._stop(f"signal {bad} is not a finite number")
        elif control:
            self._evaluate()
        wanted = np.where(self.share > 0, self.share * self.peak_positive, self.share * self.peak_negative)
        change = np.minimum(np.maximum(wanted - self.torque_per_kg, -self.step_limit), self.step_limit)
        self.torque_per_kg = self.torque_per_kg + change
        self._delayed.append(self.torque_per_kg)
        torque = self._delayed[0] * body_mass
        return {output.actuator: value for output, value in zip(self.contract.outputs, torque.tolist(), strict=True)}

    def _read(self, signals: Mapping[str, float]) -> str | None:
        """Take over the sensed values; returns the first channel whose value is not finite."""
        try:
            values = [(i, float(signals[name]), name) for i, name in self._sensors]
        except KeyError as error:
            raise ExogaitError(
                f"signals: channel {error.args[0]!r} is missing; a step needs all {len(self._sensors)} sensor channels "
                f"of the contract of device {self.contract.device}"
            ) from None
        for i, value, name in values:
            if not math.isfinite(value):
                return name
            self._sample[i] = value
        return None

    def _evaluate(self) -> None:
        """A control step: new sample, new shares of the peak torques."""
        self._sample[self._own_columns] = self.torque_per_kg[self._own_actuators]
        sample = self._sample * self._scale
        if self._fresh:
            self._history[:] = sample
        else:
            self._history[1:] = self._history[:-1]
            self._history[0] = sample
        share = self.network(self._history.reshape(1, -1))[0]
        if not np.isfinite(share).all():
            self._stop("the network's output is not a finite number")
            return
        self._fresh = False
        self.share = np.minimum(np.maximum(share, -1.0), 1.0)
        self.status = RUNNING

    def _stop(self, reason: str) -> None:
        self.share = np.zeros(len(self.contract.outputs))
        self.status = f"fail-safe: {reason}"
        self._fresh = True


def _checked(path: Path, expected: str) -> Path:
    if not path.is_file():
        raise FileFormatError(path, "no such file", "export the controller into this folder")
    if _sha256(path) != expected:
        raise FileFormatError(path, "changed after the export (its hash is not the contract's)", "export it again")
    return path


def _onnx_network(path: Path, contract: Contract) -> Network:
    """The network under onnxruntime, one thread."""
    try:
        import onnxruntime
    except ImportError:
        raise MissingDependencyError("onnxruntime", "evaluating a controller's ONNX network", "onnx") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(_checked(path, contract.onnx_hash)), options, providers=["CPUExecutionProvider"]
    )

    def evaluate(observation: Array) -> Array:
        (action,) = session.run(["action"], {"observation": observation.astype(np.float32)})
        return np.asarray(action, float)

    return evaluate


def _numpy_network(path: Path, contract: Contract) -> Network:
    """The network under numpy."""
    _checked(path.with_suffix(".safetensors"), contract.policy_hash)
    return load_policy(path.with_suffix(".json")).act
