"""One controller for both legs: mirrored views, and the plain network that stands for two."""

import numpy as np
import pytest
import torch

from exogait.analysis.outcomes.torques import human_profiles
from exogait.data.errors import FileFormatError, InputError
from exogait.models.device import load_device
from exogait.osim_env.device.legs import Legs, alike_on_both_sides
from exogait.osim_env.gait.config import WorldConfig
from exogait.osim_env.gait.setup import WorldSetup, make_world
from exogait.osim_env.gait.world import GaitWorld
from exogait.osim_env.learning.learner import Learner, LearnerConfig
from exogait.osim_env.learning.policy import policy_from_learner
from exogait.osim_env.learning.prescribed import PrescribedTorque, read_profile


@pytest.fixture(scope="module")
def world() -> GaitWorld:
    return make_world(WorldSetup(device="hip_ankle"), WorldConfig(), n_envs=6, seed=0)


def test_two_sided_devices_are_alike_and_one_sided_ones_are_not() -> None:
    assert alike_on_both_sides(load_device("hip_ankle"))
    assert not alike_on_both_sides(load_device("ankle_left"))


def test_the_mirrored_person_gets_the_mirrored_torque(world: GaitWorld) -> None:
    assert world.exoskeleton is not None
    legs = Legs(world.exoskeleton.device)
    names = world.exoskeleton.signal_names
    observation = np.zeros((1, world.exoskeleton.n_observations))
    observation[0, names.index("hip_flexion_r.value")] = 0.4
    observation[0, names.index("pelvis.orientation.list")] = 0.1
    right, left = legs.observe(observation)
    np.testing.assert_array_equal(right, observation[0])
    assert left[names.index("hip_flexion_l.value")] == 0.4
    assert left[names.index("pelvis.orientation.list")] == -0.1
    torque = legs.act(np.array([[0.1, 0.2], [0.3, 0.4]]))
    drives = world.exoskeleton.device.coordinates
    assert dict(zip(drives, torque[0], strict=True)) == {
        "hip_flexion_r": 0.1, "ankle_angle_r": 0.2, "hip_flexion_l": 0.3, "ankle_angle_l": 0.4,
    }  # fmt: skip


def test_the_plain_network_is_the_two_controllers(world: GaitWorld) -> None:
    assert world.exoskeleton is not None
    legs, n = Legs(world.exoskeleton.device), world.exoskeleton.n_observations
    sizes = {"n_steps": 2, "n_observations": n, "seed": 0}
    shared = Learner(LearnerConfig(layers=(16, 16), minibatch=12), n_envs=12, n_actions=legs.n_actions, **sizes)
    rng = np.random.default_rng(0)
    observation = rng.normal(0.7, 3.0, (6, n))
    shared.statistics.update(legs.observe(observation))
    seen = torch.from_numpy(shared.normalize(legs.observe(observation)))
    with torch.no_grad():
        action = shared.policy.get_distribution(seen).distribution.mean.numpy()  # type: ignore[union-attr]
        value = shared.policy.predict_values(seen).numpy().ravel()
    plain = policy_from_learner(shared, {}, legs.plain)
    np.testing.assert_allclose(plain.act(observation), np.clip(legs.act(action), -1, 1), atol=1e-6)
    both = Learner(LearnerConfig(layers=(32, 32), minibatch=12), n_envs=6, n_actions=2 * legs.n_actions, **sizes)
    both.load_arrays(legs.plain(shared.arrays()), optimizer=False)
    with torch.no_grad():
        found = both.policy.predict_values(torch.from_numpy(both.normalize(observation))).numpy().ravel()
    np.testing.assert_allclose(found, (value[:6] + value[6:]) / 2, atol=1e-5)


def test_a_leg_is_found_again_in_the_policy_of_both(world: GaitWorld) -> None:
    assert world.exoskeleton is not None
    legs, n = Legs(world.exoskeleton.device), world.exoskeleton.n_observations
    config = LearnerConfig(layers=(16, 16), minibatch=12)
    shared = Learner(config, n_envs=12, n_steps=2, n_observations=n, n_actions=legs.n_actions, seed=1)
    plain = policy_from_learner(shared, {}, legs.plain)
    state = shared.policy.state_dict()
    for (weight, bias), name in zip(
        legs.leg(plain.layers), ("mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2", "action_net"), strict=True
    ):
        np.testing.assert_allclose(weight, state[f"{name}.weight"].numpy())
        np.testing.assert_allclose(bias, state[f"{name}.bias"].numpy())
    uneven = [(weight.copy(), bias) for weight, bias in plain.layers]
    uneven[0][0][20, 3] += 0.1
    with pytest.raises(ValueError, match="differently"):
        legs.leg(uneven)


def test_the_suites_profile_is_the_published_one() -> None:
    table = read_profile("franks2021_hip_ankle")
    for joint, coordinate in (("hip", "hip_flexion"), ("ankle", "ankle_angle")):
        published = human_profiles(joint)["franks2021_hip_ankle"].curve
        np.testing.assert_allclose(table[coordinate], published, atol=1e-5)


def test_a_prescribed_profile_follows_the_stride(world: GaitWorld) -> None:
    class Clock:
        """Feet that strike every second, left half a second after right, seen every 20 ms."""

        def __init__(self) -> None:
            self.time, self.config, self.n_envs = np.zeros(1), world.config, 1
            self.exoskeleton, self.physics = world.exoskeleton, self

        @property
        def foot_force(self) -> np.ndarray:
            force = np.zeros((1, 2, 3))
            for side in range(2):
                force[0, side, 1] = 700.0 * ((self.time[0] - 0.3 - 0.5 * side) % 1.0 < 0.6)
            return force

    clock = Clock()
    prescribed = PrescribedTorque(clock, "franks2021_hip_ankle")  # type: ignore[arg-type]
    table, device = read_profile("franks2021_hip_ankle"), load_device("hip_ankle")
    seen = []
    for step in range(200):
        clock.time[:] = 0.02 * step
        seen.append(prescribed.act()[0])
    actions = np.array(seen)
    time = 0.02 * np.arange(200)
    assert (actions[time < 1.2] == 0).all()
    late = time > 2.5
    percent = 100 * ((time - 0.3 + device.delay) % 1.0)
    ankle = np.interp(percent, table.index, table["ankle_angle"])
    column = device.coordinates.index("ankle_angle_r")
    # The strike is noticed within one control step.
    np.testing.assert_allclose(1.6 * actions[late, column], ankle[late], atol=0.15)
    assert actions[late, column].min() == pytest.approx(-0.764 / 1.6, abs=0.02)
    left = device.coordinates.index("ankle_angle_l")
    np.testing.assert_allclose(actions[late][25:, left], actions[late][:-25, column], atol=0.05)


def test_impossible_profiles_are_refused(world: GaitWorld, tmp_path) -> None:
    with pytest.raises(FileFormatError, match="no torque profile"):
        read_profile(tmp_path / "none.csv")
    (tmp_path / "bad.csv").write_text("percent,hip_flexion\n0,1\n50,\n")
    with pytest.raises(FileFormatError, match="missing"):
        read_profile(tmp_path / "bad.csv")
    bare = make_world(WorldSetup(), WorldConfig(), n_envs=1, seed=0)
    with pytest.raises(InputError, match="device"):
        PrescribedTorque(bare, "franks2021_hip_ankle")
