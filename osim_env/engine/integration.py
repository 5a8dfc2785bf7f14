"""Time stepping of a batch: linearly implicit Euler (default) and the classical Runge-Kutta method (reference).

Implicit: ``(M - h dF/du) du = h F`` with the analytic derivatives of muscle, contact and limit forces with respect to the
speeds, then ``q += h N(q) u`` with the new speeds. It is first order, and stable at steps at which the light, strongly
damped toes make explicit methods blow up. A state that stops being finite, or runs away, is taken back to its last good
values and flagged; the other environments never notice.

Source: linearly implicit (Rosenbrock-Euler) step as in Hairer and Wanner, Solving Ordinary Differential Equations II
(1996), ch. IV.7; Runge-Kutta 4 in any text.
"""

from __future__ import annotations

from .dynamics import (
    accelerate,
    assemble,
    observe,
    read_coordinates,
    read_parameters,
    read_rows,
    write_body_rotations,
    write_coordinates,
    write_rows,
    write_vectors,
)
from .inertia import solve
from .joints import coordinate_rates
from .lanes import WIDTH, absolute, any_lane, jit, lanes, load, load3, maximum, rotate3, store, where
from .limits import actuator_torques
from .muscles import activation_rates


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
    worst, broken = lanes(0.0), lanes(0.0)
    for j in range(at.n_mobilities):
        u, q = load(w, at.u + j), load(w, at.q + j)
        worst = maximum(worst, absolute(u))
        # x - x is 0 for a finite number and NaN otherwise.
        broken = broken + (u - u) + (q - q)
    for m in range(at.n_muscles):
        a, f = load(w, at.activation + m), load(w, at.tendon_state + m)
        broken = broken + (a - a) + (f - f)
    status = load(w, at.alive)
    status = where((status == 0.0) & (broken != 0.0), lanes(1.0), status)
    status = where((status == 0.0) & (worst > speed_limit), lanes(2.0), status)
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
def _advance_activations(model, w, at, h):
    """Explicit step of activations: their fastest rate, about 200 1/s, is far from any stability limit."""
    activation_rates(model[3], w, at)
    for m in range(at.n_muscles):
        store(w, at.activation + m, load(w, at.activation + m) + h * load(w, at.activation_rate + m))


@jit
def implicit_step(model, w, at, push_on, h):
    """Advance one block by one linearly implicit Euler step."""
    _save(w, at)
    actuator_torques(model[7], w, at, h)
    assemble(model, w, at, push_on, h)
    for j in range(at.n_mobilities):
        store(w, at.force + j, h * load(w, at.force + j))
    solve(model[1], w, at)
    for j in range(at.n_mobilities):
        store(w, at.u + j, load(w, at.u + j) + load(w, at.force + j))
    coordinate_rates(model[1], w, at)
    for j in range(at.n_mobilities):
        store(w, at.q + j, load(w, at.q + j) + h * load(w, at.qdot + j))
    muscles = model[3]
    for m in range(at.n_muscles):
        if muscles.compliant[m] == 1:
            store(w, at.tendon_state + m, load(w, at.tendon_state + m) + h * load(w, at.tendon_rate + m))
    _advance_activations(model, w, at, h)


@jit
def _stage(w, at, value, rate, start, total, count, weight, shift):
    """Add ``weight`` of a rate to its sum and move the value to start + shift * rate."""
    for k in range(count):
        r = load(w, rate + k)
        store(w, total + k, load(w, total + k) + weight * r)
        store(w, value + k, load(w, start + k) + shift * r)


