"""Feet on the floor: smooth Hunt-Crossley spheres with friction.

Source: SimTK::SmoothSphereHalfSpaceForce (Serrancoli et al. 2019), as OpenSim's class of the same name sets it up.
Nothing is culled: the smooth force never is exactly zero, not even above the floor.
"""

from __future__ import annotations

from .lane_math import logistic
from .lanes import (
    add3,
    add_scaled3,
    cross3,
    dot3,
    inline,
    jit,
    lanes,
    load3,
    maximum,
    minimum,
    rotate3,
    sqrt,
    store,
    store3,
    subtract3,
    where,
)


@inline
def _constant3(w, values, index):
    """Row of a table as a vector; indexed and not sliced, for a slice costs two atomic reference counts."""
    return lanes(w, values[index, 0]), lanes(w, values[index, 1]), lanes(w, values[index, 2])


@jit
def contact_forces(contacts, w, at, h):
    """Fill force and point of every sphere and total of every foot; load the bodies; add h times the damping.

    Depth d = (c - o) . n + r with the normal n into the floor; point c + (r - d/2) n; force on the sphere
    -(f n + g v_t / |v_t|).

    The damping is the derivative of the force with respect to the point's velocity. Two of its parts are not kept, so
    that the implicit matrix stays symmetric and positive: the change of friction with the normal speed, and the falling
    branch of the friction curve between static and dynamic friction (limited to zero slope).

    Args:
        contacts: Contact elements.
        w: Work rows.
        at: Layout of the rows.
        h: Step of the implicit method, s; 0 leaves the composites alone.
    """
    for k in range(3 * at.n_feet):
        store(w, at.foot_force + k, 0.0)
        store(w, at.foot_moment + k, 0.0)
    for s in range(at.n_spheres):
        b = contacts.body[s]
        n = _constant3(w, contacts.normal, s)
        radius = contacts.radius[s]
        origin = load3(w, at.position + 3 * b)
        lever = rotate3(w, at.rotation + 9 * b, _constant3(w, contacts.centre, s))
        depth = dot3(subtract3(add3(origin, lever), _constant3(w, contacts.origin, s)), n) + radius
        lever = add_scaled3(lever, n, radius - 0.5 * depth)
        velocity = add3(load3(w, at.velocity + 3 * b), cross3(load3(w, at.angular_velocity + 3 * b), lever))
        into = dot3(velocity, n)
        slip = add_scaled3(velocity, n, -into)

        # Normal force: Hertz with smooth onset, times Hunt-Crossley damping with smooth cut-off.
        cf, c = contacts.constant_force[s], contacts.dissipation[s]
        root = sqrt(depth * depth + cf)
        hertz = contacts.hertz[s] * root * sqrt(root)
        hertz = hertz * logistic(2.0 * contacts.hertz_smoothing[s] * depth)
        bv = contacts.hunt_crossley_smoothing[s]
        linear = 1.0 + 1.5 * c * into
        if c > 0.0:
            gate = logistic(2.0 * bv * (into + 2.0 / (3.0 * c)))
        else:
            gate = lanes(w, 1.0)
        normal_force = hertz * linear * gate

        # Friction: Stribeck-like curve of the smoothed slip speed.
        vt, ud, us = contacts.transition_velocity[s], contacts.dynamic_friction[s], contacts.static_friction[s]
        uv = contacts.viscous_friction[s]
        slip_square = dot3(slip, slip)
        speed = sqrt(slip_square + cf)
        relative = speed * (1.0 / vt)
        ramp = minimum(relative, lanes(w, 1.0))
        bell = 1.0 / (1.0 + relative * relative)
        curve = ramp * (ud + 2.0 * (us - ud) * bell) + uv * speed
        per_speed = curve / speed
        tangential = normal_force * per_speed
        force = (
            -(normal_force * n[0] + tangential * slip[0]),
            -(normal_force * n[1] + tangential * slip[1]),
            -(normal_force * n[2] + tangential * slip[2]),
        )
        moment = cross3(lever, force)
        row = at.wrench + 6 * b
        store3(w, row, subtract3(load3(w, row), moment))
        store3(w, row + 3, subtract3(load3(w, row + 3), force))
        point = add3(origin, lever)
        store3(w, at.sphere_force + 3 * s, force)
        store3(w, at.sphere_point + 3 * s, point)
        foot = 3 * contacts.foot[s]
        store3(w, at.foot_force + foot, add3(load3(w, at.foot_force + foot), force))
        store3(w, at.foot_moment + foot, add3(load3(w, at.foot_moment + foot), cross3(point, force)))

        if h > 0.0:
            normal_damping = hertz * (1.5 * c * gate + linear * (2.0 * bv) * gate * (1.0 - gate))
            normal_damping = h * maximum(normal_damping, lanes(w, 0.0))
            tangential = h * maximum(tangential, lanes(w, 0.0))
            ramp_slope = where(relative < 1.0, 1.0, 0.0)
            slope = (ramp_slope * (ud + 2.0 * (us - ud) * bell) - ramp * (4.0 * (us - ud)) * relative * bell * bell) * (
                1.0 / vt
            ) + uv
            along = maximum((slope - per_speed) / speed, -per_speed / speed) / speed
            along = along * h * maximum(normal_force, lanes(w, 0.0))
            # D = normal_damping n n' + tangential (1 - n n') + along slip slip'
            extra = normal_damping - tangential
            xx = extra * n[0] * n[0] + along * slip[0] * slip[0] + tangential
            yy = extra * n[1] * n[1] + along * slip[1] * slip[1] + tangential
            zz = extra * n[2] * n[2] + along * slip[2] * slip[2] + tangential
            xy = extra * n[0] * n[1] + along * slip[0] * slip[1]
            xz = extra * n[0] * n[2] + along * slip[0] * slip[2]
            yz = extra * n[1] * n[2] + along * slip[1] * slip[2]
            add_point_damping(w, at.composite + 21 * b, lever, xx, yy, zz, xy, xz, yz)


