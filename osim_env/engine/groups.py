"""The groups of arrays of a compiled model, one a physical idea; what each array must be stands beside it.

Rules are those of :mod:`.checks`. A group of ``OPTIONAL`` is one that most models have nothing of: it is written to a
file and counted in a model's hash only where there is something in it, so that files and hashes of the others stay
what they were.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

from .checks import Flag, Index, Offsets, Real, Rule, Whole

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Functions(NamedTuple):
    """Functions of one coordinate, all as pieces of cubics, or as a polynomial of any degree.

    A piece holds ``y + b s + c s^2 + d s^3`` with ``s = x - x0`` from ``knot`` on. Constants and lines are one piece,
    a spline has two more than intervals: OpenSim extrapolates it with its end slopes.
    """

    mobility: Annotated[Integers, Index("functions", into="mobilities", low=-1)]
    """Mobility that is the argument, -1 for none, shape (n_functions,)."""
    polynomial: Annotated[Integers, Flag("functions")]
    """1 where ``y`` holds plain polynomial coefficients, highest power first, shape (n_functions,)."""
    start: Annotated[Integers, Offsets("functions", of="pieces", least=1)]
    """First piece of each function, shape (n_functions + 1,)."""
    knot: Annotated[Floats, Real("pieces", infinite=True)]
    x0: Annotated[Floats, Real("pieces")]
    y: Annotated[Floats, Real("pieces")]
    b: Annotated[Floats, Real("pieces")]
    c: Annotated[Floats, Real("pieces")]
    d: Annotated[Floats, Real("pieces")]


class Tree(NamedTuple):
    """Bodies and joints. Row 0 is the ground."""

    parent: Annotated[Integers, Index("bodies", into="bodies")]
    """Number of the parent body, shape (n_bodies,)."""
    mobility_start: Annotated[Integers, Offsets("bodies", of="mobilities")]
    """First mobility of each body's joint, shape (n_bodies + 1,)."""
    mobility_of_coordinate: Annotated[Integers, Index("mobilities", into="mobilities")]
    """Mobility of each coordinate in public order, shape (n_coordinates,)."""
    body_of_mobility: Annotated[Integers, Index("mobilities", into="bodies", low=1)]
    free: Annotated[Integers, Flag("bodies")]
    """1 where the joint is a FreeJoint, whose speeds are not the rates of its coordinates, shape (n_bodies,)."""
    constant_rotation: Annotated[Integers, Flag("bodies")]
    """1 where a rotation axis without coordinate has a constant, non-zero angle, shape (n_bodies,)."""
    axis: Annotated[Floats, Real("6 bodies", 3, low=-2.0, high=2.0)]
    """Unit axes, three rotations then three translations a body, in the joint's parent frame, shape (6 n_bodies, 3)."""
    axis_code: Annotated[Integers, Whole("6 bodies", low=-3, high=3)]
    """+-1, +-2, +-3 for an axis along +-x, +-y, +-z; 0 for any other, shape (6 n_bodies,)."""
    axis_function: Annotated[Integers, Index("6 bodies", into="functions", low=-1)]
    """Function of each axis, -1 where it is zero, shape (6 n_bodies,)."""
    parent_rotated: Annotated[Integers, Flag("bodies")]
    child_rotated: Annotated[Integers, Flag("bodies")]
    """1 where the joint frame is turned against the body frame, shape (n_bodies,)."""
    parent_rotation: Annotated[Floats, Real("bodies", 9, low=-2.0, high=2.0)]
    """Rotation of the joint's parent frame F in the parent body, row by row, shape (n_bodies, 9)."""
    parent_position: Annotated[Floats, Real("bodies", 3)]
    """Origin of F in the parent body, m, shape (n_bodies, 3)."""
    child_rotation: Annotated[Floats, Real("bodies", 9, low=-2.0, high=2.0)]
    """Rotation of the body in the joint's child frame M, row by row, shape (n_bodies, 9)."""
    child_position: Annotated[Floats, Real("bodies", 3)]
    """Origin of M in the body, m, shape (n_bodies, 3)."""
    mass: Annotated[Floats, Real("bodies", low=0.0)]
    """kg, shape (n_bodies,)."""
    mass_centre: Annotated[Floats, Real("bodies", 3)]
    """In the body frame, m, shape (n_bodies, 3)."""
    inertia: Annotated[Floats, Real("bodies", 6)]
    """About the mass centre, body axes: xx yy zz xy xz yz, kg m2, shape (n_bodies, 6)."""
    gravity: Annotated[Floats, Real(3)]
    """Acceleration of gravity in ground, m/s2, shape (3,)."""
    row_start: Annotated[Integers, Offsets("mobilities", of="columns")]
    row_column: Annotated[Integers, Index("columns", into="mobilities")]
    """Columns left of the diagonal that fill in when the mass matrix is factored from the last mobility up."""


