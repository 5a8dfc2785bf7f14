"""Masses in motion: body inertias, the mass matrix, the bias forces, and the factorization that uses the tree.

A body's *composite* is a symmetric 6 x 6 matrix about the body origin, in ground axes, that maps its spatial velocity
(angular; linear) to a spatial force: ``moment = A w + B v``, ``force = B' w + C v``. For a rigid body A is the inertia,
B the cross-product matrix of the first mass moment and C the mass. The implicit step adds h times the damping matrix of
the contacts to the same six by six numbers, so damping of the feet travels up the tree exactly as their inertia does.

Rows of a composite: A as xx yy zz xy xz yz, then B row by row, then C as xx yy zz xy xz yz.

Source: Featherstone, Rigid Body Dynamics Algorithms (2008): composite-rigid-body algorithm, table 6.2; recursive
Newton-Euler, table 5.1; factorization of branched mass matrices from the leaves to the root, section 6.5.
"""

from __future__ import annotations

from .lanes import add3, cross3, dot3, inline, jit, lanes, load, load3, rotate3, scale3, store, store3, subtract3


@jit
def body_inertias(tree, w, at, added_mass_location):
    """Fill mass, first moment and inertia about the body origin, in body axes.

    A scale multiplies a body's mass and inertia alike (same shape and size, other density); an added mass is a point.

    Args:
        tree: Tree of bodies.
        w: Work rows.
        at: Layout of the rows.
        added_mass_location: Where the added mass sits in each body's frame, m, shape (n_bodies, 3).
    """
    for b in range(at.n_bodies):
        scale, added = load(w, at.mass_scale + b), load(w, at.added_mass + b)
        m = scale * tree.mass[b]
        x, y, z = tree.mass_centre[b, 0], tree.mass_centre[b, 1], tree.mass_centre[b, 2]
        px, py, pz = added_mass_location[b, 0], added_mass_location[b, 1], added_mass_location[b, 2]
        store(w, at.mass + b, m + added)
        store3(w, at.moment + 3 * b, (m * x + added * px, m * y + added * py, m * z + added * pz))
        row = at.inertia + 6 * b
        store(w, row, scale * tree.inertia[b, 0] + m * (y * y + z * z) + added * (py * py + pz * pz))
        store(w, row + 1, scale * tree.inertia[b, 1] + m * (x * x + z * z) + added * (px * px + pz * pz))
        store(w, row + 2, scale * tree.inertia[b, 2] + m * (x * x + y * y) + added * (px * px + py * py))
        store(w, row + 3, scale * tree.inertia[b, 3] - m * (x * y) - added * (px * py))
        store(w, row + 4, scale * tree.inertia[b, 4] - m * (x * z) - added * (px * pz))
        store(w, row + 5, scale * tree.inertia[b, 5] - m * (y * z) - added * (py * pz))


@inline
def _symmetric_times(a, v):
    """Product of a symmetric matrix (xx yy zz xy xz yz) and a vector."""
    return (
        a[0] * v[0] + a[3] * v[1] + a[4] * v[2],
        a[3] * v[0] + a[1] * v[1] + a[5] * v[2],
        a[4] * v[0] + a[5] * v[1] + a[2] * v[2],
    )


@inline
def _load6(w, row):
    return (load(w, row), load(w, row + 1), load(w, row + 2), load(w, row + 3), load(w, row + 4), load(w, row + 5))