@jit
def runge_kutta_step(model, w, at, push_on, h):
    """Advance one block by one step of the classical Runge-Kutta method of order four."""
    n, n_muscles = at.n_mobilities, at.n_muscles
    _save(w, at)
    for k in range(n):
        store(w, at.q_sum + k, 0.0)
        store(w, at.u_sum + k, 0.0)
    for m in range(n_muscles):
        store(w, at.activation_sum + m, 0.0)
        store(w, at.tendon_sum + m, 0.0)
    for stage in range(4):
        weight = h / 6.0 if stage == 0 or stage == 3 else h / 3.0
        shift = 0.5 * h if stage < 2 else h
        # Controls are constant, so the actuators' linear decay is known at every stage.
        actuator_torques(model[7], w, at, 0.5 * h if stage == 1 or stage == 3 else 0.0)
        accelerate(model, w, at, push_on)
        coordinate_rates(model[1], w, at)
        activation_rates(model[3], w, at)
        _stage(w, at, at.q, at.qdot, at.q_start, at.q_sum, n, weight, shift)
        _stage(w, at, at.u, at.acceleration, at.u_start, at.u_sum, n, weight, shift)
        _stage(
            w, at, at.activation, at.activation_rate, at.activation_start, at.activation_sum, n_muscles, weight, shift
        )
        _stage(w, at, at.tendon_state, at.tendon_rate, at.tendon_start, at.tendon_sum, n_muscles, weight, shift)
    for k in range(n):
        store(w, at.q + k, load(w, at.q_start + k) + load(w, at.q_sum + k))
        store(w, at.u + k, load(w, at.u_start + k) + load(w, at.u_sum + k))
    for m in range(n_muscles):
        store(w, at.activation + m, load(w, at.activation_start + m) + load(w, at.activation_sum + m))
        store(w, at.tendon_state + m, load(w, at.tendon_start + m) + load(w, at.tendon_sum + m))


@jit
def _mean_rows(at):
    """First and last row of the running means, which the layout keeps together."""
    return at.mean_activation, at.alive


@jit
def _accumulate(model, w, at, weight):
    """Add the quantities of the substep that was just evaluated to the running means."""
    muscles, actuators = model[3], model[7]
    for m in range(at.n_muscles):
        active, velocity = load(w, at.active_force + m), load(w, at.fiber_velocity + m)
        power = -active * velocity * muscles.max_speed[m]
        _add(w, at.mean_activation + m, weight * load(w, at.activation_start + m))
        _add(w, at.mean_active_force + m, weight * active)
        _add(w, at.mean_fiber_force + m, weight * load(w, at.fiber_force + m))
        _add(w, at.mean_fiber_length + m, weight * load(w, at.fiber_length + m))
        _add(w, at.mean_fiber_velocity + m, weight * velocity)
        _add(w, at.mean_active_power + m, weight * power)
        _add(w, at.mean_positive_power + m, weight * maximum(power, lanes(0.0)))
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
def _write_record(model, record, w, at, first):
    """Copy the lanes to the record of a batch."""
    write_vectors(w, at.position + 3, record.body_position, first)
    write_body_rotations(w, at.rotation + 9, record.body_rotation, first)
    write_vectors(w, at.velocity + 3, record.body_velocity, first)
    write_vectors(w, at.angular_velocity + 3, record.body_angular_velocity, first)
    write_rows(w, at.path_length, record.muscle_tendon_length, first)
    write_rows(w, at.path_speed, record.lengthening_speed, first)
    write_rows(w, at.fiber_length, record.normalized_fiber_length, first)
    write_rows(w, at.fiber_velocity, record.normalized_fiber_velocity, first)
    write_rows(w, at.active_force, record.active_fiber_force, first)
    write_rows(w, at.tendon_force, record.tendon_force, first)
    write_vectors(w, at.sphere_force, record.sphere_force, first)
    write_vectors(w, at.foot_force, record.foot_force, first)
    write_vectors(w, at.foot_moment, record.foot_moment, first)
    write_rows(w, at.torque, record.actuator_torque, first)
    write_rows(w, at.mean_activation, record.mean_activation, first)
    write_rows(w, at.mean_active_force, record.mean_active_fiber_force, first)
    write_rows(w, at.mean_fiber_force, record.mean_fiber_force, first)
    write_rows(w, at.mean_fiber_length, record.mean_normalized_fiber_length, first)
    write_rows(w, at.mean_fiber_velocity, record.mean_normalized_fiber_velocity, first)
    write_rows(w, at.mean_active_power, record.mean_active_fiber_power, first)
    write_rows(w, at.mean_positive_power, record.mean_positive_active_fiber_power, first)
    write_vectors(w, at.mean_foot_force, record.mean_foot_force, first)
    write_vectors(w, at.mean_foot_moment, record.mean_foot_moment, first)
    write_rows(w, at.mean_torque, record.mean_actuator_torque, first)
    write_rows(w, at.mean_torque_power, record.mean_actuator_power, first)
    whole_body_centre(w, at)
    write_rows(w, at.bias, record.mass_centre, first)
    write_rows(w, at.angular_bias, record.mass_centre_velocity, first)