class Paths(NamedTuple):
    """Muscle paths: points, the straight segments between them, and the joints that each segment crosses."""

    point_start: Annotated[Integers, Offsets("muscles", of="points")]
    """First point of each muscle, shape (n_muscles + 1,)."""
    point_body: Annotated[Integers, Index("points", into="bodies")]
    point_location: Annotated[Floats, Real("points", 3)]
    """Location in its body, m, shape (n_points, 3)."""
    point_moving: Annotated[Integers, Index("points", into="moving", low=-1)]
    """Number of the moving point, -1 for a fixed one, shape (n_points,)."""
    moving_function: Annotated[Integers, Index("moving", 3, into="functions")]
    """Function of each component, shape (n_moving, 3)."""
    moving_mobility: Annotated[Integers, Index("moving", into="mobilities")]
    moving_range: Annotated[Floats, Real("moving", 2, infinite=True)]
    """Coordinate range to which the location (not its derivative) is clamped, shape (n_moving, 2)."""
    condition_mobility: Annotated[Integers, Index("conditions", into="mobilities")]
    condition_range: Annotated[Floats, Real("conditions", 2, infinite=True)]
    """A conditional point is on the path while its coordinate is in this range, shape (n_conditions, 2)."""
    segment_start: Annotated[Integers, Offsets("muscles", of="segments")]
    """First segment of each muscle, shape (n_muscles + 1,)."""
    segment_from: Annotated[Integers, Index("segments", into="points")]
    segment_to: Annotated[Integers, Index("segments", into="points")]
    """End points, counted within the muscle, shape (n_segments,)."""
    segment_kind: Annotated[Integers, Whole("segments", low=0, high=2)]
    """0 between two bodies, 1 within one body (constant length), 2 within one body with a moving end."""
    segment_length: Annotated[Floats, Real("segments", low=0.0)]
    """Length of kind 1, m."""
    segment_test_start: Annotated[Integers, Offsets("segments", of="tests")]
    test_condition: Annotated[Integers, Index("tests", into="conditions")]
    test_wanted: Annotated[Integers, Flag("tests")]
    """Conditions that must hold (1) or fail (0) for a segment to be on the path."""
    fixed_length: Annotated[Floats, Real("muscles", low=0.0)]
    """Summed length of the unconditional segments of kind 1, m, shape (n_muscles,)."""
    joint_start: Annotated[Integers, Offsets("muscles", of="joints")]
    """First crossed joint of each muscle, shape (n_muscles + 1,)."""
    joint_body: Annotated[Integers, Index("joints", into="bodies", low=1)]
    """Child body of the crossed joint."""
    joint_entry: Annotated[Integers, Index("joints", into="entries")]
    """First moment-arm entry of the crossed joint."""
    crossing_start: Annotated[Integers, Offsets("joints", of="crossings")]
    """First crossing segment of each crossed joint."""
    crossing_segment: Annotated[Integers, Index("crossings", into="segments")]
    crossing_sign: Annotated[Floats, Real("crossings", low=-1.0, high=1.0)]
    """+1 where the segment's far end moves with the joint, -1 where its near end does."""
    entry_start: Annotated[Integers, Offsets("muscles", of="entries")]
    """First moment-arm entry of each muscle, shape (n_muscles + 1,)."""
    entry_mobility: Annotated[Integers, Index("entries", into="mobilities")]
    slide_start: Annotated[Integers, Offsets("muscles", of="slides")]
    """First sliding term of each muscle: work of a moving point relative to its body."""
    slide_segment: Annotated[Integers, Index("slides", into="segments")]
    slide_point: Annotated[Integers, Index("slides", into="points")]
    slide_sign: Annotated[Floats, Real("slides", low=-1.0, high=1.0)]
    slide_entry: Annotated[Integers, Index("slides", into="entries", low=-1)]
    """Moment-arm entry it adds to, or -1 where it adds to the speed alone (both ends on one body)."""


