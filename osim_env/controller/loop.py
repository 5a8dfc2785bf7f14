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

import math
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import ExogaitError, FileFormatError, InputError, MissingDependencyError
from exogait.data.show import Card, Shown, names

from ..learning.policy import load_policy
from .contract import CONTRACT, ONNX, POLICY, Contract, read_contract, sha256, ticks_of

Array = NDArray[np.floating[Any]]

Network = Callable[[Array], Array]
"""Observations (1, n_observations) to actions (1, n_actions)."""

RUNNING = "running"

TOLERANCE = 1e-4
"""How far the network may be from the contract's example when loaded; float32 is some 1e-6 off."""


class Controller(Shown):
    """The reference loop of one device on one person; see the module's text for what it does.

    Attributes:
        contract: What its numbers mean.
        status: ``running``, or why the torque is being taken away.
        torque_per_kg: Rate-limited torque before the delay, shape (n_actuators,), N m/kg.
    """

    def __init__(self, contract: Contract, network: Network) -> None:
        self.contract, self.network = contract, network
        self.ticks_per_step = ticks_of(contract.control_step, contract.tick, "control_step")
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

    def card(self) -> Card:
        """What it drives, how fast, and how it is."""
        contract = self.contract
        facts = (
            ("drives", names(output.actuator for output in contract.outputs)),
            ("reads", names(channel.name for channel in contract.inputs)),
            ("control step", f"{contract.control_step:g} s, ticks of {contract.tick:g} s"),
            ("status", str(self.status)),
        )
        return Card("Controller", facts)

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
    if sha256(path) != expected:
        raise FileFormatError(path, "changed after the export (its hash is not the contract's)", "export it again")
    return path


def _onnx_network(path: Path, contract: Contract) -> Network:
    """The network under onnxruntime, one thread."""
    try:
        import onnxruntime
    except ImportError:
        raise MissingDependencyError("onnxruntime", "evaluating a controller's ONNX network", "controller") from None
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
