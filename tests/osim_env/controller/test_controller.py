"""The exported controller: what it was in the simulation, in time, and safe with bad signals."""

from __future__ import annotations

import dataclasses
import itertools
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from exogait.data.errors import ExogaitError, FileFormatError, InputError, MissingDependencyError, UnknownNameError
from exogait.models.device import Device, load_device
from exogait.osim_env.controller.contract import describe_channel, read_contract
from exogait.osim_env.controller.export import export_controller
from exogait.osim_env.controller.loop import RUNNING, Controller
from exogait.osim_env.device.exoskeleton import TICK, signal_channels
from exogait.osim_env.engine import Model
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import COMPILED
from exogait.osim_env.gait.twin_physics import TwinPhysics
from exogait.osim_env.gait.world import GaitWorld
from exogait.osim_env.learning.policy import Policy, PolicyMismatchError

pytest.importorskip("onnx", reason="the extra controller is not installed: exported controllers were NOT tested")
pytest.importorskip("onnxruntime", reason="the extra controller is not installed: exported controllers were NOT tested")

MASS = 70.0
FLOAT32 = 2e-6  # of an action: ONNX networks compute in single precision, the simulation in double
DEVICE = load_device("hip_ankle")
INERTIAL = dataclasses.replace(
    DEVICE,
    sensed=(
        "femur_r.accelerometer", "femur_l.accelerometer", "knee_angle_l.speed", "pelvis.orientation",
        "applied_torque", "tibia_r.gyroscope",
    ),
)  # fmt: skip


