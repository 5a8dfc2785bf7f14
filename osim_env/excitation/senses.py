"""What reaches the nervous system by way of the nerves, and how late: a memory of the last control steps' senses."""

from __future__ import annotations

from ..engine.lanes import inline, jit

FELT = ("state", "fiber_length", "fiber_velocity", "tendon_force", "foot_load", "previous_foot_load", "drive_torque")
"""Arrays of the bodies that reach the nervous system by way of the nerves, of the state q and u alone: activations are
its own doing, as are phase and last command."""
NEXT, INSTEAD, FOR_EVER = range(3)
"""What is sensed now follows what was sensed before, replaces the newest of it, or has always been so."""


def felt_width(c) -> int:
    """Numbers that one body feels at a time."""
    return 2 * c.n_coordinates + 3 * c.n_muscles + 4 + c.n_drives


@inline
def note_senses(c, b, i, row):
    """Write what environment ``i`` senses now into a row."""
    n, m = 2 * c.n_coordinates, c.n_muscles
    for k in range(n):
        row[k] = b.state[i, k]
    for k in range(m):
        row[n + k] = b.fiber_length[i, k]
        row[n + m + k] = b.fiber_velocity[i, k]
        row[n + 2 * m + k] = b.tendon_force[i, k]
    k = n + 3 * m
    for f in range(2):
        row[k + f], row[k + 2 + f] = b.foot_load[i, f], b.previous_foot_load[i, f]
    for d in range(c.n_drives):
        row[k + 4 + d] = b.drive_torque[i, d]


@inline
def let_feel(c, felt, i, row):
    """The other way round: let environment ``i`` feel what stands in a row."""
    n, m = 2 * c.n_coordinates, c.n_muscles
    for k in range(n):
        felt.state[i, k] = row[k]
    for k in range(m):
        felt.fiber_length[i, k] = row[n + k]
        felt.fiber_velocity[i, k] = row[n + m + k]
        felt.tendon_force[i, k] = row[n + 2 * m + k]
    k = n + 3 * m
    for f in range(2):
        felt.foot_load[i, f], felt.previous_foot_load[i, f] = row[k + f], row[k + 2 + f]
    for d in range(c.n_drives):
        felt.drive_torque[i, d] = row[k + 4 + d]


@jit
def feel(c, b, felt, past, i, when):
    """Let environment ``i`` feel what was the case as many control steps ago as ``past`` is long.

    Args:
        c: Columns.
        b: Bodies.
        felt: Bodies as they feel themselves; ``b`` itself where ``past`` has no length.
        past: What was felt in the last control steps, newest first, shape (batch, delay, :func:`felt_width`).
        i: Which.
        when: :data:`NEXT`, :data:`INSTEAD` or :data:`FOR_EVER`.
    """
    delay = past.shape[1]
    if delay == 0:
        return
    for k in range(felt.state.shape[1] - 2 * c.n_coordinates):
        felt.state[i, 2 * c.n_coordinates + k] = b.state[i, 2 * c.n_coordinates + k]
    if when == NEXT:
        let_feel(c, felt, i, past[i, delay - 1])
        for k in range(delay - 1, 0, -1):
            past[i, k] = past[i, k - 1]
    note_senses(c, b, i, past[i, 0])
    if when == FOR_EVER:
        for k in range(1, delay):
            past[i, k] = past[i, 0]
        let_feel(c, felt, i, past[i, 0])
