"""Where the bodies are and how they move: functions of coordinates, joints, and the recursion from ground to toes.

Conventions (Simbody's): a joint joins frame F on the parent body P to frame M on the child body B,
``X_GB = X_GP X_PF X_FM inv(X_BM)``. All vectors below are expressed in ground axes; the reference point of a body is
the origin of its own frame, so no quantity of a light toe is ever formed about a far point.
"""

from __future__ import annotations

from .lane_math import sin_cos
from .lanes import (
    add3,
    add_scaled3,
    cross3,
    inline,
    jit,
    lanes,
    load,
    load3,
    rotate3,
    scale3,
    store,
    store3,
    subtract3,
    where,
)


@inline
def evaluate_function(functions, index, x):
    """Value, first and second derivative of a function of one coordinate.

    Source: OpenSim SimmSpline (cubic inside, end slopes outside), PiecewiseLinearFunction, LinearFunction, Constant and
    PolynomialFunction; the factor of a MultiplierFunction is already in the coefficients.
    """
    first, last = functions.start[index], functions.start[index + 1]
    if functions.polynomial[index] == 1:
        value, slope, half_curvature = lanes(x, functions.y[first]), lanes(x, 0.0), lanes(x, 0.0)
        for k in range(first + 1, last):
            half_curvature = half_curvature * x + slope
            slope = slope * x + value
            value = value * x + functions.y[k]
        return value, slope, 2.0 * half_curvature
    x0, y, b = lanes(x, functions.x0[first]), lanes(x, functions.y[first]), lanes(x, functions.b[first])
    if last - first == 1:
        return y + b * (x - x0), b, lanes(x, 0.0)
    c, d = lanes(x, functions.c[first]), lanes(x, functions.d[first])
    for k in range(first + 1, last):
        here = x >= functions.knot[k]
        x0 = where(here, functions.x0[k], x0)
        y = where(here, functions.y[k], y)
        b = where(here, functions.b[k], b)
        c = where(here, functions.c[k], c)
        d = where(here, functions.d[k], d)
    s = x - x0
    return y + s * (b + s * (c + s * d)), b + s * (2.0 * c + 3.0 * s * d), 2.0 * c + 6.0 * s * d


@inline
def _turn_columns(w, rows, first, second, s, c):
    """Rotate two columns of the matrix at ``rows`` by the angle of sine ``s`` and cosine ``c``."""
    for row in range(3):
        a, b = load(w, rows + 3 * row + first), load(w, rows + 3 * row + second)
        store(w, rows + 3 * row + first, a * c + b * s)
        store(w, rows + 3 * row + second, b * c - a * s)


@inline
def _turn(w, rows, axes, index, code, s, c):
    """Multiply the rotation matrix at ``rows`` from the right by a rotation about a unit axis (Rodrigues' formula).

    Constants are indexed here and below, never sliced: a slice costs two atomic reference counts.
    """
    if code < 0:
        s = -s
        code = -code
    if code == 1:
        _turn_columns(w, rows, 1, 2, s, c)
    elif code == 2:
        _turn_columns(w, rows, 2, 0, s, c)
    elif code == 3:
        _turn_columns(w, rows, 0, 1, s, c)
    else:
        x, y, z = axes[index, 0], axes[index, 1], axes[index, 2]
        for row in range(3):
            vx, vy, vz = load3(w, rows + 3 * row)
            along = (vx * x + vy * y + vz * z) * (1.0 - c)
            # A row turns the opposite way: v R = c v + s (v x axis) + (1 - c) (v . axis) axis.
            store3(
                w,
                rows + 3 * row,
                (
                    vx * c + (vy * z - vz * y) * s + along * x,
                    vy * c + (vz * x - vx * z) * s + along * y,
                    vz * c + (vx * y - vy * x) * s + along * z,
                ),
            )


@inline
def _multiply_constant(w, rows, matrices, index):
    """Multiply the rotation matrix at ``rows`` from the right by a constant one (nine numbers, row by row)."""
    for row in range(3):
        x, y, z = load3(w, rows + 3 * row)
        store3(
            w,
            rows + 3 * row,
            (
                x * matrices[index, 0] + y * matrices[index, 3] + z * matrices[index, 6],
                x * matrices[index, 1] + y * matrices[index, 4] + z * matrices[index, 7],
                x * matrices[index, 2] + y * matrices[index, 5] + z * matrices[index, 8],
            ),
        )


@inline
def _axis_in_ground(w, rows, axes, index):
    """Rotation matrix at ``rows`` times a constant vector."""
    return rotate3(w, rows, (lanes(w, axes[index, 0]), lanes(w, axes[index, 1]), lanes(w, axes[index, 2])))