class Muscles(NamedTuple):
    """Parameters of DeGrooteFregly2016Muscle, one row a muscle; of others, what they have in common with it."""

    max_isometric_force: Annotated[Floats, Real("muscles", low=0.0)]
    optimal_fiber_length: Annotated[Floats, Real("muscles", above=0.0)]
    tendon_slack_length: Annotated[Floats, Real("muscles", above=0.0)]
    fiber_width: Annotated[Floats, Real("muscles", low=0.0)]
    """Optimal fibre length times the sine of the pennation angle there, m."""
    max_speed: Annotated[Floats, Real("muscles", above=0.0)]
    """Maximum contraction velocity, m/s."""
    fiber_damping: Annotated[Floats, Real("muscles", low=0.0)]
    passive_rate: Annotated[Floats, Real("muscles")]
    passive_offset: Annotated[Floats, Real("muscles")]
    passive_gain: Annotated[Floats, Real("muscles", low=0.0)]
    """Passive force gain (exp(rate (l - 1)) - offset); the gain is 0 where the file ignores the passive force."""
    width_scale: Annotated[Floats, Real("muscles", above=0.0)]
    activation_time: Annotated[Floats, Real("muscles", above=0.0)]
    deactivation_time: Annotated[Floats, Real("muscles", above=0.0)]
    smoothing: Annotated[Floats, Real("muscles", low=0.0)]
    tendon_stiffness: Annotated[Floats, Real("muscles")]
    """Exponent kT of the tendon curve."""
    compliant: Annotated[Integers, Flag("muscles")]
    """1 where the tendon is compliant and a state tells its length (normalized force, or the fibre's length)."""


class Contacts(NamedTuple):
    """SmoothSphereHalfSpaceForce elements against half spaces that are fixed in the ground."""

    body: Annotated[Integers, Index("spheres", into="bodies")]
    foot: Annotated[Integers, Index("spheres", into="feet")]
    centre: Annotated[Floats, Real("spheres", 3)]
    radius: Annotated[Floats, Real("spheres", low=0.0)]
    normal: Annotated[Floats, Real("spheres", 3, low=-2.0, high=2.0)]
    """Unit normal of the plane, pointing INTO the half space, in ground, shape (n_spheres, 3)."""
    origin: Annotated[Floats, Real("spheres", 3)]
    """Point of the plane in ground, m, shape (n_spheres, 3)."""
    hertz: Annotated[Floats, Real("spheres", low=0.0)]
    """Factor 4/3 k sqrt(r k) of the Hertz force, with k = 1/2 stiffness^(2/3), N/m^1.5."""
    dissipation: Annotated[Floats, Real("spheres", low=0.0)]
    static_friction: Annotated[Floats, Real("spheres", low=0.0)]
    dynamic_friction: Annotated[Floats, Real("spheres", low=0.0)]
    viscous_friction: Annotated[Floats, Real("spheres", low=0.0)]
    transition_velocity: Annotated[Floats, Real("spheres", above=0.0)]
    constant_force: Annotated[Floats, Real("spheres", low=0.0)]
    hertz_smoothing: Annotated[Floats, Real("spheres", low=0.0)]
    hunt_crossley_smoothing: Annotated[Floats, Real("spheres", low=0.0)]