@jit
def inertial_forces(w, at):
    """Start the composites with the rigid bodies, and the wrenches with the force that the bias acceleration takes.

    The wrench of a body is (moment about its origin, force), in ground axes: Newton and Euler with udot = 0, gravity
    included through the accelerating ground.
    """
    for b in range(1, at.n_bodies):
        rotation = at.rotation + 9 * b
        m = load(w, at.mass + b)
        h = rotate3(w, rotation, load3(w, at.moment + 3 * b))
        local = _load6(w, at.inertia + 6 * b)
        r0, r1, r2 = load3(w, rotation), load3(w, rotation + 3), load3(w, rotation + 6)
        t0, t1, t2 = _symmetric_times(local, r0), _symmetric_times(local, r1), _symmetric_times(local, r2)
        a = (dot3(r0, t0), dot3(r1, t1), dot3(r2, t2), dot3(r0, t1), dot3(r0, t2), dot3(r1, t2))
        row = at.composite + 21 * b
        for k in range(6):
            store(w, row + k, a[k])
        zero = lanes(w, 0.0)
        store3(w, row + 6, (zero, -h[2], h[1]))
        store3(w, row + 9, (h[2], zero, -h[0]))
        store3(w, row + 12, (-h[1], h[0], zero))
        store3(w, row + 15, (m, m, m))
        store3(w, row + 18, (zero, zero, zero))

        omega = load3(w, at.angular_velocity + 3 * b)
        alpha, acceleration = load3(w, at.angular_bias + 3 * b), load3(w, at.bias + 3 * b)
        moment = add3(_symmetric_times(a, alpha), cross3(omega, _symmetric_times(a, omega)))
        store3(w, at.wrench + 6 * b, add3(moment, cross3(h, acceleration)))
        force = add3(cross3(alpha, h), cross3(omega, cross3(omega, h)))
        store3(w, at.wrench + 6 * b + 3, add3(force, scale3(acceleration, m)))


@jit
def collect_wrenches(tree, w, at):
    """Send the wrenches to the root and subtract what each joint axis feels from the mobility forces."""
    for b in range(at.n_bodies - 1, 0, -1):
        moment, force = load3(w, at.wrench + 6 * b), load3(w, at.wrench + 6 * b + 3)
        for j in range(tree.mobility_start[b], tree.mobility_start[b + 1]):
            felt = dot3(load3(w, at.axis_angular + 3 * j), moment) + dot3(load3(w, at.axis_linear + 3 * j), force)
            store(w, at.force + j, load(w, at.force + j) - felt)
        p = tree.parent[b]
        if p > 0:
            lever = subtract3(load3(w, at.position + 3 * b), load3(w, at.position + 3 * p))
            row = at.wrench + 6 * p
            store3(w, row, add3(load3(w, row), add3(moment, cross3(lever, force))))
            store3(w, row + 3, add3(load3(w, row + 3), force))


@inline
def _add_shifted_composite(w, row, parent_row, r):
    """Add a composite to its parent's after moving its reference point by -r.

    The vector r leads from the parent's to the body's origin.

    B' = B + [r] C and A' = A + [r] B^T - B' [r], where [r] is the cross-product matrix.
    """
    c = _load6(w, row + 15)
    b0, b1, b2 = load3(w, row + 6), load3(w, row + 9), load3(w, row + 12)
    c0, c1, c2 = (c[0], c[3], c[4]), (c[3], c[1], c[5]), (c[4], c[5], c[2])
    s0, s1, s2 = cross3(r, c0), cross3(r, c1), cross3(r, c2)
    # Columns of [r] C are r x (columns of C); rows of B' follow.
    n0 = add3(b0, (s0[0], s1[0], s2[0]))
    n1 = add3(b1, (s0[1], s1[1], s2[1]))
    n2 = add3(b2, (s0[2], s1[2], s2[2]))
    # Columns of [r] B^T are r x (rows of B); rows of B' [r] are (rows of B') x r.
    t0, t1, t2 = cross3(r, b0), cross3(r, b1), cross3(r, b2)
    x0, x1, x2 = cross3(n0, r), cross3(n1, r), cross3(n2, r)
    store(w, parent_row, load(w, parent_row) + load(w, row) + (t0[0] - x0[0]))
    store(w, parent_row + 1, load(w, parent_row + 1) + load(w, row + 1) + (t1[1] - x1[1]))
    store(w, parent_row + 2, load(w, parent_row + 2) + load(w, row + 2) + (t2[2] - x2[2]))
    store(w, parent_row + 3, load(w, parent_row + 3) + load(w, row + 3) + (t1[0] - x0[1]))
    store(w, parent_row + 4, load(w, parent_row + 4) + load(w, row + 4) + (t2[0] - x0[2]))
    store(w, parent_row + 5, load(w, parent_row + 5) + load(w, row + 5) + (t2[1] - x1[2]))
    store3(w, parent_row + 6, add3(load3(w, parent_row + 6), n0))
    store3(w, parent_row + 9, add3(load3(w, parent_row + 9), n1))
    store3(w, parent_row + 12, add3(load3(w, parent_row + 12), n2))
    for k in range(6):
        store(w, parent_row + 15 + k, load(w, parent_row + 15 + k) + c[k])