@jit
def axis_functions(functions, tree, w, at):
    """Fill value, slope and curvature of the function of every joint axis, and sine and cosine of rotations.

    In one loop of independent turns, so that the processor works on several polynomials at a time.
    """
    for k in range(6, tree.axis_function.shape[0]):
        function = tree.axis_function[k]
        if function >= 0:
            x = load(w, at.q + max(functions.mobility[function], 0))
            value, slope, curvature = evaluate_function(functions, function, x)
            row = at.axis_value + 5 * k
            store3(w, row, (value, slope, curvature))
            if k % 6 < 3:
                s, c = sin_cos(value)
                store(w, row + 3, s)
                store(w, row + 4, c)


@inline
def _rotation_axes(functions, tree, w, at, b, with_constants):
    """Turn the matrix of body ``b`` through its three rotations; fill their axes in ground as they stand.

    Source: SimTK::MobilizedBody::FunctionBased, R_FM = R(a1, x1) R(a2, x2) R(a3, x3).
    """
    rows = at.rotation + 9 * b
    for k in range(3):
        function = tree.axis_function[6 * b + k]
        if function >= 0:
            store3(w, at.turning_axis + 3 * k, _axis_in_ground(w, rows, tree.axis, 6 * b + k))
            if functions.mobility[function] >= 0 or with_constants:
                row = at.axis_value + 5 * (6 * b + k)
                _turn(w, rows, tree.axis, 6 * b + k, tree.axis_code[6 * b + k], load(w, row + 3), load(w, row + 4))


@inline
def _body_kinematics(functions, tree, w, at, b):
    """Pose, velocity, joint axes and velocity-dependent acceleration of one body from those of its parent.

    Source: SimTK MobilizedBody::FunctionBased (H and Hdot), MobilizedBody::Free; recursion as in Featherstone
    2008, ch. 4.
    Two habits of Simbody are kept because they are part of the accelerations that OpenSim reports: a constant rotation
    without coordinate does not turn the axes in H, and Hdot turns the second (third) axis with the angular velocity of
    the joint's first coordinate (all but its third), whatever axes these coordinates drive.
    """
    p = tree.parent[b]
    rotation, parent_rotation = at.rotation + 9 * b, at.rotation + 9 * p
    for k in range(9):
        store(w, rotation + k, load(w, parent_rotation + k))
    place = tree.parent_position
    offset = (lanes(w, place[b, 0]), lanes(w, place[b, 1]), lanes(w, place[b, 2]))
    origin = add3(
        load3(w, at.position + 3 * p),
        rotate3(w, parent_rotation, offset),
    )
    if tree.parent_rotated[b] == 1:
        _multiply_constant(w, rotation, tree.parent_rotation, b)

    first_mobility, end_mobility = tree.mobility_start[b], tree.mobility_start[b + 1]
    zero = (lanes(w, 0.0), lanes(w, 0.0), lanes(w, 0.0))
    for j in range(first_mobility, end_mobility):
        store3(w, at.axis_angular + 3 * j, zero)
        store3(w, at.axis_linear + 3 * j, zero)

    # Translations, along axes fixed in F.
    linear_bias = zero
    for k in range(3, 6):
        function = tree.axis_function[6 * b + k]
        if function >= 0:
            j = functions.mobility[function]
            value, slope, curvature = load3(w, at.axis_value + 5 * (6 * b + k))
            direction = _axis_in_ground(w, rotation, tree.axis, 6 * b + k)
            origin = add_scaled3(origin, direction, value)
            if j >= 0:
                u = load(w, at.u + j)
                row = at.axis_linear + 3 * j
                store3(w, row, add_scaled3(load3(w, row), direction, slope))
                linear_bias = add_scaled3(linear_bias, direction, curvature * u * u)

    # Rotations.
    angular_bias = zero
    if tree.constant_rotation[b] == 1:
        f1, f2, f3 = load3(w, rotation), load3(w, rotation + 3), load3(w, rotation + 6)
        _rotation_axes(functions, tree, w, at, b, False)
        for k in range(9):
            store(w, at.turning_axis + 9 + k, load(w, at.turning_axis + k))
        store3(w, rotation, f1)
        store3(w, rotation + 3, f2)
        store3(w, rotation + 6, f3)
    if tree.free[b] == 1:
        for k in range(3):
            row = at.axis_angular + 3 * (first_mobility + k)
            store3(w, row, (load(w, rotation + k), load(w, rotation + 3 + k), load(w, rotation + 6 + k)))
    _rotation_axes(functions, tree, w, at, b, True)
    if tree.free[b] == 0:
        # The axes of H stand in the second set of rows where constants make them differ.
        shift = 9 if tree.constant_rotation[b] == 1 else 0
        by_first, but_third = zero, zero
        turn2, turn3 = zero, zero
        for k in range(3):
            function = tree.axis_function[6 * b + k]
            if function >= 0:
                j = functions.mobility[function]
                if j >= 0:
                    u = load(w, at.u + j)
                    _, slope, curvature = load3(w, at.axis_value + 5 * (6 * b + k))
                    rate = slope * u
                    h, axis = load3(w, at.turning_axis + shift + 3 * k), load3(w, at.turning_axis + 3 * k)
                    if k == 1:
                        turn2 = scale3(axis, rate)
                    elif k == 2:
                        turn3 = scale3(axis, rate)
                    row = at.axis_angular + 3 * j
                    store3(w, row, add_scaled3(load3(w, row), h, slope))
                    if j == first_mobility:
                        by_first = add_scaled3(by_first, h, rate)
                    if j != first_mobility + 2:
                        but_third = add_scaled3(but_third, h, rate)
                    angular_bias = add_scaled3(angular_bias, axis, curvature * u * u)
        angular_bias = add3(angular_bias, add3(cross3(by_first, turn2), cross3(but_third, turn3)))

    if tree.child_rotated[b] == 1:
        _multiply_constant(w, rotation, tree.child_rotation, b)
    place = tree.child_position
    child = (lanes(w, -place[b, 0]), lanes(w, -place[b, 1]), lanes(w, -place[b, 2]))
    arm = rotate3(w, rotation, child)
    position = add3(origin, arm)
    store3(w, at.position + 3 * b, position)

    # Joint velocity at the body origin, and the acceleration that remains when all udot are zero.
    joint_angular, joint_linear = zero, zero
    for j in range(first_mobility, end_mobility):
        u = load(w, at.u + j)
        angular = load3(w, at.axis_angular + 3 * j)
        linear = add3(load3(w, at.axis_linear + 3 * j), cross3(angular, arm))
        store3(w, at.axis_linear + 3 * j, linear)
        joint_angular = add_scaled3(joint_angular, angular, u)
        joint_linear = add_scaled3(joint_linear, linear, u)
    parent_angular = load3(w, at.angular_velocity + 3 * p)
    lever = subtract3(position, load3(w, at.position + 3 * p))
    store3(w, at.angular_velocity + 3 * b, add3(parent_angular, joint_angular))
    carried = cross3(parent_angular, lever)
    store3(w, at.velocity + 3 * b, add3(add3(load3(w, at.velocity + 3 * p), carried), joint_linear))
    parent_bias = load3(w, at.angular_bias + 3 * p)
    store3(
        w,
        at.angular_bias + 3 * b,
        add3(add3(parent_bias, angular_bias), cross3(parent_angular, joint_angular)),
    )
    relative = add3(add3(linear_bias, cross3(angular_bias, arm)), cross3(joint_angular, cross3(joint_angular, arm)))
    relative = add_scaled3(relative, cross3(parent_angular, joint_linear), 2.0)
    store3(
        w,
        at.bias + 3 * b,
        add3(
            add3(load3(w, at.bias + 3 * p), relative),
            add3(cross3(parent_bias, lever), cross3(parent_angular, carried)),
        ),
    )


