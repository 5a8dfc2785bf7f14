"""The contract between a device policy and the computer that runs it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from exogait.data.errors import FileFormatError, InputError
from exogait.data.loading import parsed, read_json
from exogait.data.names import SIDE_WORDS, side_of, stem
from exogait.data.settings import from_mapping
from exogait.models.device import DIRECTIONS

from ..device.exoskeleton import SIZE

FORMAT = "exogait-controller-1"

CONTRACT, ONNX, POLICY = "controller.json", "controller.onnx", "policy"


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


def side_in_words(name: str) -> Literal["right", "left", "middle"]:
    """Side that a name's ending tells."""
    side = side_of(name)
    return "middle" if side is None else SIDE_WORDS[side]


def directions(coordinate: str) -> tuple[str, str]:
    """What the positive and the negative direction of a coordinate are called."""
    return DIRECTIONS[stem(coordinate)]


def describe_channel(name: str) -> Channel:
    """Unit, sign and scale of a sensed channel (of :func:`exogait.osim_env.device.exoskeleton.signal_channels`)."""
    source, kind, *axis = name.split(".")
    scale = SIZE[kind]
    if kind in ("value", "speed"):
        word, unit = ("angle", "rad") if kind == "value" else ("angular velocity", "rad/s")
        meaning, positive = f"joint {word} {source}", directions(source)[0]
        return Channel(name, meaning, unit, positive, side_in_words(source), scale, "sensor")
    if kind == "applied_torque":
        coordinate = source.removeprefix("exo_")
        meaning = "torque that the loop asked for last, rate-limited, before the delay"
        return Channel(
            name, meaning, "N m/kg", directions(coordinate)[0], side_in_words(coordinate), scale, "controller"
        )  # fmt: skip
    if kind == "orientation":
        positive = "backward, the front rises" if axis[0] == "tilt" else "to the right, the right side sinks"
        meaning = f"inclination ({axis[0]}) of the body {source} against gravity"
        return Channel(name, meaning, "rad", positive, side_in_words(source), scale, "sensor")
    if kind == "gyroscope":
        meaning, unit = f"angular velocity of the body {source}", "rad/s"
        positive = f"right-handed about the body's {axis[0]} axis"
    else:
        meaning = f"specific force (9.81 upwards at rest) at the origin of the body {source}, mean of a control step"
        unit, positive = "m/s2", f"along the body's {axis[0]} axis"
    return Channel(name, meaning, unit, positive, side_in_words(source), scale, "sensor")


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def ticks_of(seconds: float, tick: float, field: str) -> int:
    """A duration in ticks of the control loop."""
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
    path, problem, todo = Path(path), "damaged contract", "export the controller again"
    if not path.is_file():
        raise FileFormatError(path, "no such contract", "export the controller into this folder")
    content = read_json(path, problem, todo, strict=True)
    if content.get("format") != FORMAT:
        raise FileFormatError(
            path, f"contract of format {content.get('format')!r}, this loop reads {FORMAT!r}", "export it again"
        )
    contract = from_mapping(Contract, content, where=str(path))
    parsed(path, problem, todo, lambda: _check_contract(contract))
    return contract


def _check_contract(contract: Contract) -> None:
    """Check that times, scales and limits are in a range that a device may meet, and sizes those of the example.

    Raises:
        ValueError: One is not.
    """
    for name, value, low, high in (
        ("control_step", contract.control_step, 1e-4, 1.0),
        ("tick", contract.tick, 1e-5, 1.0),
        ("delay: seconds", contract.delay.seconds, 0.0, 1.0),
        *((f"{c.name}: divide_by", c.divide_by, 1e-6, 1e6) for c in contract.inputs),
        *((f"{o.actuator}: peak_positive", o.peak_positive, 0.0, 10.0) for o in contract.outputs),
        *((f"{o.actuator}: peak_negative", o.peak_negative, 0.0, 10.0) for o in contract.outputs),
        *((f"{o.actuator}: rate_limit", o.rate_limit, 0.0, 1e4) for o in contract.outputs),
    ):
        if not low <= value <= high:
            raise ValueError(f"{name} is {value:g}, expected {low:g} to {high:g}")
    actuators = [output.actuator for output in contract.outputs]
    for channel in contract.inputs:
        if channel.source == "controller" and channel.name.split(".")[0] not in actuators:
            raise ValueError(f"{channel.name} is no torque of its outputs")
    sizes = len(contract.inputs) * contract.history.samples, len(actuators)
    found = len(contract.example.observation), len(contract.example.action)
    if found != sizes or len(set(actuators)) < len(actuators):
        raise ValueError(
            f"its example has {found[0]} inputs and {found[1]} outputs, expected {sizes[0]} and {sizes[1]}"
        )
