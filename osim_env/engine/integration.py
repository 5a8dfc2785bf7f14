"""Time stepping of a batch: linearly implicit Euler (default) and the classical Runge-Kutta method (reference).

Implicit: coordinates and activations move half a step with the old rates, ``(M - theta h dF/du) du = h F`` is
solved there with the analytic derivatives of muscle, contact and limit forces with respect to the speeds, and the
coordinates move the other half with the new speeds. Only the share ``theta`` of h dF/du enters: 1/2 would be of second
order but lets the stiff, damped directions (the light toes, at steps at which explicit methods blow up) ring; 1 damps
most. Errors are of first order with a small constant.

A state that stops being finite, or runs away, is taken back to its last good values and flagged; the other environments
never notice.

Source: linearly implicit (Rosenbrock-Euler) step as in Hairer and Wanner, Solving Ordinary Differential Equations II
(1996), ch. IV.7, between the half steps of a Strang splitting; Runge-Kutta 4 in any text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .constraints.kernels import follow, hold, place
from .dynamics import assemble, read_rows, read_state, write_rows
from .groups import Floats
from .hill.kernels import hill_activation_rates
from .inertia import body_inertias, solve
from .joints import coordinate_rates
from .lanes import absolute, any_lane, entry, get, jit, lanes, load, load3, maximum, put, rotate3, store, where, width
from .limits import actuator_torques
from .muscles import activation_rates

DESCRIBE, ACCELERATE, RESIDUAL = 1, 2, 3
"""What is asked of the state at the end: its description alone, its accelerations, or the forces behind given ones."""


class Task(NamedTuple):
    """What a call wants from the kernel."""

    n_steps: int
    h: float
    """Step of the integrator, s."""
    implicitness: float
    """Share of the end of the step in the implicit method's velocity-dependent forces, 1/2 to 1."""
    method: int
    """0 linearly implicit Euler, 1 Runge-Kutta."""
    speed_limit: float
    end: int
    """0, or DESCRIBE, ACCELERATE, RESIDUAL."""
    given_torque: int
    """1 where ``actuator`` holds torques (N m) and not controls."""
    push_on: int
    """Number of the pushed body."""


class Batch(NamedTuple):
    """Arrays of a batch, one row an environment (or one row for all where the kernel only reads)."""

    parameters: Floats
    added_mass_location: Floats
    state: Floats
    """q and u in tree order, activations, normalized tendon forces, actuator activations."""
    state_rows: NDArray[np.int64]
    excitation: Floats
    actuator: Floats
    rates: Floats
    """Given accelerations in tree order (RESIDUAL only)."""
    time: Floats
    status: NDArray[np.int64]
    result: Floats
    result_rows: NDArray[np.int64]


@jit
def _copy(w, source, target, count):
    for k in range(count):
        store(w, target + k, load(w, source + k))


@jit
def _save(w, at):
    """Keep the state at the start of a step."""
    _copy(w, at.q, at.q_start, at.n_mobilities)
    _copy(w, at.u, at.u_start, at.n_mobilities)
    _copy(w, at.activation, at.activation_start, at.n_muscles)
    _copy(w, at.tendon_state, at.tendon_start, at.n_muscles)


@jit
def _guard(w, at, speed_limit):
    """Take environments that left the finite, physical range back to the start of the step and mark them.

    ``alive`` is 0 while running, 1 after a value that is not finite, 2 after a speed above the limit.
    """
    worst, broken = lanes(w, 0.0), lanes(w, 0.0)
    for j in range(at.n_mobilities):
        u, q = load(w, at.u + j), load(w, at.q + j)
        worst = maximum(worst, absolute(u))
        # x - x is 0 for a finite number and NaN otherwise.
        broken = broken + (u - u) + (q - q)
    for m in range(at.n_muscles):
        a, f = load(w, at.activation + m), load(w, at.tendon_state + m)
        broken = broken + (a - a) + (f - f)
    status = load(w, at.alive)
    status = where((status == 0.0) & (broken != 0.0), lanes(w, 1.0), status)
    status = where((status == 0.0) & (worst > speed_limit), lanes(w, 2.0), status)
    store(w, at.alive, status)
    if any_lane(status != 0.0):
        stopped = status != 0.0
        for j in range(at.n_mobilities):
            store(w, at.q + j, where(stopped, load(w, at.q_start + j), load(w, at.q + j)))
            store(w, at.u + j, where(stopped, load(w, at.u_start + j), load(w, at.u + j)))
        for m in range(at.n_muscles):
            row = at.activation
            store(w, row + m, where(stopped, load(w, at.activation_start + m), load(w, row + m)))
            row = at.tendon_state
            store(w, row + m, where(stopped, load(w, at.tendon_start + m), load(w, row + m)))