@jit
def kinematics(functions, tree, w, at):
    """Fill poses, velocities, joint axes and bias accelerations of all bodies from q and u.

    Gravity enters as an upward acceleration of the ground, so that the bias accelerations hold it already.
    """
    for k in range(9):
        store(w, at.rotation + k, 1.0 if k % 4 == 0 else 0.0)
    for k in range(3):
        store(w, at.position + k, 0.0)
        store(w, at.angular_velocity + k, 0.0)
        store(w, at.velocity + k, 0.0)
        store(w, at.angular_bias + k, 0.0)
        store(w, at.bias + k, -load(w, at.gravity + k))
    axis_functions(functions, tree, w, at)
    for b in range(1, at.n_bodies):
        _body_kinematics(functions, tree, w, at, b)


@jit
def coordinate_rates(tree, w, at):
    """Fill qdot from q and u.

    They are the same but for a FreeJoint, whose speeds are the angular velocity in the parent frame while its
    coordinates are body-fixed x-y-z angles: qdot = N(q) u.

    Source: SimTK::MobilizedBody::Free; Rotation::convertAngVelInParentToBodyXYZDot.
    """
    for j in range(at.n_mobilities):
        store(w, at.qdot + j, load(w, at.u + j))
    for b in range(1, at.n_bodies):
        if tree.free[b] == 1:
            j = tree.mobility_start[b]
            s0, c0 = sin_cos(load(w, at.q + j))
            s1, c1 = sin_cos(load(w, at.q + j + 1))
            x, y, z = load3(w, at.u + j)
            third = (c0 * z - s0 * y) / c1
            store3(w, at.qdot + j, (x - s1 * third, c0 * y + s0 * z, third))
