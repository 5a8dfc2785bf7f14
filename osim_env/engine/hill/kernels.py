"""Force and state of Millard 2012 and Thelen 2003 muscles.

Activation is clamped to its least value and 1, a fibre does not get shorter than the steepest pennation (and, in
Millard's, the active curve) allows; a rigid tendon that would have to push lets go. The state of an elastic tendon is
the length of the fibre, as in OpenSim; the damped velocity of Millard's fibre is solved exactly within one corner of
its force-velocity curve, where OpenSim's Newton iteration stops at 1e-10 of the largest force.

Source: Millard et al. (2013), Journal of Biomechanical Engineering 135(2), 021005, equation 8 (damped equilibrium);
Thelen (2003), Journal of Biomechanical Engineering 125(1), 70-77, equations 6 and 7 (force and velocity); OpenSim
Millard2012EquilibriumMuscle, Thelen2003Muscle, MuscleFixedWidthPennationModel, MuscleFirstOrderActivationDynamicModel,
SmoothSegmentedFunction.
"""

from __future__ import annotations

import math

from ..lane_math import exp
from ..lanes import absolute, any_lane, inline, jit, lanes, largest_exponent, load, maximum, minimum, sqrt, store, where

MILLARD, THELEN = 0, 1
_E3 = math.exp(3.0)
_TOE_FORCE = 0.33
_TOE = 99.0 * _E3 / (166.0 * _E3 - 67.0)
"""Share of the tendon's strain at one normalized force where its exponential toe ends."""


@inline
def _polynomial(p, u):
    """Value and derivative of a polynomial of degree five."""
    value = ((((p[5] * u + p[4]) * u + p[3]) * u + p[2]) * u + p[1]) * u + p[0]
    slope = (((5.0 * p[5] * u + 4.0 * p[4]) * u + 3.0 * p[3]) * u + 2.0 * p[2]) * u + p[1]
    return value, slope


@inline
def _parameter(p, target):
    """Where in 0 to 1 a rising polynomial takes a value: Newton's method, halving where it would leave the bracket."""
    low, high = lanes(target, 0.0), lanes(target, 1.0)
    total = p[1] + p[2] + p[3] + p[4] + p[5]
    u = minimum(maximum((target - p[0]) / total, low), high)
    enough = 1e-15 if largest_exponent(target) > 100.0 else 1e-6
    for _ in range(40):
        value, slope = _polynomial(p, u)
        low, high = where(value < target, u, low), where(value > target, u, high)
        following = u - (value - target) / slope
        following = where((following >= low) & (following <= high), following, 0.5 * (low + high))
        moved = absolute(following - u)
        u = following
        if not any_lane(moved > enough):
            break
    return u


@inline
def _section(table, c, first, like):
    """Coefficients of the first section of a curve in all lanes."""
    return (
        lanes(like, table[c, first]),
        lanes(like, table[c, first + 1]),
        lanes(like, table[c, first + 2]),
        lanes(like, table[c, first + 3]),
        lanes(like, table[c, first + 4]),
        lanes(like, table[c, first + 5]),
    )


@inline
def _choose(here, table, c, first, p):
    return (
        where(here, table[c, first], p[0]),
        where(here, table[c, first + 1], p[1]),
        where(here, table[c, first + 2], p[2]),
        where(here, table[c, first + 3], p[3]),
        where(here, table[c, first + 4], p[4]),
        where(here, table[c, first + 5], p[5]),
    )


@inline
def _evaluate(curves, c, x):
    """Value and slope of a curve."""
    px, py = _section(curves.x, c, 0, x), _section(curves.y, c, 0, x)
    for s in range(1, curves.sections[c]):
        here = x >= curves.x[c, 6 * s]
        px, py = _choose(here, curves.x, c, 6 * s, px), _choose(here, curves.y, c, 6 * s, py)
    u = _parameter(px, minimum(maximum(x, lanes(x, curves.ends[c, 0])), lanes(x, curves.ends[c, 3])))
    _, dx = _polynomial(px, u)
    value, dy = _polynomial(py, u)
    slope = dy / dx
    below, above = x < curves.ends[c, 0], x > curves.ends[c, 3]
    value = where(below, curves.ends[c, 1] + curves.ends[c, 2] * (x - curves.ends[c, 0]), value)
    value = where(above, curves.ends[c, 4] + curves.ends[c, 5] * (x - curves.ends[c, 3]), value)
    return value, where(below, curves.ends[c, 2], where(above, curves.ends[c, 5], slope))