def random_policy(device: Device, control_step: float = 0.02, layers: tuple[int, ...] = (64, 64), **metadata) -> Policy:
    """Random weights as a trained policy has them, in single precision; its actions move over the whole range."""
    rng = np.random.default_rng(3)
    names = signal_channels(device)
    sizes = (10 * len(names), *layers, len(device.actuation))
    weights = [rng.normal(0, 1.2 / np.sqrt(a), (b, a)) for a, b in itertools.pairwise(sizes)]
    facts = {"name": "random", "role": "device", "device": device.name, "device_observations": list(names)}
    facts |= {"control_step": control_step, "model_hash": "abc", **metadata}
    single = lambda values: np.asarray(values, np.float32).astype(float)  # noqa: E731
    return Policy(
        mean=single(rng.normal(0, 0.2, sizes[0])),
        scale=single(rng.uniform(0.5, 1.5, sizes[0])),
        clip=10.0,
        layers=tuple((single(w), single(rng.normal(0, 0.1, len(w)))) for w in weights),
        log_std=np.zeros(sizes[-1]),
        metadata=facts,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    export_controller(random_policy(DEVICE), DEVICE, tmp_path)
    return tmp_path


def standing(value: float = 0.1) -> dict[str, float]:
    return {c: value for c in signal_channels(DEVICE) if not c.endswith("applied_torque")}


def walk_of_the_simulation(device: Device, policy: Policy, control_step: float, steps: int):
    """Signals at every control step, torque before the delay (N m/kg) and on the body (N m) at every tick, mass."""
    physics = TwinPhysics(Model.load(COMPILED["hip_ankle"]), 1, np.ones((1, 92)))
    config = WorldConfig(control_step=control_step, integration_step=0.002, early_termination=False)
    world = GaitWorld(physics, load_reference(), config, device=device, seed=5, auto_reset=False)
    exoskeleton = world.exoskeleton
    assert exoskeleton is not None
    sensed, asked, applied = [], [], []
    sense = exoskeleton.sense

    def recorded(signals, index=None) -> None:
        sensed.append({name: float(values[0]) for name, values in signals.items()})
        sense(signals, index)

    def tick() -> None:
        asked.append(exoskeleton.torque_per_kg[0].copy())
        applied.append(exoskeleton.applied_torque[0].copy())

    exoskeleton.sense = recorded  # type: ignore[method-assign]
    world.on_tick = tick
    world.reset(np.arange(1), phase=np.array([0.1]), speed=np.array([1.25]))
    for _ in range(steps):
        world.step(np.zeros((1, world.n_human_actions)), policy.act(world.device_observation()))
    return sensed[:steps], np.array(asked), np.array(applied), float(world.person_mass[0])


@pytest.mark.parametrize("network", ["onnx", "numpy"])
@pytest.mark.parametrize(("device", "control_step"), [(DEVICE, 0.02), (INERTIAL, 0.03)])
@pytest.mark.parametrize("added_by", ["hardware", "loop"])
def test_it_gives_the_torques_of_the_simulation(tmp_path, network, device, control_step, added_by) -> None:
    policy = random_policy(device, control_step)
    sensed, asked, applied, mass = walk_of_the_simulation(device, policy, control_step, steps=40)
    # The walk must say something: torques at the rate limit, and torques that follow the network.
    rate = np.abs(np.diff(asked, axis=0)) / (np.array([joint.rate_limit for joint in device.actuation]) * TICK)
    assert (rate > 1 - 1e-9).mean() > 0.1 and ((rate > 0) & (rate < 1 - 1e-6)).mean() > 0.05
    export_controller(policy, device, tmp_path, delay_added_by=added_by)
    controller = Controller.load(tmp_path, network)
    ticks = round(control_step / TICK)
    own, torque = [], []
    for k in range(len(asked)):
        off = 0.0 if k % ticks == 0 else 1.0  # between two control steps nothing is sampled
        signals = {name: value + off for name, value in sensed[k // ticks].items()}
        torque.append(list(controller.step(signals, mass).values()))
        own.append(controller.torque_per_kg)
        assert controller.status == RUNNING
    # Actions carry float32's error, torques that times their peak.
    peak = max(joint.peak_positive for joint in device.actuation)
    peak = max(peak, *(joint.peak_negative for joint in device.actuation))
    tolerance = FLOAT32 * peak if network == "onnx" else 1e-12
    np.testing.assert_allclose(own, asked, rtol=0, atol=tolerance)
    delay = round(device.delay / TICK)
    found = np.array(torque)
    if added_by == "hardware":
        found = np.concatenate([np.zeros((delay, found.shape[1])), found[: len(found) - delay]])
    np.testing.assert_allclose(found, applied, rtol=0, atol=tolerance * mass)
    assert np.abs(applied).max() > 10


def test_channels_mean_what_the_contract_says() -> None:
    """Signs of inclination and turning of a pelvis that leans backward and to the right, from OpenSim's coordinates."""
    physics = TwinPhysics(Model.load(COMPILED["hip_ankle"]), 1, np.ones((1, 92)))
    q, u = np.zeros((1, 23)), np.zeros((1, 23))
    names = list(physics.model.coordinate_names)
    q[0, names.index("pelvis_ty")] = 2.0
    q[0, names.index("pelvis_tilt")], u[0, names.index("pelvis_tilt")] = 0.2, 0.7
    physics.set_state(np.arange(1), q, u, np.full((1, 92), 0.02))
    physics.sense_bodies(0.02)
    assert physics.inertial_signal("pelvis", "orientation", "tilt")[0] == pytest.approx(0.2)
    assert physics.inertial_signal("pelvis", "gyroscope", "z")[0] == pytest.approx(0.7)
    front = physics._bodies.rotation[0, physics.model.index("body", "pelvis")][:, 0]
    assert front[1] > 0  # the body's x axis points up
    assert describe_channel("pelvis.orientation.tilt").positive == "backward, the front rises"
    q[0, names.index("pelvis_tilt")], q[0, names.index("pelvis_list")] = 0.0, 0.2
    physics.set_state(np.arange(1), q, u, np.full((1, 92), 0.02))
    physics.sense_bodies(0.02)
    assert physics.inertial_signal("pelvis", "orientation", "list")[0] == pytest.approx(0.2)
    right = physics._bodies.rotation[0, physics.model.index("body", "pelvis")][:, 2]
    assert right[1] < 0
    assert describe_channel("pelvis.orientation.list").positive == "to the right, the right side sinks"


def test_the_contract_names_every_input_and_output(folder: Path) -> None:
    contract = read_contract(folder / "controller.json")
    assert tuple(channel.name for channel in contract.inputs) == signal_channels(DEVICE)
    channels = {channel.name: channel for channel in contract.inputs}
    assert (channels["hip_flexion_r.value"].unit, channels["hip_flexion_r.value"].positive) == ("rad", "flexion")
    assert channels["ankle_angle_l.speed"].side == "left" and channels["pelvis.gyroscope.z"].side == "middle"
    assert {c.source for c in contract.inputs if c.unit == "N m/kg"} == {"controller"}
    ankle = next(output for output in contract.outputs if output.coordinate == "ankle_angle_r")
    assert (ankle.positive, ankle.peak_positive, ankle.negative, ankle.peak_negative) == (
        "dorsiflexion", 0.3, "plantarflexion", 1.6,
    )  # fmt: skip
    assert contract.delay.seconds == DEVICE.delay and contract.delay.added_by == "hardware"
    assert (contract.control_step, contract.tick, contract.model_hash) == (0.02, 0.01, "abc")


@pytest.mark.parametrize("network", ["onnx", "numpy"])
def test_a_step_takes_less_than_a_millisecond(tmp_path, network) -> None:
    export_controller(random_policy(DEVICE, layers=(256, 256)), DEVICE, tmp_path)
    controller = Controller.load(tmp_path, network)
    signals = standing()
    times = {True: [], False: []}
    for k in range(400):
        begin = time.perf_counter()
        controller.step(signals, MASS)
        times[k % 2 == 0].append(time.perf_counter() - begin)
    assert statistics.median(times[True]) < 1e-3  # with the network
    assert statistics.median(times[False]) < 1e-3


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_signal_that_is_no_number_takes_the_torque_away_within_the_rate_limit(folder: Path, bad: float) -> None:
    controller = Controller.load(folder)
    for _ in range(31):
        controller.step(standing(), MASS)
    before = controller.torque_per_kg.copy()
    assert np.abs(before).max() > 0.2
    limit = np.array([joint.rate_limit for joint in DEVICE.actuation]) * TICK
    broken = {**standing(), "ankle_angle_r.speed": bad}
    for _ in range(15):
        last = controller.torque_per_kg
        torque = controller.step(broken, MASS)
        change = controller.torque_per_kg - last
        assert (np.abs(change) <= limit + 1e-12).all()
        assert (np.abs(controller.torque_per_kg) <= np.abs(last)).all()
        assert (controller.torque_per_kg != last)[last != 0].all()  # from the first tick on
        assert controller.status == "fail-safe: signal ankle_angle_r.speed is not a finite number"
        assert all(np.isfinite(value) for value in torque.values())
    assert not any(torque.values())
    # It starts anew at the next control step, with nothing left of the bad samples.
    while controller.status != RUNNING:
        controller.step(standing(), MASS)
    new = Controller.load(folder)
    new.step(standing(), MASS)
    np.testing.assert_array_equal(new.share, controller.share)


def test_a_network_that_gives_no_number_takes_the_torque_away(folder: Path) -> None:
    controller = Controller.load(folder)
    for _ in range(30):
        controller.step(standing(), MASS)
    controller.network = lambda observation: np.full((1, len(DEVICE.actuation)), np.nan)
    for _ in range(20):
        torque = controller.step(standing(), MASS)
    assert not any(torque.values()) and "network" in controller.status


def test_what_a_step_refuses(folder: Path) -> None:
    controller = Controller.load(folder)
    signals = standing()
    del signals["pelvis.gyroscope.x"]
    with pytest.raises(ExogaitError, match=r"channel 'pelvis\.gyroscope\.x' is missing"):
        controller.step(signals, MASS)
    for mass in (0.0, -70.0, float("nan")):
        with pytest.raises(InputError, match="body_mass"):
            controller.step(standing(), mass)
    fresh = Controller.load(folder)
    assert controller.step(standing(), MASS) == fresh.step(standing(), MASS)  # refused steps changed nothing


def test_torque_is_proportional_to_mass_and_reset_forgets(folder: Path) -> None:
    controller = Controller.load(folder)
    first = [controller.step(standing(), MASS) for _ in range(12)][-1]
    controller.reset()
    second = [controller.step(standing(), 2 * MASS) for _ in range(12)][-1]
    assert list(first) == [joint.actuator for joint in DEVICE.actuation]
    assert [2 * value for value in first.values()] == pytest.approx(list(second.values()), rel=1e-12)


def test_what_is_not_read(folder: Path) -> None:
    path = folder / "controller.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "format": "exogait-controller-0"}))
    with pytest.raises(FileFormatError, match="format 'exogait-controller-0', this loop reads 'exogait-controller-1'"):
        Controller.load(folder)
    path.write_text(json.dumps({**content, "sped": 1}))
    with pytest.raises(UnknownNameError, match="sped"):
        Controller.load(folder)
    path.write_text(path.read_text()[:100])
    with pytest.raises(FileFormatError, match="damaged contract"):
        Controller.load(folder)
    example = {**content["example"], "action": [-value + 0.1 for value in content["example"]["action"]]}
    path.write_text(json.dumps({**content, "example": example}))
    with pytest.raises(FileFormatError, match="example"):
        Controller.load(folder)
    path.write_text(json.dumps(content))
    Controller.load(folder)
    for file, network in (("controller.onnx", "onnx"), ("policy.safetensors", "numpy")):
        good = (folder / file).read_bytes()
        (folder / file).write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        with pytest.raises(FileFormatError, match="changed after the export"):
            Controller.load(folder, network)  # type: ignore[arg-type]
        (folder / file).unlink()
        with pytest.raises(FileFormatError, match="no such file"):
            Controller.load(folder, network)  # type: ignore[arg-type]
    path.unlink()
    with pytest.raises(FileFormatError, match="no such contract"):
        Controller.load(folder)


def test_what_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(PolicyMismatchError, match="role is 'human'"):
        export_controller(random_policy(DEVICE, role="human"), DEVICE, tmp_path)
    with pytest.raises(PolicyMismatchError, match="device is 'hip_ankle', here it is 'hip'"):
        export_controller(random_policy(DEVICE), load_device("hip"), tmp_path)
    with pytest.raises(InputError, match="control_step"):
        export_controller(random_policy(DEVICE, control_step=0.025), DEVICE, tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_onnxruntime_numpy_evaluates_the_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx = Controller.load(folder)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    plain = Controller.load(folder)
    for _ in range(4):
        assert plain.step(standing(), MASS) == pytest.approx(onnx.step(standing(), MASS), abs=1e-4)
    assert plain.network.__name__ == "act"  # type: ignore[attr-defined]
    with pytest.raises(MissingDependencyError, match=r"exogait\[controller\]"):
        Controller.load(folder, "onnx")