@jit
def mass_matrix(tree, w, at):
    """Add the composites to the lower triangle of ``matrix``, from the leaves to the root."""
    n = at.n_mobilities
    for b in range(at.n_bodies - 1, 0, -1):
        row = at.composite + 21 * b
        for j in range(tree.mobility_start[b], tree.mobility_start[b + 1]):
            angular, linear = load3(w, at.axis_angular + 3 * j), load3(w, at.axis_linear + 3 * j)
            b0, b1, b2 = load3(w, row + 6), load3(w, row + 9), load3(w, row + 12)
            moment = add3(
                _symmetric_times(_load6(w, row), angular), (dot3(b0, linear), dot3(b1, linear), dot3(b2, linear))
            )
            force = _symmetric_times(_load6(w, row + 15), linear)
            force = add3(force, scale3(b0, angular[0]))
            force = add3(force, scale3(b1, angular[1]))
            force = add3(force, scale3(b2, angular[2]))
            for i in range(tree.mobility_start[b], j + 1):
                entry = dot3(load3(w, at.axis_angular + 3 * i), moment) + dot3(load3(w, at.axis_linear + 3 * i), force)
                store(w, at.matrix + n * j + i, load(w, at.matrix + n * j + i) + entry)
            here, above = b, tree.parent[b]
            while above > 0:
                lever = subtract3(load3(w, at.position + 3 * here), load3(w, at.position + 3 * above))
                moment = add3(moment, cross3(lever, force))
                for i in range(tree.mobility_start[above], tree.mobility_start[above + 1]):
                    entry = dot3(load3(w, at.axis_angular + 3 * i), moment) + dot3(
                        load3(w, at.axis_linear + 3 * i), force
                    )
                    store(w, at.matrix + n * j + i, load(w, at.matrix + n * j + i) + entry)
                here, above = above, tree.parent[above]
        p = tree.parent[b]
        if p > 0:
            lever = subtract3(load3(w, at.position + 3 * b), load3(w, at.position + 3 * p))
            _add_shifted_composite(w, row, at.composite + 21 * p, lever)


@jit
def clear_matrix(w, at):
    """Set the lower triangle of ``matrix`` to zero."""
    n = at.n_mobilities
    for j in range(n):
        for i in range(j + 1):
            store(w, at.matrix + n * j + i, 0.0)


@jit
def solve(tree, w, at):
    """Solve matrix x = force in place of force, visiting only entries that the tree (and the muscles) can fill.

    The symmetric matrix is factored as L^T D L from the last mobility up, which leaves branches uncoupled.
    """
    n, a = at.n_mobilities, at.matrix
    for k in range(n - 1, -1, -1):
        inverse = 1.0 / load(w, a + n * k + k)
        store(w, a + n * k + k, inverse)
        first, last = tree.row_start[k], tree.row_start[k + 1]
        for p in range(first, last):
            i = tree.row_column[p]
            factor = load(w, a + n * k + i) * inverse
            for r in range(first, p + 1):
                j = tree.row_column[r]
                store(w, a + n * i + j, load(w, a + n * i + j) - factor * load(w, a + n * k + j))
        x = load(w, at.force + k)
        for p in range(first, last):
            i = tree.row_column[p]
            factor = load(w, a + n * k + i) * inverse
            store(w, a + n * k + i, factor)
            store(w, at.force + i, load(w, at.force + i) - factor * x)
    for k in range(n):
        x = load(w, at.force + k) * load(w, a + n * k + k)
        for p in range(tree.row_start[k], tree.row_start[k + 1]):
            i = tree.row_column[p]
            x = x - load(w, a + n * k + i) * load(w, at.force + i)
        store(w, at.force + k, x)