@inline
def _damped_velocity(curves, c, weight, damping, target):
    """Velocity v at which ``weight f(v) + damping v`` is the target, the multiplier f(v), and its slope."""
    px, py = _section(curves.x, c, 0, target), _section(curves.y, c, 0, target)
    for s in range(1, curves.sections[c]):
        here = target >= weight * curves.y[c, 6 * s] + damping * curves.x[c, 6 * s]
        px, py = _choose(here, curves.x, c, 6 * s, px), _choose(here, curves.y, c, 6 * s, py)
    low = weight * curves.ends[c, 1] + damping * curves.ends[c, 0]
    high = weight * curves.ends[c, 4] + damping * curves.ends[c, 3]
    both = (
        weight * py[0] + damping * px[0],
        weight * py[1] + damping * px[1],
        weight * py[2] + damping * px[2],
        weight * py[3] + damping * px[3],
        weight * py[4] + damping * px[4],
        weight * py[5] + damping * px[5],
    )
    u = _parameter(both, minimum(maximum(target, low), high))
    velocity, dx = _polynomial(px, u)
    multiplier, dy = _polynomial(py, u)
    slope = dy / dx
    below, above = target < low, target > high
    slope = where(below, curves.ends[c, 2], where(above, curves.ends[c, 5], slope))
    gradient = weight * slope + damping
    beyond = where(below, (target - low) / gradient, where(above, (target - high) / gradient, 0.0))
    velocity = where(below, curves.ends[c, 0], where(above, curves.ends[c, 3], velocity)) + beyond
    multiplier = where(below, curves.ends[c, 1], where(above, curves.ends[c, 4], multiplier)) + slope * beyond
    return velocity, multiplier, slope


@inline
def _thelen_tendon(strain_at_one, x):
    """Tendon force at a strain, and its slope: nothing, an exponential toe, a line."""
    toe = _TOE * strain_at_one
    stiffness = 0.67 / (strain_at_one - toe)
    scale, rate = _TOE_FORCE / (_E3 - 1.0), 3.0 / toe
    grown = exp(minimum(maximum(x, lanes(x, 0.0)), lanes(x, toe)) * rate)
    force = where(x > toe, stiffness * (x - toe) + _TOE_FORCE, scale * (grown - 1.0))
    slope = where(x > toe, stiffness, where(x > 0.0, scale * rate * grown, 0.0))
    return force, slope


@inline
def _thelen_velocity(hills, k, a, active, carried):
    """Fibre velocity at which the contractile element carries a force, and its slope by that force.

    The hyperbolas end at no force and at a share of the largest lengthening force, and go on straight.
    """
    af, most = hills.af[k], hills.flen[k]
    weight = a * active
    top = hills.extrapolation[k] * (weight * most)
    inside = minimum(maximum(carried, lanes(carried, 0.0)), top)
    shortens = inside <= weight
    eccentric = (2.0 + 2.0 / af) / (most - 1.0)
    b = where(shortens, weight + inside * (1.0 / af), eccentric * (weight * most - inside))
    db = where(shortens, lanes(carried, 1.0 / af), lanes(carried, -eccentric))
    pace = 0.25 + 0.75 * a
    velocity = pace * (inside - weight) / b
    slope = pace / b - velocity / b * db
    return velocity + slope * (carried - inside), slope