@jit
def whole_body_centre(w, at):
    """Put the mass centre of all bodies and its velocity into the ground's (spare) rows of ``bias`` and ``angular_bias``."""
    mass, zero = lanes(0.0), lanes(0.0)
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
def _step_block(model, at, inputs, w, state, controls, record, first, n_steps, h, method, speed_limit, recorded):
    """Advance the eight environments that start at ``first``."""
    q, u, activation, actuator_activation, tendon, time, status = state
    excitation, actuator_control = controls
    order = model[1].mobility_of_coordinate
    read_parameters(model, inputs, w, at, first)
    read_coordinates(w, at.q, q, first, order)
    read_coordinates(w, at.u, u, first, order)
    read_rows(w, at.activation, activation, first)
    read_rows(w, at.actuator_state, actuator_activation, first)
    read_rows(w, at.tendon_state, tendon, first)
    read_rows(w, at.excitation, excitation, first)
    read_rows(w, at.actuator_control, actuator_control, first)
    last = status.shape[0] - 1
    for lane in range(WIDTH):
        w[at.alive, lane] = status[min(first + lane, last)]
    if recorded:
        begin, end = _mean_rows(at)
        for k in range(begin, end):
            store(w, k, 0.0)
    for _ in range(n_steps):
        if method == 0:
            implicit_step(model, w, at, inputs.push_body, h)
        else:
            runge_kutta_step(model, w, at, inputs.push_body, h)
        if recorded:
            _accumulate(model, w, at, 1.0 / n_steps)
        _guard(w, at, speed_limit)
        for lane in range(min(WIDTH, last + 1 - first)):
            if w[at.alive, lane] == 0.0:
                time[first + lane] += h
    write_coordinates(w, at.q, q, first, order)
    write_coordinates(w, at.u, u, first, order)
    write_rows(w, at.activation, activation, first)
    write_rows(w, at.actuator_state, actuator_activation, first)
    write_rows(w, at.tendon_state, tendon, first)
    for lane in range(min(WIDTH, last + 1 - first)):
        status[first + lane] = int(w[at.alive, lane])
    if recorded:
        observe(model, w, at)
        _write_record(model, record, w, at, first)


@jit
def step_blocks(model, at, inputs, w, state, controls, record, start, stop, n_steps, h, method, speed_limit, recorded):
    """Advance the environments of blocks ``start`` to ``stop`` by ``n_steps`` steps of ``h``."""
    for block in range(start, stop):
        first = block * WIDTH
        _step_block(model, at, inputs, w, state, controls, record, first, n_steps, h, method, speed_limit, recorded)


@jit
def acceleration_blocks(model, at, inputs, w, q, u, activation, tendon, torque, result, start, stop):
    """Fill the accelerations of blocks ``start`` to ``stop``."""
    order = model[1].mobility_of_coordinate
    for block in range(start, stop):
        first = block * WIDTH
        read_parameters(model, inputs, w, at, first)
        read_coordinates(w, at.q, q, first, order)
        read_coordinates(w, at.u, u, first, order)
        read_rows(w, at.activation, activation, first)
        read_rows(w, at.tendon_state, tendon, first)
        read_rows(w, at.torque, torque, first)
        accelerate(model, w, at, inputs.push_body)
        write_coordinates(w, at.acceleration, result, first, order)
