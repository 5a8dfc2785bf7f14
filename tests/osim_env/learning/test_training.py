"""Training: resumable to the bit, honest about its configuration, damaged checkpoints refused."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exogait.data.errors import FileFormatError, InputError, UnknownNameError
from exogait.data.settings import load_settings
from exogait.osim_env.gait.setup import WorldSetup
from exogait.osim_env.learning.checkpoint import read_checkpoint
from exogait.osim_env.learning.config import Stage, TrainConfig
from exogait.osim_env.learning.evaluation import EvaluationConfig
from exogait.osim_env.learning.learner import LearnerConfig, robust_scale
from exogait.osim_env.learning.policy import load_policy
from exogait.osim_env.learning.run import CONFIGS, read_training, use_threads
from exogait.osim_env.learning.trainer import Trainer, world_at

SMALL = LearnerConfig(layers=(16, 16), minibatch=32, epochs=1)


def config(**changes) -> TrainConfig:
    base = TrainConfig(
        name="test",
        stages=(
            Stage(samples=96, speeds=(1.2, 1.3)),
            Stage(samples=96, speeds=(1.0, 1.4), push_force=30, push_interval=1),
        ),
        n_envs=8,
        n_steps=4,
        human=SMALL,
        device=SMALL,
        evaluate_every=1e9,
        evaluation=EvaluationConfig(starts=1, seconds=0.2, n_speeds=2, settle=0.05),
    )
    return dataclasses.replace(base, **changes)


def same(first: dict, second: dict) -> None:
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_the_log_takes_in_a_learner_that_begins_later(tmp_path: Path) -> None:
    use_threads(1)
    stages = (Stage(samples=32, learn="human"), Stage(samples=32, learn="both"))
    trainer = Trainer(config(setup=WorldSetup(device="hip_ankle"), stages=stages), tmp_path)
    trainer.run()
    table = pd.read_csv(tmp_path / "progress.csv")
    assert table["samples"].tolist() == [32, 64]
    assert table["device/std"].isna().tolist() == [True, False]
    assert table["human/std"].notna().all()


def test_while_only_the_device_learns_the_human_acts_without_noise_and_stays(tmp_path: Path) -> None:
    use_threads(1)
    trainer = Trainer(config(setup=WorldSetup(device="hip_ankle"), learn="device"), tmp_path)
    human, device = trainer.human.arrays(), trainer.device.arrays()  # type: ignore[union-attr]
    seen = trainer.world.human_observation()
    np.testing.assert_array_equal(trainer.human.act_without_noise(seen), trainer.human.act_without_noise(seen))
    trainer.update()
    same(trainer.human.arrays(), human)
    assert any((trainer.device.arrays()[k] != v).any() for k, v in device.items() if k.startswith("policy/"))  # type: ignore[union-attr]


def test_a_stage_may_change_what_bodies_wear_and_a_killed_run_finds_it_again(tmp_path: Path) -> None:
    use_threads(1)
    stages = (
        Stage(samples=64, learn="human", conditions={"none": 1, "powered": 1}),
        Stage(samples=96, learn="device", conditions={"powered": 1}),
    )
    settings = config(setup=WorldSetup(device="hip_ankle"), stages=stages)
    trainer = Trainer(settings, tmp_path)
    device = trainer.device.arrays()  # type: ignore[union-attr]
    trainer.update()
    assert trainer.powered.tolist() == trainer.world.physics.device_worn.nonzero()[0].tolist()
    assert len(trainer.powered) == 4
    trainer.update()
    same(trainer.device.arrays(), device)  # type: ignore[union-attr]  # it acted, and did not learn
    human = trainer.human.arrays()
    trainer.update()
    assert trainer.powered.tolist() == list(range(8)) and trainer.world.physics.device_worn.all()
    assert trainer.episodes.starts.shape == (8,)
    trainer.save_checkpoint()
    again = Trainer(settings, tmp_path)
    for one in (trainer, again):
        one.load_checkpoint()
        one.update()
    same(trainer.device.arrays(), again.device.arrays())  # type: ignore[union-attr]
    same(trainer.human.arrays(), human)


def test_a_critic_with_its_own_rate_learns_a_mean_reward(tmp_path: Path) -> None:
    use_threads(1)
    learner = dataclasses.replace(SMALL, learning_rate=1e-5, critic_rate=2e-3, mean_reward=True, critic_warmup=2)
    trainer = Trainer(config(human=learner), tmp_path)
    before = trainer.human.arrays()
    change = lambda after, part: max(  # noqa: E731
        float(np.abs(after[key] - value).max()) for key, value in before.items() if f"{part}_net." in key
    )
    figures = trainer.update()
    assert np.abs(trainer.human.rollout_buffer.rewards).max() < 0.05
    assert figures["human/learning_rate"] == 1e-5
    after = trainer.human.arrays()
    assert change(after, "policy") == 0.0 and change(after, "action") == 0.0 and change(after, "value") > 1e-3
    trainer.update()
    trainer.update()
    after = trainer.human.arrays()
    assert 0.0 < change(after, "policy") < 1e-4 < 1e-3 < change(after, "value")
    again = Trainer(config(human=learner), tmp_path / "again")
    again.human.load_arrays(after)
    assert [group["lr"] for group in again.human.policy.optimizer.param_groups][1] == 2e-3


def test_what_a_policy_never_saw_vary_has_no_influence(tmp_path: Path) -> None:
    use_threads(1)
    start = load_policy("healthy")
    names = start.metadata["human_observations"]
    strength = [i for i, name in enumerate(names) if name.startswith("strength")]
    rng = np.random.default_rng(0)
    seen = start.mean + rng.standard_normal((5, len(names))) / start.scale
    seen[:, strength] = 1.0
    weak = seen.copy()
    weak[:, strength] = 0.4
    np.testing.assert_array_equal(start.act(weak), start.act(seen))  # it walked with healthy muscles only
    full = LearnerConfig(layers=(256, 256), minibatch=32, epochs=1)
    trainer = Trainer(config(human=full, start_human="healthy"), tmp_path)
    np.testing.assert_allclose(trainer.policy().act(weak), start.act(weak), atol=1e-5)
    trainer.human.statistics.var[strength[0]] = 0.0
    weight = trainer.human.policy.mlp_extractor.policy_net[0].weight
    weight.data[:, strength[0]] = 1.0
    assert (trainer.policy().layers[0][0][:, strength[0]] == 0.0).all()


def test_few_falls_do_not_decide_what_all_bodies_learn() -> None:
    rng = np.random.default_rng(0)
    usual = rng.normal(0.3, 1.0, 2000)
    scaled = robust_scale(np.concatenate([usual, np.full(20, -60.0)]), 3.0)
    assert scaled.min() == -3.0 and scaled[:2000].std() == pytest.approx(1.0, abs=0.1)
    assert np.abs(np.median(scaled)) < 1e-12
    np.testing.assert_array_equal(robust_scale(np.zeros(5), 3.0), 0.0)


def test_a_fine_tune_may_begin_with_less_noise(tmp_path: Path) -> None:
    use_threads(1)
    first = Trainer(config(human=dataclasses.replace(SMALL, start_std=0.5)), tmp_path / "first")
    noise = lambda trainer: np.exp(trainer.human.policy.log_std.detach().numpy())  # noqa: E731
    np.testing.assert_allclose(noise(first), 0.2, rtol=1e-6)  # nothing to start from: initial_std
    first.run()
    start = str(tmp_path / "first" / "checkpoint.npz")
    same_noise = Trainer(config(start_checkpoint=start), tmp_path / "same")
    np.testing.assert_allclose(noise(same_noise), noise(first))
    less = Trainer(config(start_checkpoint=start, human=dataclasses.replace(SMALL, start_std=0.06)), tmp_path / "less")
    np.testing.assert_allclose(noise(less), 0.06, rtol=1e-6)
    full = LearnerConfig(layers=(256, 256), minibatch=32, epochs=1, start_std=0.05)
    walker = Trainer(config(human=full, start_human="healthy"), tmp_path / "walker")
    np.testing.assert_allclose(noise(walker), 0.05, rtol=1e-6)


def test_a_resumed_run_equals_one_that_was_never_stopped(tmp_path: Path) -> None:
    use_threads(1)
    setup = WorldSetup(device="hip_ankle")
    whole = Trainer(config(setup=setup, learn="both"), tmp_path / "whole")
    for _ in range(4):
        whole.update()
    part = Trainer(config(setup=setup, learn="both"), tmp_path / "part")
    for _ in range(2):
        part.update()
    part.folder.mkdir()
    part.save_checkpoint()
    del part
    resumed = Trainer(config(setup=setup, learn="both", seed=0), tmp_path / "part")
    np.random.default_rng(99).random()  # whatever happened in the process meanwhile
    np.random.seed(77)
    resumed.load_checkpoint()
    for _ in range(2):
        resumed.update()
    assert resumed.samples == whole.samples == 128
    same(resumed.human.arrays(), whole.human.arrays())
    assert resumed.device is not None and whole.device is not None
    same(resumed.device.arrays(), whole.device.arrays())
    same(resumed.world.arrays(), whole.world.arrays())


ROOT = Path(__file__).parents[3]
RUN = """
import sys
from tests.osim_env.learning.test_training import config
from exogait.osim_env.learning.config import Stage; from exogait.osim_env.learning.trainer import Trainer, world_at
from exogait.osim_env.learning.run import use_threads
use_threads(1)
trainer = Trainer(config(stages=(Stage(samples=640, speeds=(1.2, 1.3)),), checkpoint_minutes=0.0), sys.argv[1])
if (trainer.folder / "checkpoint.npz").is_file():
    trainer.load_checkpoint()