@inline
def hill_force(muscles, hills, curves, w, at, m, k, h):
    """Fill fibre state, forces and damping of muscle ``m``, which is number ``k`` of its kind."""
    strength = muscles.max_isometric_force[m] * load(w, at.strength + m)
    optimal, height, slack = muscles.optimal_fiber_length[m], muscles.fiber_width[m], muscles.tendon_slack_length[m]
    path, speed = load(w, at.path_length + m), load(w, at.path_speed + m)
    zero = lanes(w, 0.0)
    a = minimum(maximum(load(w, at.activation + m), lanes(w, hills.min_activation[k])), lanes(w, 1.0))
    shortest = hills.min_length[k]
    elastic = muscles.compliant[m] == 1
    along, reach, gradient = zero, 0.0, zero
    if elastic:
        fiber = maximum(load(w, at.tendon_state + m), lanes(w, shortest))
    else:
        along = path - slack
        reach = math.sqrt(shortest * shortest - height * height)
        fiber = where(along >= reach, sqrt(height * height + along * along), shortest)
    # Pennation: a parallelogram of constant height.
    sine = zero if height == 0.0 else minimum(height / fiber, lanes(w, hills.max_sine[k]))
    cosine = sqrt(1.0 - sine * sine)
    length = fiber * (1.0 / optimal)
    tendon = (path - fiber * cosine) * (1.0 / slack)
    damping = hills.damping[k]
    if hills.kind[k] == THELEN:
        off = length - 1.0
        active = exp(off * off * (-1.0 / hills.active_shape[k]))
        rate = hills.passive_shape[k] / hills.passive_strain[k]
        scale = 1.0 / (math.exp(hills.passive_shape[k]) - 1.0)
        grown = exp(maximum(off, zero) * rate)
        passive, stiffness = scale * (grown - 1.0), where(off > 0.0, scale * rate * grown, 0.0)
        pull, tendon_slope = _thelen_tendon(hills.tendon_strain[k], tendon - 1.0)
        carried = pull / cosine - passive
        velocity, slope = _thelen_velocity(hills, k, a, active, carried)
        multiplier = carried / (a * active)
        clamped = (load(w, at.tendon_state + m) <= shortest) & (velocity <= 0.0)
    else:
        active, _ = _evaluate(curves, hills.active_curve[k], length)
        passive, stiffness = _evaluate(curves, hills.passive_curve[k], length)
        if elastic:
            pull, tendon_slope = _evaluate(curves, hills.tendon_curve[k], tendon)
            velocity, multiplier, gradient = _damped_velocity(
                curves, hills.velocity_curve[k], a * active, damping, pull / cosine - passive
            )
            slope = 1.0 / (a * active * gradient + damping)
        else:
            pull, tendon_slope, slope = zero, zero, zero
            velocity = where(along < reach, 0.0, speed * cosine * (1.0 / muscles.max_speed[m]))
            multiplier, gradient = _evaluate(curves, hills.velocity_curve[k], velocity)
        clamped = (fiber <= shortest) & (velocity <= 0.0)
    velocity = where(clamped, zero, velocity)
    active_force = where(clamped, zero, strength * (a * active * multiplier))
    elastic_force = strength * passive
    if hills.kind[k] == MILLARD:
        elastic_force = where(clamped, zero, elastic_force)
    passive_force = elastic_force + strength * damping * velocity
    if elastic:
        store(w, at.tendon_rate + m, velocity * muscles.max_speed[m])
        fall = slope * (tendon_slope / (cosine * cosine) * (1.0 / slack) + stiffness * (1.0 / optimal))
        store(w, at.tendon_decay + m, fall * muscles.max_speed[m])
        store(w, at.tendon_force + m, strength * pull)
        store(w, at.stretch_damping + m, 0.0)
    else:
        slack_fiber = (active_force + passive_force <= 0.0) | clamped
        passive_force = where(active_force + passive_force < 0.0, -active_force, passive_force)
        store(w, at.tendon_force + m, (active_force + passive_force) * cosine)
        resists = (h / muscles.max_speed[m]) * strength * (a * active * gradient + damping) * cosine * cosine
        store(w, at.stretch_damping + m, where(slack_fiber, zero, resists))
    store(w, at.fiber_length + m, length)
    store(w, at.fiber_velocity + m, velocity)
    store(w, at.active_force + m, active_force)
    store(w, at.passive_force + m, passive_force)
    store(w, at.fiber_force + m, active_force + passive_force)


@jit
def hill_activation_rates(muscles, hills, w, at):
    """Fill the rates of these muscles' activations: first order, faster up than down."""
    for k in range(hills.muscle.shape[0]):
        m = hills.muscle[k]
        a = minimum(maximum(load(w, at.activation + m), lanes(w, hills.min_activation[k])), lanes(w, 1.0))
        e = load(w, at.excitation + m)
        pace = 0.5 + 1.5 * a
        tau = where(e > a, muscles.activation_time[m] * pace, muscles.deactivation_time[m] / pace)
        store(w, at.activation_rate + m, (e - a) / tau)
