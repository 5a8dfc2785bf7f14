"""The walker's study counts and weighs as it says."""

from __future__ import annotations

import numpy as np
import pytest

from exogait.osim_env.learning.policy import Policy, load_policy
from tests.validation.walker_costs import least, looney, minetti, ralston
from tests.validation.walker_tasks import Task, walk


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy("walker")


def test_only_pushes_whose_end_was_seen_count(policy: Policy) -> None:
    feather = walk(policy, Task("feather", push=1e-6, seconds=4.0), 3)
    assert feather.up.all() and feather.pushes == 3 and feather.pushed_down == 0
    hammer = walk(policy, Task("hammer", push=3000.0, seconds=4.0), 3)
    assert not hammer.up.any() and hammer.pushes == 3 and hammer.pushed_down == 3
    assert (hammer.lasted > 1.0).all() and np.isnan(hammer.speed).all() and np.isnan(hammer.speed_error)


def test_speed_power_and_stride_rate_are_those_of_the_last_part(policy: Policy) -> None:
    free = walk(policy, Task("free", seconds=4.0), 3)
    faster = walk(policy, Task("paced", seconds=4.0, stride_rate=1.05), 3)
    assert free.up.all() and faster.up.all()
    assert free.speed_error < 0.1
    assert (free.power[:, 1] > free.power[:, 0]).all() and (free.power > 1.2).all()
    reference = 0.27632491 + 0.71055626 * 1.25 - 0.11316249 * 1.25**2
    assert abs(faster.mean(faster.strides) / reference - 1.05) < 0.02
    jump = walk(policy, Task("jump", (1.25, 1.35), 5.0), 3)
    assert jump.mean(jump.speed) > free.mean(free.speed) + 0.03


def test_people_pay_what_the_papers_say() -> None:
    assert ralston(1.25) == pytest.approx(4.10, abs=0.01)
    assert looney(1.25) == pytest.approx(4.16, abs=0.01)
    best, low, high = least({v: 1.0 + 2.0 * v**2 for v in (0.4, 0.6, 0.8, 1.0, 1.2)})
    assert best == pytest.approx(0.5**0.5, abs=0.02) and low < 0.66 < 0.76 < high
    assert minetti(0.0) == 2.5 and minetti(0.1) > 4.5 > 1.5 > minetti(-0.1) > 0.5