@jit
def _activation_rates(model, w, at):
    """Fill the rates of all activations, each by its muscle's own dynamics."""
    activation_rates(model[3], w, at)
    if model[10].muscle.shape[0] > 0:
        hill_activation_rates(model[3], model[10], w, at)


@jit
def _half_way(model, w, at, h):
    """Move coordinates and activations half a step ahead, where the forces of the step are evaluated."""
    _activation_rates(model, w, at)
    coordinate_rates(model[1], w, at)
    for j in range(at.n_mobilities):
        store(w, at.q + j, load(w, at.q + j) + (0.5 * h) * load(w, at.qdot + j))
    for m in range(at.n_muscles):
        store(w, at.activation + m, load(w, at.activation + m) + (0.5 * h) * load(w, at.activation_rate + m))


@jit
def _finish_implicit(model, w, at, h):
    """Change the speeds by the solution, move the coordinates on with the new speeds, advance the muscle states.

    Activations use the rate half-way (their fastest, about 200 1/s, is far from any stability limit); tendon forces are
    linearly implicit.
    """
    muscles = model[3]
    for j in range(at.n_mobilities):
        store(w, at.u + j, load(w, at.u + j) + h * load(w, at.force + j))
    coordinate_rates(model[1], w, at)
    for j in range(at.n_mobilities):
        store(w, at.q + j, load(w, at.q + j) + (0.5 * h) * load(w, at.qdot + j))
    _activation_rates(model, w, at)
    for m in range(at.n_muscles):
        store(w, at.activation + m, load(w, at.activation_start + m) + h * load(w, at.activation_rate + m))
        if muscles.compliant[m] == 1:
            # At low activation the tendon force decays faster than any explicit step could follow.
            decay = maximum(load(w, at.tendon_decay + m), lanes(w, 0.0))
            change = h * load(w, at.tendon_rate + m) / (1.0 + h * decay)
            store(w, at.tendon_state + m, load(w, at.tendon_state + m) + change)


@jit
def _stage(w, value, rate, start, total, count, weight, shift):
    """Add ``weight`` of a rate to its sum and move the value to start + shift * rate."""
    for k in range(count):
        r = load(w, rate + k)
        store(w, total + k, load(w, total + k) + weight * r)
        store(w, value + k, load(w, start + k) + shift * r)


@jit
def _start_sums(w, at):
    """Clear the weighted sums of the stages."""
    for k in range(at.n_mobilities):
        store(w, at.q_sum + k, 0.0)
        store(w, at.u_sum + k, 0.0)
    for m in range(at.n_muscles):
        store(w, at.activation_sum + m, 0.0)
        store(w, at.tendon_sum + m, 0.0)


@jit
def _runge_kutta_stage(w, at, h, stage):
    """Move to the point of the next stage, or to the end of the step after the last."""
    n, n_muscles = at.n_mobilities, at.n_muscles
    weight = h / 6.0 if stage == 0 or stage == 3 else h / 3.0
    shift = 0.5 * h if stage < 2 else h
    _stage(w, at.q, at.qdot, at.q_start, at.q_sum, n, weight, shift)
    _stage(w, at.u, at.force, at.u_start, at.u_sum, n, weight, shift)
    _stage(w, at.activation, at.activation_rate, at.activation_start, at.activation_sum, n_muscles, weight, shift)
    _stage(w, at.tendon_state, at.tendon_rate, at.tendon_start, at.tendon_sum, n_muscles, weight, shift)
    if stage == 3:
        _finish(w, at.q, at.q_start, at.q_sum, n)
        _finish(w, at.u, at.u_start, at.u_sum, n)
        _finish(w, at.activation, at.activation_start, at.activation_sum, n_muscles)
        _finish(w, at.tendon_state, at.tendon_start, at.tendon_sum, n_muscles)


