"""Every kind of file that can be loaded: a whole one, damage to it, its reader, and a use of what was read.

The use matters: an index that points nowhere does no harm until a kernel follows it.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from exogait.data.results import read_result
from exogait.data.trial import GaitTrial
from exogait.osim_env import engine
from exogait.osim_env.controller.contract import read_contract
from exogait.osim_env.controller.export import export_controller
from exogait.osim_env.controller.loop import Controller
from exogait.osim_env.gait import setup as world_setup
from exogait.osim_env.gait.reference import load_reference
from exogait.osim_env.gait.setup import COMPILED, WorldSetup
from exogait.osim_env.gait.strategy import load_strategies
from exogait.osim_env.learning.policy import POLICY_FOLDER, Policy, load_policy
from exogait.osim_env.viewing.scene import make_scene

from .mutations import Rng, damage_archive, damage_bytes, damage_json, damage_tensors, packed_array

RESIDENT = 1 << 30
"""Growth of the largest resident memory that is a finding, bytes."""

Damage = Callable[[Rng], tuple[str, bytes]]


@dataclass(frozen=True)
class Kind:
    """One kind of file."""

    name: str
    share: float
    """Share of the inputs."""
    file: Path
    """Where a damaged one is put."""
    damage: Damage
    use: Callable[[], Any]
    """Reads the file and uses what it holds."""
    patience: float = 1.0
    """Times the usual limit of processor time: more where a whole file takes a good part of it."""


def make_kinds(folder: Path, wanted: tuple[str, ...] = ()) -> list[Kind]:
    """Write a whole file of each kind and say how it is damaged, read and used.

    Args:
        folder: Empty folder to work in.
        wanted: Names of the kinds; all without.
    """
    makers = {
        "model": (_model, 0.60), "cache": (_cache, 0.05), "policy": (_policy, 0.11), "checkpoint": (_checkpoint, 0.05),
        "reference": (_reference, 0.04), "strategies": (_strategies, 0.04), "contract": (_contract, 0.03),
        "trial": (_trial, 0.04), "table": (_table, 0.04),
    }  # fmt: skip
    if not set(wanted) <= makers.keys() | MISDEEDS.keys():
        from .hostile import MAKERS  # which stands on this file

        makers |= MAKERS | {"model": (_model, 0.05), "policy": (_policy, 0.05)}
    kinds = [Kind(name, 1.0, folder / name, _no_damage, MISDEEDS[name]) for name in wanted if name in MISDEEDS]
    for name, (maker, share) in makers.items():
        if not wanted or name in wanted:
            place = folder / name
            place.mkdir()
            kinds.append(maker(name, share, place))
    return kinds


def _no_damage(_: Rng) -> tuple[str, bytes]:
    return "none", b""


def _once_whole(misdeed: Callable[[], Any]) -> Callable[[], Any]:
    """Does nothing the first two times, while a child makes itself ready."""
    left = [None, None]
    return lambda: left.pop() if left else misdeed()


MISDEEDS = {
    "crash": _once_whole(lambda: os.kill(os.getpid(), signal.SIGSEGV)),
    "hang": _once_whole(lambda: [None for _ in iter(int, 1)]),
    "memory": _once_whole(lambda: np.ones((RESIDENT >> 3) + (1 << 22))),
    "exception": _once_whole(lambda: 1 // 0),
}
"""What must be found, to prove that it would be."""


def archive_damage(path: Path) -> Damage:
    """Damage to an .npz file."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    packed = {key: packed_array(array) for key, array in arrays.items()}
    whole = path.read_bytes()
    return lambda rng: damage_archive(arrays, packed, whole, rng)


def json_damage(path: Path) -> Damage:
    """Damage to a JSON file."""
    text = path.read_text(encoding="utf-8")
    return lambda rng: damage_json(text, rng)


def small_trial(model: engine.Model) -> GaitTrial:
    """Three frames of standing, with all that a replay draws."""
    time = pd.Index([0.0, 0.02, 0.04], name="time")
    table = pd.DataFrame(
        {name: np.full(3, value) for name, value in zip(model.coordinate_names, model.coordinate_default, strict=True)},
        index=time,
    )
    activation = pd.DataFrame({name: np.full(3, 0.05) for name in model.muscle_names}, index=time)
    torque = pd.DataFrame({"exo_ankle_angle_r": np.zeros(3)}, index=time)
    return GaitTrial(name="stand", coordinates=table, muscles={"activation": activation}, device_torques=torque)


def use_model(model: engine.Model, trial: GaitTrial) -> None:
    """Give a model to every kernel: accelerations, steps of both integrators, inverse dynamics, observation, replay."""
    state = engine.State.create(model, 2)
    engine.accelerations(model, state.q, state.u + 0.1, state.activation)
    engine.muscle_state(model, state.q, state.u, state.activation)
    engine.inverse_dynamics(model, state.q, state.u, state.u)
    engine.step(model, state, np.full((2, model.n_controls), 0.1), 0.002, record=True)
    engine.step(model, state, np.full((2, model.n_controls), 0.1), 0.0002, 0.0001, integrator="rk4")
    if set(model.coordinate_names) <= set(trial.require("coordinates").columns):
        scene = make_scene(trial, model)
        scene.muscle_lines(0)
        scene.link_ends(1)


def _model(name: str, share: float, folder: Path) -> Kind:
    whole = engine.Model.load(COMPILED["hip_ankle"])
    trial, file = small_trial(whole), folder / "model.npz"
    file.write_bytes(COMPILED["hip_ankle"].read_bytes())
    return Kind(
        name, share, file, archive_damage(COMPILED["hip_ankle"]), lambda: use_model(engine.Model.load(file), trial)
    )