class Limits(NamedTuple):
    """CoordinateLimitForce elements, already in SI units."""

    mobility: Annotated[Integers, Index("limits", into="mobilities")]
    upper: Annotated[Floats, Real("limits")]
    lower: Annotated[Floats, Real("limits")]
    upper_stiffness: Annotated[Floats, Real("limits", low=0.0)]
    lower_stiffness: Annotated[Floats, Real("limits", low=0.0)]
    damping: Annotated[Floats, Real("limits", low=0.0)]
    transition: Annotated[Floats, Real("limits", low=0.0)]


class Springs(NamedTuple):
    """SpringGeneralizedForce elements."""

    mobility: Annotated[Integers, Index("springs", into="mobilities")]
    stiffness: Annotated[Floats, Real("springs")]
    rest_length: Annotated[Floats, Real("springs")]
    viscosity: Annotated[Floats, Real("springs")]


class Actuators(NamedTuple):
    """CoordinateActuator and ActivationCoordinateActuator elements."""

    mobility: Annotated[Integers, Index("actuators", into="mobilities")]
    optimal_force: Annotated[Floats, Real("actuators")]
    time_constant: Annotated[Floats, Real("actuators", low=0.0)]
    """Activation time constant, s; 0 for a CoordinateActuator, which has no activation."""


class Drives(NamedTuple):
    """Coordinates whose motion is given as a function of time: locked and prescribed ones."""

    mobility: Annotated[Integers, Index("drives", into="mobilities")]
    function: Annotated[Integers, Index("drives", into="functions")]
    """Function of time, s (its argument is no mobility, so it counts as none): a constant where locked."""


class Couplers(NamedTuple):
    """CoordinateCouplerConstraint elements, a coordinate before those that it depends on."""

    dependent: Annotated[Integers, Index("couplers", into="mobilities")]
    independent: Annotated[Integers, Index("couplers", into="mobilities")]
    function: Annotated[Integers, Index("couplers", into="functions")]
    """Value of the dependent coordinate as a function of the independent one."""


class Hills(NamedTuple):
    """Millard2012EquilibriumMuscle and Thelen2003Muscle elements, beside their rows among the muscles."""

    muscle: Annotated[Integers, Index("hills", into="muscles")]
    """Which muscle, ascending, shape (n_hills,)."""
    kind: Annotated[Integers, Flag("hills")]
    """0 Millard 2012, 1 Thelen 2003 (always elastic)."""
    min_activation: Annotated[Floats, Real("hills", low=0.0, high=1.0)]
    min_length: Annotated[Floats, Real("hills", low=0.0)]
    """Shortest fibre, m; 0 for a Thelen muscle without pennation."""
    max_sine: Annotated[Floats, Real("hills", low=0.0, high=1.0)]
    """Sine of the largest pennation angle."""
    default_length: Annotated[Floats, Real("hills", above=0.0)]
    """Fibre length that a state with an elastic tendon starts with, m."""
    damping: Annotated[Floats, Real("hills", low=0.0)]
    active_curve: Annotated[Integers, Index("hills", into="curves", low=-1)]
    passive_curve: Annotated[Integers, Index("hills", into="curves", low=-1)]
    velocity_curve: Annotated[Integers, Index("hills", into="curves", low=-1)]
    tendon_curve: Annotated[Integers, Index("hills", into="curves", low=-1)]
    """Curves of a Millard muscle; -1 for a Thelen one, which has the numbers below (1 for a Millard one)."""
    tendon_strain: Annotated[Floats, Real("hills", above=0.0)]
    passive_strain: Annotated[Floats, Real("hills", above=0.0)]
    active_shape: Annotated[Floats, Real("hills", above=0.0)]
    passive_shape: Annotated[Floats, Real("hills", above=0.0)]
    af: Annotated[Floats, Real("hills", above=0.0)]
    flen: Annotated[Floats, Real("hills", above=0.0)]
    extrapolation: Annotated[Floats, Real("hills", above=0.0)]