@inline
def add_point_damping(w, row, r, xx, yy, zz, xy, xz, yz):
    """Add a damping matrix D that acts at the point r of a body to the body's composite.

    C + D, B + [r]D, A - [r]D[r].
    """
    s0 = cross3(r, (xx, xy, xz))
    s1 = cross3(r, (xy, yy, yz))
    s2 = cross3(r, (xz, yz, zz))
    # s_k are the columns of [r]D.
    b0, b1, b2 = (s0[0], s1[0], s2[0]), (s0[1], s1[1], s2[1]), (s0[2], s1[2], s2[2])
    x0, x1, x2 = cross3(b0, r), cross3(b1, r), cross3(b2, r)
    store3(w, row, subtract3(load3(w, row), (x0[0], x1[1], x2[2])))
    store3(w, row + 3, subtract3(load3(w, row + 3), (x0[1], x0[2], x1[2])))
    store3(w, row + 6, add3(load3(w, row + 6), b0))
    store3(w, row + 9, add3(load3(w, row + 9), b1))
    store3(w, row + 12, add3(load3(w, row + 12), b2))
    store3(w, row + 15, add3(load3(w, row + 15), (xx, yy, zz)))
    store3(w, row + 18, add3(load3(w, row + 18), (xy, xz, yz)))


@jit
def push_body(tree, w, at, body):
    """Load one body with an external force in ground axes at its mass centre."""
    if body > 0:
        force = load3(w, at.push)
        lever = rotate3(w, at.rotation + 9 * body, _constant3(w, tree.mass_centre, body))
        row = at.wrench + 6 * body
        store3(w, row, subtract3(load3(w, row), cross3(lever, force)))
        store3(w, row + 3, add_scaled3(load3(w, row + 3), force, -1.0))
