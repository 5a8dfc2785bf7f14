"""From the human's action to muscle excitations: the moments that balance, reference and action demand.

Arrays over "demanded" coordinates have the order of the recruitment's; six-vectors of hips hold flexion, adduction and
rotation, those of lifted joints hip flexion, knee and ankle, of the right leg first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exogait.data.constants import GRAVITY

from ..view import Array, Columns, Flags, Index

LARGEST_TARGET = 0.4
"""Balance moves the target of a swing hip no further, rad."""


def checked_action(what: str, action: Any, shape: tuple[int, int], fallen: Flags) -> Array:
    """The action of every body, of the right shape and finite.

    What is commanded to a body that has fallen moves nothing that counts, and one that diverged gives its policy
    nothing to decide on: what is no number there is zero, so that the others walk on.

    Args:
        what: Whose action, for the message.
        action: As it was given.
        shape: Shape that it has to have, (batch, n_actions).
        fallen: Bodies whose episode ended in a fall and has not begun anew, shape (batch,).

    Raises:
        ValueError: Another shape, or an entry of a body that has not fallen is not finite.
    """
    array = np.ascontiguousarray(action, dtype=float)
    if array.shape != shape:
        raise ValueError(f"{what}: shape {array.shape}, expected {shape}")
    unknown = ~np.isfinite(array)
    if not unknown.any():
        return array
    if (wrong := np.argwhere(unknown & ~fallen[:, None])).size:
        raise ValueError(f"{what}: entry {tuple(map(int, wrong[0]))} is not finite")
    return np.where(unknown, 0.0, array)


def stance_share(foot_load: Array, body_mass: Array, full: float) -> Array:
    """How much each leg is the stance leg, 0 to 1.

    Args:
        foot_load: Vertical ground reaction of right and left foot, shape (batch, 2), N.
        body_mass: Shape (batch,), kg.
        full: Share of body weight at which a leg counts fully.

    Returns:
        Shape (batch, 2).
    """
    return np.clip(foot_load / (full * GRAVITY * body_mass[:, None]), 0.0, 1.0)


def stance_hip_moments(
    q_off: Array, u_off: Array, stance: Array, body_mass: Array, columns: Columns, *,
    trunk: float, trunk_rate: float, turn: float, turn_rate: float,
) -> Array:  # fmt: skip
    """Moments of the stance hip that right a pelvis which leans or turns off the reference.

    Args:
        q_off: Coordinates less those aimed for, shape (batch, n_coordinates), rad or m.
        u_off: The same of the speeds.
        stance: From :func:`stance_share`, shape (batch, 2).
        body_mass: Shape (batch,), kg.
        columns: Where the pelvis stands in the coordinates.
        trunk: Moment per lean, N m/rad per kg body mass.
        trunk_rate: Moment per rate of lean, N m s/rad per kg.
        turn: Moment per turn, N m/rad per kg.
        turn_rate: Moment per rate of turn, N m s/rad per kg.

    Returns:
        Moments of the hips, shape (batch, 6), N m.
    """
    tilt, lean, turning = (
        body_mass * (p * q_off[:, k] + d * u_off[:, k])
        for k, p, d in (
            (columns.tilt, trunk, trunk_rate),
            (columns.list, trunk, trunk_rate),
            (columns.rotation, turn, turn_rate),
        )
    )
    # Leaning or turning the same way asks opposite moments of the right and the left hip, tilting the same ones.
    right, left = stance[:, 0], stance[:, 1]
    return np.stack([tilt * right, lean * right, turning * right, tilt * left, -lean * left, -turning * left], axis=1)


def swing_hip_targets(
    q: Array, u_off: Array, feet: Array, feet_reference: Array, stance: Array, columns: Columns, *,
    step: float, place: float, side_step: float, side_place: float, path: float,
) -> Array:  # fmt: skip
    """What the target angles of the swing hip are moved by, so that the foot lands where the body is heading.

    Args:
        q: Coordinates, shape (batch, n_coordinates), rad or m.
        u_off: Speeds less those aimed for, same shape.
        feet: Heel and toe frames relative to the pelvis, shape (batch, 4, 3), m.
        feet_reference: The reference's.
        stance: From :func:`stance_share`, shape (batch, 2).
        columns: Where the pelvis stands in the coordinates.
        step: Flexion per error of forward speed, rad s/m.
        place: Flexion per forward position of the pelvis over the stance foot off the reference, rad/m.
        side_step: Abduction per error of sideways speed, rad s/m.
        side_place: Abduction per sideways position of the pelvis over the stance foot off the reference, rad/m.
        path: Sideways speed aimed for per sideways position off the path, 1/s.

    Returns:
        Angles of the hips, shape (batch, 6), rad.
    """
    # The pelvis over each foot against the reference; a swing leg answers to the other leg's foot.
    over = feet_reference - feet
    sideways_speed = u_off[:, columns.tz] + path * q[:, columns.tz]
    targets = []
    for own, other, outward in ((0, 1, 1.0), (1, 0, -1.0)):
        swing, foot = 1.0 - stance[:, own], over[:, 2 * other] * stance[:, other, None]
        forward = step * u_off[:, columns.tx] + place * foot[:, 0]
        sideways = side_step * sideways_speed + side_place * foot[:, 2]
        targets += [swing * forward, -outward * swing * sideways, np.zeros(len(q))]
    return np.clip(np.stack(targets, axis=1), -LARGEST_TARGET, LARGEST_TARGET)


def swing_lift(phase: Array, size: Array, *, middle: float, width: float) -> Array:
    """Extra hip flexion, knee flexion and dorsiflexion of each leg in its swing.

    Args:
        phase: Share of the stride since right heel strike, shape (batch,).
        size: The extra of hip, knee and ankle at its largest, along the coordinate, shape (3,), rad.
        middle: When that is, share of the stride since the foot's heel strike.
        width: Half width of the extra, share of the stride.

    Returns:
        Angles of the lifted joints, shape (batch, 6), rad.
    """
    parts = []
    for start in (0.0, 0.5):
        away = np.abs((phase - start - middle + 0.5) % 1.0 - 0.5) / width
        parts.append(np.where(away < 1.0, 0.5 + 0.5 * np.cos(np.pi * away), 0.0)[:, None] * size)
    return np.concatenate(parts, axis=1)


def muscle_moments(moment_arms: Array, force: Array, joints: Index) -> Array:
    """Moments of the muscles about the demanded coordinates.

    Args:
        moment_arms: Shape (batch, n_muscles, n_coordinates), m.
        force: Tendon forces, shape (batch, n_muscles), N.
        joints: Columns of the demanded coordinates, shape (n_demanded,).

    Returns:
        Shape (batch, n_demanded), N m.
    """
    return np.matmul(force[:, None, :], moment_arms)[:, 0, joints]


def add_feedback(
    demand: Array, error: Array, rate_error: Array, stance_hips: Array, swing_hips: Array, lift: Array,
    columns: Columns, stiffness: Array, damping: float, amplitude: Array, action: Array,
) -> None:  # fmt: skip
    """Add to the demanded moments what feedback and action ask for, in place.

    Args:
        demand: Feed-forward moments, shape (batch, n_demanded), N m; overwritten.
        error: Angles aimed for less the present ones, same shape, rad; overwritten.
        rate_error: The same of the speeds, rad/s.
        stance_hips: From :func:`stance_hip_moments`, shape (batch, 6), N m.
        swing_hips: From :func:`swing_hip_targets`, shape (batch, 6), rad.
        lift: From :func:`swing_lift`, shape (batch, 6), rad.
        columns: Where hips and lifted joints stand among the demanded.
        stiffness: Shape (n_demanded,), N m/rad.
        damping: Over stiffness, s.
        amplitude: Moment per unit action, shape (batch, n_demanded), N m.
        action: In the body's own frame, shape (batch, n_demanded), in [-1, 1].
    """
    error[:, columns.hips] += swing_hips
    error[:, columns.lifted] += lift
    demand[:, columns.hips] += stance_hips
    demand += stiffness * (error + damping * rate_error) + amplitude * action


def pace_on_belt(speed: Array, lost: Array, gain: float, reach: float, slowest: float, fastest: float) -> Array:
    """Speed that a body on a treadmill aims for.

    Args:
        speed: Commanded, shape (batch,), m/s.
        lost: Ground lost (negative: gained) against a belt at that speed, shape (batch,), m.
        gain: Speed won per ground lost, 1/s.
        reach: Ground lost or gained beyond which a body aims no harder to win it back, m.
        slowest: Lowest speed of the reference, m/s.
        fastest: Highest.

    Returns:
        Shape (batch,), m/s.
    """
    return np.clip(speed + gain * np.clip(lost, -reach, reach), slowest, fastest)