trainer.run(lambda figures: time.sleep(0.05) if len(sys.argv) > 2 else None)
""".replace("import sys", "import sys, time")


def test_a_run_killed_without_warning_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    def start(folder: Path, *more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-W", "ignore", "-c", RUN, str(folder), *more], cwd=ROOT)

    killed = start(tmp_path / "killed", "slowly")
    progress = tmp_path / "killed" / "progress.csv"
    while killed.poll() is None and not (progress.is_file() and len(progress.read_text().splitlines()) > 6):
        time.sleep(0.02)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert 0 < json.loads(read_checkpoint(tmp_path / "killed" / "checkpoint.npz")["facts"].tobytes())["samples"] < 640
    assert start(tmp_path / "killed").wait() == 0
    assert start(tmp_path / "whole").wait() == 0
    first, second = (read_checkpoint(tmp_path / name / "checkpoint.npz") for name in ("killed", "whole"))
    facts = [json.loads(content.pop("facts").tobytes()) for content in (first, second)]
    same(first, second)
    assert facts[0]["world_random"] == facts[1]["world_random"]
    curves = [pd.read_csv(tmp_path / name / "progress.csv") for name in ("killed", "whole")]
    timing = ["seconds", "simulated_per_wall_second", "learning_share"]
    pd.testing.assert_frame_equal(*(curve.drop(columns=timing) for curve in curves))
    assert len(curves[0]) == 20


def test_a_run_leaves_everything_that_explains_it(tmp_path: Path) -> None:
    trainer = Trainer(config(evaluate_every=64), tmp_path)
    trainer.run()
    for name in ("config.json", "manifest.json", "progress.csv", "evaluation.csv", "checkpoint.npz"):
        assert (tmp_path / name).is_file(), name
    policy = load_policy(tmp_path / "best_human.json")
    assert policy.metadata["samples"] > 0 and policy.metadata["curve"]
    policy.require(**trainer.world.signature())
    assert json.loads((tmp_path / "config.json").read_text())["n_envs"] == 8


def test_a_policy_carries_the_world_of_its_stage(tmp_path: Path) -> None:
    change = {"muscles": {"balance": {"lift_knee": 0.05}}}
    trainer = Trainer(config(stages=(Stage(samples=32), Stage(samples=32, world=change))), tmp_path)
    lift = trainer.config.world.muscles.balance.lift_knee
    found = []
    for _ in range(2):
        trainer.update()
        found.append(trainer.policy().metadata["settings"]["world"]["muscles"]["balance"]["lift_knee"])
    trainer.samples = 0
    assert trainer.policy().metadata["settings"]["world"]["muscles"]["balance"]["lift_knee"] == lift != 0.05
    assert found == [0.05, 0.05]  # after its first update the second stage has begun


def test_stages_follow_one_another(tmp_path: Path) -> None:
    trainer = Trainer(config(), tmp_path)
    assert world_at(trainer.config, trainer.samples).speeds == (1.2, 1.3)
    trainer.samples = 100
    assert world_at(trainer.config, trainer.samples).speeds == (1.0, 1.4)
    assert world_at(trainer.config, trainer.samples).push_interval == 1


def test_damaged_checkpoints_are_refused(tmp_path: Path) -> None:
    trainer = Trainer(config(), tmp_path)
    with pytest.raises(FileFormatError, match="no such checkpoint"):
        trainer.load_checkpoint()
    path = trainer.save_checkpoint()
    with np.load(path) as whole:
        arrays = {name: whole[name] for name in whole.files if name != "starts"}
    np.savez(path, **arrays)
    before = trainer.human.arrays()
    with pytest.raises(FileFormatError, match="does not fit"):
        trainer.load_checkpoint()
    same(trainer.human.arrays(), before)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(FileFormatError, match="damaged checkpoint"):
        trainer.load_checkpoint()
    other = Trainer(config(setup=WorldSetup(device="hip")), tmp_path / "other")
    other.folder.mkdir()
    with pytest.raises(FileFormatError, match="another model"):
        trainer.load_checkpoint(other.save_checkpoint())


def test_a_checkpoint_knows_its_model_and_an_older_one_without_hash_still_loads(tmp_path: Path) -> None:
    trainer = Trainer(config(), tmp_path)
    trainer.update()
    path = trainer.save_checkpoint()

    def rewrite(model_hash: str | None) -> None:
        content = read_checkpoint(path)
        facts = json.loads(content["facts"].tobytes())
        del facts["signature"]["model_hash"]
        facts["signature"] |= {} if model_hash is None else {"model_hash": model_hash}
        content["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        np.savez(path, **content)  # type: ignore[arg-type]

    rewrite(model_hash="0" * 64)
    with pytest.raises(FileFormatError, match="another model"):
        Trainer(config(), tmp_path).load_checkpoint()
    rewrite(model_hash=None)
    older = Trainer(config(), tmp_path)
    older.load_checkpoint()
    assert older.samples == trainer.samples > 0


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("name: x\nstagez: []\n", UnknownNameError, "did you mean stages"),
        ("name: x\nstages: []\n", InputError, "at least one stage"),
        ("name: x\n", InputError, "required"),
        ("name: x\nstages: [{samples: many}]\n", InputError, "number"),
        ("name: x\nstages: [{samples: 1e3}]\nlearn: device\n", InputError, "device"),
        ("name: [x\n", FileFormatError, "malformed YAML"),
        ("name: x\nstages: [{samples: 1}]\nhuman: {layers: 3}\n", InputError, "list"),
    ],
)
def test_bad_configurations_are_one_clear_line(tmp_path: Path, text: str, error: type[Exception], words: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(error, match=words) as caught:
        load_settings(TrainConfig, path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_suites_configurations_load(path: Path) -> None:
    settings = read_training(str(path))
    assert settings.samples > 0