@jit
def _finish(w, value, start, total, count):
    """Set the value to its start plus the weighted sum of the stages."""
    for k in range(count):
        store(w, value + k, load(w, start + k) + load(w, total + k))


@jit
def _accumulate(model, w, at, weight):
    """Add the quantities of the substep that was just evaluated to the running means."""
    muscles, actuators = model[3], model[7]
    for m in range(at.n_muscles):
        active, velocity = load(w, at.active_force + m), load(w, at.fiber_velocity + m)
        power = -active * velocity * muscles.max_speed[m]
        _add(w, at.mean_activation + m, weight * load(w, at.activation + m))
        _add(w, at.mean_active_force + m, weight * active)
        _add(w, at.mean_fiber_force + m, weight * load(w, at.fiber_force + m))
        _add(w, at.mean_fiber_length + m, weight * load(w, at.fiber_length + m))
        _add(w, at.mean_fiber_velocity + m, weight * velocity)
        _add(w, at.mean_active_power + m, weight * power)
        _add(w, at.mean_positive_power + m, weight * maximum(power, lanes(w, 0.0)))
    for k in range(3 * at.n_feet):
        _add(w, at.mean_foot_force + k, weight * load(w, at.foot_force + k))
        _add(w, at.mean_foot_moment + k, weight * load(w, at.foot_moment + k))
    for k in range(at.n_actuators):
        torque = load(w, at.torque + k)
        _add(w, at.mean_torque + k, weight * torque)
        _add(w, at.mean_torque_power + k, weight * torque * load(w, at.u_start + actuators.mobility[k]))


@jit
def _add(w, row, value):
    store(w, row, load(w, row) + value)


@jit
def whole_body_centre(w, at):
    """Put the mass centre of all bodies, and its velocity, into spare rows.

    These are the rows of the ground in ``bias`` and ``angular_bias``.
    """
    mass, zero = lanes(w, 0.0), lanes(w, 0.0)
    x, y, z, vx, vy, vz = zero, zero, zero, zero, zero, zero
    for b in range(1, at.n_bodies):
        m = load(w, at.mass + b)
        hx, hy, hz = rotate3(w, at.rotation + 9 * b, load3(w, at.moment + 3 * b))
        px, py, pz = load3(w, at.position + 3 * b)
        ux, uy, uz = load3(w, at.velocity + 3 * b)
        ox, oy, oz = load3(w, at.angular_velocity + 3 * b)
        mass = mass + m
        x, y, z = x + m * px + hx, y + m * py + hy, z + m * pz + hz
        vx = vx + m * ux + (oy * hz - oz * hy)
        vy = vy + m * uy + (oz * hx - ox * hz)
        vz = vz + m * uz + (ox * hy - oy * hx)
    share = 1.0 / mass
    store(w, at.bias, x * share)
    store(w, at.bias + 1, y * share)
    store(w, at.bias + 2, z * share)
    store(w, at.angular_bias, vx * share)
    store(w, at.angular_bias + 1, vy * share)
    store(w, at.angular_bias + 2, vz * share)


@jit
def _residual(w, at):
    """Replace ``force`` by mass times the given acceleration minus force."""
    n = at.n_mobilities
    for j in range(n):
        total = lanes(w, 0.0) - load(w, at.force + j)
        for i in range(n):
            row = n * max(i, j) + min(i, j)
            total = total + load(w, at.matrix + row) * load(w, at.acceleration + i)
        store(w, at.qdot + j, total)
    _copy(w, at.qdot, at.force, n)


@jit
def _set_clock(w, at, time, first, elapsed):
    """Put the time of each environment, and what has gone by since, into ``clock``."""
    last = time.shape[0] - 1
    for lane in range(width(w)):
        put(w, at.clock, lane, time[min(first + lane, last)] + elapsed)


