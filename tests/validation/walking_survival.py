"""How long the policy walks: 60 s from random starts at five speeds, without and with pushes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exogait.osim_env.learning.policy import Policy
from tests.validation.sections import markdown_table
from tests.validation.walking_world import SHORT, SPEEDS, Aim, Found, policy_world

STARTS, SECONDS, SETTLE = 20, 60.0, 2.0
PUSH_FORCE, PUSH_INTERVAL = 50.0, 2.0


@dataclass(frozen=True)
class Walks:
    """What became of a batch of walks; arrays of shape (n_walks,)."""

    commanded: NDArray[np.float64]
    """m/s."""
    up: NDArray[np.bool_]
    """Whether the walk ended without a fall."""
    lasted: NDArray[np.float64]
    """Time to the fall or the end, s."""
    speed: NDArray[np.float64]
    """Mean after the first two seconds, m/s; NaN after a fall."""
    pushes: NDArray[np.int64]
    """Pushes whose outcome was seen: followed by a fall, or by a whole push interval on the feet."""
    falls_after_push: NDArray[np.bool_]
    """Falls after at least one push."""

    def speed_error(self, at: float) -> float:
        """Mean relative error of the walks at one speed that lasted, NaN if none did."""
        error = np.abs(self.speed[(self.commanded == at) & self.up] / at - 1)
        return float(error.mean()) if len(error) else float("nan")


def walk_all(
    policy: Policy, speeds: tuple[float, ...], starts: int, seconds: float, *, push_force: float = 0.0, seed: int = 1
) -> Walks:
    """Walk from random places in the stride, all bodies in one batch.

    Args:
        policy: What walks, with deterministic actions.
        speeds: Commanded speeds, m/s.
        starts: Walks a speed.
        seconds: Length of each walk, s.
        push_force: Horizontal force at the pelvis in a random direction every two seconds, N; none if 0.
        seed: Of starts and pushes.
    """
    commanded = np.repeat(speeds, starts)
    n = len(commanded)
    world = policy_world(policy, n, seconds, pushes=(push_force, PUSH_INTERVAL if push_force else 0.0), seed=seed)
    world.reset(np.arange(n), speed=commanded)
    step_s, forward = world.config.control_step, world.column["pelvis_tx"]
    up, lasted = np.ones(n, bool), np.zeros(n)
    begin = np.full(n, np.nan)
    given, last_push = np.zeros(n, np.int64), np.full(n, -np.inf)
    total = round(seconds / step_s)
    for step in range(total):
        due = world.next_push.copy()
        # Who lies on the floor acts no more (a body that diverged has no numbers to act on).
        world.step(np.where(up[:, None], policy.act(world.human_observation()), 0.0))
        if push_force:
            pushed = up & (world.next_push != due)
            given[pushed] += 1
            last_push[pushed] = step * step_s
        up &= ~world.fallen
        lasted += up * step_s
        if step + 1 == round(SETTLE / step_s):
            begin = world.q[:, forward].copy()
        if not up.any():
            break
    speed = np.asarray(np.where(up, world.q[:, forward] - begin, np.nan) / (seconds - SETTLE), np.float64)
    fell_after = ~up & (given > 0)
    unseen = up & (last_push > seconds - PUSH_INTERVAL + 1e-9)
    return Walks(commanded, up, lasted, speed, given - unseen, fell_after)


def survival(policy: Policy, push_force: float = 0.0) -> Found:
    """Walks at five speeds, with or without pushes."""
    starts, seconds = (4, 6.0) if SHORT else (STARTS, SECONDS)
    walks = walk_all(policy, SPEEDS, starts, seconds, push_force=push_force)
    rows: list[list[object]] = []
    for value in SPEEDS:
        at = walks.commanded == value
        error = walks.speed_error(value)
        rows.append(
            [
                f"{value:g}",
                f"{push_force:g} N" if push_force else "no",
                f"{walks.up[at].sum()} of {at.sum()}",
                f"{walks.lasted[at].mean():.1f}",
                f"{error:.1%}" if np.isfinite(error) else "none lasted",
                f"{walks.falls_after_push[at].sum()} in {walks.pushes[at].sum()}" if push_force else "",
            ]
        )
    header = [
        "speed m/s", "pushes", "without a fall", "mean time to fall or end s", "speed error of those that lasted",
        "falls per push",
    ]  # fmt: skip
    return _aims(walks, seconds, push_force), markdown_table(header, rows)


def _aims(walks: Walks, seconds: float, push_force: float) -> list[Aim]:
    if push_force:
        pushes, falls = int(walks.pushes.sum()), int(walks.falls_after_push.sum())
        share = 1 - falls / pushes if pushes else float("nan")
        what = f"survival per push, {push_force:g} N for 0.2 s every {PUSH_INTERVAL:g} s, all speeds"
        value = f"{share:.1%} ({falls} falls in {pushes} pushes)"
        return [
            Aim(what, value, "98%", share >= 0.98),
            Aim(
                f"walks of {seconds:g} s under these pushes without a fall", f"{walks.up.mean():.0%}", "reported", None
            ),
        ]
    shares = {v: walks.up[walks.commanded == v].mean() for v in SPEEDS}
    worst = min(shares, key=lambda v: shares[v])
    errors = {v: walks.speed_error(v) for v in SPEEDS}
    known = {v: e for v, e in errors.items() if np.isfinite(e)}
    fastest = max(known, key=lambda v: known[v], default=None)
    text = "no walk lasted" if fastest is None else f"{known[fastest]:.1%} ({fastest:g} m/s)"
    if 0 < len(known) < len(SPEEDS):
        text += f"; none lasted at {', '.join(f'{v:g}' for v in SPEEDS if v not in known)} m/s"
    within = len(known) == len(SPEEDS) and max(known.values()) < 0.05
    return [
        Aim(f"walks of {seconds:g} s without a fall, worst speed", f"{shares[worst]:.0%} ({worst:g} m/s)", "95%",
            shares[worst] >= 0.95),
        Aim("speed error, worst speed", text, "5%", within),
    ]  # fmt: skip