class Curves(NamedTuple):
    """Muscle curves: corners between straight ends (:mod:`.hill.bezier`)."""

    sections: Annotated[Integers, Whole("curves", low=1, high=5)]
    x: Annotated[Floats, Real("curves", 30)]
    """Coefficients of x(u) of each section, lowest power first, zeros behind the last, shape (n_curves, 30)."""
    y: Annotated[Floats, Real("curves", 30)]
    ends: Annotated[Floats, Real("curves", 6)]
    """x, y, slope at the low end, then at the high end, shape (n_curves, 6)."""


class Surfaces(NamedTuple):
    """Wrap objects that some path wraps over."""

    body: Annotated[Integers, Index("surfaces", into="bodies")]
    kind: Annotated[Integers, Flag("surfaces")]
    """0 a cylinder along its z axis, 1 a sphere."""
    size: Annotated[Floats, Real("surfaces", 2, low=0.0)]
    """Radius, and half length of a cylinder, m, shape (n_surfaces, 2)."""
    axis: Annotated[Integers, Whole("surfaces", low=0, high=2)]
    sign: Annotated[Integers, Whole("surfaces", low=-1, high=1)]
    """The quadrant: paths keep to this side of the plane across the axis; 0 for both sides."""
    rotation: Annotated[Floats, Real("surfaces", 9, low=-2.0, high=2.0)]
    """Rotation of the surface's frame in its body, row by row, shape (n_surfaces, 9)."""
    position: Annotated[Floats, Real("surfaces", 3)]
    """Origin of that frame in the body, m, shape (n_surfaces, 3)."""


class Wraps(NamedTuple):
    """PathWrap elements whose wrap object is active, muscle by muscle.

    The points that wrap j of a muscle adds are numbered behind its path points: 2 j where the path meets the surface,
    2 j + 1 where it leaves it.
    """

    muscle: Annotated[Integers, Index("wraps", into="muscles")]
    surface: Annotated[Integers, Index("wraps", into="surfaces")]
    place: Annotated[Integers, Whole("wraps", low=0)]
    """Among all PathWraps of the path, those of inactive objects included."""
    crowd: Annotated[Integers, Whole("wraps", low=1)]
    """How many these are."""
    first_point: Annotated[Integers, Whole("wraps", low=0)]
    last_point: Annotated[Integers, Whole("wraps", low=0)]
    """Points of the path, counted within the muscle, between which it may wrap."""


GROUPS: dict[str, Any] = {
    "functions": Functions,
    "tree": Tree,
    "paths": Paths,
    "muscles": Muscles,
    "contacts": Contacts,
    "limits": Limits,
    "springs": Springs,
    "actuators": Actuators,
    "drives": Drives,
    "couplers": Couplers,
    "hills": Hills,
    "curves": Curves,
    "surfaces": Surfaces,
    "wraps": Wraps,
}

OPTIONAL = ("drives", "couplers", "hills", "curves", "surfaces", "wraps")
"""Groups that a file may lack; every array of theirs has one row an element."""


def empty_group(name: str) -> Any:
    """A group of ``OPTIONAL`` without elements."""
    kind, columns = GROUPS[name], []
    for hint in get_type_hints(kind, include_extras=True).values():
        rule: Rule = hint.__metadata__[0]
        columns.append(np.zeros((0, *(int(n) for n in rule.shape[1:])), rule.dtype))
    return kind(*columns)