@entry
def run_blocks(model, at, w, batch, task, start, stop):
    """Advance the environments of blocks ``start`` to ``stop``, then describe them.

    One kernel serves stepping, accelerations, inverse dynamics and observation, with a single call of assemble(), which
    is by far the largest piece of machine code; so everything is ready after one compilation.
    """
    n_steps, h, method = task.n_steps, task.h, task.method
    functions, drives, couplers = model[0], model[8], model[9]
    constrained = drives.mobility.shape[0] + couplers.dependent.shape[0] > 0
    for block in range(start, stop):
        first = block * width(w)
        last = batch.status.shape[0] - 1
        read_rows(w, at.strength, batch.parameters, first)
        body_inertias(model[1], w, at, batch.added_mass_location)
        read_state(w, batch.state_rows, batch.state, first)
        read_rows(w, at.excitation, batch.excitation, first)
        read_rows(w, at.torque if task.given_torque == 1 else at.actuator_control, batch.actuator, first)
        read_rows(w, at.acceleration, batch.rates, first)
        for lane in range(width(w)):
            put(w, at.alive, lane, batch.status[min(first + lane, last)])
        for row in range(at.mean_activation, at.alive):
            store(w, row, 0.0)
        # A rigid tendon writes no rate, yet the Runge-Kutta stages add up everybody's.
        for m in range(at.n_muscles):
            store(w, at.tendon_rate + m, 0.0)
        _set_clock(w, at, batch.time, first, 0.0)
        if constrained and n_steps > 0:
            place(functions, drives, couplers, w, at)
        for i in range(n_steps + (1 if task.end > 0 else 0)):
            at_end = i == n_steps
            if not at_end:
                _save(w, at)
                if method == 0:
                    _half_way(model, w, at, h)
                else:
                    _start_sums(w, at)
            # The implicit method looks at the forces half-way, Runge-Kutta at the start, twice half-way, at the end.
            fraction = 0.5 if method == 0 and not at_end else 0.0
            for stage in range(4 if method == 1 and not at_end else 1):
                if task.given_torque == 0:
                    # Controls are constant, so the actuators' linear decay is known at every stage.
                    elapsed = h if method == 0 else (0.5 * h if stage == 1 or stage == 3 else 0.0)
                    actuator_torques(model[7], w, at, 0.0 if at_end else elapsed)
                if constrained and n_steps > 0:
                    _set_clock(w, at, batch.time, first, fraction * h)
                    place(functions, drives, couplers, w, at)
                assemble(model, w, at, task.push_on, task.implicitness * h if method == 0 and not at_end else 0.0)
                if at_end and task.end == RESIDUAL:
                    _residual(w, at)
                if not at_end or task.end == ACCELERATE:
                    if stage == 0 and not at_end and task.end > 0:
                        _accumulate(model, w, at, 1.0 / n_steps)
                    if constrained:
                        hold(functions, drives, couplers, w, at)
                    solve(model[1], w, at)
                    if constrained:
                        follow(functions, couplers, w, at)
                if not at_end:
                    if method == 0:
                        _finish_implicit(model, w, at, h)
                    else:
                        _activation_rates(model, w, at)
                        coordinate_rates(model[1], w, at)
                        _runge_kutta_stage(w, at, h, stage)
                        fraction = 0.5 if stage < 2 else 1.0
            if not at_end:
                if constrained:
                    _set_clock(w, at, batch.time, first, h)
                    place(functions, drives, couplers, w, at)
                _guard(w, at, task.speed_limit)
                for lane in range(min(width(w), last + 1 - first)):
                    if get(w, at.alive, lane) == 0.0:
                        batch.time[first + lane] += h
        if n_steps > 0:
            write_rows(w, batch.state_rows, batch.state, first)
            for lane in range(min(width(w), last + 1 - first)):
                batch.status[first + lane] = int(get(w, at.alive, lane))
        if task.end > 0:
            whole_body_centre(w, at)
            write_rows(w, batch.result_rows, batch.result, first)