def _cache(name: str, share: float, folder: Path) -> Kind:
    """The cache must never complain: what is damaged is compiled again (here: copied) and the model is whole."""
    whole = engine.Model.load(COMPILED[None])
    source = folder / "model.osim"
    source.write_text("<OpenSimDocument/>")
    key = hashlib.sha256(source.read_bytes() + world_setup.compiler_key().encode()).hexdigest()[:16]
    trial, file = small_trial(whole), folder / f"{key}.npz"
    file.write_bytes(COMPILED[None].read_bytes())

    def use() -> None:
        world_setup.cache_folder, world_setup.compile_osim = lambda: folder, lambda _: whole  # type: ignore[assignment]
        found = engine.Model.load(world_setup.compiled_in_cache(source))
        if found.coordinate_names == whole.coordinate_names:
            use_model(found, trial)

    return Kind(name, share, file, archive_damage(COMPILED[None]), use)


def _policy(name: str, share: float, folder: Path) -> Kind:
    source = POLICY_FOLDER / "hip_ankle" / "1-healthy_device.json"
    text, numbers = source.read_text(), source.with_suffix(".safetensors").read_bytes()
    description, file = folder / "policy.json", folder / "policy.safetensors"
    description.write_text(text)
    file.write_bytes(numbers)

    def damage(rng: Rng) -> tuple[str, bytes]:
        if rng.random() < 0.3:
            what, data = damage_json(text, rng)
            description.write_bytes(data)
            return f"json {what}", numbers
        description.write_text(text)
        return damage_tensors(numbers, rng)

    def use() -> None:
        policy = load_policy(file.with_suffix(".json"))
        policy.act(np.zeros((2, policy.n_observations)))
        str(policy.card())

    return Kind(name, share, file, damage, use)


def _checkpoint(name: str, share: float, folder: Path) -> Kind:
    from exogait.osim_env.learning.config import Stage, TrainConfig
    from exogait.osim_env.learning.learner import LearnerConfig
    from exogait.osim_env.learning.run import use_threads
    from exogait.osim_env.learning.trainer import Trainer

    use_threads(1)
    small = LearnerConfig(layers=(16, 16), minibatch=16, epochs=1)
    config = TrainConfig(
        name="fuzz", stages=(Stage(samples=16, speeds=(1.2, 1.3)),), n_envs=4, n_steps=4, human=small, device=small,
        evaluate_every=1e9, setup=WorldSetup(device="hip_ankle"),
    )  # fmt: skip
    (folder / "run").mkdir()
    trainer = Trainer(config, folder / "run")
    trainer.update()
    whole = trainer.save_checkpoint()
    file = folder / "checkpoint.npz"
    file.write_bytes(whole.read_bytes())

    def use() -> None:
        try:
            trainer.load_checkpoint(file)
            seen = trainer.world.human_observation()
            trainer.human.act_without_noise(seen)
            np.random.random(700)
        finally:
            trainer.load_checkpoint(whole)

    return Kind(name, share, file, archive_damage(whole), use)


def _reference(name: str, share: float, folder: Path) -> Kind:
    whole, file = load_reference(), folder / "reference.json"
    # A tenth of it, so that the damage does not only meet numbers of the series.
    short = replace(
        whole, coordinate_names=whole.coordinate_names[:4], coordinates=whole.coordinates[:4],
        moment_names=whole.moment_names[:3], moments=whole.moments[:3],
    )  # fmt: skip
    short.save(file)

    def use() -> None:
        motion = load_reference(file)
        speed = np.array([0.5 * sum(motion.speed_range)])
        motion.evaluate(np.array([0.3]), speed)
        motion.net_moments(np.array([0.3]), speed)

    return Kind(name, share, file, json_damage(file), use)


def _strategies(name: str, share: float, folder: Path) -> Kind:
    source = POLICY_FOLDER / "hip_ankle" / "plantarflexors_strategies.json"
    file = folder / "body_strategies.json"
    file.write_bytes(source.read_bytes())

    def use() -> None:
        found = load_strategies(file)
        for condition in found.found:
            found.at(condition)

    return Kind(name, share, file, json_damage(source), use)


def _contract(name: str, share: float, folder: Path) -> Kind:
    from exogait.models.device import load_device

    policy: Policy = load_policy(POLICY_FOLDER / "hip_ankle" / "1-healthy_device.json")
    export_controller(policy, load_device("hip_ankle"), folder)
    file = folder / "controller.json"

    def use() -> None:
        contract = read_contract(file)
        controller = Controller.load(folder, "numpy")
        controller.step({c.name: 0.1 for c in contract.inputs if c.source == "sensor"}, 70.0)

    return Kind(name, share, file, json_damage(file), use)


def _trial(name: str, share: float, folder: Path) -> Kind:
    model = engine.Model.load(COMPILED["hip_ankle"])
    small_trial(model).write_parquet(folder / "trial")
    file = folder / "trial" / "trial.json"
    content = json.loads(file.read_text())
    content["events"] = [{"time": 0.01, "side": "r", "kind": "heel_strike", "source": "plate"}]
    content["metadata"] = {"subject": "s", "subject_mass": 70.0, "source": "simulation"}
    file.write_text(json.dumps(content))
    return Kind(name, share, file, json_damage(file), lambda: make_scene(read_result(folder), model))


def _table(name: str, share: float, folder: Path) -> Kind:
    model = engine.Model.load(COMPILED["hip_ankle"])
    small_trial(model).write_parquet(folder / "trial")
    file = folder / "trial" / "coordinates.parquet"
    data = file.read_bytes()
    return Kind(
        name, share, file, lambda rng: damage_bytes(data, rng, tail=0.5), lambda: make_scene(read_result(folder), model)
    )
